/** Emptied places at the front of an array after which it is worth moving the rest. */
const COMPACT_FROM = 64

/** First in, first out. Every operation takes O(1), spread over all of them; empty places are at most half of the array. */
export class Fifo<T> {
  #items: (T | undefined)[] = []
  #head = 0

  get size(): number {
    return this.#items.length - this.#head
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** The next to leave, if any. */
  get first(): T | undefined {
    return this.#items[this.#head]
  }

  /** The one that came last, if any. */
  get last(): T | undefined {
    return this.size === 0 ? undefined : this.#items.at(-1)
  }

  /** Takes the next one out; undefined if there is none. */
  shift(): T | undefined {
    const item = this.#items[this.#head]
    if (this.size === 0) return undefined
    this.#items[this.#head++] = undefined
    if (this.#head >= COMPACT_FROM && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  *[Symbol.iterator](): Generator<T, void> {
    for (let i = this.#head; i < this.#items.length; i++) yield this.#items[i]!
  }
}
