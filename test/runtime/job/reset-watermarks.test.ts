import { describe, expect, it } from 'vitest'
import type { CheckpointManifest } from '../../../runtime/checkpoint/manifest.ts'
import type { SourceState } from '../../../runtime/checkpoint/source-state.ts'
import type { JobPlan } from '../../../runtime/graph/job-plan.ts'
import { resetWatermarks } from '../../../runtime/job/reset-watermarks.ts'
import { decodeValue, encodeValue } from '../../../runtime/value-codec.ts'
import { manifestOf, operatorOf, planOf } from './plans.ts'

const other = operatorOf('other', { type: 'source', operatorKind: 'collection' })
const first = operatorOf('first', { type: 'source', operatorKind: 'collection' })
const times = operatorOf('times', { operatorKind: 'watermarks' })

/** first ─▶ times ▸ mapped ─▶ joined ─▶ last, and other ─▶ joined. */
const plan: JobPlan = (() => {
  const chains = [[first], [other], [times, operatorOf('mapped')]]
  const built = planOf({ chains: [...chains, [operatorOf('joined')], [operatorOf('last')]] })
  const reads: readonly (readonly [number, string, number])[] = [
    [0, 'first', 2],
    [2, 'mapped', 3],
    [1, 'other', 3],
    [3, 'joined', 4],
  ]
  const edges = reads.map(([fromVertex, fromOperator, toVertex], id) => {
    return { ...built.edges[0]!, id, fromVertex, fromOperator, toVertex }
  })
  return { ...built, edges }
})()

const encoded = (value: unknown): Uint8Array => encodeValue(value, '')

const READ: SourceState = {
  splits: ['a'],
  times: [{ splitId: 'a', status: 'active', generator: 7 }],
  noMoreSplits: true,
}

/** A checkpoint with positions of these sources, and something that each operator keeps. */
function manifest(
  sources: readonly string[],
  finished: readonly string[] = [],
): CheckpointManifest {
  const made = manifestOf(plan, 7)
  const subtasks = made.subtasks.map((part) => {
    const names = Object.keys(part.watermarks)
    const state = names.flatMap((name) => {
      if (name === 'first' || name === 'other') {
        return sources.includes(name) ? [[name, encoded(READ)]] : []
      }
      return [[name, encoded(`kept by ${name}`)]]
    })
    const isFinished = finished.includes(part.vertex)
    const watermarks = isFinished
      ? Object.fromEntries(names.map((name) => [name, 'max' as const]))
      : part.watermarks
    return { ...part, isFinished, watermarks, operatorState: Object.fromEntries(state) }
  })
  return { ...made, subtasks }
}

function watermarksOf({ subtasks }: CheckpointManifest): Record<string, unknown> {
  return Object.assign({}, ...subtasks.map((part) => part.watermarks)) as Record<string, unknown>
}

function stateOf({ subtasks }: CheckpointManifest, name: string): unknown {
  const data = subtasks.map((part) => part.operatorState[name]).find((one) => one !== undefined)
  return data === undefined ? undefined : decodeValue(data)
}

describe('watermarks of a snapshot that a job goes on from', () => {
  it('stay where nothing asks for others (R12)', () => {
    const before = manifest(['first', 'other'])
    expect(resetWatermarks(before, plan, false)).toEqual({ manifest: before, notes: [] })
  })

  it('are dropped on request, with all that generators have seen, and what is no time stays (R12)', () => {
    const { manifest: after, notes } = resetWatermarks(manifest(['first', 'other']), plan, true)
    expect(watermarksOf(after)).toEqual({
      first: null,
      other: null,
      times: null,
      mapped: null,
      joined: null,
      last: null,
    })
    expect(stateOf(after, 'first')).toEqual({ ...READ, times: [] })
    expect(stateOf(after, 'times')).toBeUndefined()
    expect(stateOf(after, 'joined')).toBe('kept by joined')
    expect(notes).toEqual(['watermarks begin anew: what was late before may be in time now'])
  })

  it('are dropped behind a source that starts without positions, and there only, with a line (R12)', () => {
    const { manifest: after, notes } = resetWatermarks(manifest(['first']), plan, false)
    expect(watermarksOf(after)).toMatchObject({
      first: 5,
      times: 5,
      mapped: 5,
      joined: null,
      last: null,
    })
    expect(stateOf(after, 'first')).toEqual(READ)
    expect(stateOf(after, 'times')).toBe('kept by times')
    expect(notes).toEqual([
      'source "other" begins without positions, so the watermarks of "other", "joined", "last" begin anew',
    ])
    const behindFirst = resetWatermarks(manifest(['other']), plan, false).manifest
    expect(watermarksOf(behindFirst)).toMatchObject({ times: null, mapped: null, joined: null })
    expect(watermarksOf(behindFirst)).toMatchObject({ other: 5 })
    expect(stateOf(behindFirst, 'times')).toBeUndefined()
  })

  it('are nothing to tell of where there were none', () => {
    const before = manifest(['first'])
    const subtasks = before.subtasks.map((part) => {
      const watermarks = Object.keys(part.watermarks).map((name) => [name, null])
      return { ...part, watermarks: Object.fromEntries(watermarks) }
    })
    expect(resetWatermarks({ ...before, subtasks }, plan, false).notes).toEqual([])
  })

  it('stay at the end where a subtask has finished, unless a new source gives it more (R9, R12)', () => {
    const ended = manifest(['first', 'other'], ['first', 'times', 'joined'])
    const { manifest: after } = resetWatermarks(ended, plan, true)
    expect(watermarksOf(after)).toMatchObject({ first: 'max', joined: 'max', last: null })
    const more = manifest(['first'], ['first', 'times', 'joined'])
    const { subtasks } = resetWatermarks(more, plan, false).manifest
    expect(subtasks.filter((part) => part.isFinished).map(({ vertex }) => vertex)).toEqual([
      'first',
      'times',
    ])
  })
})
