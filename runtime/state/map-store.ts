import { ByteWriter, readLatin1 } from '../bytes.ts'
import { canonicalKey } from '../key-encoding.ts'
import type { Key } from '../key.ts'
import { enterMap, MapCell, MapEntryCell, MapRootCell } from './map-cell.ts'
import { orderOf } from './map-index.ts'
import { MAP_PAGE_BYTES, MapPages } from './map-pages.ts'
import { MapWalk } from './map-walk.ts'
import { ownKey } from './own-key.ts'
import { writePrefix } from './snapshot-format.ts'
import { ABSENT, type CellState, EVICTED, type StateCell } from './state-cell.ts'
import { outsideCallback } from './state-errors.ts'
import type { StateRow } from './state-row.ts'
import type { StateTable } from './state-table.ts'

/** A walk that has not come to its end, for which map, and since which callback. */
interface OpenWalk {
  readonly row: StateRow
  readonly state: CellState
  readonly callback: number
  readonly walk: MapWalk
}

/**
 * Maps over the table: their entries are cells of their own, and an index of all keys stands beside them, since a working
 * copy cannot be searched for the entries of a map.
 *
 * Every present entry is in the index. Of that the part that a key belongs to is loaded when the key comes or goes, and one
 * part after another for iteration; none to read an entry.
 */
export class MapStore {
  readonly #table: StateTable
  readonly #pages: MapPages
  /** Of maps in pages; those of callbacks that are over are dropped with the next one. */
  #walks: OpenWalk[] = []
  /** Removals that may not have landed, by what the keys of the map's entries begin with. */
  readonly #removals: Map<string, number> = new Map()

  constructor(table: StateTable, pageBytes: number = MAP_PAGE_BYTES) {
    this.#table = table
    this.#pages = new MapPages(table, pageBytes)
  }

  /** The cell of an entry, perhaps evicted or absent; undefined if there is certainly none. */
  find(row: StateRow, state: CellState, key: Key): StateCell | undefined {
    const map = this.#find(row, state)
    if (map === undefined) return undefined
    const canonical = canonicalKey(key)
    const cell = map.cells.get(canonical)
    if (cell !== undefined || !map.isPartial) return cell
    const evicted = new MapEntryCell(map, ownKey(key), canonical)
    if (!this.#mightHold(map, evicted)) return undefined
    this.#attach(evicted, true)
    return evicted
  }

  #mightHold(map: MapCell, evicted: MapEntryCell): boolean {
    const isKnown = this.#pages.knows(map, evicted.key)
    if (isKnown !== undefined) return isKnown
    return this.#isBeingRemoved(map)
      ? this.#pages.has(map, orderOf(evicted.key))
      : this.#table.mightBeSpilled(evicted)
  }

  /** The cell of an entry that is about to be written. */
  obtain(row: StateRow, state: CellState, key: Key): StateCell {
    const map = this.#find(row, state) ?? this.#newMap(row, state)
    const canonical = canonicalKey(key)
    let cell = map.cells.get(canonical)
    if (cell === undefined) {
      cell = new MapEntryCell(map, ownKey(key), canonical)
      this.#attach(cell, map.isPartial && this.#pages.has(map, orderOf(key)))
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
    const order = orderOf(key)
    if (this.#pages.delete(map, order)) {
      if (cell === undefined) {
        cell = new MapEntryCell(map, ownKey(key), canonical)
        this.#attach(cell, true)
      }
      if (this.#walks.length > 0) this.#tell(map, (walk) => walk.removed(order))
      this.#table.remove(cell)
    }
    this.#pages.dropIfEmpty(map)
  }

  /** Removes the entry that a cell is of. */
  removeCell(cell: StateCell): void {
    this.remove(cell.row, cell.state, (cell as MapEntryCell).key)
  }

  /** The keys of a map as they are now, in order (R17), one by one, but for those that have gone when their turn comes. */
  keys(row: StateRow, state: CellState): Iterable<Key> {
    const map = this.#find(row, state)
    if (map === undefined) return []
    const keys = this.#pages.keysAtHand(map)
    if (keys === undefined) return this.#walk(row, state)
    this.#pages.dropIfEmpty(map)
    return keys
  }

  isEmpty(row: StateRow, state: CellState): boolean {
    const map = this.#find(row, state)
    if (map === undefined) return true
    const isEmpty = this.#pages.isEmpty(map)
    this.#pages.dropIfEmpty(map)
    return isEmpty
  }

  /** Removes all entries; one `clear` in the changes (R24). */
  clear(row: StateRow, state: CellState): void {
    const map = this.#find(row, state)
    if (map === undefined) return
    const { changes } = this.#table
    if (!this.#pages.isEmpty(map)) {
      for (const cell of map.cells.values()) {
        if (cell.stamp !== 0 && cell.stamp !== changes.interval) changes.encodeFirst(cell)
      }
      if (map.cleanIn !== changes.interval) {
        changes.logClear((run) => writePrefix(run.writer, row, state.stateId))
        map.cleanIn = changes.interval
      }
      this.#discardAll(map)
      this.#table.valueCount--
    }
    this.#pages.dropIfEmpty(map)
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

  /** What is not in memory is deleted in the spill: of a large map without a cell for each entry. */
  #discardAll(map: MapCell): void {
    if (map.isPartial && this.#pages.isPaged(map)) this.#removeStored(map)
    else {
      this.#clearIndex(map, (key) => {
        const canonical = canonicalKey(key)
        if (!map.isPartial || map.cells.has(canonical)) return
        this.#attach(new MapEntryCell(map, key, canonical), true)
      })
    }
    for (const cell of map.cells.values()) this.#table.discard(cell)
    map.isPartial = false
  }

  #clearIndex(map: MapCell, discard: (key: Key, order: string) => void): void {
    this.#pages.clear(map, (index) => {
      if (!map.isPartial && this.#walks.length === 0) return
      for (const order of index.sorted()) {
        if (this.#walks.length > 0) this.#tell(map, (walk) => walk.removed(order))
        discard(index.key(order), order)
      }
    })
  }

