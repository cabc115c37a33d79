import { describe, expect, it } from 'vitest'
import { PendingCheckpoint } from '../../../runtime/checkpoint/pending-checkpoint.ts'
import type { SnapshotPart } from '../../../runtime/messages.ts'

const subtasks = [
  { vertex: 0, subtask: 0, vertexName: 'cards' },
  { vertex: 1, subtask: 0, vertexName: 'counts' },
  { vertex: 1, subtask: 1, vertexName: 'counts' },
]

function partOf(bytes: number, isFinished = false): SnapshotPart {
  return {
    segment: { file: `chk-5/${bytes}.seg`, bytes, entries: 1, range: { first: 0, last: 1 } },
    operatorState: {},
    watermarks: {},
    isFinished,
    extraBytes: 1,
  }
}

describe('PendingCheckpoint', () => {
  it('is complete when every part and the enumerators are there, in any order', () => {
    const pending = new PendingCheckpoint(5, subtasks)
    pending.acknowledge(5, subtasks[2]!, partOf(30))
    pending.enumerators(5, { cards: Uint8Array.of(0) })
    pending.acknowledge(5, subtasks[0]!, partOf(10))
    expect(pending.isComplete).toBe(false)
    expect(pending.missing([])).toEqual(['counts[0]'])
    pending.acknowledge(5, subtasks[1]!, partOf(20))
    expect(pending.isComplete).toBe(true)
    expect(pending.missing([])).toEqual([])
    expect(pending.partOf(subtasks[1]!).segment!.bytes).toBe(20)
    expect(pending.enumeratorStates).toEqual({ cards: Uint8Array.of(0) })
    expect(pending.byteLength).toBe(63)
  })

  it('names whose barrier a subtask waits for, where that is known of this checkpoint', () => {
    const pending = new PendingCheckpoint(5, subtasks)
    pending.enumerators(5, {})
    pending.acknowledge(5, subtasks[0]!, partOf(1))
    const alignments = [
      { subtask: { vertex: 1, subtask: 0 }, checkpointId: 4, missing: ['old[0]'] },
      { subtask: { vertex: 1, subtask: 1 }, checkpointId: 5, missing: ['map#1[0]', 'map#1[2]'] },
    ]
    expect(pending.missing(alignments)).toEqual([
      'counts[0]',
      'counts[1] (no barrier has come from map#1[0], map#1[2])',
    ])
  })

  it('is not complete without the enumerators (R31)', () => {
    const pending = new PendingCheckpoint(5, subtasks)
    for (const id of subtasks) pending.acknowledge(5, id, partOf(1))
    expect(pending.isComplete).toBe(false)
    expect(pending.missing([])).toEqual(['the enumerators'])
    expect(() => pending.enumeratorStates).toThrow('enumerators')
  })

  it('ignores parts of other checkpoints, and second ones', () => {
    const pending = new PendingCheckpoint(5, subtasks)
    pending.acknowledge(4, subtasks[0]!, partOf(4))
    pending.enumerators(6, { cards: Uint8Array.of(3) })
    expect(pending.hasPart(subtasks[0]!)).toBe(false)
    pending.acknowledge(5, subtasks[0]!, partOf(5))
    pending.acknowledge(5, subtasks[0]!, partOf(6))
    expect(pending.partOf(subtasks[0]!).segment!.bytes).toBe(5)
    pending.enumerators(5, { cards: Uint8Array.of(1) })
    pending.enumerators(5, { cards: Uint8Array.of(2) })
    expect(pending.enumeratorStates).toEqual({ cards: Uint8Array.of(1) })
  })

  it('does not know a part that has not come, nor a subtask that is not of the job', () => {
    const pending = new PendingCheckpoint(5, subtasks)
    expect(() => pending.partOf(subtasks[0]!)).toThrow('has no part of 0/0')
    const stranger = { vertex: 7, subtask: 0 }
    expect(() => pending.acknowledge(5, stranger, partOf(1))).toThrow('unknown subtask 7/0')
  })
})
