import { describe, expect, it } from 'vitest'
import type { JobPlan } from '../../../runtime/graph/job-plan.ts'
import type { CheckpointManifest } from '../../../runtime/checkpoint/manifest.ts'
import { checkEnded, checkRestore, restoreProblems } from '../../../runtime/job/restore-checks.ts'
import { numberStates } from '../../../runtime/job/restore-plan.ts'
import { resolveTtl } from '../../../runtime/state/state-ttl.ts'
import { count, manifestOf, operatorOf, planOf, sink, source } from './plans.ts'

const strict = { nonRestoredState: false }
const plan = planOf({ parallelism: 2, params: { input: 'a.csv', rate: 5 } })
const manifest = manifestOf(plan, 7)

function codeOf(changed: JobPlan, from: CheckpointManifest = manifest, allow = strict): unknown {
  try {
    checkRestore(from, changed, allow)
    return undefined
  } catch (error) {
    return (error as { code: unknown }).code
  }
}

/** The job with another declaration of its one state. */
function withSum(change: Partial<(typeof count.states)[number]>): JobPlan {
  const states = [{ ...count.states[0]!, ...change }]
  return planOf({ parallelism: 2, chains: [[source], [{ ...count, states }, sink]] })
}

describe('comparing a checkpoint with the job', () => {
  it('accepts the same job, and one whose functions or stateless operators have changed (R5)', () => {
    expect(checkRestore(manifest, plan, strict)).toEqual([])
    const changed = planOf({
      parallelism: 2,
      params: plan.params,
      chains: [
        [source, operatorOf('new-map', { operatorKind: 'map' })],
        [count, sink],
      ],
    })
    expect(checkRestore(manifest, { ...changed, structuralHash: 'other' }, strict)).toEqual([])
  })

  it('lists changed parameters (R5)', () => {
    const params = { input: 'b.csv', rate: 5, limit: 1 }
    expect(checkRestore(manifest, { ...plan, params }, strict)).toEqual([
      'parameter input was a.csv, is now b.csv',
      'parameter limit was not there, is now 1',
    ])
  })

  it.each<[string, JobPlan]>([
    ['MR_CHECKPOINT_OTHER_JOB', { ...plan, job: 'other' }],
    ['MR_MAX_PARALLELISM_CHANGED', { ...plan, maxParallelism: 256 }],
  ])('refuses with %s (R5)', (code, changed) => expect(codeOf(changed)).toBe(code))

  it('calls a savepoint a savepoint, and names what writes one for another maximum (R5, semantics 2.8)', () => {
    const wider = { ...plan, maxParallelism: 256 }
    const message = (kind: CheckpointManifest['kind']) =>
      restoreProblems({ ...manifest, kind }, wider, strict)[0]!.message
    expect(message('savepoint')).toMatch(/^Savepoint 7 of lineage lineage was taken with .* 128/u)
    expect(message('stop')).toMatch(/^Checkpoint 7 of lineage lineage /u)
    expect(message('savepoint')).toContain(
      'write a savepoint for 256 with writeSavepoint({ from, maxParallelism, … }) of millrace/state',
    )
  })

  it('goes on at another parallelism, and says so (R12, semantics 2.8)', () => {
    const notes = checkRestore(manifest, { ...planOf({ parallelism: 3 }), params: {} }, strict)
    expect(notes[0]).toBe('parallelism 2 → 3')
  })

  it('refuses another parallelism of an operator whose subtasks keep what cannot be divided, and names it (semantics 2.9)', () => {
    const subtasks = manifest.subtasks.map((part) =>
      part.vertex === 'count' ? { ...part, operatorState: { count: Uint8Array.of(1) } } : part,
    )
    const from = { ...manifest, subtasks }
    expect(codeOf(plan, from)).toBeUndefined()
    expect(() => checkRestore(from, planOf({ parallelism: 3 }), strict)).toThrow(
      expect.objectContaining({
        code: 'MR_STATE_NOT_DIVISIBLE',
        fields: { operator: 'count', was: 2, is: 3 },
      }),
    )
  })

  it('refuses another input or output (R5)', () => {
    const other = { ...sink, identity: { dir: 'elsewhere' } }
    expect(codeOf(planOf({ parallelism: 2, chains: [[source], [count, other]] }))).toBe(
      'MR_IDENTITY_CHANGED',
    )
  })

  it('refuses another kind of source or sink under a uid, which could not read its positions or pending output (R5)', () => {
    const printing = operatorOf('sink', { type: 'sink', operatorKind: 'print' })
    const generating = operatorOf('source', { type: 'source', operatorKind: 'datagen' })
    for (const chains of [
      [[source], [count, printing]],
      [[generating], [count, sink]],
    ]) {
      expect(codeOf(planOf({ parallelism: 2, chains }))).toBe('MR_IDENTITY_CHANGED')
    }
  })

  it('refuses to lose state unless that is allowed, and lists both sides (R5)', () => {
    const renamed = { ...count, name: 'total', uid: 'total' }
    const changed = planOf({ parallelism: 2, chains: [[source], [renamed, sink]] })
    expect(() => checkRestore(manifest, changed, strict)).toThrow(
      expect.objectContaining({
        code: 'MR_STATE_NOT_RESTORED',
        fields: {
          lost: ['count'],
          checkpointUids: ['source', 'count', 'sink'],
          jobUids: ['source', 'total', 'sink'],
        },
      }),
    )
    expect(codeOf(changed, manifest, { nonRestoredState: true })).toBeUndefined()
    const undeclared = planOf({
      parallelism: 2,
      chains: [[source], [{ ...count, states: [] }, sink]],
    })
    expect(() => checkRestore(manifest, undeclared, strict)).toThrow(/count\/sum/)
  })

  it('accepts an edited job that has ended, but no other input or output (N23, R5)', () => {
    const renamed = { ...count, name: 'total', uid: 'total' }
    const edited = planOf({
      parallelism: 3,
      chains: [[source], [renamed, sink]],
      params: { input: 'b.csv', rate: 5 },
    })
    expect(checkEnded(manifest, edited)).toEqual(['parameter input was a.csv, is now b.csv'])
    const moved = planOf({ chains: [[{ ...source, identity: { path: 'b.csv' } }], [count, sink]] })
    expect(() => checkEnded(manifest, moved)).toThrow(
      expect.objectContaining({ code: 'MR_IDENTITY_CHANGED' }),
    )
  })

  it('numbers, compares and drops broadcast states as it does keyed ones (semantics 2.18, R5)', () => {
    const rules = { name: 'rules', kind: 'broadcast' as const, version: 1 }
    const withStates = (states: typeof count.states) =>
      planOf({ parallelism: 2, chains: [[source], [{ ...count, states }, sink]] })
    const before = withStates([rules])
    const from = { ...manifestOf(before, 7), states: numberStates(before, undefined) }
    expect(from.states).toContainEqual({ stateId: 1, uid: 'count', ...rules })
    expect(codeOf(before, from)).toBeUndefined()
    expect(codeOf(withStates([{ ...rules, version: 2 }]), from)).toBe('MR_STATE_UPCAST_MISSING')
    const upcast = { ...rules, version: 2, upcastsFrom: 1 }
    expect(codeOf(withStates([upcast]), from)).toBeUndefined()
    expect(codeOf(withStates([{ ...rules, kind: 'map' }]), from)).toBe('MR_STATE_INCOMPATIBLE')
    expect(codeOf(withStates([]), from)).toBe('MR_STATE_NOT_RESTORED')
  })

  it('refuses a state of another kind or version (R5)', () => {
    for (const change of [{ kind: 'list' }, { kind: 'reducing' }] as const) {
      expect(codeOf(withSum(change))).toBe('MR_STATE_INCOMPATIBLE')
    }
    const newer = manifestOf(withSum({ version: 2, upcastsFrom: 1 }), 7)
    expect(codeOf(plan, newer)).toBe('MR_STATE_INCOMPATIBLE')
  })

  it('refuses a version without an upcast from each that values may have (R5)', () => {
    expect(codeOf(withSum({ version: 2 }))).toBe('MR_STATE_UPCAST_MISSING')
    expect(codeOf(withSum({ version: 2, upcastsFrom: 1 }))).toBeUndefined()
    expect(codeOf(withSum({ version: 3, upcastsFrom: 2 }))).toBe('MR_STATE_UPCAST_MISSING')
    expect(codeOf(withSum({ version: 3, upcastsFrom: 1 }))).toBeUndefined()
  })

  it('goes by the oldest values that a segment may still hold, not by what the job declared last (R5)', () => {
    const declared = manifestOf(withSum({ version: 3, upcastsFrom: 1 }), 7)
    const holding = (...chain: (Readonly<Record<string, number>> | undefined)[]) => {
      const segments = chain.map((versions, index) => ({
        file: `s${index}`,
        bytes: 1,
        entries: 1,
        range: { first: 0, last: 63 },
        ...(versions === undefined ? {} : { versions }),
      }))
      const subtasks = declared.subtasks.map((part) =>
        part.vertex === 'count' ? { ...part, segments } : part,
      )
      return { ...declared, subtasks }
    }
    const from2 = withSum({ version: 3, upcastsFrom: 2 })
    const from3 = withSum({ version: 3 })
    expect(codeOf(from3, holding({ 1: 3 }, { 1: 3 }))).toBeUndefined()
    expect(codeOf(from3, holding({ 9: 1 }, { 1: 3 }))).toBeUndefined()
    expect(codeOf(from3, holding({ 1: 2 }, { 1: 3 }))).toBe('MR_STATE_UPCAST_MISSING')
    expect(codeOf(from2, holding({ 1: 2 }, { 1: 3 }))).toBeUndefined()
    expect(codeOf(from2, holding({ 1: 3 }, { 1: 1 }))).toBe('MR_STATE_UPCAST_MISSING')
    expect(codeOf(from2, holding({ 1: 3 }, undefined))).toBe('MR_STATE_UPCAST_MISSING')
    expect(() => checkRestore(holding({ 1: 1 }), from2, strict)).toThrow(
      /values of version 1 in state "sum" of operator "count".* upcasts from version 2 on/,
    )
  })

  it('names every reason, in the order in which they are found (R5)', () => {
    const states = [{ ...count.states[0]!, kind: 'list' as const, version: 2 }]
    const changed = planOf({
      parallelism: 2,
      chains: [[{ ...source, identity: { path: 'b.csv' } }], [{ ...count, states }]],
    })
    const from = {
      ...manifest,
      subtasks: manifest.subtasks.map((part) => ({
        ...part,
        operatorState: { sink: Uint8Array.of(1) },
      })),
    }
    const found = restoreProblems(from, { ...changed, job: 'other', maxParallelism: 256 }, strict)
    expect(found.map((problem) => problem.code)).toEqual([
      'MR_CHECKPOINT_OTHER_JOB',
      'MR_MAX_PARALLELISM_CHANGED',
      'MR_STATE_NOT_RESTORED',
      'MR_IDENTITY_CHANGED',
      'MR_STATE_INCOMPATIBLE',
    ])
    expect(restoreProblems(manifest, plan, strict)).toEqual([])
  })

  it('accepts a time to live that was declared, changed or taken away (semantics 2.17)', () => {
    const ttl = resolveTtl('1h', 'ttl')
    const states = [{ ...count.states[0]!, ttl }]
    const timed = planOf({ parallelism: 2, chains: [[source], [{ ...count, states }, sink]] })
    expect(codeOf(timed)).toBeUndefined()
  })
})
