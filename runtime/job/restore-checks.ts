import type { CheckpointManifest, ManifestState } from '../checkpoint/manifest.ts'
import { snapshotLabel } from '../checkpoint/snapshot-label.ts'
import { lowestStoredVersion } from '../checkpoint/stored-versions.ts'
import { StreamError } from '../errors.ts'
import type { JobPlan, PlanOperator } from '../graph/job-plan.ts'
import { quotedNames } from '../names.ts'
import { isOperatorStateKind } from '../state/operator-state.ts'
import { planOperators, restoredSubtasks } from './restore-plan.ts'
import { parallelismNotes } from './rescaling.ts'

/** What a run allows that is refused otherwise. */
export interface RestoreAllowances {
  readonly nonRestoredState: boolean
}

/** A snapshot, and the job that is to go on from it. */
interface Comparison {
  readonly manifest: CheckpointManifest
  readonly plan: JobPlan
  /** Begins messages. */
  readonly label: string
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
  const [first] = restoreProblems(manifest, plan, allow)
  if (first !== undefined) throw first
  return restoreNotes(manifest, plan)
}

/** What the user should read of the difference between a snapshot and the job that can go on from it. Pure. */
export function restoreNotes(manifest: CheckpointManifest, plan: JobPlan): string[] {
  return [...parallelismNotes(manifest, plan), ...changedParameters(manifest, plan)]
}

/** Everything that `checkRestore` would refuse, in the order in which it would; empty if the job can go on. Pure. */
export function restoreProblems(
  manifest: CheckpointManifest,
  plan: JobPlan,
  allow: RestoreAllowances,
): StreamError[] {
  const comparison = { manifest, plan, label: snapshotLabel(manifest) }
  const problems = [
    ...jobProblems(comparison),
    ...maxParallelismProblems(comparison),
    ...lostStateProblems(comparison, allow),
    ...identityProblems(comparison),
    ...stateProblems(comparison),
  ]
  // What follows takes for granted that all that is there fits.
  return problems.length > 0 ? problems : divisionProblems(comparison)
}

/** What subtasks keep for themselves that cannot be divided among another number of them. */
function divisionProblems({ manifest, plan }: Comparison): StreamError[] {
  try {
    restoredSubtasks(manifest, plan, false)
    return []
  } catch (error) {
    if (error instanceof StreamError) return [error]
    throw error
  }
}

/**
 * Compares the final checkpoint of a job that has ended with the job as it is now: nothing is restored any more, so it may
 * have been edited (N23), but another input or output has not been processed, and is refused (R5).
 */
export function checkEnded(manifest: CheckpointManifest, plan: JobPlan): string[] {
  const [first] = endedProblems(manifest, plan)
  if (first !== undefined) throw first
  return changedParameters(manifest, plan)
}

/** Everything that `checkEnded` would refuse. Pure. */
export function endedProblems(manifest: CheckpointManifest, plan: JobPlan): StreamError[] {
  const comparison = { manifest, plan, label: snapshotLabel(manifest) }
  return [...jobProblems(comparison), ...identityProblems(comparison)]
}

function jobProblems({ manifest, plan, label }: Comparison): StreamError[] {
  if (manifest.job === plan.job) return []
  return [
    new StreamError(
      'MR_CHECKPOINT_OTHER_JOB',
      `${label} belongs to job "${manifest.job}", not to "${plan.job}"; its state means nothing here; give the path of a checkpoint of this job, or start with --fresh.`,
      { job: plan.job, checkpointJob: manifest.job },
    ),
  ]
}

function maxParallelismProblems({ manifest, plan, label }: Comparison): StreamError[] {
  if (manifest.maxParallelism === plan.maxParallelism) return []
  return [
    new StreamError(
      'MR_MAX_PARALLELISM_CHANGED',
      `${label} was taken with a maximum parallelism of ${manifest.maxParallelism}, the job has ${plan.maxParallelism}; keys would be looked for in the wrong key groups; set it back, write a savepoint for ${plan.maxParallelism} with writeSavepoint({ from, maxParallelism, … }) of millrace/state, or start with --fresh.`,
      { was: manifest.maxParallelism, is: plan.maxParallelism },
    ),
  ]
}

