import { describe, expect, it } from 'vitest'
import type { JobPlan } from '../../../runtime/graph/job-plan.ts'
import type { CheckpointManifest } from '../../../runtime/checkpoint/manifest.ts'
import {
  checkEnded,
  checkRestore,
  numberStates,
  pendingCommits,
  restoredSubtasks,
} from '../../../runtime/job/restore-plan.ts'
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

  it('goes on at another parallelism, and says so (R12, semantics 2.8)', () => {
    const notes = checkRestore(manifest, { ...planOf({ parallelism: 3 }), params: {} }, strict)
    expect(notes[0]).toBe('parallelism 2 → 3')
  })

  it('refuses another parallelism of an operator whose subtasks keep what cannot be divided, and names it (semantics 2.9)', () => {
    const subtasks = manifest.subtasks.map((part) =>
      part.vertex === 'count' ? { ...part, operatorState: { count: 'c' } } : part,
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
    expect(codeOf(withStates([{ ...rules, version: 2 }]), from)).toBe('MR_STATE_INCOMPATIBLE')
    expect(codeOf(withStates([{ ...rules, kind: 'map' }]), from)).toBe('MR_STATE_INCOMPATIBLE')
    expect(codeOf(withStates([]), from)).toBe('MR_STATE_NOT_RESTORED')
  })

  it('refuses a state of another kind or version (R5)', () => {
    for (const change of [{ kind: 'list' }, { kind: 'reducing' }, { version: 2 }] as const) {
      const states = [{ ...count.states[0]!, ...change }]
      const changed = planOf({ parallelism: 2, chains: [[source], [{ ...count, states }, sink]] })
      expect(codeOf(changed)).toBe('MR_STATE_INCOMPATIBLE')
    }
  })

  it('accepts a time to live that was declared, changed or taken away (semantics 2.17)', () => {
    const ttl = resolveTtl('1h', 'ttl')
    const states = [{ ...count.states[0]!, ttl }]
    const timed = planOf({ parallelism: 2, chains: [[source], [{ ...count, states }, sink]] })
    expect(codeOf(timed)).toBeUndefined()
  })
})

describe('numbering states', () => {
  it('keeps the numbers of the checkpoint and never gives out one of its numbers again (R1)', () => {
    const states = [{ stateId: 9, uid: 'count', name: 'old', kind: 'value' as const, version: 1 }]
    const numbered = numberStates(plan, { ...manifest, states })
    expect(numbered.find((one) => one.name === 'old')?.stateId).toBe(9)
    const fresh = numbered.filter((one) => one.name !== 'old')
    expect(fresh.map((one) => one.name)).toEqual(['sum', '!event-timers', '!processing-timers'])
    expect(fresh.map((one) => one.stateId)).toEqual([10, 11, 12])
    const again = numberStates(plan, { ...manifest, states: numbered })
    expect(again).toEqual(numbered)
  })

  it('drops what the job does not have any more for good, and does not ask for it again (R1, R5)', () => {
    const sum = count.states[0]!
    const other = { ...sum, name: 'other' }
    const withBoth = planOf({ chains: [[source], [{ ...count, states: [sum, other] }, sink]] })
    const first = numberStates(withBoth, undefined)
    const without = planOf({ chains: [[source], [count, sink]] })
    const from = { ...manifestOf(without, 7), states: first }
    expect(codeOf(without, from)).toBe('MR_STATE_NOT_RESTORED')
    const second = numberStates(without, from)
    const dropped = first.find((one) => one.name === 'other')!
    expect(second.filter((one) => one.isDropped)).toEqual([{ ...dropped, isDropped: true }])
    const after = { ...from, states: second }
    expect(codeOf(without, after)).toBeUndefined()
    const third = numberStates(withBoth, after)
    expect(third.slice(0, second.length)).toEqual(second)
    expect(third.slice(second.length)).toMatchObject([{ name: 'other', stateId: first.length + 1 }])
  })
})

describe('giving parts back', () => {
  it('finds parts by uid, and goes on with a chain only where the operators are the same (R24)', () => {
    const segment = { file: 's', bytes: 1, entries: 1, range: { first: 0, last: 63 } }
    const subtasks = manifest.subtasks.map((part) =>
      part.vertex === 'count'
        ? { ...part, segments: [segment], operatorState: { sink: 'cA==' } }
        : part,
    )
    const from = { ...manifest, subtasks }
    const same = restoredSubtasks(from, plan, true).filter((part) => part.vertex === 1)
    expect(same).toMatchObject([
      { subtask: 0, chains: [[segment]], continuesChain: true, operatorState: { sink: 'cA==' } },
      { subtask: 1, chains: [[segment]], continuesChain: true },
    ])
    expect(restoredSubtasks(from, plan, false).every((part) => !part.continuesChain)).toBe(true)
    const apart = planOf({ parallelism: 2, chains: [[source], [count], [sink]] })
    const moved = restoredSubtasks(from, apart, true)
    expect(moved[2]).toMatchObject({
      chains: [[segment]],
      continuesChain: false,
      watermarks: { count: 5 },
    })
    expect(moved[4]).toMatchObject({ operatorState: { sink: 'cA==' }, watermarks: { sink: 5 } })
  })

  it('gives each subtask its copy of broadcast state (semantics 2.18)', () => {
    const rules = { name: 'rules', kind: 'broadcast' as const, version: 1 }
    const chains = [[source], [{ ...count, states: [...count.states, rules] }, sink]]
    const withRules = planOf({ parallelism: 2, chains })
    const subtasks = manifest.subtasks.map((part) =>
      part.vertex === 'count'
        ? { ...part, operatorState: { count: `c${part.subtaskIndex}` } }
        : part,
    )
    const restored = restoredSubtasks({ ...manifest, subtasks }, withRules, true)
    const copies = restored.filter((part) => part.vertex === 1).map((part) => part.operatorState)
    expect(copies).toEqual([{ count: 'c0' }, { count: 'c1' }])
  })

  it('lists what each sink has pending, over all subtasks (R33)', () => {
    const subtasks = manifest.subtasks.map((part) =>
      part.vertex === 'count'
        ? { ...part, operatorState: { sink: `c${part.subtaskIndex}` } }
        : part,
    )
    expect(pendingCommits({ ...manifest, subtasks }, plan)).toEqual({ sink: ['c0', 'c1'] })
    expect(pendingCommits(undefined, plan)).toEqual({ sink: [] })
  })
})
