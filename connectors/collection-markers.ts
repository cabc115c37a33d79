const KIND: unique symbol = Symbol.for('millrace.collection.marker@1')

/** A record with its timestamp, from `at()`. */
export interface Timestamped<T> {
  readonly [KIND]: 'at'
  readonly value: T
  readonly timestamp: number
}

/** Something in the values of a `collectionSource` that is no record. */
export interface CollectionMarker {
  readonly [KIND]: 'abort' | 'pause'
  readonly pauseMs?: number
}

/**
 * Ends the attempt with a restartable error when the source reaches it, once: the k-th marker of a list (from 1) fires in
 * the attempts up to the k-th of a run.
 *
 * So the first marker fires in attempt 1 and is passed over from attempt 2 on, the second fires in attempt 2, and so on,
 * wherever the restored checkpoint stands. In a run that resumed a checkpoint, attempt 1 also passes over the first marker
 * behind the restored position, as that is the one which ended the run before. Nothing is kept in memory between attempts,
 * since each has threads of its own.
 */
export const ABORT: CollectionMarker = Object.freeze({ [KIND]: 'abort' as const })

/**
 * The source has no record for so long, by its clock, and then goes on: longer than the idleness timeout of its strategy, and
 * it is idle until then (R11).
 */
export function pause(pauseMs: number): CollectionMarker {
  return Object.freeze({ [KIND]: 'pause' as const, pauseMs })
}

/** A record with a timestamp of its own (ms since the epoch). */
export function at<T>(value: T, timestamp: number): Timestamped<T> {
  return Object.freeze({ [KIND]: 'at' as const, value, timestamp })
}

/** True for `ABORT` and `pause(…)`. */
export function isMarker(value: unknown): value is CollectionMarker {
  return hasKind(value, 'abort') || hasKind(value, 'pause')
}

/** True for `ABORT`. */
export function isAbort(value: unknown): boolean {
  return hasKind(value, 'abort')
}

/** True for what `at()` made. */
export function isTimestamped(value: unknown): value is Timestamped<unknown> {
  return hasKind(value, 'at')
}

function hasKind(value: unknown, kind: string): boolean {
  return (
    typeof value === 'object' && value !== null && (value as { [KIND]?: string })[KIND] === kind
  )
}
