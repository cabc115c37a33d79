/** What stands in a `TimerHeap`, which keeps `position`: where the item is, -1 while it is in none. */
export interface HeapItem {
  readonly timestamp: number
  position: number
}

/** Below this the heap does not shrink: 64 KiB. */
const MIN_CAPACITY = 8_192
const FIRST_CAPACITY = 128
/** Items that are looked at to tell which ones are late. */
const LATE_SAMPLE = 32
/** Children of a place: four share a cache line of timestamps, and halve the depth. */
const FAN = 4
/** So many inputs may be at different times without timers for it going to the heap. At most eight have a place in a position. */
const QUEUES = 4

/**
 * Items ordered by timestamp: a few queues of those that were added in ascending order, and a heap of the others.
 *
 * Timers mostly come in order: what sets them is a record, a fixed time ahead. Where records come over several inputs, each of
 * these is in order by itself, so an item goes to that queue whose last one is the nearest before it. Adding and removing
 * them costs O(1); where they come in any other order, O(log items).
 */
export class TimerHeap<T extends HeapItem> {
  readonly #queues: readonly AscendingQueue<T>[] = Array.from(
    { length: QUEUES },
    (_, number) => new AscendingQueue<T>(number),
  )
  readonly #heap: FourHeap<T> = new FourHeap()
  #queued = 0

  get count(): number {
    return this.#queued + this.#heap.count
  }

  /** The earliest timestamp, Infinity if there is none. */
  get earliest(): number {
    let { earliest } = this.#heap
    for (const queue of this.#queues) if (queue.earliest < earliest) earliest = queue.earliest
    return earliest
  }

  /** An item with the earliest timestamp; undefined if there is none. */
  get first(): T | undefined {
    const { earliest } = this
    for (const queue of this.#queues) {
      if (queue.count > 0 && queue.earliest === earliest) return queue.first
    }
    return this.#heap.first
  }

  add(item: T): void {
    const queue = this.#queueFor(item.timestamp)
    if (queue?.add(item) === true) this.#queued++
    else this.#heap.add(item)
  }

  /** The queue whose last item is the nearest before a timestamp, else an empty one; undefined if there is none. */
  #queueFor(timestamp: number): AscendingQueue<T> | undefined {
    let nearest: AscendingQueue<T> | undefined
    for (const queue of this.#queues) {
      if (queue.latest > timestamp) continue
      if (nearest === undefined || queue.latest > nearest.latest) nearest = queue
    }
    return nearest
  }

  /** To be called before `late` is asked for the first time after items have come and gone. */
  beginLate(): void {
    this.#heap.beginLate()
  }

  /**
   * An item that is late among them, to be removed: most that are later are handed out before it, and none of the earliest
   * while there are later ones. Undefined if there is none. O(1) amortised.
   */
  get late(): T | undefined {
    const queue = this.#queues.reduce((a, b) => (b.latest > a.latest ? b : a))
    const heap = this.#heap
    while (heap.count > 0) {
      if (queue.latest >= heap.lateFrom) break
      const { late } = heap
      if (late !== undefined) return late
      heap.beginLate()
    }
    return queue.last
  }

  remove(item: T): void {
    const { position } = item
    if (position < QUEUED) {
      this.#heap.remove(item)
      return
    }
    this.#queued--
    this.#queues[(position - QUEUED) >>> PLACE_BITS]!.remove(item)
  }
}

/** The position of an item in a queue is this, the number of the queue in the bits above these, and its place there. */
const QUEUED = 2 ** 30
const PLACE_BITS = 27
const FIRST_PLACES = 64

/** Items that came in ascending order, in a ring; those removed from the middle leave a gap behind. */
class AscendingQueue<T extends HeapItem> {
  readonly #origin: number
  /** A power of two of places. */
  #places: (T | undefined)[] = emptyPlaces(FIRST_PLACES)
  #head = 0
  /** Places from the first item to the last, gaps included. */
  #span = 0
  count = 0
  /** The timestamp of the first item, Infinity if there is none. */
  earliest = Infinity
  /** The timestamp of the last item; none that is lower is taken. */
  latest = -Infinity

  constructor(number: number) {
    this.#origin = QUEUED + number * 2 ** PLACE_BITS
  }

  get first(): T | undefined {
    return this.#places[this.#head]
  }

  get last(): T | undefined {
    return this.count === 0 ? undefined : this.#places[this.#place(this.#span - 1)]
  }

  #place(index: number): number {
    return (this.#head + index) & (this.#places.length - 1)
  }