  #removeStored(map: MapCell): void {
    const subKeys = new ByteWriter()
    this.#clearIndex(map, (_, order) => subKeys.latin1(order))
    const prefix = prefixOf(map.row, map.state)
    map.removal = this.#table.spill!.queueRemoval(prefix, subKeys.copy())
    this.#removals.set(readLatin1(prefix, 0, prefix.length), map.removal)
  }

  /** Whether the spill may still have entries of a map that have been removed: only the index tells. */
  #isBeingRemoved({ removal }: MapCell): boolean {
    return removal !== 0 && !this.#table.spill!.hasLanded(removal)
  }

  /** The removal of a map that has not been in memory. */
  #removalOf(row: StateRow, state: CellState): number {
    if (this.#removals.size === 0) return 0
    for (const [name, number] of this.#removals) {
      if (this.#table.spill!.hasLanded(number)) this.#removals.delete(name)
    }
    const prefix = prefixOf(row, state)
    return this.#removals.get(readLatin1(prefix, 0, prefix.length)) ?? 0
  }

  // --- Maps in rows ---

  #find(row: StateRow, state: CellState): MapCell | undefined {
    const map = row.slot(state.slot) as MapCell | undefined
    if (map !== undefined) return map
    const spilled = new MapCell(row, state, true)
    spilled.removal = this.#removalOf(row, state)
    return this.#table.mightBeSpilled(new MapRootCell(spilled)) ? spilled : undefined
  }

  #newMap(row: StateRow, state: CellState): MapCell {
    const map = new MapCell(row, state, false)
    map.cleanIn = this.#table.changes.interval
    map.removal = this.#removalOf(row, state)
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
    enterMap(this.#table, cell, isFirst)
  }

  #addToIndex(map: MapCell, cell: MapEntryCell): void {
    const order = orderOf(cell.key)
    if (!this.#pages.add(map, order, cell.key) || this.#walks.length === 0) return
    this.#tell(map, (walk) => walk.added(order))
  }

  // --- Walks over the keys of maps in pages ---

  *#walkOn(open: OpenWalk): Generator<Key> {
    for (let key = open.walk.next(); key !== undefined; key = open.walk.next()) yield key
    this.#walks = this.#walks.filter((other) => other !== open)
  }

  #walk(row: StateRow, state: CellState): Iterable<Key> {
    const table = this.#table
    const { callback } = table
    const walk = new MapWalk((order) => {
      if (!table.isOpen || table.callback !== callback) throw outsideCallback(state)
      const map = this.#find(table.rows.current(row), state)
      return map === undefined ? undefined : this.#pages.stretchAfter(map, order)
    })
    const open = { row, state, callback, walk }
    this.#walks = this.#walks.filter((other) => other.callback === callback)
    this.#walks.push(open)
    return this.#walkOn(open)
  }

  /** Keys of a map come or go: those who walk over it must know. */
  #tell(map: MapCell, what: (walk: MapWalk) => void): void {
    for (const { row, state, callback, walk } of this.#walks) {
      if (callback !== this.#table.callback || state !== map.state) continue
      if (isSameRow(row, map.row)) what(walk)
    }
  }
}

function prefixOf(row: StateRow, state: CellState): Uint8Array {
  const writer = new ByteWriter()
  writePrefix(writer, row, state.stateId)
  return writer.copy()
}

/** Whether two rows, one of which may not be in the table any more, are of one key and namespace. */
function isSameRow(a: StateRow, b: StateRow): boolean {
  return a === b || (a.canonical === b.canonical && a.parent?.canonical === b.parent?.canonical)
}
