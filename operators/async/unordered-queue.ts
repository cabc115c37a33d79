import { type AsyncQueue, HeldWatermark } from './async-queue.ts'
import { Fifo } from './fifo.ts'

/** The records between two watermarks. */
interface Segment<E> {
  unsettled: number
  /** In the order in which they were settled. */
  readonly settled: Fifo<E>
  /** The watermark behind them; undefined for the last segment, which is still open. */
  end: HeldWatermark | undefined
}

/**
 * Lets records go as soon as they are settled, but none across a watermark: neither before the one in front of it nor behind
 * the one that follows (semantics 2.16).
 */
export class UnorderedQueue<E> implements AsyncQueue<E> {
  /** The first one may emit; there is always one that is open. */
  readonly #segments: Fifo<Segment<E>> = new Fifo()
  /** All that is held, in the order in which it came. */
  readonly #segmentOf: Map<E | HeldWatermark, Segment<E>> = new Map()

  constructor() {
    this.#openSegment()
  }

  #openSegment(): void {
    this.#segments.push({ unsettled: 0, settled: new Fifo(), end: undefined })
  }

  get size(): number {
    return this.#segmentOf.size
  }

  add(item: E | HeldWatermark): void {
    const segment = this.#segments.last!
    this.#segmentOf.set(item, segment)
    if (item instanceof HeldWatermark) {
      segment.end = item
      this.#openSegment()
    } else segment.unsettled++
  }

  settle(record: E): void {
    const segment = this.#segmentOf.get(record)!
    segment.unsettled--
    segment.settled.push(record)
  }

  next(): E | HeldWatermark | undefined {
    const { settled, unsettled, end } = this.#segments.first!
    if (settled.size > 0) return settled.first
    return unsettled === 0 ? end : undefined
  }

  take(): void {
    const item = this.next()
    if (item === undefined) return
    this.#segmentOf.delete(item)
    if (item instanceof HeldWatermark) this.#segments.shift()
    else this.#segments.first!.settled.shift()
  }

  contents(): Iterable<E | HeldWatermark> {
    return this.#segmentOf.keys()
  }
}
