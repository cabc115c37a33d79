import { FROM_BEGINNING } from './shard-order.ts'

/** Where reading begins in the shards that are there at the first start. */
export type KinesisStart =
  /** Behind what is there. */
  | 'latest'
  /** At the oldest record that the stream still has. */
  | 'earliest'
  /** At the first record that arrived at this time or later, in milliseconds since the epoch. */
  | { readonly timestamp: number }

/** Where reading ends, in a bounded source. */
export type KinesisEnd =
  /** Behind what was there when the source started. */
  | 'latest'
  /** Before the first record that arrived at this time or later, in milliseconds since the epoch. */
  | { readonly timestamp: number }

/** The time at which reading begins, or `FROM_BEGINNING`. `now` becomes part of the state, so that no restart skips anything. */
export function startTime(start: KinesisStart, now: number): number {
  if (start === 'earliest') return FROM_BEGINNING
  return start === 'latest' ? now : start.timestamp
}

/** The time before which reading ends; -1 for no end. */
export function endTime(end: KinesisEnd | undefined, now: number): number {
  if (end === undefined) return -1
  return end === 'latest' ? now + 1 : end.timestamp
}
