import { beforeEach, describe, expect, it } from 'vitest'
import { MAX_TIMESTAMP, MIN_TIMESTAMP } from '../../../runtime/element.ts'
import type { NodeRuntime } from '../../../runtime/task/chain-node.ts'
import { WatermarkCascade } from '../../../runtime/task/watermark-cascade.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'
import { FakeChannel, FakeTimers, operatorNode, ORIGIN, ROOM, setOperator } from './fakes.ts'

describe('WatermarkCascade', () => {
  let clock: ManualClock
  let channel: FakeChannel
  let timers: FakeTimers
  let chain: NodeRuntime[]
  let head: NodeRuntime
  let tail: NodeRuntime
  let log: string[]
  let isReady: () => boolean

  beforeEach(() => {
    clock = new ManualClock()
    channel = new FakeChannel()
    timers = new FakeTimers()
    log = []
    chain = []
    head = operatorNode('head', { timers })
    chain.push(head)
    tail = operatorNode('tail', { parent: head, chain, channel })
    chain.push(tail)
    isReady = () => true
    setOperator(head, { onEventTime: (timestamp) => log.push(`timer ${timestamp}`) })
    setOperator(tail, {
      processWatermark: (timestamp) => {
        log.push(`tail ${timestamp}`)
        return timestamp
      },
    })
  })

  function cascade(): WatermarkCascade {
    return new WatermarkCascade({
      nodes: chain,
      clock,
      timersPerLook: 4,
      outputsReady: () => isReady(),
      room: ROOM,
      origin: ORIGIN,
      endCallback: () => {},
      nameKey: (error) => error as Error,
    })
  }

  it('fires the timers of a node, then shows the watermark to those behind it, then forwards it', () => {
    for (const timestamp of [5, 10, 11]) timers.register('event', timestamp)
    const one = cascade()
    one.offer(0, 10)
    expect(one.run(Infinity)).toBe(true)
    expect(log).toEqual(['timer 5', 'timer 10', 'tail 10'])
    expect(channel.sent).toEqual(['watermark 10'])
    expect([head.watermark, tail.watermark]).toEqual([10, 10])
    expect(timers.count('event')).toBe(1)
  })

  it('sets the watermark before its timers fire, and forwards it only once it is higher', () => {
    setOperator(head, { onEventTime: () => log.push(`at ${head.watermark}`) })
    timers.register('event', 3)
    const one = cascade()
    one.offer(0, 10)
    one.run(Infinity)
    one.offer(0, 10)
    one.offer(0, 9)
    expect(one.isActive).toBe(false)
    expect(log).toEqual(['at 10', 'tail 10'])
  })

  it('remembers where each node stood when the final watermark came (R12)', () => {
    const one = cascade()
    one.offer(0, 10)
    one.run(Infinity)
    expect([head.beforeFinal, tail.beforeFinal]).toEqual([undefined, undefined])
    setOperator(tail, {})
    one.offer(0, MAX_TIMESTAMP)
    one.run(Infinity)
    one.offer(0, MAX_TIMESTAMP)
    expect([head.watermark, tail.watermark]).toEqual([MAX_TIMESTAMP, MAX_TIMESTAMP])
    expect([head.beforeFinal, tail.beforeFinal]).toEqual([10, 10])
  })

  it('fires timers that a callback registers at or below the watermark in the same pass (R13)', () => {
    setOperator(head, {
      onEventTime: (timestamp) => {
        log.push(`timer ${timestamp}`)
        if (timestamp < 9) timers.register('event', timestamp + 2)
        timers.register('event', timestamp + 20)
      },
    })
    timers.register('event', 5)
    const one = cascade()
    one.offer(0, 10)
    one.run(Infinity)
    expect(log).toEqual(['timer 5', 'timer 7', 'timer 9', 'tail 10'])
    expect(timers.event).toEqual([25, 27, 29])
  })

  it('waits for timers that are being read: no watermark goes on before they have fired (R13, R23)', () => {
    for (const timestamp of [5, 10]) timers.register('event', timestamp)
    timers.isReading = true
    const one = cascade()
    one.offer(0, 10)
    expect([one.run(Infinity), one.isActive, one.hasMoved]).toEqual([false, true, false])
    expect([log, channel.sent]).toEqual([[], []])
    timers.isReading = false
    expect([one.run(Infinity), one.isActive]).toEqual([true, false])
    expect(log).toEqual(['timer 5', 'timer 10', 'tail 10'])
    expect(channel.sent).toEqual(['watermark 10'])
  })

  it('is interrupted by the deadline and goes on after its last timer (R13)', () => {
    for (let timestamp = 1; timestamp <= 10; timestamp++) timers.register('event', timestamp)
    const one = cascade()
    one.offer(0, 100)
    const rounds: number[] = []
    while (!one.run(clock.elapsed())) {
      rounds.push(log.length)
      expect(one.isActive).toBe(true)
      expect(channel.sent).toEqual([])
    }
    expect(rounds).toEqual([4, 8])
    expect(log).toHaveLength(11)
    expect(log.at(-1)).toBe('tail 100')
    expect(new Set(log).size).toBe(11)
    expect(channel.sent).toEqual(['watermark 100'])
  })

  it('asks for room before each timer and before forwarding (R7, R13)', () => {
    for (let timestamp = 1; timestamp <= 3; timestamp++) timers.register('event', timestamp)
    let room = 1
    isReady = () => room > 0
    setOperator(head, {
      onEventTime: (timestamp) => {
        room--
        log.push(`timer ${timestamp}`)
      },
    })
    const one = cascade()
    one.offer(0, 5)
    expect(one.run(Infinity)).toBe(false)
    expect(log).toEqual(['timer 1'])
    room = 2
    expect(one.run(Infinity)).toBe(false)
    expect(log).toEqual(['timer 1', 'timer 2', 'timer 3'])
    expect(channel.sent).toEqual([])
    room = 1
    expect(one.run(Infinity)).toBe(true)
    expect(channel.sent).toEqual(['watermark 5'])
  })

  it('forwards what an operator makes of the watermark, and nothing for -Infinity', () => {
    setOperator(tail, { processWatermark: (timestamp) => (timestamp > 5 ? 5 : MIN_TIMESTAMP) })
    const one = cascade()
    for (const watermark of [4, 8, 9]) {
      one.offer(0, watermark)
      one.run(Infinity)
    }
    expect(channel.sent).toEqual(['watermark 5'])
    expect(tail.watermark).toBe(9)
  })

  it('fires everything at the final watermark', () => {
    timers.register('event', Number.MAX_SAFE_INTEGER)
    timers.register('event', MAX_TIMESTAMP)
    const one = cascade()
    one.offer(0, MAX_TIMESTAMP)
    one.run(Infinity)
    expect(timers.count('event')).toBe(0)
  })

  it('sends the restored watermark out again, but not for operators that make their own (R12)', () => {
    head.watermark = 7
    tail.watermark = 7
    const one = cascade()
    for (const node of chain) one.announce(node)
    expect(channel.sent).toEqual([])
    setOperator(tail, {})
    for (const node of chain) one.announce(node)
    expect(channel.sent).toEqual(['watermark 7'])
    expect(one.isActive).toBe(false)
  })

  it('names operator, timer and time of a failed callback, and adds the key (R39)', () => {
    setOperator(head, {
      onEventTime: () => {
        throw new TypeError('no such thing')
      },
    })
    timers.register('event', 3)
    const one = new WatermarkCascade({
      nodes: chain,
      clock,
      timersPerLook: 4,
      outputsReady: () => true,
      room: ROOM,
      origin: ORIGIN,
      endCallback: () => {},
      nameKey: (error) => Object.assign(error as Error, { key: 'k' }),
    })
    one.offer(0, 5)
    expect(() => one.run(Infinity)).toThrow(
      expect.objectContaining({
        code: 'MR_FUNCTION_FAILED',
        message: expect.stringContaining('Operator "head", event-time timer at 3'),
        key: 'k',
      }),
    )
  })
})