function lostStateProblems(
  { manifest, plan, label }: Comparison,
  allow: RestoreAllowances,
): StreamError[] {
  const lost = lostState(manifest, plan)
  if (lost.length === 0 || allow.nonRestoredState) return []
  const there = manifest.operators.map((operator) => operator.uid)
  const uids = planOperators(plan).map((operator) => operator.name)
  return [
    new StreamError(
      'MR_STATE_NOT_RESTORED',
      `${label} holds state of ${quotedNames(lost)}, which the job does not have; that state would be lost. It has ${quotedNames(there)}; the job has ${quotedNames(uids)}. Give the operators their old uids back, say in renamedUids of the job what they are called now, drop the state with --allow-non-restored-state, or start with --fresh.`,
      { lost, checkpointUids: there, jobUids: uids },
    ),
  ]
}

/** What a snapshot has of operators that the job does not have, by uid, and of states that they no longer declare, as `uid/state`. */
export function lostState(manifest: CheckpointManifest, plan: JobPlan): string[] {
  const uids = new Set(planOperators(plan).map((operator) => operator.name))
  return [
    ...statefulUids(manifest).filter((uid) => !uids.has(uid)),
    ...undeclaredStates(manifest, plan),
  ]
}

function statefulUids(manifest: CheckpointManifest): string[] {
  const uids = new Set(livingStates(manifest).map((state) => state.uid))
  for (const part of manifest.subtasks) {
    for (const uid of Object.keys(part.operatorState)) uids.add(uid)
  }
  return [...uids].sort()
}

/** The states of a snapshot that the job had when it was taken. */
export function livingStates(manifest: CheckpointManifest): ManifestState[] {
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

function identityProblems({ manifest, plan, label }: Comparison): StreamError[] {
  const problems: StreamError[] = []
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
      problems.push(
        new StreamError(
          'MR_IDENTITY_CHANGED',
          `${label} was taken while "${operator.name}" had ${name} = ${value}, now it is ${now}; positions and committed output belong to the old one; set it back, or start with --fresh.`,
          { operator: operator.name, name, was: value, is: now },
        ),
      )
    }
  }
  return problems
}

function stateProblems(comparison: Comparison): StreamError[] {
  const stored = livingStates(comparison.manifest)
  return planOperators(comparison.plan).flatMap((operator) =>
    operator.states.flatMap((state) => {
      const before = stored.find((one) => one.uid === operator.name && one.name === state.name)
      if (before === undefined) return []
      const problem =
        incompatible(comparison, before, state) ?? missingUpcast(comparison, before, state)
      return problem === undefined ? [] : [problem]
    }),
  )
}

type PlanState = PlanOperator['states'][number]

function incompatible(
  { label }: Comparison,
  before: ManifestState,
  state: PlanState,
): StreamError | undefined {
  const { uid, name } = before
  if (before.kind === state.kind && before.version <= state.version) return undefined
  return new StreamError(
    'MR_STATE_INCOMPATIBLE',
    `${label} holds state "${name}" of operator "${uid}" as ${before.kind} of version ${before.version}, the job declares ${state.kind} of version ${state.version}; it cannot be read as that; set the declaration back, use another state name, or start with --fresh.`,
    { operator: uid, state: name, stored: before.version, declared: state.version },
  )
}

function missingUpcast(
  { manifest, label }: Comparison,
  before: ManifestState,
  state: PlanState,
): StreamError | undefined {
  const { uid, name } = before
  const lowest = lowestVersionOf(manifest, before)
  const { version, upcastsFrom = version } = state
  if (lowest >= upcastsFrom) return undefined
  const rest =
    upcastsFrom === version
      ? 'the job has no upcasts'
      : `the job has upcasts from version ${upcastsFrom} on`
  return new StreamError(
    'MR_STATE_UPCAST_MISSING',
    `${label} may hold values of version ${lowest} in state "${name}" of operator "${uid}", the job declares version ${version}, and ${rest}; such values could not be read; declare the upcasts from version ${lowest} on, which are needed until the last such value has been used or removed, use another state name, or start with --fresh.`,
    { operator: uid, state: name, stored: lowest, declared: version, upcastsFrom },
  )
}

/** The lowest version that values of a state may have in a snapshot. What is in the manifest is written whole each time. */
export function lowestVersionOf(manifest: CheckpointManifest, state: ManifestState): number {
  if (state.kind === 'broadcast' || isOperatorStateKind(state.kind)) return state.version
  return lowestStoredVersion(manifest, state.stateId) ?? state.version
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
