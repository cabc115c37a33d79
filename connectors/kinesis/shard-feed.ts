import type { SplitOutput } from '../../runtime/source.ts'
import type { RawRecord } from './kinesis-client.ts'
import type { KinesisSplit, ShardPosition } from './kinesis-split.ts'
import { ShardRecords } from './shard-records.ts'

/** What a feed tells its reader. */
export interface FeedListener {
  /** There is something to read, or the end has come. */
  changed(): void
  /** How far it is behind has changed. */
  lagChanged(): void
}

/** One shard being read: what was fetched and waits, and where it ends. */
export class ShardFeed<T> extends ShardRecords {
  readonly split: KinesisSplit
  readonly output: SplitOutput<T>
  /** True when there is nothing to read at the moment. */
  isWaiting = true
  /** Something has to be fetched before the current record can be read. */
  isPreparing = false
  /** Alignment holds it back. */
  isPaused = false
  /** What it was behind the tip of its shard by the last fetch, in milliseconds. */
  lagMs = 0
  readonly #maxWaitingBytes: number
  readonly #listener: FeedListener
  #children: readonly string[] = []
  /** Nothing is fetched any more. */
  #hasEnd = false
  #fetched: ShardPosition
  #tipAt: number

  constructor(
    split: KinesisSplit,
    output: SplitOutput<T>,
    maxWaitingBytes: number,
    listener: FeedListener,
  ) {
    super(split)
    this.split = split
    this.output = output
    this.#maxWaitingBytes = maxWaitingBytes
    this.#listener = listener
    this.#fetched = this.position
    this.#tipAt = split.tipAt
  }

  get hasEnd(): boolean {
    return this.#hasEnd
  }

  get wantsMore(): boolean {
    return !this.#hasEnd && this.waitingBytes < this.#maxWaitingBytes
  }

  /** Behind what was fetched: where fetching goes on. */
  get fetchPosition(): ShardPosition {
    return this.#fetched
  }

  /** All that this split has was handed out. */
  get isAtEnd(): boolean {
    return this.#hasEnd && !this.hasWaiting
  }

  /**
   * Takes what a fetch brought, possibly nothing, which came at about `now`. `askedAt`: what had arrived by then is in it, or
   * it does not reach the tip; -Infinity where that is not known.
   */
  received(
    records: readonly RawRecord[],
    millisBehind: number,
    now: number,
    askedAt: number = now,
  ): void {
    const { end } = this.split
    const isTooLate = (record: RawRecord): boolean =>
      end >= 0 && (record.ApproximateArrivalTimestamp?.getTime() ?? -1) >= end
    const cut = end < 0 ? -1 : records.findIndex(isTooLate)
    const taken = cut < 0 ? records : records.slice(0, cut)
    if (taken.length > 0) {
      const { SequenceNumber } = taken.at(-1)!
      this.#fetched = { ...this.#fetched, sequenceNumber: SequenceNumber, subSequenceNumber: -1 }
      this.add(taken)
    }
    const isAtTip = records.length === 0 && millisBehind === 0
    // At the tip all that had arrived by the time of the question has come.
    const isPast = end >= 0 && isAtTip && askedAt >= end
    if (cut >= 0 || isPast) this.#hasEnd = true
    this.#changed(millisBehind)
    // Away from the tip an empty answer says nothing about the next one.
    if (!isAtTip || this.hasWaiting) return
    this.#tipAt = now
    if (!this.#hasEnd) this.output.fetchedEmpty()
  }

  /** Its shard has no more records; these have taken over its keys. */
  ended(children: readonly string[]): void {
    this.#children = children
    this.#hasEnd = true
    this.#changed(0)
  }

  /** Goes on somewhere else, with nothing that waits. */
  resumeAt(position: ShardPosition): void {
    this.#fetched = position
  }

  /** When all was handed out, at the latest look; -1 for never. */
  get tipAt(): number {
    return this.#tipAt
  }

  snapshot(): KinesisSplit {
    const isFinished = this.isAtEnd
    const tipAt = this.#tipAt
    return { ...this.split, ...this.position, tipAt, isFinished, children: this.#children }
  }

  #changed(millisBehind: number): void {
    if (this.lagMs !== millisBehind) {
      this.lagMs = millisBehind
      this.#listener.lagChanged()
    }
    if (!this.hasWaiting && !this.#hasEnd) return
    this.isWaiting = this.isPreparing
    this.#listener.changed()
  }
}
