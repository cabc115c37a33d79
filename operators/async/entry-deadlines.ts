/** What has a time by which it has to be done. */
export interface Timed {
  /** When it times out, in ms of `clock.elapsed()`. */
  readonly deadline: number
}

/**
 * When records time out, and when their next calls are due. Pure: it is told what time it is.
 *
 * Deadlines have to be added in ascending order, as they are where all records have the same timeout. A retry costs
 * O(retries that wait), anything else O(1).
 */
export class EntryDeadlines<E extends Timed> {
  /** Not settled; in the order of their deadlines. */
  readonly #pending: Set<E> = new Set()
  /** Sorted by time, the latest first. */
  readonly #retries: { readonly at: number; readonly entry: E }[] = []

  add(entry: E): void {
    this.#pending.add(entry)
  }

  /** The entry is settled. */
  delete(entry: E): void {
    this.#pending.delete(entry)
  }

  /**
   * The next call for an entry is due at a time. One that would come at the deadline or after it never comes, so nothing of an
   * entry is left behind here once it has timed out.
   */
  retryAt(at: number, entry: E): void {
    if (at >= entry.deadline) return
    const retries = this.#retries
    let place = retries.length
    while (place > 0 && retries[place - 1]!.at <= at) place--
    retries.splice(place, 0, { at, entry })
  }

  /** When something is due next; Infinity if nothing will be. Costs O(entries settled since it was asked last). */
  get next(): number {
    const first = this.#oldest()
    return Math.min(first?.deadline ?? Infinity, this.#retries.at(-1)?.at ?? Infinity)
  }

  /** Takes out the next entry that has timed out by now. */
  takeTimedOut(now: number): E | undefined {
    const first = this.#oldest()
    if (first === undefined || first.deadline > now) return undefined
    this.#pending.delete(first)
    return first
  }

  /** Takes out all entries whose call is due by now, in the order of their times; what they add is for the next time. */
  takeDue(now: number): E[] {
    const retries = this.#retries
    let first = retries.length
    while (first > 0 && retries[first - 1]!.at <= now) first--
    return retries
      .splice(first)
      .reverse()
      .map(({ entry }) => entry)
  }

  #oldest(): E | undefined {
    for (const entry of this.#pending) return entry
    return undefined
  }
}
