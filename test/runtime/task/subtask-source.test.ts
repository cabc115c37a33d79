import { beforeEach, describe, expect, it } from 'vitest'
import { monotonousTimestamps } from '../../../operators/watermarks.ts'
import { type CheckpointBarrier, MAX_TIMESTAMP, MIN_TIMESTAMP } from '../../../runtime/element.ts'
import { LaidOutEntries } from '../../../runtime/state/entry-place.ts'
import type { PollResult, ReaderOutput, SourceReader } from '../../../runtime/source.ts'
import type { KeyedStateBackend, StateSnapshot } from '../../../runtime/state/state-backend.ts'
import type { NodeRuntime } from '../../../runtime/task/chain-node.ts'
import { decodeValue } from '../../../runtime/value-codec.ts'
import { FakeChannel, FakeTimers, operatorNode } from './fakes.ts'
import { sourceDriverOf, type SubtaskKit, subtaskOf } from './subtask-kit.ts'

function barrier(checkpointId: number, baseId = checkpointId - 1): CheckpointBarrier {
  return { checkpointId, baseId, kind: 'checkpoint' }
}

/** Counts up; one split a letter. */
class CountingReader implements SourceReader<number, string> {
  readonly splits: string[] = []
  output!: ReaderOutput<number>
  limit = 0
  next = 0
  isComplete = false

  open(output: ReaderOutput<number>): void {
    this.output = output
  }

  addSplits(splits: readonly string[]): void {
    this.splits.push(...splits)
  }

  noMoreSplits(): void {
    this.isComplete = true
  }

  poll(maxRecords: number): PollResult {
    for (let taken = 0; taken < maxRecords; taken++) {
      if (this.next >= this.limit) return this.isComplete ? 'end' : 'wait'
      if (!this.output.split('a').emit(this.next++)) break
    }
    return 'more'
  }

  snapshotState(): readonly string[] {
    return [...this.splits]
  }

