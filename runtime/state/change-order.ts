import type { Change } from './change.ts'

/** Fewer changes are one run, which is sorted anyway. */
const LEAST_ORDERED = 64

/**
 * The changes of a snapshot in the order in which they are encoded: where they are many, one key group after another, so that
 * the sorted runs that come of them hardly overlap and need not be merged.
 *
 * ```
 *   given ──order, some at a time──▶ by key group ──next──▶ …
 * ```
 */
export class ChangeOrder {
  #given: readonly Change[]
  #ordered: number
  readonly #groups: Map<number, Change[]> = new Map()
  /** The groups that are left, the lowest last; known once all are ordered. */
  #left: Change[][] = []
  #group: readonly Change[] = []
  #next = 0

  constructor(changes: readonly Change[]) {
    const isShort = changes.length < LEAST_ORDERED
    this.#given = isShort ? [] : changes
    this.#group = isShort ? changes : []
    this.#ordered = 0
  }

  /** How many changes are left. O(key groups). */
  get length(): number {
    const grouped = [...this.#groups.values(), ...this.#left]
    const waiting = grouped.reduce((sum, group) => sum + group.length, 0)
    return this.#given.length - this.#ordered + waiting + this.#group.length - this.#next
  }

  /** Puts some of them in order; true once all are, and `next` may be called. */
  order(count: number): boolean {
    const given = this.#given
    if (given.length === 0) return true
    const end = Math.min(given.length, this.#ordered + count)
    while (this.#ordered < end) {
      const change = given[this.#ordered++]!
      const group = this.#groups.get(change.keyGroup)
      if (group === undefined) this.#groups.set(change.keyGroup, [change])
      else group.push(change)
    }
    if (end < given.length) return false
    this.#left = [...this.#groups].sort(([a], [b]) => b - a).map(([, group]) => group)
    this.#groups.clear()
    this.#given = []
    this.#ordered = 0
    return true
  }

  /** The next change; undefined at the end. */
  next(): Change | undefined {
    while (this.#next === this.#group.length) {
      const group = this.#left.pop()
      if (group === undefined) return undefined
      this.#group = group
      this.#next = 0
    }
    return this.#group[this.#next++]
  }

  /** All that `next` has not returned, in any order. */
  rest(): readonly Change[] {
    const unordered = this.#given.slice(this.#ordered)
    const grouped = [...this.#groups.values(), ...this.#left].flat()
    return [...this.#group.slice(this.#next), ...grouped, ...unordered]
  }
}
