import { describe, expect, it } from 'vitest'
import { keyGroupRange } from '../../../runtime/key-group.ts'
import type { JobPlan } from '../../../runtime/graph/job-plan.ts'
import type { CheckpointManifest } from '../../../runtime/checkpoint/manifest.ts'
import { checkRestore } from '../../../runtime/job/restore-checks.ts'
import {
  numberStates,
  pendingCommits,
  restoredSubtasks,
} from '../../../runtime/job/restore-plan.ts'
import { count, manifestOf, planOf, sink, source } from './plans.ts'

const plan = planOf({ parallelism: 2, params: { input: 'a.csv', rate: 5 } })
const manifest = manifestOf(plan, 7)

function codeOf(changed: JobPlan, from: CheckpointManifest): unknown {
  try {
    checkRestore(from, changed, { nonRestoredState: false })
    return undefined
  } catch (error) {
    return (error as { code: unknown }).code
  }
}

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
    const segmentOf = (subtask: number) => {
      const range = keyGroupRange(subtask, 2, manifest.maxParallelism)
      return { file: `s${subtask}`, bytes: 1, entries: 1, range }
    }
    const subtasks = manifest.subtasks.map((part) =>
      part.vertex === 'count'
        ? {
            ...part,
            segments: [segmentOf(part.subtaskIndex)],
            operatorState: { sink: Uint8Array.of(1) },
          }
        : part,
    )
    const from = { ...manifest, subtasks }
    const same = restoredSubtasks(from, plan, true).filter((part) => part.vertex === 1)
    expect(same).toMatchObject([
      {
        subtask: 0,
        chains: [[segmentOf(0)]],
        continuesChain: true,
        operatorState: { sink: Uint8Array.of(1) },
      },
      { subtask: 1, chains: [[segmentOf(1)]], continuesChain: true },
    ])
    expect(restoredSubtasks(from, plan, false).every((part) => !part.continuesChain)).toBe(true)
    const apart = planOf({ parallelism: 2, chains: [[source], [count], [sink]] })
    const moved = restoredSubtasks(from, apart, true)
    expect(moved[2]).toMatchObject({
      chains: [[segmentOf(0)]],
      continuesChain: false,
      watermarks: { count: 5 },
    })
    expect(moved[4]).toMatchObject({
      operatorState: { sink: Uint8Array.of(1) },
      watermarks: { sink: 5 },
    })
  })

  it('gives each subtask its copy of broadcast state (semantics 2.18)', () => {
    const rules = { name: 'rules', kind: 'broadcast' as const, version: 1 }
    const chains = [[source], [{ ...count, states: [...count.states, rules] }, sink]]
    const withRules = planOf({ parallelism: 2, chains })
    const subtasks = manifest.subtasks.map((part) =>
      part.vertex === 'count'
        ? { ...part, operatorState: { count: Uint8Array.of(part.subtaskIndex) } }
        : part,
    )
    const restored = restoredSubtasks({ ...manifest, subtasks }, withRules, true)
    const copies = restored.filter((part) => part.vertex === 1).map((part) => part.operatorState)
    expect(copies).toEqual([{ count: Uint8Array.of(0) }, { count: Uint8Array.of(1) }])
  })

  it('lists what each sink has pending, over all subtasks (R33)', () => {
    const subtasks = manifest.subtasks.map((part) =>
      part.vertex === 'count'
        ? { ...part, operatorState: { sink: Uint8Array.of(part.subtaskIndex) } }
        : part,
    )
    expect(pendingCommits({ ...manifest, subtasks }, plan)).toEqual({
      sink: [Uint8Array.of(0), Uint8Array.of(1)],
    })
    expect(pendingCommits(undefined, plan)).toEqual({ sink: [] })
  })
})
