import type { CheckpointManifest } from '../checkpoint/manifest.ts'
import type { SourceState } from '../checkpoint/source-state.ts'
import { showValue } from '../show-value.ts'
import { watermarkOf } from '../task/subtask-snapshot.ts'
import { decodeValue } from '../value-codec.ts'

/** Where a source stands in a snapshot. */
export interface SourcePosition {
  readonly uid: string
  /** Splits that its readers have. */
  readonly splits: readonly unknown[]
  /** Where the first ones that are not read to their end stand, as the source tells it; else the splits, shortened. */
  readonly positions: readonly string[]
  /** Readers that will be given no more splits, and all of them. */
  readonly readersAtEnd: number
  readonly readers: number
}

/** The watermark of an operator in each of its subtasks: -Infinity before the first, Infinity at the end of all input. */
export interface OperatorWatermarks {
  readonly uid: string
  readonly lowest: number
  readonly highest: number
}

/** The sources of a snapshot, by the order of its operators. */
export function sourcesIn(manifest: CheckpointManifest): SourcePosition[] {
  return manifest.operators.flatMap(({ uid }) => {
    const states = manifest.subtasks.flatMap(({ operatorState }) => {
      const data = operatorState[uid]
      const state = data === undefined ? undefined : decodeValue(data)
      return isSourceState(state) ? [state] : []
    })
    if (states.length === 0) return []
    const splits = states.flatMap((state) => state.splits)
    return [
      {
        uid,
        splits,
        positions: states.flatMap((state) => state.positions ?? state.splits.map(showValue)),
        readersAtEnd: states.filter((state) => state.noMoreSplits).length,
        readers: states.length,
      },
    ]
  })
}

/** The watermarks of a snapshot, by the order of its operators. */
export function watermarksIn(manifest: CheckpointManifest): OperatorWatermarks[] {
  return manifest.operators.flatMap(({ uid }) => {
    const watermarks = manifest.subtasks
      .filter((part) => uid in part.watermarks)
      .map((part) => watermarkOf(part.watermarks[uid]))
    if (watermarks.length === 0) return []
    return [{ uid, lowest: Math.min(...watermarks), highest: Math.max(...watermarks) }]
  })
}

function isSourceState(state: unknown): state is SourceState {
  if (typeof state !== 'object' || state === null) return false
  return 'noMoreSplits' in state && 'splits' in state && Array.isArray(state.splits)
}
