import type { CheckpointManifest, ManifestState } from '../checkpoint/manifest.ts'
import { redistribute } from '../checkpoint/redistribute.ts'
import type { Spread } from '../checkpoint/spread-state.ts'
import { StreamError } from '../errors.ts'
import type { JobPlan, PlanOperator } from '../graph/job-plan.ts'
import type { PrepareOutput, RestoredSubtask } from '../messages.ts'
import { quotedNames } from '../names.ts'
import { EVENT_TIMERS, PROCESSING_TIMERS } from '../state/timer-names.ts'
import { parallelismNotes, rearrangedVertices } from './rescaling.ts'

/** All operators of a plan, in order. */
export function planOperators(plan: JobPlan): PlanOperator[] {
  return plan.vertices.flatMap((vertex) => vertex.chain)
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
  const keyed = new Set(
    plan.edges.filter((edge) => edge.partitioner === 'hash').map((edge) => edge.toVertex),
  )
  for (const vertex of plan.vertices) {
    for (const operator of vertex.chain) {
      for (const { name, kind, version } of operator.states) {
        add({ uid: operator.name, name, kind, version })
      }
      if (!keyed.has(vertex.index)) continue
      if (operator.type !== 'operator' || operator.parent !== -1) continue
      for (const name of [EVENT_TIMERS, PROCESSING_TIMERS]) {
        add({ uid: operator.name, name, kind: 'timers', version: 1 })
      }
    }
  }
  return states
}

/** What a run allows that is refused otherwise. */
export interface RestoreAllowances {
  readonly nonRestoredState: boolean
}

/**
 * Compares a snapshot with the job that is to go on from it (R5): refuses what cannot be restored exactly, and returns
 * the lines that the user should read.
 */
export function checkRestore(
  manifest: CheckpointManifest,
  plan: JobPlan,
  allow: RestoreAllowances,
): string[] {
  const label = labelOf(manifest)
  checkJob(manifest, plan, label)
  checkMaxParallelism(manifest, plan, label)
  checkUids(manifest, plan, label, allow)
  checkIdentity(manifest, plan, label)
  checkStates(manifest, plan, label)
  // Fails where something cannot go on at another parallelism.
  restoredSubtasks(manifest, plan, false)
  return [...parallelismNotes(manifest, plan), ...changedParameters(manifest, plan)]
}

/**
 * Compares the final checkpoint of a job that has ended with the job as it is now: nothing is restored any more, so it may
 * have been edited (N23), but another input or output has not been processed, and is refused (R5).
 */
export function checkEnded(manifest: CheckpointManifest, plan: JobPlan): string[] {
  const label = labelOf(manifest)
  checkJob(manifest, plan, label)
  checkIdentity(manifest, plan, label)
  return changedParameters(manifest, plan)
}

function labelOf(manifest: CheckpointManifest): string {
  return `Checkpoint ${manifest.checkpointId} of lineage ${manifest.lineage}`
}

function checkJob(manifest: CheckpointManifest, plan: JobPlan, label: string): void {
  if (manifest.job !== plan.job) {
    throw new StreamError(
      'MR_CHECKPOINT_OTHER_JOB',
      `${label} belongs to job "${manifest.job}", not to "${plan.job}"; its state means nothing here; give the path of a checkpoint of this job, or start with --fresh.`,
      { job: plan.job, checkpointJob: manifest.job },
    )
  }
}

function checkMaxParallelism(manifest: CheckpointManifest, plan: JobPlan, label: string): void {
  if (manifest.maxParallelism !== plan.maxParallelism) {
    throw new StreamError(
      'MR_MAX_PARALLELISM_CHANGED',
      `${label} was taken with a maximum parallelism of ${manifest.maxParallelism}, the job has ${plan.maxParallelism}; keys would be looked for in the wrong key groups; set it back, or start with --fresh.`,
      { was: manifest.maxParallelism, is: plan.maxParallelism },
    )
  }
}

function checkUids(
  manifest: CheckpointManifest,
  plan: JobPlan,
  label: string,
  allow: RestoreAllowances,
): void {
  const uids = new Set(planOperators(plan).map((operator) => operator.name))
  const lost = [
    ...statefulUids(manifest).filter((uid) => !uids.has(uid)),
    ...undeclaredStates(manifest, plan),
  ]
  if (lost.length === 0 || allow.nonRestoredState) return
  const there = manifest.operators.map((operator) => operator.uid)
  throw new StreamError(
    'MR_STATE_NOT_RESTORED',
    `${label} holds state of ${quotedNames(lost)}, which the job does not have; that state would be lost. The checkpoint has ${quotedNames(there)}; the job has ${quotedNames([...uids])}. Give the operators their old uids back, drop the state with --allow-non-restored-state, or start with --fresh.`,
    { lost, checkpointUids: there, jobUids: [...uids] },
  )
}

