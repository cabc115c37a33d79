import type { PollResult } from '../runtime/source.ts'
import type { SplitTurns, TurnTaker } from './split-turns.ts'

/** Records taken from one split before the next choice. */
const TURN_RECORDS = 64

/** A split whose records are fetched in the background. */
export interface FetchedSplit extends TurnTaker {
  /** All that it has was handed out. */
  readonly isAtEnd: boolean
  readonly wantsMore: boolean
}

/** What a reader does with its splits. */
export interface SplitPolling<S> {
  /** Emits up to `limit` records; how many it read, below zero when the output wants a pause. */
  emit(split: S, limit: number): number
  /** It has no more; takes it out of the turns. */
  finish(split: S): void
  /** Its fetcher may go on. Cheap. */
  fetchMore(split: S): void
  /** No more splits will come. */
  isComplete: boolean
}

/** `poll` of a reader: takes records of its splits in turn, up to so many. */
export function pollSplits<S extends FetchedSplit>(
  turns: SplitTurns<S>,
  maxRecords: number,
  reader: SplitPolling<S>,
): PollResult {
  let left = maxRecords
  while (left > 0) {
    const next = turns.next()
    if (next === undefined) break
    const read = reader.emit(next, Math.min(left, TURN_RECORDS))
    turns.served(next, Math.abs(read))
    left -= Math.abs(read)
    if (next.isAtEnd) reader.finish(next)
    else if (next.wantsMore) reader.fetchMore(next)
    if (read < 0) return resultOf(turns, reader, 'more')
  }
  return resultOf(turns, reader, left > 0 ? 'wait' : 'more')
}

function resultOf<S extends FetchedSplit>(
  turns: SplitTurns<S>,
  { isComplete }: SplitPolling<S>,
  otherwise: 'more' | 'wait',
): PollResult {
  if (!turns.isEmpty) return otherwise
  return isComplete ? 'end' : 'wait'
}
