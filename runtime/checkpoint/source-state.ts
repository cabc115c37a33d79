import type { WatermarkStatus } from '../element.ts'
import { splitLists } from './operator-lists.ts'

/** What a checkpoint keeps of a split's time (R11). */
export interface SplitTimeState {
  readonly splitId: string
  readonly status: WatermarkStatus
  readonly generator: unknown
}

/** A source subtask's part of a checkpoint. */
export interface SourceState {
  readonly splits: readonly unknown[]
  readonly times: readonly SplitTimeState[]
  readonly noMoreSplits: boolean
  /** Where the first few splits that are not finished stand, for messages; not there where the source cannot tell. */
  readonly positions?: readonly string[]
}

/**
 * Spreads the splits of all readers over another number of them (semantics 2.9), finished ones that are still kept too. Pure.
 *
 * Each split goes to exactly one reader (R31). Only readers know the id of a split, so each gets the times of all and looks up
 * those of its own (R11). No more splits come only where that had been said to all: those that were still to be assigned may
 * go to any reader now.
 */
export function spreadSplits(readers: readonly SourceState[], parallelism: number): SourceState[] {
  const times = readers.flatMap((reader) => reader.times)
  const noMoreSplits = readers.every((reader) => reader.noMoreSplits)
  const lists = readers.map((reader) => reader.splits)
  return splitLists([{ name: 'splits', lists }], parallelism).map(({ splits = [] }) => ({
    splits,
    times,
    noMoreSplits,
  }))
}
