/** What stands in a heap: it knows its place, -1 when it is in none. */
export interface HeapItem {
  readonly timestamp: number
  position: number
}

/** Below this it does not shrink: 64 KiB. */
const MIN_CAPACITY = 8_192
/** Children of a place: four share a cache line of timestamps, and halve the depth. */
const FAN = 4

/**
 * Timers ordered by timestamp: a heap of four children a place, with the timestamps in an array of their own, so that
 * comparing them touches no timer.
 *
 * Adding and removing cost O(log timers).
 */
export class TimerHeap<T extends HeapItem> {
  readonly #items: T[] = []
  #timestamps: Float64Array = new Float64Array(MIN_CAPACITY / 64)

  get count(): number {
    return this.#items.length
  }

  get first(): T | undefined {
    return this.#items[0]
  }

  /** The earliest timestamp, Infinity if there is none. */
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
