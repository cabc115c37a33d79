import { describe, expect, it } from 'vitest'
import type { CheckpointManifest } from '../../../runtime/checkpoint/manifest.ts'
import { renamedUidsProblem } from '../../../runtime/graph/renamed-uids.ts'
import { renameNotes, renameUids } from '../../../runtime/job/renamed-uids.ts'
import { restoreProblems } from '../../../runtime/job/restore-checks.ts'
import { mapRestore } from '../../../runtime/job/restore-map.ts'
import { numberStates, restoredSubtasks } from '../../../runtime/job/restore-plan.ts'
import { count, manifestOf, planOf, sink, source } from './plans.ts'

const plan = planOf({ parallelism: 2 })
const stored: CheckpointManifest = {
  ...manifestOf(plan, 7),
  states: numberStates(plan, undefined),
  enumerators: { source: Uint8Array.of(1) },
  subtasks: manifestOf(plan, 7).subtasks.map((part) => ({
    ...part,
    operatorState:
      part.vertex === 'count' ? { sink: Uint8Array.of(2) } : { source: Uint8Array.of(3) },
  })),
}

const renamed = { source: 'lines', count: 'counted', sink: 'files' }
const [lines, counted, files] = [source, count, sink].map((one) => {
  const name = renamed[one.name as keyof typeof renamed]
  return { ...one, name, uid: name }
})
const now = planOf({ parallelism: 2, chains: [[lines!], [counted!, files!]] })

describe('operators that have other uids than in the checkpoint', () => {
  it('get all that was theirs: state, positions, watermarks, pending output (R5)', () => {
    const manifest = renameUids(stored, renamed)
    expect(restoreProblems(manifest, now, { nonRestoredState: false })).toEqual([])
    const before = restoredSubtasks(stored, plan, true)
    const after = restoredSubtasks(manifest, now, true)
    const back = Object.fromEntries(Object.entries(renamed).map(([old, name]) => [name, old]))
    expect(after.map((part) => ({ ...part, operatorState: {}, watermarks: {} }))).toEqual(
      before.map((part) => ({ ...part, operatorState: {}, watermarks: {} })),
    )
    for (const [index, part] of after.entries()) {
      for (const field of ['operatorState', 'watermarks'] as const) {
        const was = Object.entries(part[field]).map(([uid, value]) => [back[uid], value])
        expect(Object.fromEntries(was)).toEqual(before[index]![field])
      }
    }
    expect(manifest.enumerators).toEqual({ lines: Uint8Array.of(1) })
    const ids = (plan: typeof now, from: CheckpointManifest) =>
      numberStates(plan, from).map(({ stateId, name }) => [stateId, name])
    expect(ids(now, manifest)).toEqual(ids(plan, stored))
  })

  it('are told, and the map may stay when no checkpoint has the old uids any more (R5)', () => {
    expect(renameNotes(stored, { count: 'counted', old: 'counted' })).toEqual([
      '"count" is now "counted"',
    ])
    const manifest = renameUids(stored, renamed)
    expect(renameUids(manifest, renamed)).toEqual(manifest)
    expect(renameNotes(manifest, renamed)).toEqual([])
    expect(renameUids(stored, { toString: 'a', constructor: 'b' })).toEqual(stored)
    expect(renameUids(stored, undefined)).toBe(stored)
  })

  it('do not share a uid with what else is in the checkpoint (R5)', () => {
    for (const clash of [{ count: 'sink' }, { count: 'both', sink: 'both' }]) {
      expect(() => renameUids(stored, clash)).toThrow(
        expect.objectContaining({ code: 'MR_UID_DUPLICATE' }),
      )
    }
  })

  it('are wrong where there is no such operator, or the old uid is in use: known when the graph is built', () => {
    const uids = ['lines', 'counted', 'files']
    expect(renamedUidsProblem(undefined, uids)).toBeUndefined()
    expect(renamedUidsProblem({ count: 'counted', older: 'counted' }, uids)).toBeUndefined()
    expect(renamedUidsProblem({ count: 'total' }, uids)).toMatch(/"total" of "count".* no operator/)
    expect(renamedUidsProblem({ lines: 'files' }, uids)).toMatch(
      /there is an operator with the uid/,
    )
    expect(renamedUidsProblem({ count: 7 }, uids)).toMatch(/makes 7 of "count"/)
    for (const given of ['count', ['count'], null]) {
      expect(renamedUidsProblem(given, uids)).toMatch(/no object/)
    }
  })
})

describe('what becomes of a checkpoint in a job', () => {
  it('is told for every operator and state: restored, upcast, new, dropped (R5)', () => {
    const states = [
      { name: 'sum', kind: 'value' as const, version: 3, upcastsFrom: 1 },
      { name: 'more', kind: 'list' as const, version: 1 },
    ]
    const extra = { ...count, name: 'extra', uid: 'extra' }
    const changed = planOf({ parallelism: 3, chains: [[source], [{ ...count, states }, extra]] })
    const other = { stateId: 9, uid: 'count', name: 'other', kind: 'map' as const, version: 2 }
    const manifest = { ...stored, states: [...stored.states, other] }
    expect(mapRestore(manifest, changed)).toMatchObject([
      { uid: 'source', becomes: 'restored', wasParallelism: 2, parallelism: 3, states: [] },
      {
        uid: 'count',
        becomes: 'restored',
        states: [
          { name: 'sum', becomes: 'upcast', version: 3, storedVersion: 1 },
          { name: 'more', becomes: 'new', version: 1, storedVersion: undefined },
          { name: 'other', becomes: 'dropped', version: 2, storedVersion: 2 },
        ],
      },
      { uid: 'extra', becomes: 'new', wasParallelism: undefined, states: [{ becomes: 'new' }] },
      { uid: 'sink', becomes: 'dropped', wasParallelism: 2, parallelism: undefined, states: [] },
    ])
    expect(mapRestore(stored, plan).map(({ becomes }) => becomes)).toEqual([
      'restored',
      'restored',
      'restored',
    ])
  })
})
