import type { CheckpointManifest, ManifestState } from '../checkpoint/manifest.ts'
import { redistribute } from '../checkpoint/redistribute.ts'
import type { Spread } from '../checkpoint/spread-state.ts'
import type { JobPlan, PlanOperator } from '../graph/job-plan.ts'
import type { PrepareOutput, RestoredSubtask } from '../messages.ts'
import { EVENT_TIMERS, PROCESSING_TIMERS } from '../state/timer-names.ts'
import { rearrangedVertices } from './rescaling.ts'

/** All operators of a plan, in order. */
export function planOperators(plan: JobPlan): PlanOperator[] {
  return plan.vertices.flatMap((vertex) => vertex.chain)
}

/** The operators right behind a `keyBy`, by name: those that have a key, and timers. */
function keyedOperators({ edges, vertices }: JobPlan): Set<string> {
  const keyed = new Set(
    edges.filter((edge) => edge.partitioner === 'hash').map((edge) => edge.toVertex),
  )
  const heads = vertices
    .filter((vertex) => keyed.has(vertex.index))
    .flatMap((vertex) => vertex.chain)
    .filter((operator) => operator.type === 'operator' && operator.parent === -1)
  return new Set(heads.map((operator) => operator.name))
}

/**
 * Numbers the states of a job: those of the snapshot keep their numbers, new ones get numbers never used in it (R1: ids
 * are part of what segments hold). One that the job does not have any more is dropped for good: declared again, it is
 * another. Every keyed operator has two sets of timers besides its declared states.
 */
export function numberStates(
  plan: JobPlan,
  restored: CheckpointManifest | undefined,
): ManifestState[] {
  const states: ManifestState[] = (restored?.states ?? []).map((state) => ({
    ...state,
    isDropped: true,
  }))
  const before = new Map(
    (restored?.states ?? []).flatMap((state, index) =>
      state.isDropped === true ? [] : [[`${state.uid}/${state.name}`, index]],
    ),
  )
  let next = Math.max(0, ...states.map((state) => state.stateId)) + 1
  const add = (state: Omit<ManifestState, 'stateId'>): void => {
    const known = before.get(`${state.uid}/${state.name}`)
    if (known === undefined) states.push({ ...state, stateId: next++ })
    else states[known] = { ...state, stateId: states[known]!.stateId }
  }
  const keyed = keyedOperators(plan)
  for (const vertex of plan.vertices) {
    for (const operator of vertex.chain) {
      for (const { name, kind, version } of operator.states) {
        add({ uid: operator.name, name, kind, version })
      }
      if (!keyed.has(operator.name)) continue
      for (const name of [EVENT_TIMERS, PROCESSING_TIMERS]) {
        add({ uid: operator.name, name, kind: 'timers', version: 1 })
      }
    }
  }
  return states
}

/** What each subtask of a job reads back from a snapshot; `continues`: its chains of segments may go on. */
export function restoredSubtasks(
  manifest: CheckpointManifest,
  plan: JobPlan,
  continues: boolean,
): RestoredSubtask[] {
  const rearranged = rearrangedVertices(manifest, plan)
  const keyed = keyedOperators(plan)
  const targets = plan.vertices.map((vertex) => ({
    vertex: vertex.index,
    name: vertex.name,
    parallelism: vertex.parallelism,
    operators: new Map(vertex.chain.map((operator) => [operator.name, spreadOf(operator)])),
    isRearranged: rearranged.has(vertex.index),
    keyed,
  }))
  const { maxParallelism } = manifest
  return redistribute(manifest.subtasks, targets, { maxParallelism, continues })
}

function spreadOf({ type, stateSpread = 'fixed' }: PlanOperator): Spread {
  if (type === 'operator') return stateSpread
  return type === 'source' ? 'splits' : 'commits'
}

/** The pending committables of every sink in a snapshot. */
export function pendingCommits(
  manifest: CheckpointManifest | undefined,
  plan: JobPlan,
): PrepareOutput['pending'] {
  const pending: Record<string, Uint8Array[]> = {}
  for (const operator of planOperators(plan)) {
    if (operator.type !== 'sink') continue
    pending[operator.name] = (manifest?.subtasks ?? []).flatMap((part) => {
      const data = part.operatorState[operator.name]
      return data === undefined ? [] : [data]
    })
  }
  return pending
}
