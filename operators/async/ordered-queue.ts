import { type AsyncQueue, HeldWatermark } from './async-queue.ts'
import { Fifo } from './fifo.ts'

/** Lets records and watermarks go in the order in which they came (semantics 2.16). */
export class OrderedQueue<E extends { readonly isSettled: boolean }> implements AsyncQueue<E> {
  readonly #items: Fifo<E | HeldWatermark> = new Fifo()

  get size(): number {
    return this.#items.size
  }

  add(item: E | HeldWatermark): void {
    this.#items.push(item)
  }

  /** Records tell by themselves. */
  settle(): void {}

  next(): E | HeldWatermark | undefined {
    const { first } = this.#items
    if (first === undefined || first instanceof HeldWatermark) return first
    return first.isSettled ? first : undefined
  }

  take(): void {
    this.#items.shift()
  }

  contents(): Iterable<E | HeldWatermark> {
    return this.#items
  }
}