function statefulUids(manifest: CheckpointManifest): string[] {
  const uids = new Set(livingStates(manifest).map((state) => state.uid))
  for (const part of manifest.subtasks) {
    for (const uid of Object.keys(part.operatorState)) uids.add(uid)
  }
  return [...uids].sort()
}

function livingStates(manifest: CheckpointManifest): ManifestState[] {
  return manifest.states.filter((state) => state.isDropped !== true)
}

/** States that an operator no longer declares, as `uid/state`. */
function undeclaredStates(manifest: CheckpointManifest, plan: JobPlan): string[] {
  return livingStates(manifest)
    .filter((state) => {
      const operator = planOperators(plan).find((one) => one.name === state.uid)
      if (operator === undefined || state.kind === 'timers') return false
      return !operator.states.some((declared) => declared.name === state.name)
    })
    .map((state) => `${state.uid}/${state.name}`)
}

function checkIdentity(manifest: CheckpointManifest, plan: JobPlan, label: string): void {
  for (const operator of planOperators(plan)) {
    const found = manifest.operators.find((one) => one.uid === operator.name)
    if (found === undefined) continue
    // Positions and pending output of one kind of source or sink mean nothing to another.
    const isEnd = operator.type !== 'operator'
    const before = { ...(isEnd ? { kind: found.kind } : {}), ...found.identity }
    const after: Readonly<Record<string, string>> = {
      kind: operator.operatorKind,
      ...operator.identity,
    }
    for (const [name, value] of Object.entries(before)) {
      const now = after[name]
      if (now === value) continue
      throw new StreamError(
        'MR_IDENTITY_CHANGED',
        `${label} was taken while "${operator.name}" had ${name} = ${value}, now it is ${now}; positions and committed output belong to the old one; set it back, or start with --fresh.`,
        { operator: operator.name, name, was: value, is: now },
      )
    }
  }
}

function checkStates(manifest: CheckpointManifest, plan: JobPlan, label: string): void {
  for (const operator of planOperators(plan)) {
    for (const state of operator.states) {
      const before = livingStates(manifest).find(
        (one) => one.uid === operator.name && one.name === state.name,
      )
      if (before === undefined) continue
      if (before.kind === state.kind && before.version === state.version) continue
      throw new StreamError(
        'MR_STATE_INCOMPATIBLE',
        `${label} holds state "${state.name}" of operator "${operator.name}" as ${before.kind} of version ${before.version}, the job declares ${state.kind} of version ${state.version}; it cannot be read as that; set the declaration back, use another state name, or start with --fresh.`,
        { operator: operator.name, state: state.name },
      )
    }
  }
}

function changedParameters(manifest: CheckpointManifest, plan: JobPlan): string[] {
  const notes: string[] = []
  const names = new Set([...Object.keys(manifest.params), ...Object.keys(plan.params)])
  for (const name of [...names].sort()) {
    const was = manifest.params[name]
    const is = plan.params[name]
    if (was === is) continue
    notes.push(`parameter ${name} was ${was ?? 'not there'}, is now ${is ?? 'not there'}`)
  }
  return notes
}

/** What each subtask of a job reads back from a snapshot; `continues`: its chains of segments may go on. */
export function restoredSubtasks(
  manifest: CheckpointManifest,
  plan: JobPlan,
  continues: boolean,
): RestoredSubtask[] {
  const rearranged = rearrangedVertices(manifest, plan)
  const targets = plan.vertices.map((vertex) => ({
    vertex: vertex.index,
    name: vertex.name,
    parallelism: vertex.parallelism,
    operators: new Map(vertex.chain.map((operator) => [operator.name, spreadOf(operator)])),
    isRearranged: rearranged.has(vertex.index),
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
  const pending: Record<string, string[]> = {}
  for (const operator of planOperators(plan)) {
    if (operator.type !== 'sink') continue
    pending[operator.name] = (manifest?.subtasks ?? []).flatMap((part) => {
      const data = part.operatorState[operator.name]
      return data === undefined ? [] : [data]
    })
  }
  return pending
}