  describePosition(): string {
    return `record ${this.next - 1}`
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve()
}

describe('Subtask of a source', () => {
  let channel: FakeChannel
  let reader: CountingReader
  let node: NodeRuntime
  let kit: SubtaskKit

  beforeEach(async () => {
    channel = new FakeChannel()
    reader = new CountingReader()
    node = operatorNode('source', { channel })
    kit = subtaskOf([node], { inputs: 0 })
    const source = sourceDriverOf(kit, node, {
      strategy: undefined,
      isBounded: true,
    })
    node.body = { kind: 'source', source }
    await source.open(reader)
    kit.subtask.start()
  })

  function turn(quantum = 64): boolean {
    return kit.subtask.run(Infinity, quantum)
  }

  function splitsOf(checkpointId: number): unknown {
    const state = kit.listener.parts.get(checkpointId)!.operatorState['source']!
    return (decodeValue(state) as { splits: unknown }).splits
  }

  it('takes no more than its quantum, and nothing without credit (R7)', () => {
    reader.limit = 100
    channel.credit = 10
    turn(8)
    expect(channel.sent).toHaveLength(8)
    turn(8)
    expect(channel.sent).toHaveLength(10)
    expect(turn(8)).toBe(false)
    channel.ready = true
    channel.credit = Infinity
    turn(8)
    expect(channel.sent).toHaveLength(18)
  })

  it('counts empty fetches from when they were made, not from the end of the stall before them (R11)', async () => {
    const source = sourceDriverOf(kit, node, {
      strategy: {
        createGenerator: () => ({
          onEvent() {},
          currentWatermark: () => MIN_TIMESTAMP,
          snapshotState: () => null,
          restoreState() {},
        }),
        idleTimeoutMs: 1_000,
      },
      isBounded: false,
    })
    node.body = { kind: 'source', source }
    await source.open(reader)
    reader.poll = () => {
      source.split('a').fetchedEmpty()
      return 'wait'
    }
    channel.ready = false
    turn()
    kit.clock.advance(60_000)
    channel.ready = true
    turn()
    kit.clock.advance(1_001)
    kit.subtask.tick()
    turn()
    expect(channel.sent).toEqual(['idle'])
  })

  describe('that keeps together with others', () => {
    beforeEach(async () => {
      const source = sourceDriverOf(kit, node, {
        strategy: {
          ...monotonousTimestamps((value) => value as number),
          alignment: { group: 'all', maxDriftMs: 20, updateIntervalMs: 1_000 },
        },
        isBounded: false,
      })
      node.body = { kind: 'source', source }
      await source.open(reader)
      reader.limit = 100
      turn(8)
      kit.subtask.tick()
      turn(8)
    })

    const seen = () => {
      const { watermark, status } = kit.subtask.alignedSource!
      return [reader.next, watermark, status]
    }

    it('is not polled while it is paused, but lets barriers through, and goes on (semantics 2.6)', () => {
      expect(seen()).toEqual([8, 6, 'active'])
      kit.subtask.trigger(barrier(1))
      expect([turn(8), turn(8)]).toEqual([true, false])
      expect(channel.sent.slice(8)).toEqual(['watermark 6', 'barrier 1'])
      kit.subtask.alignedSource!.align(0)
      while (turn(8)) kit.subtask.tick()
      expect(seen()).toEqual([24, 22, 'active'])
      kit.subtask.alignedSource!.align(Infinity)
      reader.isComplete = true
      while (turn(64));
      expect(seen()).toEqual([100, 22, 'finished'])
    })

    it('ends on request while it is paused (R14, semantics 2.6)', () => {
      kit.subtask.drain()
      while (turn());
      expect(seen()).toEqual([8, 6, 'finished'])
      expect(channel.sent.slice(8)).toEqual(['watermark 6', 'watermark Infinity', 'end'])
    })
  })

  it('injects the barrier between records, before it takes any more', () => {
    reader.limit = 3
    turn()
    kit.subtask.trigger(barrier(1))
    reader.limit = 5
    kit.subtask.resume()
    turn()
    expect(channel.sent.slice(3)).toEqual(['barrier 1', [3, MIN_TIMESTAMP], [4, MIN_TIMESTAMP]])
  })

  it('waits with the barrier for a target that is firing a watermark, and takes no record meanwhile (R13)', () => {
    reader.limit = 3
    channel.readyForBarrier = false
    channel.ready = false
    kit.subtask.trigger(barrier(1))
    expect(turn()).toBe(false)
    expect(channel.sent).toEqual([])
    channel.readyForBarrier = true
    turn()
    expect(channel.sent).toEqual(['barrier 1'])
  })

  it('leaves splits assigned behind a trigger to the next checkpoint (R31)', async () => {
    kit.subtask.assign((source) => source.reader.addSplits(['a']))
    kit.subtask.trigger(barrier(1))
    kit.subtask.assign((source) => source.reader.addSplits(['b']))
    kit.subtask.assign((source) => source.noMoreSplits())
    turn()
    await settled()
    expect(splitsOf(1)).toEqual(['a'])
    expect([reader.splits, reader.isComplete]).toEqual([['a', 'b'], true])
    kit.subtask.trigger(barrier(2))
    turn()
    await settled()
    expect(splitsOf(2)).toEqual(['a', 'b'])
  })

  it('hands over splits that waited for a barrier when its checkpoint is aborted or overtaken (R31)', () => {
    kit.subtask.trigger(barrier(1))
    kit.subtask.assign((source) => source.reader.addSplits(['a']))
    kit.subtask.checkpointAborted(1)
    expect(reader.splits).toEqual(['a'])
    kit.subtask.trigger(barrier(2))
    kit.subtask.assign((source) => source.reader.addSplits(['b']))
    kit.subtask.trigger(barrier(3))
    expect(reader.splits).toEqual(['a', 'b'])
    turn()
    expect(channel.sent).toEqual(['barrier 3'])
  })

  it('ignores a trigger that comes after the word that its checkpoint is aborted', () => {
    kit.subtask.checkpointAborted(2)
    kit.subtask.trigger(barrier(2))
    turn()
    expect(channel.sent).toEqual([])
    kit.subtask.trigger(barrier(3))
    turn()
    expect(channel.sent).toEqual(['barrier 3'])
  })

  it('injects a barrier that comes at its end, and then ends', async () => {
    reader.limit = 1
    kit.subtask.assign((source) => source.noMoreSplits())
    turn()
    channel.ready = false
    turn()
    kit.subtask.trigger(barrier(1))
    turn()
    expect(channel.sent).toEqual([[0, MIN_TIMESTAMP]])
    channel.ready = true
    while (turn());
    expect(channel.sent.slice(1)).toEqual(['watermark Infinity', 'barrier 1', 'end'])
    await settled()
    expect(kit.listener.lines).toEqual(['finished', 'acknowledged 1'])
    kit.subtask.trigger(barrier(2))
    expect([turn(), channel.sent.length]).toEqual([false, 4])
  })

  it('stops at its stop barrier, also when it was about to end (R14)', () => {
    reader.limit = 1
    kit.subtask.assign((source) => source.noMoreSplits())
    turn(1)
    kit.subtask.trigger({ checkpointId: 1, baseId: 0, kind: 'stop' })
    while (turn());
    expect(channel.sent).toEqual([[0, MIN_TIMESTAMP], 'barrier 1'])
    expect(kit.subtask.isFinished).toBe(false)
  })

  it('sees its end also in the poll that makes a look at its watermark due', () => {
    // The last of the polls that make 1,024 records.
    reader.limit = 1_023
    kit.subtask.assign((source) => source.noMoreSplits())
    while (turn(4_096));
    expect(channel.sent.slice(1_023)).toEqual(['watermark Infinity', 'end'])
    expect(kit.subtask.isFinished).toBe(true)
  })

  it('goes ACTIVE ahead of the final watermark when it ends while idle (semantics 2.6, FLINK-40499)', () => {
    kit.subtask.assign((source) => source.noMoreSplits())
    kit.subtask.tick()
    reader.isComplete = false
    turn()
    expect(channel.sent).toEqual(['idle'])
    reader.isComplete = true
    kit.subtask.resume()
    while (turn());
    expect(channel.sent).toEqual(['idle', 'active', 'watermark Infinity', 'end'])
  })

  it('ends at the final watermark', () => {
    kit.subtask.assign((source) => source.noMoreSplits())
    while (turn());
    expect(channel.sent).toEqual(['watermark Infinity', 'end'])
    expect(node.watermark).toBe(MAX_TIMESTAMP)
  })

  it('adds the exact position of the source to what fails before the first shuffle (R39)', () => {
    reader.limit = 3
    channel.emit = (value) => {
      if (value === 2) throw new Error('no room')
    }
    expect(() => turn()).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('(subtask 0, source position record 2)'),
        fields: expect.objectContaining({ position: 'record 2', operator: 'source' }),
      }),
    )
  })
})

