/** Timers of one key up to this number are searched one by one. */
const FEW = 16

/** Several timers of one key and namespace, by timestamp. */
export class RowTimers<T extends { readonly timestamp: number }> {
  readonly #few: T[]
  #many: Map<number, T> | undefined

  constructor(first: T, second: T) {
    this.#few = [first, second]
  }

  find(timestamp: number): T | undefined {
    if (this.#many !== undefined) return this.#many.get(timestamp)
    for (const timer of this.#few) if (timer.timestamp === timestamp) return timer
    return undefined
  }

  add(timer: T): void {
    if (this.#many === undefined && this.#few.length < FEW) {
      this.#few.push(timer)
      return
    }
    this.#many ??= new Map(this.#few.map((other) => [other.timestamp, other]))
    this.#few.length = 0
    this.#many.set(timer.timestamp, timer)
  }

  /** Returns true when none is left. */
  remove(timer: T): boolean {
    if (this.#many !== undefined) {
      this.#many.delete(timer.timestamp)
      return this.#many.size === 0
    }
    const index = this.#few.indexOf(timer)
    const last = this.#few.pop()!
    if (last !== timer) this.#few[index] = last
    return this.#few.length === 0
  }
}
