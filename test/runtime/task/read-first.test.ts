import { beforeEach, describe, expect, it } from 'vitest'
import { MIN_TIMESTAMP } from '../../../runtime/element.ts'
import type { PollResult, ReaderOutput, SourceReader } from '../../../runtime/source.ts'
import { operatorTime } from '../../../runtime/task/watermark-hold.ts'
import { FakeChannel, operatorNode, setOperator } from './fakes.ts'
import { Holder } from './holder.ts'
import { sourceDriverOf, type SubtaskKit, subtaskOf } from './subtask-kit.ts'

const END = 'end of read first'
const barrier = { checkpointId: 1, baseId: 0, kind: 'checkpoint' } as const

describe('a subtask of a source that is held', () => {
  let channel: FakeChannel
  let kit: SubtaskKit
  let polls: number

  const start = async (isHeld: boolean): Promise<void> => {
    channel = new FakeChannel()
    const node = operatorNode('source', { channel })
    kit = subtaskOf([node], { inputs: 0, isHeld })
    const source = sourceDriverOf(kit, node, {
      strategy: {
        createGenerator: () => ({
          onEvent() {},
          currentWatermark: () => kit.clock.now(),
          snapshotState: () => null,
          restoreState() {},
        }),
        idleTimeoutMs: 1_000,
      },
      isBounded: false,
    })
    node.body = { kind: 'source', source }
    polls = 0
    let output: ReaderOutput<number>
    const reader: SourceReader<number, string> = {
      open(opened) {
        output = opened
        output.split('a')
      },
      addSplits() {},
      noMoreSplits() {},
      poll(): PollResult {
        polls++
        output.split('a').fetchedEmpty()
        return 'wait'
      },
      snapshotState: () => [],
    }
    await source.open(reader)
    kit.subtask.start()
  }

  const reason = (): string => operatorTime(kit.subtask.time, 0, 0, () => null as never).hold.kind

  const turn = (): boolean => {
    kit.subtask.tick()
    return kit.subtask.run(Infinity, 64)
  }

  it('says at once that nothing is read first there, and is not polled; no time passes (R11)', async () => {
    await start(true)
    for (let i = 0; i < 3; i++) {
      turn()
      kit.clock.advance(1_001)
    }
    expect([polls, channel.sent]).toEqual([0, [END]])
    expect(reason()).toBe('read-later')
    expect(kit.listener.lines).toEqual(['has read first'])
    kit.subtask.release()
    turn()
    turn()
    expect(reason()).toBe('no-record-yet')
    expect(polls).toBe(1)
    // Its clock of idleness begins only now.
    kit.clock.advance(1_000)
    turn()
    expect(channel.sent).not.toContain('idle')
    kit.clock.advance(1)
    turn()
    expect(channel.sent.at(-1)).toBe('idle')
  })

  it('lets barriers through meanwhile, and ends on request (R14)', async () => {
    await start(true)
    kit.subtask.trigger(barrier)
    turn()
    kit.subtask.drain()
    while (turn());
    expect(channel.sent).toEqual([END, 'barrier 1', 'watermark Infinity', 'end'])
    expect(polls).toBe(0)
  })

  it('says nothing of the kind where nothing is held', async () => {
    await start(false)
    turn()
    expect(polls).toBe(1)
    expect(channel.sent).not.toContain(END)
    expect(kit.listener.lines).toEqual([])
  })
})

describe('a subtask behind sources that are read first', () => {
  let channel: FakeChannel

  beforeEach(() => {
    channel = new FakeChannel()
  })

  it('goes on with their end when it has come over all inputs, once, in order with the records (R10)', () => {
    const node = operatorNode('head', { channel })
    setOperator(node, {
      processElement: (value, timestamp) => node.outputs.get(undefined)!.emit(value, timestamp),
    })
    const { subtask, listener } = subtaskOf([node], { inputs: 3 })
    subtask.start()
    const turn = () => subtask.run(Infinity, 10)
    subtask.receiveEndOfReadFirst(0)
    subtask.receive(1, 'rule', 5)
    // An end of input is one of what is read first too (R9).
    subtask.receiveEndOfInput(2)
    turn()
    expect(channel.sent).toEqual([['rule', 5]])
    subtask.receiveEndOfReadFirst(1)
    subtask.receiveEndOfReadFirst(1)
    turn()
    turn()
    subtask.receiveEndOfInput(1)
    turn()
    expect(channel.sent).toEqual([['rule', 5], END])
    expect(listener.lines).toEqual(['has read first'])
  })

  it('keeps it while its outputs take nothing (R6)', () => {
    const node = operatorNode('head', { channel })
    const { subtask } = subtaskOf([node], { inputs: 1 })
    subtask.start()
    channel.ready = false
    subtask.receiveEndOfReadFirst(0)
    expect(subtask.run(Infinity, 10)).toBe(false)
    expect(channel.sent).toEqual([])
    channel.ready = true
    expect(subtask.run(Infinity, 10)).toBe(true)
    expect(channel.sent).toEqual([END])
  })

  it('keeps it behind what an operator holds back (R10)', () => {
    const node = operatorNode('held', { channel })
    const holder = new Holder(node)
    const { subtask } = subtaskOf([node], { inputs: 1 })
    holder.attach(subtask)
    subtask.start()
    subtask.receive(0, 'rule', 5)
    subtask.receiveEndOfReadFirst(0)
    subtask.run(Infinity, 10)
    expect(channel.sent).toEqual([])
    holder.release(1)
    subtask.run(Infinity, 10)
    expect(channel.sent).toEqual([['rule', 5], END])
  })

  it('counts no time as idle while a source that it reads from is held (R11)', () => {
    const open: number[] = []
    const node = operatorNode('watermarks', { channel })
    setOperator(node, {
      onTick(openMs) {
        open.push(openMs)
        return MIN_TIMESTAMP
      },
    })
    const { subtask, clock } = subtaskOf([node], { inputs: 1, isHeld: true })
    subtask.start()
    const turn = (): void => {
      subtask.tick()
      subtask.run(Infinity, 10)
    }
    turn()
    clock.advance(500)
    turn()
    expect(open).toEqual([0, 0])
    subtask.release()
    turn()
    clock.advance(70)
    turn()
    expect(open.slice(2)).toEqual([0, 70])
  })
})
