import type { CheckpointManifest, ManifestSubtask } from '../checkpoint/manifest.ts'
import type { SourceState } from '../checkpoint/source-state.ts'
import type { JobPlan, PlanOperator } from '../graph/job-plan.ts'
import { quotedNames } from '../names.ts'
import { decodeValue, encodeValue } from '../value-codec.ts'
import { planOperators } from './restore-plan.ts'

/** A snapshot as it is restored, and what the user reads of it. */
export interface ResetWatermarks {
  readonly manifest: CheckpointManifest
  readonly notes: readonly string[]
}

/**
 * Lets event time begin anew in a snapshot (R12): everywhere if that is wanted, else behind sources that start without their
 * positions, whose records would be late otherwise. With the watermarks goes what generators have seen. Subtasks that have
 * finished stay so, unless such a source gives them input again. Pure.
 */
export function resetWatermarks(
  manifest: CheckpointManifest,
  plan: JobPlan,
  isWanted: boolean,
): ResetWatermarks {
  const starting = startingSources(manifest, plan)
  const behind = operatorsBehind(plan, starting)
  const known = planOperators(plan).filter(({ name }) => isKnown(manifest, name))
  const notes: string[] = []
  const told = known.filter(({ name }) => behind.has(name) && hasTime(manifest, name))
  if (isWanted) {
    notes.push('watermarks begin anew: what was late before may be in time now')
  } else if (told.length > 0) {
    const begins = starting.size === 1 ? 'begins' : 'begin'
    const sources = quotedNames([...starting])
    const operators = quotedNames(told.map(({ name }) => name))
    notes.push(
      `source ${sources} ${begins} without positions, so the watermarks of ${operators} begin anew`,
    )
  }
  if (!isWanted && behind.size === 0) return { manifest, notes }
  const kinds = new Map(known.map((operator) => [operator.name, operator]))
  const reset = (part: ManifestSubtask): ManifestSubtask => resetPart(part, kinds, behind, isWanted)
  return { manifest: { ...manifest, subtasks: manifest.subtasks.map(reset) }, notes }
}

function isKnown(manifest: CheckpointManifest, name: string): boolean {
  return manifest.subtasks.some((part) => name in part.watermarks)
}

function hasTime(manifest: CheckpointManifest, name: string): boolean {
  return manifest.subtasks.some((part) => (part.watermarks[name] ?? null) !== null)
}

/** The sources that a snapshot has no positions of. */
function startingSources(manifest: CheckpointManifest, plan: JobPlan): Set<string> {
  const sources = planOperators(plan).filter(({ type }) => type === 'source')
  const names = sources.map(({ name }) => name)
  return new Set(
    names.filter((name) => !manifest.subtasks.some((part) => name in part.operatorState)),
  )
}

/** These operators and all that reads, by whatever way, what they put out. */
function operatorsBehind(plan: JobPlan, first: ReadonlySet<string>): Set<string> {
  const behind = new Set(first)
  // Inputs point backwards only, so one round is enough.
  for (const vertex of plan.vertices) {
    const reads = plan.edges.some(
      (edge) => edge.toVertex === vertex.index && behind.has(edge.fromOperator),
    )
    for (const { name, parent } of vertex.chain) {
      if (parent === -1 ? reads : behind.has(vertex.chain[parent]!.name)) behind.add(name)
    }
  }
  return behind
}

function resetPart(
  part: ManifestSubtask,
  operators: ReadonlyMap<string, PlanOperator>,
  behind: ReadonlySet<string>,
  isWanted: boolean,
): ManifestSubtask {
  const isReached = Object.keys(part.watermarks).some((name) => behind.has(name))
  if (part.isFinished && !isReached) return part
  const watermarks = { ...part.watermarks }
  const operatorState: Record<string, Uint8Array> = { ...part.operatorState }
  for (const name of Object.keys(watermarks)) {
    if (!isWanted && !behind.has(name)) continue
    watermarks[name] = null
    const state = withoutTime(operatorState[name], operators.get(name))
    if (state === undefined) delete operatorState[name]
    else operatorState[name] = state
  }
  return { ...part, watermarks, operatorState, isFinished: false }
}

/** What a subtask keeps for itself, without what its generators of watermarks have seen. */
function withoutTime(
  data: Uint8Array | undefined,
  operator: PlanOperator | undefined,
): Uint8Array | undefined {
  if (data === undefined) return undefined
  if (operator?.operatorKind === 'watermarks') return undefined
  if (operator?.type !== 'source') return data
  const state = decodeValue(data) as SourceState
  return encodeValue({ ...state, times: [] }, operator.name)
}
