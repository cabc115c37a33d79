import { describe, expect, it } from 'vitest'
import { drainedFields, undrained } from '../../../runtime/checkpoint/drained.ts'
import type { ManifestSubtask } from '../../../runtime/checkpoint/manifest.ts'
import { manifestOf, partOf } from '../../harness/checkpoint-fixtures.ts'

/** A part at the final watermark, of which two operators stood somewhere before. */
function drained(subtaskIndex: number, beforeFinal: ManifestSubtask['beforeFinal'] = {}) {
  const part = { ...partOf(subtaskIndex, []), isFinished: true, isDrained: true as const }
  return { ...part, watermarks: { counts: 'max', sums: 'max', cards: 7 } as const, beforeFinal }
}

describe('what a drain has ended', () => {
  it('goes on in a savepoint, at the watermark from before the final one (R12)', () => {
    const [part] = undrained([drained(0, { counts: 5, sums: null })])
    expect(part).toEqual({
      ...partOf(0, []),
      isFinished: false,
      watermarks: { counts: 5, sums: null, cards: 7 },
    })
  })

  it('is told from what had ended by itself, which stays so (R12, R14)', () => {
    const ended: ManifestSubtask = {
      ...partOf(0, []),
      isFinished: true,
      watermarks: { counts: 'max' },
    }
    expect(undrained([ended])).toEqual([ended])
  })

  it('has its watermarks from the attempt that sees the final one, else from the checkpoint it began from (R12)', () => {
    const base = manifestOf(3, { subtasks: [drained(0, { counts: 1 }), drained(1, { counts: 2 })] })
    expect(drainedFields(drained(1), { sums: 9 }, base).beforeFinal).toEqual({ counts: 2, sums: 9 })
    expect(drainedFields(drained(1), { counts: 8 }, base).beforeFinal).toMatchObject({ counts: 8 })
    expect(drainedFields(drained(1), undefined, undefined).beforeFinal).toEqual({
      counts: null,
      sums: null,
    })
  })

  it('has the lowest watermark where the number of subtasks has changed (R12)', () => {
    const subtasks = [drained(0, { counts: 4 }), drained(1, { counts: 2, sums: null })]
    const base = manifestOf(3, { subtasks })
    expect(drainedFields(drained(2), undefined, base).beforeFinal).toEqual({
      counts: 2,
      sums: null,
    })
  })
})
