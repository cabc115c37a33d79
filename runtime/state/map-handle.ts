import { keyProblem } from '../key-encoding.ts'
import type { Key } from '../key.ts'
import type { MapStore } from './map-store.ts'
import { ABSENT, type CellState } from './state-cell.ts'
import { mapKeyInvalid, outsideCallback } from './state-errors.ts'
import type { StateRow } from './state-row.ts'
import type { StateTable } from './state-table.ts'
import type { MapState } from './state.ts'

/** A map state over the table: each entry is a cell of its own. */
export class MapHandle<K extends Key, V> implements MapState<K, V> {
  readonly #table: StateTable
  readonly #maps: MapStore
  readonly #state: CellState

  constructor(table: StateTable, maps: MapStore, state: CellState) {
    this.#table = table
    this.#maps = maps
    this.#state = state
  }

  get(key: K): V | undefined {
    const value = this.read(this.rowFor(key), key)
    return value === ABSENT ? undefined : (value as V)
  }

  has(key: K): boolean {
    const cell = this.#maps.find(this.rowFor(key), this.#state, key)
    return cell !== undefined && this.#table.peek(cell) !== ABSENT
  }

  put(key: K, value: V): void {
    this.#table.write(this.#maps.obtain(this.rowFor(key), this.#state, key), value)
  }

  remove(key: K): void {
    this.#maps.remove(this.rowFor(key), this.#state, key)
  }

  entries(): IterableIterator<[K, V]> {
    return this.#iterate((key, value) => [key, value])
  }

  keys(): IterableIterator<K> {
    return this.#iterate((key) => key)
  }

  values(): IterableIterator<V> {
    return this.#iterate((_, value) => value)
  }

  isEmpty(): boolean {
    return this.#maps.isEmpty(this.#row(), this.#state)
  }

  clear(): void {
    this.#maps.clear(this.#row(), this.#state)
  }

  #row(): StateRow {
    return this.#table.row ?? this.#table.openRow(this.#state)
  }

  /** The current row, for an entry whose key is one (R19). */
  protected rowFor(key: Key): StateRow {
    const row = this.#row()
    const problem = typeof key === 'string' ? undefined : keyProblem(key)
    if (problem !== undefined) throw mapKeyInvalid(this.#state, row, problem)
    return row
  }

  /** The value of an entry as user code gets it, or `ABSENT`. */
  protected read(row: StateRow, key: Key): unknown {
    const cell = this.#maps.find(row, this.#state, key)
    return cell === undefined ? ABSENT : this.#table.read(cell)
  }

  /** The keys of this moment in order; those that are gone when their turn comes are left out. */
  #iterate<R>(pick: (key: K, value: V) => R): IterableIterator<R> {
    const row = this.#row()
    const keys = this.#maps.keys(row, this.#state) as Iterable<K>
    return this.#visit(row, keys, this.#table.callback, pick)
  }

  *#visit<R>(
    row: StateRow,
    keys: Iterable<K>,
    callback: number,
    pick: (key: K, value: V) => R,
  ): Generator<R, undefined> {
    const table = this.#table
    for (const key of keys) {
      if (!table.isOpen || table.callback !== callback) throw outsideCallback(this.#state)
      table.makeRoom()
      const value = this.read(table.rows.current(row), key)
      if (value !== ABSENT) yield pick(key, value as V)
    }
    return undefined
  }
}
