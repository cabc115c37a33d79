import { RestartableError } from '../errors.ts'
import type { ManifestState, ManifestSubtask } from './manifest.ts'

/**
 * Why a checkpoint of these parts must not be, if so: some subtasks of an operator with a union list have finished, others have
 * not (semantics 2.9). Those that have would take no part in sharing out the items of all, so what falls to them would be
 * left undone. Where all have finished nothing is shared out any more. Pure.
 */
export function partlyFinished(
  parts: readonly ManifestSubtask[],
  states: readonly ManifestState[],
  checkpointId: number,
): RestartableError | undefined {
  for (const { uid, name, kind, isDropped } of states) {
    if (kind !== 'union-list' || isDropped === true) continue
    const holders = parts.filter((part) => uid in part.watermarks)
    const finished = holders.filter((part) => part.isFinished)
    if (finished.length === 0 || finished.length === holders.length) continue
    const which = finished.map((part) => `${part.vertex}[${part.subtaskIndex}]`).join(', ')
    return new RestartableError(
      'MR_CHECKPOINT_PARTLY_FINISHED',
      `Checkpoint ${checkpointId} was taken when ${which} had finished and the other subtasks of operator "${uid}" had not; its union list "${name}" could not be shared out among all of them in a restart, so the checkpoint is given up, and its changes go into the next one; put rebalance() or keyBy(…) before "${uid}", so that all its subtasks finish together, or use operatorListState().`,
      { checkpointId, operator: uid, state: name },
    )
  }
  return undefined
}
