import type { Key } from '../key.ts'
import { orderOf } from './map-index.ts'
import type { RowTable, StateRow } from './state-row.ts'

/** A key, with the text that it is ordered by (R17). */
export interface FoundKey {
  readonly order: string
  readonly key: Key
}

/**
 * The keys of which something of one state is in memory, in their default namespace, by key group.
 *
 * They are collected first, in pieces, and sorted group by group. What comes into memory, or leaves it, after it was looked at
 * does not show.
 */
export class MemoryKeys {
  readonly #rows: IterableIterator<StateRow>
  readonly #slot: number
  readonly #groups: Map<number, StateRow[]> = new Map()

  /** `slot`: that of the state in every row. */
  constructor(rows: RowTable, slot: number) {
    this.#rows = rows.all()
    this.#slot = slot
  }

  /** Looks at so many rows more; true when all have been looked at. */
  collect(count: number): boolean {
    for (let i = 0; i < count; i++) {
      const { value: row, done } = this.#rows.next()
      if (done === true) return true
      if (row.slot(this.#slot) === undefined) continue
      const group = this.#groups.get(row.keyGroup)
      if (group === undefined) this.#groups.set(row.keyGroup, [row])
      else group.push(row)
    }
    return false
  }

  /**
   * The keys of a group in descending order, to be taken from the end, each once: a row that left the table and came back
   * while keys were collected was seen twice. They are forgotten here. O(n log n).
   */
  take(keyGroup: number): FoundKey[] {
    const rows = this.#groups.get(keyGroup) ?? []
    this.#groups.delete(keyGroup)
    return rows
      .map(({ key }) => ({ order: orderOf(key), key }))
      .sort((a, b) => (a.order > b.order ? -1 : 1))
      .filter(({ order }, i, all) => order !== all[i - 1]?.order)
  }
}
