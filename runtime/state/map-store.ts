import { canonicalKey } from '../key-encoding.ts'
import type { Key } from '../key.ts'
import { MapCell, MapEntryCell, MapIndexCell } from './map-cell.ts'
import { MapIndex, orderOf } from './map-index.ts'
import { ownKey } from './own-key.ts'
import { writePrefix } from './snapshot-format.ts'
import { ABSENT, type CellState, EVICTED, type StateCell } from './state-cell.ts'
import type { StateRow } from './state-row.ts'
import type { StateTable } from './state-table.ts'

/**
 * Maps over the table: their entries are cells of their own, and an index of all keys stands beside them, since a working
 * copy cannot be searched for the entries of a map.
 *
 * Every present entry is in the index. The index is loaded when keys come or go and for iteration, not to read an entry.
 */
export class MapStore {
  readonly #table: StateTable

  constructor(table: StateTable) {
    this.#table = table
  }

  /** The cell of an entry, perhaps evicted or absent; undefined if there is certainly none. */
  find(row: StateRow, state: CellState, key: Key): StateCell | undefined {
    const map = this.#find(row, state)
    if (map === undefined) return undefined
    const canonical = canonicalKey(key)
    const cell = map.cells.get(canonical)
    if (cell !== undefined || !map.isPartial) return cell
    const evicted = new MapEntryCell(map, ownKey(key), canonical)
    const index = map.index?.value
    if (
      index instanceof MapIndex ? !index.has(orderOf(key)) : !this.#table.mightBeSpilled(evicted)
    ) {
      return undefined
    }
    this.#attach(evicted, true)
    return evicted
  }

  /** The cell of an entry that is about to be written. */
  obtain(row: StateRow, state: CellState, key: Key): StateCell {
    const map = this.#find(row, state) ?? this.#newMap(row, state)
    const canonical = canonicalKey(key)
    let cell = map.cells.get(canonical)
    if (cell === undefined) {
      cell = new MapEntryCell(map, ownKey(key), canonical)
      this.#attach(cell, map.isPartial && this.#index(map).has(orderOf(key)))
    }
    // An evicted cell that `find` made may be of a key that only seems to be there.
    if (cell.value === ABSENT || cell.value === EVICTED) this.#addToIndex(map, cell)
    return cell
  }

  remove(row: StateRow, state: CellState, key: Key): void {
    const map = this.#find(row, state)
    if (map === undefined) return
    const canonical = canonicalKey(key)
    let cell = map.cells.get(canonical)
    if (cell?.value === ABSENT || (cell === undefined && !map.isPartial)) return
    const index = this.#index(map)
    const order = orderOf(key)
    if (index.has(order)) {
      if (cell === undefined) {
        cell = new MapEntryCell(map, ownKey(key), canonical)
        this.#attach(cell, true)
      }
      index.delete(order)
      if (index.size === 0) this.#table.valueCount--
      this.#indexChanged(map, index)
      this.#table.remove(cell)
    }
    this.#dropIndexIfEmpty(map)
  }

  /** Removes the entry that a cell is of. */
  removeCell(cell: StateCell): void {
    this.remove(cell.row, cell.state, (cell as MapEntryCell).key)
  }

  /** The keys of a map in order (R17), none if there is no map. */
  keys(row: StateRow, state: CellState): readonly Key[] {
    const map = this.#find(row, state)
    if (map === undefined) return []
    const index = this.#index(map)
    const keys = index.sorted().map((order) => index.key(order))
    this.#dropIndexIfEmpty(map)
    return keys
  }

  isEmpty(row: StateRow, state: CellState): boolean {
    const map = this.#find(row, state)
    if (map === undefined) return true
    const { size } = this.#index(map)
    this.#dropIndexIfEmpty(map)
    return size === 0
  }

