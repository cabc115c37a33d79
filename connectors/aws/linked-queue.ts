/** What stands in a `LinkedQueue`: in one at a time. */
export interface Linked<T> {
  /** The one behind it. */
  next: T | undefined
}

/** A queue of things that are linked through themselves: nothing is made or moved for one. */
export class LinkedQueue<T extends Linked<T>> {
  #first: T | undefined
  #last: T | undefined
  #count = 0

  get first(): T | undefined {
    return this.#first
  }

  get count(): number {
    return this.#count
  }

  push(item: T): void {
    item.next = undefined
    if (this.#last === undefined) this.#first = item
    else this.#last.next = item
    this.#last = item
    this.#count++
  }

  unshift(item: T): void {
    item.next = this.#first
    this.#first = item
    this.#last ??= item
    this.#count++
  }

  shift(): T | undefined {
    const first = this.#first
    if (first === undefined) return undefined
    this.#first = first.next
    if (first.next === undefined) this.#last = undefined
    first.next = undefined
    this.#count--
    return first
  }

  /** Moves all of another queue behind its own. */
  append(other: LinkedQueue<T>): void {
    const { first, count } = other
    if (first === undefined) return
    if (this.#last === undefined) this.#first = first
    else this.#last.next = first
    this.#last = other.#last
    this.#count += count
    other.#clear()
  }

  /** Moves all of another queue before its own. */
  prepend(other: LinkedQueue<T>): void {
    other.append(this)
    this.#first = other.#first
    this.#last = other.#last
    this.#count = other.#count
    other.#clear()
  }

  #clear(): void {
    this.#first = undefined
    this.#last = undefined
    this.#count = 0
  }
}
