import type { SplitOutput } from '../../runtime/source.ts'
import type { FetchedPartition } from './fetch-response.ts'
import type { KafkaSplit } from './kafka-split.ts'
import type { PartitionFeed } from './partition-fetcher.ts'
import { type Decompress, endOfRecordSet, RecordSet } from './record-batch.ts'

/** What a feed tells its reader. */
export interface FeedListener {
  /** There is something to read, or the end has come nearer. */
  changed(): void
  /** The lag of the partition has changed by so much. */
  lagChanged(by: number): void
  /** The position is not in the partition. Throws, or returns the offset to go on from. */
  outOfRange(split: KafkaSplit, offset: number): Promise<number>
}

/**
 * One partition being read: what was fetched and waits, and the position behind what has been handed out.
 *
 * ```
 *   broker ──fetch at fetchOffset──▶ waiting record sets ──next()──▶ record ──handed()──▶ position
 * ```
 */
export class SplitFeed<T> implements PartitionFeed {
  readonly split: KafkaSplit
  readonly output: SplitOutput<T>
  /** Offset of the next record to hand out. */
  position: number
  fetchOffset: number
  /** True when there is nothing to read at the moment. */
  isWaiting = true
  /** Alignment holds it back. */
  isPaused = false
  /** False until its format can read. */
  isOpen = false
  /** A record is current and has not been handed out. */
  #isHolding = false
  readonly #sets: RecordSet[] = []
  #waitingBytes = 0
  readonly #bytes: number[] = []
  readonly #maxWaitingBytes: number
  readonly #decompress: Decompress
  readonly #listener: FeedListener
  #lag = 0
  #logEnd = -1

  constructor(
    split: KafkaSplit,
    output: SplitOutput<T>,
    maxWaitingBytes: number,
    decompress: Decompress,
    listener: FeedListener,
  ) {
    this.split = split
    this.output = output
    this.position = split.offset
    this.fetchOffset = split.offset
    this.#maxWaitingBytes = maxWaitingBytes
    this.#decompress = decompress
    this.#listener = listener
  }

  get topic(): string {
    return this.split.topic
  }

  get partition(): number {
    return this.split.partition
  }

  get wantsMore(): boolean {
    const { end } = this.split
    return (
      this.isOpen &&
      this.#waitingBytes < this.#maxWaitingBytes &&
      (end < 0 || this.fetchOffset < end)
    )
  }

  /** All that this split has was handed out. */
  get isAtEnd(): boolean {
    const { end } = this.split
    return end >= 0 && this.position >= end
  }

  received(fetched: FetchedPartition): void {
    const { records, aborted, highWatermark, lastStableOffset } = fetched
    this.#logEnd = lastStableOffset >= 0 ? lastStableOffset : highWatermark
    this.#tellLag()
    if (records.length > 0) {
      const set = new RecordSet(records, this.fetchOffset, aborted, this.#decompress)
      this.fetchOffset = endOfRecordSet(records, this.fetchOffset)
      this.#sets.push(set)
      this.#bytes.push(records.length)
      this.#waitingBytes += records.length
      this.isWaiting = false
      this.#listener.changed()
    } else if (this.#sets.length === 0) {
      this.output.fetchedEmpty()
    }
  }

  async outOfRange(): Promise<void> {
    this.fetchOffset = await this.#listener.outOfRange(this.split, this.fetchOffset)
    this.position = this.fetchOffset
    // At the end there is nothing to wait for.
    if (this.isAtEnd) this.isWaiting = false
    this.#listener.changed()
  }

  /** The set that stands on the next record; undefined when nothing waits. The record stays current until `handed`. */
  next(): RecordSet | undefined {
    for (;;) {
      const set = this.#sets[0]
      if (set === undefined) {
        this.isWaiting = true
        return undefined
      }
      if (this.#isHolding) return set
      if (set.next()) {
        const { end } = this.split
        if (end >= 0 && set.offset >= end) {
          this.position = end
          this.#drop()
          return undefined
        }
        this.#isHolding = true
        return set
      }
      this.position = Math.max(this.position, set.nextOffset)
      this.#sets.shift()
      this.#waitingBytes -= this.#bytes.shift()!
      this.#tellLag()
    }
  }

  /** The current record has been dealt with. */
  handed(set: RecordSet): void {
    this.position = set.nextOffset
    this.#isHolding = false
  }

  snapshot(): KafkaSplit {
    return { ...this.split, offset: this.position, isFinished: this.isAtEnd }
  }

  #drop(): void {
    this.#sets.length = 0
    this.#bytes.length = 0
    this.#waitingBytes = 0
    this.isWaiting = true
  }

  #tellLag(): void {
    const lag = Math.max(0, this.#logEnd - this.position)
    if (lag !== this.#lag) this.#listener.lagChanged(lag - this.#lag)
    this.#lag = lag
  }
}
