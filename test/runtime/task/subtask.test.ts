import { beforeEach, describe, expect, it } from 'vitest'
import { type CheckpointBarrier, MAX_TIMESTAMP } from '../../../runtime/element.ts'
import type { NodeRuntime } from '../../../runtime/task/chain-node.ts'
import type { Subtask } from '../../../runtime/task/subtask.ts'
import { FakeChannel, FakeTimers, operatorNode, setOperator } from './fakes.ts'
import { type ListenerLog, subtaskOf } from './subtask-kit.ts'

function barrier(
  checkpointId: number,
  kind: CheckpointBarrier['kind'] = 'checkpoint',
): CheckpointBarrier {
  return { checkpointId, baseId: checkpointId - 1, kind }
}

describe('Subtask with direct inputs', () => {
  let channel: FakeChannel
  let timers: FakeTimers
  let node: NodeRuntime
  let subtask: Subtask
  let listener: ListenerLog
  let log: string[]

  beforeEach(() => {
    channel = new FakeChannel()
    timers = new FakeTimers()
    log = []
    node = operatorNode('node', { timers, channel })
    setOperator(node, {
      processElement: (value, timestamp) => node.outputs.get(undefined)!.emit(value, timestamp),
      onEventTime: (timestamp) => log.push(`timer ${timestamp}`),
      endInput: () => log.push('end of input'),
    })
    const kit = subtaskOf([node], { inputs: 2 })
    subtask = kit.subtask
    listener = kit.listener
    subtask.start()
  })

  /** A turn of the slot; the deadline has passed, so each look ends it. */
  function turn(): boolean {
    return subtask.run(0, 64)
  }

  it('takes nothing from an input that is ahead of the others, until the barrier is aligned (R6)', () => {
    subtask.receiveBarrier(0, barrier(1))
    expect([subtask.mayReceive(0), subtask.mayReceive(1)]).toEqual([false, true])
    expect([subtask.mayReceiveBarrier(0), subtask.mayReceiveBarrier(1)]).toEqual([false, true])
    subtask.receive(1, 'x', 5)
    subtask.receiveBarrier(1, barrier(1))
    expect([subtask.mayReceive(0), subtask.mayReceive(1)]).toEqual([true, true])
    expect(channel.sent).toEqual([['x', 5], 'barrier 1'])
  })

  it('takes nothing while an output has no room, but a barrier (R6, R7)', () => {
    channel.ready = false
    expect([subtask.mayReceive(0), subtask.mayReceiveBarrier(0)]).toEqual([false, true])
    channel.readyForBarrier = false
    expect(subtask.mayReceiveBarrier(0)).toBe(false)
  })

  it('takes nothing while a watermark is being fired, not even a barrier (R13)', () => {
    for (let timestamp = 1; timestamp <= 6; timestamp++) timers.register('event', timestamp)
    subtask.receiveWatermark(0, 10)
    subtask.receiveWatermark(1, 10)
    expect(log).toHaveLength(4)
    expect([subtask.mayReceive(0), subtask.mayReceiveBarrier(0)]).toEqual([false, false])
    expect(subtask.nextProcessingTime).toBe(Infinity)
    expect(turn()).toBe(true)
    expect(log).toHaveLength(6)
    expect(channel.sent).toEqual(['watermark 10'])
    expect([subtask.mayReceive(0), subtask.mayReceiveBarrier(0)]).toEqual([true, true])
  })

  it('keeps a watermark that comes while another is being fired, and takes it after that (R13)', () => {
    for (let timestamp = 1; timestamp <= 9; timestamp++) timers.register('event', timestamp)
    subtask.receiveWatermark(0, 10)
    subtask.receiveWatermark(1, 5)
    subtask.receiveWatermark(1, 10)
    expect([log.length, channel.sent]).toEqual([4, []])
    while (turn());
    expect(channel.sent).toEqual(['watermark 5', 'watermark 10'])
    expect(log).toHaveLength(9)
  })

  it('keeps watermark and status while its outputs take nothing, and goes on when they do (R6)', () => {
    channel.ready = false
    subtask.receiveWatermark(0, 10)
    subtask.receiveWatermark(1, 12)
    subtask.receiveStatus(0, 'idle')
    subtask.receiveStatus(1, 'idle')
    expect(turn()).toBe(false)
    expect(channel.sent).toEqual([])
    channel.ready = true
    expect(turn()).toBe(true)
    expect(channel.sent).toEqual(['watermark 12', 'idle'])
    expect(turn()).toBe(false)
  })

  it('sends nothing that came after the barrier to a target that is blocked by it (R6)', () => {
    subtask.receiveWatermark(0, 7)
    subtask.receiveWatermark(1, 3)
    subtask.receiveBarrier(0, barrier(1))
    const deliver = channel.barrier.bind(channel)
    channel.barrier = (one) => {
      deliver(one)
      channel.ready = false
    }
    // Its end completes the barrier, and lets the watermark rise behind it.
    subtask.receiveEndOfInput(1)
    turn()
    expect(channel.sent).toEqual(['watermark 3', 'barrier 1'])
    channel.ready = true
    turn()
    expect(channel.sent).toEqual(['watermark 3', 'barrier 1', 'watermark 7'])
  })

  it('says ACTIVE before the watermark that ends idleness', () => {
    subtask.receiveStatus(0, 'idle')
    subtask.receiveStatus(1, 'idle')
    subtask.receiveStatus(1, 'active')
    subtask.receiveWatermark(1, 9)
    expect(channel.sent).toEqual(['idle', 'active', 'watermark 9'])
  })

  it('counts the end of an input as its barrier, with the snapshot before anything else (R9)', async () => {
    subtask.receiveBarrier(0, barrier(1))
    subtask.receiveEndOfInput(1)
    expect(channel.sent).toEqual(['barrier 1'])
    await settled()
    expect(listener.lines).toEqual(['acknowledged 1'])
    expect(listener.parts.get(1)).toMatchObject({ isFinished: false })
  })

  it('ends with all timers, the end of input, and the end of its outputs, once (R14)', () => {
    timers.register('event', 99)
    for (const input of [0, 1]) {
      subtask.receiveWatermark(input, MAX_TIMESTAMP)
      subtask.receiveEndOfInput(input)
    }
    while (turn());
    expect(log).toEqual(['timer 99', 'end of input'])
    expect(channel.sent).toEqual(['watermark Infinity', 'end'])
    expect(listener.lines).toEqual(['finished'])
    expect([subtask.isFinished, turn()]).toEqual([true, false])
  })

  it('stops at a stop barrier: no watermark, no timer, no end of input, no further record (R14)', async () => {
    timers.register('event', 5)
    timers.register('processing', 5)
    subtask.receiveBarrier(0, barrier(1, 'stop'))
    subtask.receiveBarrier(1, barrier(1, 'stop'))
    expect([subtask.mayReceive(0), subtask.mayTakeInput()]).toEqual([false, false])
    subtask.receiveWatermark(0, MAX_TIMESTAMP)
    subtask.receiveWatermark(1, MAX_TIMESTAMP)
    expect(turn()).toBe(false)
    expect(subtask.fireProcessingTime(100, Infinity)).toBe(false)
    await settled()
    expect([log, channel.sent]).toEqual([[], ['barrier 1']])
    expect(listener.lines).toEqual(['acknowledged 1'])
  })

  it('looks at its watermark generators as soon as input may be taken again (R6)', () => {
    setOperator(node, { onTick: () => 42 })
    subtask.start()
    channel.ready = false
    subtask.tick()
    turn()
    expect(channel.sent).toEqual([])
    channel.ready = true
    turn()
    expect(channel.sent).toEqual(['watermark 42'])
    turn()
    expect(channel.sent).toHaveLength(1)
  })

  it('unblocks its inputs when the checkpoint is aborted, and ignores its late barriers', () => {
    subtask.receiveBarrier(0, barrier(1))
    subtask.checkpointAborted(1)
    expect(subtask.mayReceive(0)).toBe(true)
    subtask.receiveBarrier(1, barrier(1))
    expect([subtask.mayReceive(1), channel.sent]).toEqual([true, []])
    subtask.receiveBarrier(1, barrier(2))
    subtask.receiveBarrier(0, barrier(2))
    expect(channel.sent).toEqual(['barrier 2'])
  })

  it('goes over to a newer checkpoint when its barrier comes first', () => {
    subtask.receiveBarrier(0, barrier(1))
    subtask.receiveBarrier(1, barrier(2))
    expect([subtask.mayReceive(0), subtask.mayReceive(1)]).toEqual([true, false])
    subtask.receiveBarrier(0, barrier(2))
    expect(channel.sent).toEqual(['barrier 2'])
  })

  it('gives its part again after it has finished, but not for a checkpoint that is aborted (R9)', async () => {
    for (const input of [0, 1]) subtask.receiveEndOfInput(input)
    while (turn());
    subtask.snapshotEnded({ ...barrier(3), kind: 'stop' })
    subtask.snapshotEnded(barrier(3))
    await settled()
    subtask.checkpointAborted(4)
    subtask.snapshotEnded(barrier(4))
    await settled()
    expect(listener.lines).toEqual(['finished', 'acknowledged 3'])
    expect(listener.parts.get(3)).toMatchObject({ isFinished: true, watermarks: { node: 'max' } })
    expect([subtask.isFinished, channel.sent]).toEqual([true, ['watermark Infinity', 'end']])
  })

  it('fires processing-time timers only while it may take input (R6)', () => {
    const fired: number[] = []
    setOperator(node, { onProcessingTime: (timestamp) => fired.push(timestamp) })
    timers.register('processing', 5)
    subtask.receiveBarrier(0, barrier(1))
    channel.ready = false
    expect(subtask.nextProcessingTime).toBe(Infinity)
    expect(subtask.fireProcessingTime(6, Infinity)).toBe(false)
    channel.ready = true
    expect(subtask.nextProcessingTime).toBe(5)
    expect(subtask.fireProcessingTime(6, 0)).toBe(true)
    expect(fired).toEqual([5])
  })

  it('tells those behind it that it had finished before (R9)', () => {
    const own = new FakeChannel()
    const kit = subtaskOf([operatorNode('done', { channel: own })], { wasFinished: true })
    kit.subtask.start()
    expect(own.sent).toEqual(['watermark Infinity', 'end'])
    expect(kit.listener.lines).toEqual(['finished'])
  })

  it('sends its restored watermark out again, as those behind it know only their minimum (R12)', () => {
    const own = new FakeChannel()
    const restored = operatorNode('restored', { channel: own })
    restored.watermark = 50
    const kit = subtaskOf([restored], { inputs: 2 })
    kit.subtask.start()
    expect(own.sent).toEqual(['watermark 50'])
    kit.subtask.receiveWatermark(0, 40)
    kit.subtask.receiveWatermark(1, 45)
    expect(own.sent).toHaveLength(1)
  })
})

/** Lets the promises of a snapshot settle. */
async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve()
}
