import type { CheckpointManifest } from '../checkpoint/manifest.ts'
import type { SourceState } from '../checkpoint/source-state.ts'
import { StreamError } from '../errors.ts'
import type { JobPlan } from '../graph/job-plan.ts'
import { showValue } from '../show-value.ts'
import { extendFailure } from '../task/failure-context.ts'
import { decodeValue } from '../value-codec.ts'
import { planOperators } from './restore-plan.ts'

/**
 * Adds where the sources stood in the last checkpoint to a failure behind a shuffle: the record that failed was read after
 * that (R39). Before the first shuffle a failure has its exact position already.
 */
export function addSourcePositions(
  error: Error,
  manifest: CheckpointManifest | undefined,
  plan: JobPlan,
): Error {
  if (!(error instanceof StreamError) || !('operator' in error.fields)) return error
  if ('position' in error.fields || manifest === undefined) return error
  const sourcePositions = positionsOf(manifest, plan)
  const text = Object.entries(sourcePositions).map(([uid, shown]) => `"${uid}" at ${shown}`)
  if (text.length === 0) return error
  const suffix = `sources in checkpoint ${manifest.checkpointId}: ${text.join(', ')}`
  return extendFailure(error, suffix, { sourcePositions })
}

/** The splits of each source with their positions, shortened, by uid. */
function positionsOf(manifest: CheckpointManifest, plan: JobPlan): Record<string, string> {
  const positions: Record<string, string> = {}
  for (const { name, type } of planOperators(plan)) {
    if (type !== 'source') continue
    const places = manifest.subtasks.flatMap(({ operatorState }) => {
      const state = operatorState[name]
      return state === undefined ? [] : placesIn(decodeValue(state))
    })
    if (places.length > 0) positions[name] = places.join(', ')
  }
  return positions
}

function placesIn(state: unknown): readonly string[] {
  const { positions, splits } = state as SourceState
  return positions ?? (splits.length === 0 ? [] : [showValue(splits)])
}