  /** Removes all entries; one `clear` in the changes (R24). */
  clear(row: StateRow, state: CellState): void {
    const map = this.#find(row, state)
    if (map === undefined) return
    const { changes } = this.#table
    const index = this.#index(map)
    if (index.size > 0) {
      for (const cell of map.cells.values()) {
        if (cell.stamp !== 0 && cell.stamp !== changes.interval) changes.encodeFirst(cell)
      }
      if (map.cleanIn !== changes.interval) {
        changes.logClear((run) => writePrefix(run.writer, row, state.stateId))
        map.cleanIn = changes.interval
      }
      this.#discardAll(map, index)
      this.#table.valueCount--
    }
    this.#dropIndexIfEmpty(map)
  }

  /** Takes an entry that is restored, encoded. */
  restore(row: StateRow, state: CellState, key: Key): StateCell {
    const map = this.#find(row, state) ?? this.#newMap(row, state)
    const canonical = canonicalKey(key)
    const cell = new MapEntryCell(map, key, canonical)
    this.#attach(cell, false)
    this.#addToIndex(map, cell)
    map.cleanIn = 0
    return cell
  }

  #discardAll(map: MapCell, index: MapIndex): void {
    if (map.isPartial) {
      for (const order of index.sorted()) {
        const key = index.key(order)
        const canonical = canonicalKey(key)
        // It is deleted in the spill when it is evicted.
        if (!map.cells.has(canonical)) this.#attach(new MapEntryCell(map, key, canonical), true)
      }
    }
    for (const cell of map.cells.values()) this.#table.discard(cell)
    const empty = new MapIndex()
    map.index!.value = empty
    map.isPartial = false
    this.#indexChanged(map, empty)
  }

  // --- Maps in rows ---

  #find(row: StateRow, state: CellState): MapCell | undefined {
    const map = row.slots[state.slot] as MapCell | undefined
    if (map !== undefined) return map
    const spilled = new MapCell(row, state, true)
    return this.#table.mightBeSpilled(new MapIndexCell(spilled)) ? spilled : undefined
  }

  #newMap(row: StateRow, state: CellState): MapCell {
    const map = new MapCell(row, state, false)
    map.cleanIn = this.#table.changes.interval
    return map
  }

  #attach(cell: MapEntryCell, isSpilled: boolean): void {
    const { map } = cell
    if (isSpilled) {
      cell.value = EVICTED
      cell.isSpilled = true
    }
    const isFirst = map.isEmpty
    map.cells.set(cell.canonical, cell)
    this.#enter(map, cell, isFirst)
  }

  #enter(map: MapCell, cell: StateCell, isFirst: boolean): void {
    if (isFirst) map.row.slots[map.state.slot] = map
    this.#table.attach(cell, isFirst)
  }

  // --- Indexes ---

  #index(map: MapCell): MapIndex {
    let cell = map.index
    if (cell === undefined) {
      cell = new MapIndexCell(map)
      const isFirst = map.isEmpty
      map.index = cell
      if (map.isPartial) {
        cell.value = EVICTED
        cell.isSpilled = true
      }
      this.#enter(map, cell, isFirst)
    }
    const value = this.#table.peek(cell)
    if (value !== ABSENT) return value as MapIndex
    // Known to be empty; the deletion of its record may still be under way.
    const empty = new MapIndex()
    cell.value = empty
    if (cell.position < 0) this.#table.cache.add(cell, 0)
    return empty
  }

  #addToIndex(map: MapCell, cell: MapEntryCell): void {
    const index = this.#index(map)
    const { size } = index
    index.add(orderOf(cell.key), cell.key)
    if (index.size === size) return
    if (size === 0) this.#table.valueCount++
    this.#indexChanged(map, index)
  }

  #indexChanged(map: MapCell, index: MapIndex): void {
    const cell = map.index!
    cell.isDirty = true
    cell.encoded = undefined
    cell.isReferenced = true
    if (cell.position < 0) this.#table.cache.add(cell, 0)
    this.#table.resize(cell, index.bytes)
  }

  /** An empty map takes no memory, unless the spill has still to hear that it is empty. */
  #dropIndexIfEmpty(map: MapCell): void {
    const cell = map.index
    if (cell === undefined || cell.isSpilled || !cell.isGone) return
    this.#table.detach(cell)
  }
}
