import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { collectionSink } from '../../connectors/collection-sink.ts'
import { HeldCuts } from '../../connectors/held-cuts.ts'
import { sinkContract } from '../contract/sink.ts'
import { LINEAGE, Runner, SinkRun } from '../contract/sink-run.ts'

sinkContract({
  name: 'collection',
  guarantee: 'exactly-once',
  open: async () => ({
    create: () => collectionSink(),
    read: async (runner) => runner.delivered.map((value) => JSON.stringify(value)),
  }),
})

describe('collectionSink', () => {
  it('puts the values into the committables, with a delivery id that stays the same (R35)', async () => {
    const run = new SinkRun(collectionSink<number>(), { subtaskIndex: 1 })
    run.write(1, 2)
    expect(await run.cut(7)).toEqual([
      { deliveryId: `${LINEAGE}/7/1`, checkpointId: 7, values: [1, 2] },
    ])
  })

  it('keeps the order and every value of the type table (R18)', async () => {
    const runner = new Runner()
    const run = new SinkRun(collectionSink(), { runner })
    const values = [
      undefined,
      null,
      -0,
      Number.NaN,
      10n ** 30n,
      new Map([[{ a: 1 }, new Set([2])]]),
    ]
    run.write(...values)
    await run.commit(await run.cut(1))
    expect(runner.delivered).toStrictEqual(values)
  })

  it('refuses a value outside the type table when it is written, naming the field (R18)', () => {
    const run = new SinkRun(collectionSink())
    expect(() => run.write({ a: [{ f: () => 1 }] })).toThrow(
      expect.objectContaining({
        code: 'MR_VALUE_UNSUPPORTED',
        message: expect.stringContaining('record.a[0].f'),
      }),
    )
  })

  it('withholds credit while one cut is being written out and another waits (R35)', async () => {
    const run = new SinkRun(collectionSink<number>())
    run.write(1)
    const first = await run.cut(1, 0)
    run.write(2)
    expect(run.writer.isReady).toBe(true)
    const second = await run.cut(2, 1)
    expect(run.writer.isReady).toBe(false)
    await run.commit(first)
    expect(run.writer.isReady).toBe(true)
    expect(run.wakes).toBeGreaterThan(0)
    await run.commit(second)
    expect(run.writer.isReady).toBe(true)
  })

  it('goes on taking records after aborted checkpoints, as nobody would free it (R35)', async () => {
    const run = new SinkRun(collectionSink<number>())
    for (const id of [1, 2, 3]) {
      run.write(id)
      await run.cut(id, 0)
      expect(run.writer.isReady).toBe(true)
    }
  })
})

describe('HeldCuts', () => {
  it('is never unready but while a completed cut is being written before a waiting one (R35)', () => {
    const steps = fc.array(
      fc.record({ completes: fc.boolean(), hasRecords: fc.boolean(), commits: fc.boolean() }),
    )
    fc.assert(
      fc.property(steps, (checkpoints) => {
        const cuts = new HeldCuts()
        let base = 0
        let held: number[] = []
        checkpoints.forEach(({ completes, hasRecords, commits }, i) => {
          const id = i + 1
          cuts.cut(id, base, hasRecords)
          if (hasRecords) held.push(id)
          const isWritten = held.some((one) => one <= base)
          const waits = held.some((one) => one > base)
          expect(cuts.isReady).toBe(!(isWritten && waits))
          if (completes) base = id
          if (!commits) return
          for (const one of held.filter((other) => other <= base)) cuts.committed(one)
          held = held.filter((one) => one > base)
          expect(cuts.isReady).toBe(true)
        })
      }),
    )
  })
})
