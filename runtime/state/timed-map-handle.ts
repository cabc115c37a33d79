import type { Key } from '../key.ts'
import { MapHandle } from './map-handle.ts'
import type { MapStore } from './map-store.ts'
import { ABSENT, type CellState } from './state-cell.ts'
import type { StateRow } from './state-row.ts'
import type { StateTable } from './state-table.ts'
import type { TimedCells } from './timed-cells.ts'

/**
 * A map state whose entries expire one by one. Reading one, and coming to it while iterating, removes it if it has expired;
 * `isEmpty` does not ask (semantics 2.17).
 */
export class TimedMapHandle<K extends Key, V> extends MapHandle<K, V> {
  readonly #maps: MapStore
  readonly #state: CellState
  readonly #cells: TimedCells

  constructor(table: StateTable, maps: MapStore, state: CellState, cells: TimedCells) {
    super(table, maps, state)
    this.#maps = maps
    this.#state = state
    this.#cells = cells
  }

  override has(key: K): boolean {
    return this.read(this.rowFor(key), key) !== ABSENT
  }

  override put(key: K, value: V): void {
    const row = this.rowFor(key)
    const access = this.#cells.accessTime(row)
    this.#cells.write(this.#maps.obtain(row, this.#state, key), value, access)
  }

  protected override read(row: StateRow, key: Key): unknown {
    const cell = this.#maps.find(row, this.#state, key)
    return cell === undefined ? ABSENT : this.#cells.read(cell)
  }
}
