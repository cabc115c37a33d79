import type { NexmarkEvent } from './model.ts'
import type { Shift } from './rounds.ts'
import type { RowValue } from './row-hash.ts'

/**
 * A query written by hand for one thread: the floor that no engine can beat. It knows what a program for just this stream would:
 * events come in the order of their times, and persons and auctions get their ids in ascending order.
 */
export interface Loop {
  /** Takes one round of events; called round by round. */
  read(events: readonly NexmarkEvent[], shift: Shift): void
  /** The input has ended: emits what is still open. */
  end(): void
}

/**
 * Makes a loop; `emit` takes the columns of a row one by one. Where a query refines its result, only the last row of each key is
 * emitted, at the end of the input or of the day.
 */
export type LoopFactory = (emit: (...columns: RowValue[]) => void) => Loop
