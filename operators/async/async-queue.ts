/** A watermark that waits for the records before it. */
export class HeldWatermark {
  readonly timestamp: number

  constructor(timestamp: number) {
    this.timestamp = timestamp
  }
}

/**
 * The records and watermarks that an operator holds until they may be emitted, and which of them is next.
 *
 * Pure: knows no clock and no function. Every operation takes O(1), but for `contents`. `E` is a record; each is added once.
 */
export interface AsyncQueue<E> {
  /** Records and watermarks. */
  readonly size: number
  add(item: E | HeldWatermark): void
  /** The record has its results. Called once for each. */
  settle(record: E): void
  /** What may be emitted next; undefined while that is not settled. */
  next(): E | HeldWatermark | undefined
  /** Takes out what `next` returns. */
  take(): void
  /** Everything that is held, in the order in which it was added. */
  contents(): Iterable<E | HeldWatermark>
}
