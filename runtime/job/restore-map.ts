import type { CheckpointManifest, ManifestState } from '../checkpoint/manifest.ts'
import type { JobPlan, PlanOperator } from '../graph/job-plan.ts'
import { livingStates, lostState, lowestVersionOf } from './restore-checks.ts'
import { planOperators } from './restore-plan.ts'

/** What becomes of a state in a restore. */
export interface MappedState {
  readonly name: string
  readonly kind: ManifestState['kind']
  /**
   * `restored`: as it is; `upcast`: some values may be of an older version, and are upcast when they are used; `new`: it
   * begins empty; `dropped`: the job does not have it.
   */
  readonly becomes: 'restored' | 'upcast' | 'new' | 'dropped'
  /** That the job declares; of a dropped state the one it had. */
  readonly version: number
  /** The lowest version that values may have in the snapshot; undefined for a new one. */
  readonly storedVersion: number | undefined
}

/** What becomes of an operator, source or sink in a restore. */
export interface MappedOperator {
  readonly uid: string
  /** Its uid in the snapshot, which is another one where it was renamed; undefined for a new one. */
  readonly wasUid: string | undefined
  readonly becomes: 'restored' | 'new' | 'dropped'
  readonly wasParallelism: number | undefined
  readonly parallelism: number | undefined
  /** Declared ones; timers go with their operator. */
  readonly states: readonly MappedState[]
}

/**
 * What of a snapshot goes where in a job, operator by operator: first those of the job, then what it does not have. `stored` is the
 * snapshot under the uids of then. Pure.
 */
export function mapRestore(
  manifest: CheckpointManifest,
  plan: JobPlan,
  stored: CheckpointManifest = manifest,
): MappedOperator[] {
  const wasUid = (name: string): string | undefined =>
    stored.operators[manifest.operators.findIndex(({ uid }) => uid === name)]?.uid
  const states = livingStates(manifest).filter(({ kind }) => kind !== 'timers')
  const operators = planOperators(plan).filter(isNamed)
  const lost = new Set(lostState(manifest, plan))
  const here = operators.map((operator): MappedOperator => {
    const before = manifest.operators.find(({ uid }) => uid === operator.name)
    const of = states.filter(({ uid }) => uid === operator.name)
    const declared = operator.states.map((state) => mapState(manifest, of, state))
    const gone = of.filter(({ uid, name }) => lost.has(`${uid}/${name}`))
    return {
      uid: operator.name,
      wasUid: wasUid(operator.name),
      becomes: before === undefined ? 'new' : 'restored',
      wasParallelism: before?.parallelism,
      parallelism: operator.parallelism,
      states: [...declared, ...gone.map((state) => droppedState(manifest, state))],
    }
  })
  const gone = manifest.operators.filter(({ uid }) => lost.has(uid))
  return [
    ...here,
    ...gone.map(({ uid, parallelism }): MappedOperator => {
      const gone = states.filter((state) => state.uid === uid)
      return {
        uid,
        wasUid: wasUid(uid),
        becomes: 'dropped',
        wasParallelism: parallelism,
        parallelism: undefined,
        states: gone.map((state) => droppedState(manifest, state)),
      }
    }),
  ]
}

/** Operators without a uid have nothing to be restored. */
function isNamed({ uid }: PlanOperator): boolean {
  return uid !== undefined
}

function mapState(
  manifest: CheckpointManifest,
  before: readonly ManifestState[],
  { name, kind, version }: PlanOperator['states'][number],
): MappedState {
  const stored = before.find((state) => state.name === name)
  if (stored === undefined) return { name, kind, version, becomes: 'new', storedVersion: undefined }
  const storedVersion = lowestVersionOf(manifest, stored)
  const becomes = storedVersion === version ? 'restored' : 'upcast'
  return { name, kind, version, becomes, storedVersion }
}

function droppedState(manifest: CheckpointManifest, state: ManifestState): MappedState {
  const { name, kind, version } = state
  const storedVersion = lowestVersionOf(manifest, state)
  return { name, kind, version, becomes: 'dropped', storedVersion }
}
