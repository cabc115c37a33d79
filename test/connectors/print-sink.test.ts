import { describe, expect, it } from 'vitest'
import { json } from '../../connectors/json-format.ts'
import { printSink } from '../../connectors/print-sink.ts'
import { sinkContract } from '../contract/sink.ts'
import { Runner, SinkRun } from '../contract/sink-run.ts'

sinkContract({
  name: 'print',
  guarantee: 'at-least-once',
  open: async () => ({
    create: () => printSink({ format: json() }),
    read: async (runner) => runner.text.split('\n').filter((line) => line !== ''),
  }),
})

describe('printSink', () => {
  it('prints strings as they are and anything else as Node shows it, a line each', async () => {
    const run = new SinkRun(printSink())
    run.write('a "b"', { rule: 'velocity', cards: new Map([['x', [1n, Number.NaN]]]) }, undefined)
    await run.cut(1)
    expect(run.runner.text).toBe(
      `a "b"\n{ rule: 'velocity', cards: Map(1) { 'x' => [ 1n, NaN ] } }\nundefined\n`,
    )
  })

  it('prints in the turn that follows, many lines in one piece', () => {
    const run = new SinkRun(printSink<number>())
    run.write(1, 2, 3)
    expect(run.runner.lines).toEqual([])
    expect(run.clock.pendingTurns).toBe(1)
    run.clock.runTurns()
    expect(run.runner.lines).toEqual(['1\n2\n3\n'])
    run.write(4)
    run.clock.runTurns()
    expect(run.runner.text).toBe('1\n2\n3\n4\n')
  })

  it('takes no more input while too much is not written yet (N16)', () => {
    const runner = new Runner()
    runner.isStuck = true
    const run = new SinkRun(printSink<string>(), { runner })
    let written = 0
    for (; run.writer.isReady; written++) run.write('x'.repeat(999))
    expect(written).toBeGreaterThan(200)
    expect(written).toBeLessThan(300)
    expect(run.runner.text).toHaveLength(runner.unwrittenBytes)
    runner.unwrittenBytes = 0
    expect(run.writer.isReady).toBe(true)
  })

  it('cuts only when the lines before it have been written, whatever was printed since (R33)', async () => {
    const runner = new Runner()
    runner.isStuck = true
    const run = new SinkRun(printSink<string>(), { runner })
    run.write('before')
    let isCut = false
    const cut = run.cut(1).then(() => (isCut = true))
    run.write('after!')
    run.clock.runTurns()
    const look = async () => {
      run.clock.advance(100)
      await Promise.resolve()
      await Promise.resolve()
      return isCut
    }
    expect(await look()).toBe(false)
    runner.unwrittenBytes = 'x\nafter!\n'.length
    expect(await look()).toBe(false)
    runner.unwrittenBytes = 'after!\n'.length
    run.clock.advance(100)
    await cut
  })

  it('prints what is left when it is closed', async () => {
    const run = new SinkRun(printSink<string>())
    run.write('last')
    await run.close()
    expect(run.runner.text).toBe('last\n')
  })
})