  /** Takes an item if it is not before the last one. */
  add(item: T): boolean {
    const { timestamp } = item
    if (this.count > 0 && timestamp < this.latest) return false
    if (this.#span === this.#places.length && !this.#makePlace()) return false
    const at = this.#place(this.#span)
    this.#places[at] = item
    item.position = this.#origin + at
    if (this.count === 0) this.earliest = timestamp
    this.latest = timestamp
    this.#span++
    this.count++
    return true
  }

  remove(item: T): void {
    const at = item.position - this.#origin
    this.#places[at] = undefined
    item.position = -1
    this.count--
    if (this.count === 0) {
      this.#head = 0
      this.#span = 0
      this.earliest = Infinity
      this.latest = -Infinity
      if (this.#places.length > MIN_CAPACITY) this.#places = emptyPlaces(FIRST_PLACES)
    } else if (at === this.#head) this.#skipGaps()
    else if (at === this.#place(this.#span - 1)) this.#dropGaps()
  }

  /** The last item has left: gaps before it do so as well. */
  #dropGaps(): void {
    let last: T | undefined
    do {
      this.#span--
      last = this.#places[this.#place(this.#span - 1)]
    } while (last === undefined)
    this.latest = last.timestamp
  }

  #skipGaps(): void {
    const places = this.#places
    const mask = places.length - 1
    let head = this.#head
    let item: T | undefined
    do {
      head = (head + 1) & mask
      this.#span--
      item = places[head]
    } while (item === undefined)
    this.#head = head
    this.earliest = item.timestamp
  }

  /** Moves the items together if half of the places are gaps, else doubles the places; false if there are as many as can be. */
  #makePlace(): boolean {
    const { length } = this.#places
    const capacity = this.count * 2 <= length ? length : length * 2
    if (capacity > 2 ** PLACE_BITS) return false
    const places: (T | undefined)[] = emptyPlaces(capacity)
    let next = 0
    for (let i = 0; i < this.#span; i++) {
      const item = this.#places[this.#place(i)]
      if (item === undefined) continue
      item.position = this.#origin + next
      places[next++] = item
    }
    this.#places = places
    this.#head = 0
    this.#span = next
    return true
  }
}

function emptyPlaces(count: number): undefined[] {
  return new Array<undefined>(count).fill(undefined)
}

/** A heap of four children a place, with the timestamps in an array of their own, so that comparing them touches no item. */
class FourHeap<T extends HeapItem> {
  readonly #items: T[] = []
  #timestamps: Float64Array = new Float64Array(FIRST_CAPACITY)
  /** What is at or above this timestamp is late; NaN until it has been looked for. */
  lateFrom = Number.NaN
  /** Places before this one have not been looked at for it. */
  #unseen = 0

  get count(): number {
    return this.#items.length
  }

  get first(): T | undefined {
    return this.#items[0]
  }

  get earliest(): number {
    return this.#items.length === 0 ? Infinity : this.#timestamps[0]!
  }

  add(item: T): void {
    const at = this.#items.length
    if (at === this.#timestamps.length) this.#resize(at * 2)
    this.#items.push(item)
    this.#rise(item, at)
  }

  remove(item: T): void {
    const { position } = item
    const last = this.#items.pop()!
    item.position = -1
    if (last !== item && !this.#rise(last, position)) this.#sink(last, position)
    const capacity = this.#timestamps.length
    if (capacity > MIN_CAPACITY && this.#items.length * 8 < capacity) this.#resize(capacity / 4)
  }

  beginLate(): void {
    const { length } = this.#items
    if (length === 0) return
    const step = Math.max(1, Math.floor(length / LATE_SAMPLE))
    const sample: number[] = []
    // With the first place, the earliest: it is late only if all of the later half are as early.
    for (let at = 0; at < length; at += step) sample.push(this.#timestamps[at]!)
    sample.sort((a, b) => a - b)
    this.lateFrom = sample[sample.length >>> 1]!
    this.#unseen = length
  }

  /** The next late item, from the end to the beginning, so that the earliest is the last that leaves; undefined behind them. */
  get late(): T | undefined {
    const timestamps = this.#timestamps
    this.#unseen = Math.min(this.#unseen, this.#items.length)
    while (this.#unseen > 0) {
      if (timestamps[--this.#unseen]! >= this.lateFrom) return this.#items[this.#unseen]
    }
    return undefined
  }

  #resize(capacity: number): void {
    const timestamps = new Float64Array(capacity)
    timestamps.set(this.#timestamps.subarray(0, Math.min(capacity, this.#timestamps.length)))
    this.#timestamps = timestamps
  }

  /** Puts an item where it belongs, from a place on upwards; returns whether it left that place. */
  #rise(item: T, from: number): boolean {
    const timestamps = this.#timestamps
    const items = this.#items
    const { timestamp } = item
    let at = from
    while (at > 0) {
      const parent = ((at - 1) / FAN) | 0
      if (timestamps[parent]! <= timestamp) break
      this.#put(items[parent]!, at)
      at = parent
    }
    this.#put(item, at)
    return at !== from
  }

  #sink(item: T, from: number): void {
    const timestamps = this.#timestamps
    const items = this.#items
    const { timestamp } = item
    const { length } = items
    let at = from
    for (;;) {
      const firstChild = at * FAN + 1
      if (firstChild >= length) break
      const end = Math.min(firstChild + FAN, length)
      let child = firstChild
      for (let other = firstChild + 1; other < end; other++) {
        if (timestamps[other]! < timestamps[child]!) child = other
      }
      if (timestamps[child]! >= timestamp) break
      this.#put(items[child]!, at)
      at = child
    }
    this.#put(item, at)
  }

  #put(item: T, at: number): void {
    this.#items[at] = item
    this.#timestamps[at] = item.timestamp
    item.position = at
  }
}
