import { beforeEach, describe, expect, it } from 'vitest'
import { MAX_TIMESTAMP } from '../../../runtime/element.ts'
import type { NodeRuntime } from '../../../runtime/task/chain-node.ts'
import { FakeChannel, FakeTimers, operatorNode, setOperator } from './fakes.ts'
import { type ListenerLog, subtaskOf } from './subtask-kit.ts'

const BARRIER = { checkpointId: 1, baseId: 0, kind: 'checkpoint' } as const

describe('processing-time timers when all input has ended', () => {
  let channel: FakeChannel
  let timers: [FakeTimers, FakeTimers]
  let chain: NodeRuntime[]
  let log: string[]

  /** Two operators in a chain that tell of their timers; the second one sends on what the first one emits. */
  beforeEach(() => {
    channel = new FakeChannel()
    timers = [new FakeTimers(), new FakeTimers()]
    chain = []
    log = []
    const first = operatorNode('first', { timers: timers[0] })
    chain.push(first)
    chain.push(operatorNode('second', { parent: first, chain, timers: timers[1], channel }))
    for (const node of chain) {
      const output = node.outputs.get(undefined)!
      setOperator(node, {
        processElement: (value, timestamp) => {
          log.push(`${node.name} takes ${String(value)}`)
          output.emit(value, timestamp)
        },
        onEventTime: (timestamp) => log.push(`${node.name} event ${timestamp}`),
        onProcessingTime: (timestamp) => {
          log.push(`${node.name} processing ${timestamp}`)
          output.emit(timestamp, -Infinity)
        },
        processWatermark: (watermark) => {
          log.push(`${node.name} watermark ${watermark}`)
          return watermark
        },
        endInput: () => log.push(`${node.name} ends`),
      })
    }
  })

  /** Runs turns whose deadline is over until nothing happens; returns what each has logged. */
  function turns(kit: ReturnType<typeof subtaskOf>): string[][] {
    const all: string[][] = []
    do all.push(log.splice(0))
    while (kit.subtask.run(0, 64))
    return all.filter((lines) => lines.length > 0)
  }

  it('fire behind those of event time in the order of their time, before nodes behind hear of the end (semantics 1.1, 2.6)', () => {
    for (const time of [9e12, 3e12, Infinity]) timers[0].register('processing', time)
    timers[0].register('event', 8)
    timers[1].register('processing', 1e12)
    timers[1].register('event', 5)
    const kit = subtaskOf(chain, { timersPerLook: 64 })
    kit.subtask.start()
    kit.subtask.receiveWatermark(0, MAX_TIMESTAMP)
    kit.subtask.receiveEndOfInput(0)
    expect(turns(kit).flat()).toEqual([
      'first event 8',
      ...[3e12, 9e12, Infinity].flatMap((t) => [`first processing ${t}`, `second takes ${t}`]),
      'first watermark Infinity',
      'second event 5',
      'second processing 1000000000000',
      'second watermark Infinity',
      'first ends',
      'second ends',
    ])
    expect(channel.sent.slice(-2)).toEqual(['watermark Infinity', 'end'])
    expect(kit.listener.lines).toEqual(['finished'])
  })

  it('wait for the clock behind any watermark but the final one (semantics 2.5)', () => {
    timers[0].register('processing', 1)
    const { subtask } = subtaskOf(chain)
    subtask.start()
    subtask.receiveWatermark(0, Number.MAX_SAFE_INTEGER)
    expect(log).toEqual(['first', 'second'].map((name) => `${name} watermark 9007199254740991`))
    expect(chain[0]!.takesNoTimers).toBe(false)
  })

  it('never fire where the job is stopped: stopping is not ending (R14)', () => {
    timers[0].register('processing', 9e12)
    const kit = subtaskOf(chain)
    kit.subtask.start()
    kit.subtask.receiveBarrier(0, { ...BARRIER, kind: 'stop' })
    expect(turns(kit)).toEqual([])
    expect(timers[0].count('processing')).toBe(1)
  })

  it('take turns, with nothing in between, and each fires once (R13)', () => {
    for (let time = 1; time <= 6; time++) {
      timers[0].register('processing', 9e12 + time)
      timers[1].register('processing', 9e12 + time)
    }
    const kit = subtaskOf(chain, { inputs: 2 })
    const { subtask } = kit
    subtask.start()
    subtask.receiveWatermark(0, MAX_TIMESTAMP)
    subtask.receiveWatermark(1, MAX_TIMESTAMP)
    const seen: string[] = log.splice(0)
    while (timers[1].count('processing') > 0) {
      expect(subtask.mayReceiveBarrier(0)).toBe(false)
      expect(subtask.nextProcessingTime).toBe(Infinity)
      expect(subtask.run(0, 64)).toBe(true)
      expect(log.length).toBeLessThanOrEqual(9)
      seen.push(...log.splice(0))
    }
    while (subtask.run(0, 64));
    expect(seen.filter((line) => line.includes('processing'))).toHaveLength(12)
    expect(new Set(seen).size).toBe(seen.length)
    expect(subtask.mayReceiveBarrier(0)).toBe(true)
    expect(channel.sent.at(-1)).toBe('watermark Infinity')
  })

  it('wait for room in what is behind, each of them (R6, R7)', () => {
    for (const time of [1, 2, 3]) timers[1].register('processing', 9e12 + time)
    channel.credit = 1
    const { subtask } = subtaskOf(chain, { timersPerLook: 64 })
    subtask.start()
    subtask.receiveWatermark(0, MAX_TIMESTAMP)
    for (const sent of [1, 2, 3]) {
      subtask.run(0, 64)
      expect(channel.sent).toHaveLength(sent)
      channel.ready = true
    }
    subtask.run(0, 64)
    expect(channel.sent.slice(3)).toEqual(['watermark Infinity'])
  })

  it('fire no event-time timer that one of them has left, when they are interrupted either', () => {
    for (let time = 1; time <= 6; time++) timers[0].register('processing', 9e12 + time)
    const kit = subtaskOf(chain)
    kit.subtask.start()
    kit.subtask.receiveWatermark(0, MAX_TIMESTAMP)
    // Past the timer service, which does not take it.
    timers[0].register('event', 1)
    expect(
      turns(kit)
        .flat()
        .filter((line) => line.includes('event')),
    ).toEqual([])
  })

  describe('in a checkpoint between the final watermark and the end', () => {
    let listener: ListenerLog

    beforeEach(async () => {
      timers[0].register('processing', 9e12)
      const kit = subtaskOf(chain)
      listener = kit.listener
      kit.subtask.start()
      kit.subtask.receiveWatermark(0, MAX_TIMESTAMP)
      kit.subtask.receiveBarrier(0, BARRIER)
      while (listener.parts.size === 0) await new Promise((resolve) => setImmediate(resolve))
    })

    it('have fired, and it says so: what is restored takes none any more (R12)', () => {
      expect(listener.parts.get(1)!.watermarks).toEqual({ first: 'max', second: 'max' })
      expect(timers[0].count('processing')).toBe(0)
      const restored = operatorNode('first', { timers: timers[0] })
      restored.restoreWatermark(MAX_TIMESTAMP)
      expect([restored.watermark, restored.takesNoTimers]).toEqual([MAX_TIMESTAMP, true])
      restored.restoreWatermark(7)
      expect([restored.watermark, restored.takesNoTimers]).toEqual([7, false])
    })
  })
})
