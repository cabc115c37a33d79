import { beforeEach, describe, expect, it } from 'vitest'
import { MAX_TIMESTAMP } from '../../../runtime/element.ts'
import type { NodeRuntime } from '../../../runtime/task/chain-node.ts'
import type { Subtask } from '../../../runtime/task/subtask.ts'
import { FakeChannel, FakeTimers, operatorNode, setOperator } from './fakes.ts'
import { Holder } from './holder.ts'
import { subtaskOf } from './subtask-kit.ts'

describe('Operators that hold back', () => {
  let channel: FakeChannel
  let timers: FakeTimers
  let chain: NodeRuntime[]
  let subtask: Subtask
  let log: string[]

  beforeEach(() => {
    channel = new FakeChannel()
    timers = new FakeTimers()
    chain = []
    log = []
  })

  /** Adds a node behind the one before it; the one that is `last` has the channel. */
  function node(name: string, last = false, withTimers = false): NodeRuntime {
    const parent = chain.at(-1)
    const added = operatorNode(name, {
      chain,
      ...(parent === undefined ? {} : { parent }),
      ...(last ? { channel } : {}),
      ...(withTimers ? { timers } : {}),
    })
    chain.push(added)
    return added
  }

  /** A node that passes records on, and emits one for each of its timers. */
  function timerNode(name: string, last = false): NodeRuntime {
    const added = node(name, last, true)
    const output = added.outputs.get(undefined)!
    setOperator(added, {
      processElement: (value, timestamp) => output.emit(value, timestamp),
      onEventTime: (timestamp) => output.emit(`${name} ${timestamp}`, timestamp),
    })
    return added
  }

  function start(...holders: Holder[]): void {
    subtask = subtaskOf(chain, { timersPerLook: 1 }).subtask
    for (const holder of holders) holder.attach(subtask)
    subtask.start()
  }

  /** A turn of the slot; the deadline has passed, so each look ends it. */
  function turn(): boolean {
    return subtask.run(0, 64)
  }

  it('take barriers only while they are full, and keep what they hold for the snapshot (R6, semantics 2.16)', async () => {
    const kit = (() => {
      const holder = new Holder(node('holder', true), 2)
      const made = subtaskOf(chain)
      holder.attach(made.subtask)
      made.subtask.start()
      return made
    })()
    subtask = kit.subtask
    subtask.receive(0, 'a', 1)
    expect([subtask.mayReceive(0), subtask.mayReceiveBarrier(0)]).toEqual([true, true])
    subtask.receive(0, 'b', 2)
    expect([subtask.mayReceive(0), subtask.mayReceiveBarrier(0)]).toEqual([false, true])
    expect(subtask.nextProcessingTime).toBe(Infinity)
    subtask.receiveBarrier(0, { checkpointId: 1, baseId: 0, kind: 'checkpoint' })
    expect(channel.sent).toEqual(['barrier 1'])
    await new Promise((resolve) => setImmediate(resolve))
    expect(kit.listener.parts.get(1)!.operatorState['holder']).toBeDefined()
  })

  it('let barriers by that the coordinator asks for when their input has ended (R9, semantics 2.16)', async () => {
    const holder = new Holder(node('holder', true), Infinity, log)
    const kit = subtaskOf(chain)
    subtask = kit.subtask
    holder.attach(subtask)
    subtask.start()
    subtask.receive(0, 'a', 1)
    subtask.receiveWatermark(0, MAX_TIMESTAMP)
    subtask.receiveEndOfInput(0)
    while (turn());
    turn()
    expect(kit.listener.lines).toEqual(['input ended'])
    subtask.snapshotEnded({ checkpointId: 1, baseId: 0, kind: 'checkpoint' })
    subtask.checkpointAborted(1)
    subtask.snapshotEnded({ checkpointId: 2, baseId: 0, kind: 'checkpoint' })
    channel.readyForBarrier = false
    turn()
    expect(channel.sent).toEqual([])
    channel.readyForBarrier = true
    turn()
    expect(channel.sent).toEqual(['barrier 2'])
    await new Promise((resolve) => setImmediate(resolve))
    const part = kit.listener.parts.get(2)!
    expect([part.isFinished, part.watermarks]).toEqual([false, { holder: 'max' }])
    expect(part.operatorState['holder']).toBeDefined()
    holder.release(2)
    while (turn());
    expect(channel.sent.slice(1)).toEqual([['a', 1], 'watermark Infinity', 'end'])
    subtask.snapshotEnded({ checkpointId: 2, baseId: 0, kind: 'checkpoint' })
    expect(channel.sent.at(-1)).toBe('end')
  })

  it('stop while they wait behind the end of their input (R14)', () => {
    const holder = new Holder(node('holder', true))
    start(holder)
    subtask.receive(0, 'a', 1)
    subtask.receiveEndOfInput(0)
    turn()
    subtask.snapshotEnded({ checkpointId: 1, baseId: 0, kind: 'stop' })
    turn()
    holder.release(2)
    expect(turn()).toBe(false)
    expect(channel.sent).toEqual(['barrier 1'])
  })

  it('take no input, and no barrier, in the middle of one', () => {
    const busy = node('busy', true)
    let readiness: 'busy' | 'ready' = 'busy'
    busy.body = {
      kind: 'operator',
      operator: {
        processElement() {},
        work: () => false,
        get readiness() {
          return readiness
        },
      },
    }
    start()
    expect([subtask.mayReceive(0), subtask.mayReceiveBarrier(0)]).toEqual([false, false])
    readiness = 'ready'
    expect([subtask.mayReceive(0), subtask.mayReceiveBarrier(0)]).toEqual([true, true])
  })

  it('emit while a node before them fires a watermark into them, so that it can go on (R13)', () => {
    timerNode('head')
    const holder = new Holder(node('holder', true), 1)
    start(holder)
    for (const timestamp of [1, 2, 3]) timers.register('event', timestamp)
    subtask.receiveWatermark(0, 10)
    expect(turn()).toBe(false)
    for (let timer = 1; timer <= 3; timer++) {
      expect(holder.held).toEqual([{ value: `head ${timer}`, timestamp: timer }])
      holder.release(1)
      while (turn());
    }
    expect(channel.sent).toEqual([['head 1', 1], ['head 2', 2], ['head 3', 3], 'watermark 10'])
    expect(subtask.mayReceive(0)).toBe(true)
  })

  it('emit nothing in front of a watermark that a node behind them is firing (R13)', () => {
    const holder = new Holder(node('holder'))
    timerNode('tail', true)
    start(holder)
    for (const timestamp of [1, 2, 3]) timers.register('event', timestamp)
    subtask.receive(0, 'before', 0)
    subtask.receiveWatermark(0, 5)
    subtask.receive(0, 'behind', 6)
    holder.release(3)
    turn()
    expect(channel.sent.slice(0, 2)).toEqual([
      ['before', 0],
      ['tail 1', 1],
    ])
    expect(channel.sent).not.toContainEqual(['behind', 6])
    while (turn());
    expect(channel.sent).toEqual([
      ['before', 0],
      ['tail 1', 1],
      ['tail 2', 2],
      ['tail 3', 3],
      'watermark 5',
      ['behind', 6],
    ])
  })

  it('may let a watermark go while one before them waits for room in them (R13)', () => {
    timerNode('head')
    const holder = new Holder(node('holder'), 2)
    node('tail', true)
    setOperator(chain[2]!, {
      processElement: (value, timestamp) =>
        chain[2]!.outputs.get(undefined)!.emit(value, timestamp),
    })
    start(holder)
    subtask.receive(0, 'first', 1)
    subtask.receiveWatermark(0, 5)
    for (const timestamp of [6, 7, 8]) timers.register('event', timestamp)
    holder.release(1)
    subtask.receiveWatermark(0, 10)
    while (turn());
    // It holds the watermark 5 and the first timer; the head waits with the second one.
    expect(holder.held).toEqual([{ watermark: 5 }, { value: 'head 6', timestamp: 6 }])
    holder.release(10)
    while (turn());
    expect(channel.sent).toEqual([
      ['first', 1],
      'watermark 5',
      ['head 6', 6],
      ['head 7', 7],
      ['head 8', 8],
      'watermark 10',
    ])
  })

  it('may let a watermark go while they are fuller than they should be, as after a restore (semantics 2.16)', () => {
    const holder = new Holder(node('holder'), 1)
    node('tail', true)
    start(holder)
    holder.held.push({ watermark: 5 }, { watermark: 6 }, { watermark: 7 })
    holder.release(2)
    while (turn());
    expect(channel.sent).toEqual(['watermark 5', 'watermark 6'])
    expect(subtask.mayReceive(0)).toBe(false)
  })

  it('take no watermark while they are full, for no head of the subtask (R6)', () => {
    const holder = new Holder(node('holder', true), 1)
    const other = new FakeChannel()
    chain.push(operatorNode('other', { chain, channel: other }))
    start(holder)
    holder.held.push({ value: 'x', timestamp: 1 })
    holder.release(1)
    turn()
    holder.held.push({ value: 'y', timestamp: 2 })
    subtask.receiveWatermark(0, 5)
    expect(turn()).toBe(false)
    expect(other.sent).toEqual([])
    holder.held.pop()
    while (turn());
    expect([channel.sent, other.sent]).toEqual([[['x', 1], 'watermark 5'], ['watermark 5']])
  })

  it('take a watermark that makes them full, without holding up another head that has it too (R13)', () => {
    const holder = new Holder(node('holder', true), 2)
    const other = new FakeChannel()
    chain.push(operatorNode('other', { chain, channel: other }))
    start(holder)
    holder.held.push({ value: 'x', timestamp: 1 })
    subtask.receiveWatermark(0, 5)
    while (turn());
    expect(other.sent).toEqual(['watermark 5'])
    expect(holder.readiness).toBe('full')
    holder.release(2)
    while (turn());
    expect(channel.sent).toEqual([['x', 1], 'watermark 5'])
  })

  it('wait for those behind them that are full, and for outputs without room (R6)', () => {
    const first = new Holder(node('first'))
    const second = new Holder(node('second', true), 1)
    start(first, second)
    for (const value of ['a', 'b']) subtask.receive(0, value, 1)
    first.release(2)
    while (turn());
    expect([first.held.length, second.held.length]).toEqual([1, 1])
    channel.ready = false
    second.release(2)
    expect(turn()).toBe(false)
    channel.ready = true
    while (turn());
    expect(channel.sent).toEqual([
      ['a', 1],
      ['b', 1],
    ])
  })

  it('end one after another, each behind all that those before them hold (semantics 2.16)', () => {
    const first = new Holder(node('first'), Infinity, log)
    const second = new Holder(node('second', true), Infinity, log)
    start(first, second)
    subtask.receive(0, 'x', 1)
    subtask.receiveWatermark(0, 5)
    subtask.receiveEndOfInput(0)
    while (turn());
    expect(log).toEqual(['end of input of first'])
    expect(first.held).toHaveLength(3)
    first.release(3)
    while (turn());
    expect(log).toEqual(['end of input of first', 'end of input of second'])
    expect(second.held.at(-1)).toEqual({ watermark: MAX_TIMESTAMP })
    expect(subtask.isFinished).toBe(false)
    second.release(3)
    while (turn());
    expect(channel.sent).toEqual([['x', 1], 'watermark 5', 'watermark Infinity', 'end'])
    expect(subtask.isFinished).toBe(true)
  })

  it('pass on that their input is idle once they hold nothing back, after the last watermark (R11)', () => {
    const first = new Holder(node('first'))
    const second = new Holder(node('second', true))
    start(first, second)
    subtask.receive(0, 'x', 1)
    subtask.receiveWatermark(0, 5)
    subtask.receiveStatus(0, 'idle')
    while (turn());
    first.release(2)
    while (turn());
    expect(channel.sent).toEqual([])
    second.release(2)
    while (turn());
    expect(channel.sent).toEqual([['x', 1], 'watermark 5', 'idle'])
  })

  it('do not pass on that their input was idle when it is active again (R11)', () => {
    const holder = new Holder(node('holder', true))
    start(holder)
    subtask.receive(0, 'x', 1)
    subtask.receiveStatus(0, 'idle')
    turn()
    subtask.receiveStatus(0, 'active')
    turn()
    holder.release(1)
    while (turn());
    expect(channel.sent).toEqual([['x', 1]])
    subtask.receiveStatus(0, 'idle')
    while (turn());
    expect(channel.sent).toEqual([['x', 1], 'idle'])
  })

  it('do not let IDLE overtake a watermark that is being fired behind them (R11, R13)', () => {
    const holder = new Holder(node('holder'))
    timerNode('tail', true)
    start(holder)
    for (const timestamp of [1, 2, 3]) timers.register('event', timestamp)
    subtask.receive(0, 'x', 0)
    subtask.receiveWatermark(0, 5)
    subtask.receiveStatus(0, 'idle')
    holder.release(2)
    while (turn());
    expect(channel.sent.slice(-2)).toEqual(['watermark 5', 'idle'])
  })
})