describe('Subtask with state', () => {
  /** Notes what the subtask tells its backend. */
  class FakeBackend {
    readonly lines: string[] = []
    isSuspended = false
    readonly currentKey = 'k'
    clearCurrent(): void {}
    work(): boolean {
      return false
    }
    beginSnapshot(checkpointId: number, baseId: number): StateSnapshot {
      this.lines.push(`begin ${checkpointId} on ${baseId}`)
      return {
        checkpointId,
        isEncoded: true,
        onEncoded: (callback) => callback(),
        entries: () => new LaidOutEntries([]),
      }
    }
    checkpointCompleted(checkpointId: number): void {
      this.lines.push(`completed ${checkpointId}`)
    }
    checkpointAborted(checkpointId: number): void {
      this.lines.push(`aborted ${checkpointId}`)
    }
  }

  let backend: FakeBackend
  let kit: SubtaskKit

  beforeEach(() => {
    backend = new FakeBackend()
    const node = operatorNode('node', { timers: new FakeTimers() })
    kit = subtaskOf([node], { backend: backend as unknown as KeyedStateBackend })
    kit.subtask.start()
  })

  it('takes no input while pending state writes are over their limit (R22)', () => {
    backend.isSuspended = true
    expect([kit.subtask.mayReceive(0), kit.subtask.mayReceiveBarrier(0)]).toEqual([false, true])
  })

  it('tells its state once how each checkpoint ended (R24)', () => {
    kit.subtask.receiveBarrier(0, barrier(1))
    kit.subtask.checkpointCompleted(1)
    kit.subtask.checkpointCompleted(1)
    kit.subtask.receiveBarrier(0, barrier(2))
    kit.subtask.checkpointAborted(2)
    kit.subtask.checkpointAborted(2)
    expect(backend.lines).toEqual(['begin 1 on 0', 'completed 1', 'begin 2 on 1', 'aborted 2'])
  })

  it('learns from the base of a barrier how the checkpoint before it ended (R24)', () => {
    kit.subtask.receiveBarrier(0, barrier(1, 0))
    kit.subtask.receiveBarrier(0, barrier(2, 1))
    kit.subtask.checkpointCompleted(1)
    kit.subtask.receiveBarrier(0, barrier(3, 1))
    kit.subtask.checkpointAborted(2)
    expect(backend.lines).toEqual([
      'begin 1 on 0',
      'completed 1',
      'begin 2 on 1',
      'aborted 2',
      'begin 3 on 1',
    ])
  })

  it('acknowledges only the checkpoint that is going on', async () => {
    kit.subtask.receiveBarrier(0, barrier(1, 0))
    kit.subtask.receiveBarrier(0, barrier(2, 0))
    await settled()
    await settled()
    expect(kit.listener.lines).toEqual(['acknowledged 2'])
  })
})
