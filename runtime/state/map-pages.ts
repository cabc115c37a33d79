import type { Key } from '../key.ts'
import { enterMap, type MapCell, type MapKeysCell, MapPageCell, MapRootCell } from './map-cell.ts'
import { MapDirectory } from './map-directory.ts'
import { MapIndex, orderOf } from './map-index.ts'
import type { KeyStretch } from './map-walk.ts'
import { ABSENT, EVICTED, type StateCell } from './state-cell.ts'
import type { StateTable } from './state-table.ts'

/** What the keys of a page take at most; those of a map that is no larger are one. */
export const MAP_PAGE_BYTES: number = 8 * 1_024

/**
 * The indexes of maps: all keys of each, in memory or not.
 *
 * ```
 *   few keys   root: MapIndex
 *   many       root: MapDirectory ──▶ page: MapIndex, page, … each with a stretch of the keys
 * ```
 *
 * Root and pages are cells of their own: a key that comes or goes costs one page, and the root where a page is cut in two or has
 * become empty. A map goes back to one piece when it is empty.
 */
export class MapPages {
  readonly #table: StateTable
  readonly #pageBytes: number

  constructor(table: StateTable, pageBytes: number) {
    this.#table = table
    this.#pageBytes = pageBytes
  }

  /** Whether a key is in the index; undefined where the part that would know is not in memory. */
  knows(map: MapCell, key: Key): boolean | undefined {
    const root = map.root?.value
    if (root instanceof MapIndex) return root.has(orderOf(key))
    if (!(root instanceof MapDirectory)) return undefined
    const order = orderOf(key)
    const page = map.pages?.get(root.number(root.find(order)))?.value
    return page instanceof MapIndex ? page.has(order) : undefined
  }

  has(map: MapCell, order: string): boolean {
    return this.#indexIn(this.#cellOf(map, order)).has(order)
  }

  /** True if the key is new in the map. */
  add(map: MapCell, order: string, key: Key): boolean {
    const cell = this.#cellOf(map, order)
    const index = this.#indexIn(cell)
    const { size } = index
    index.add(order, key)
    if (index.size === size) return false
    if (size === 0 && cell === map.root) this.#table.valueCount++
    this.#changed(cell, index)
    if (index.keyBytes > this.#pageBytes && index.size > 1) this.#cut(map, cell, order)
    return true
  }

  /** True if the key was in the map. */
  delete(map: MapCell, order: string): boolean {
    const cell = this.#cellOf(map, order)
    const index = this.#indexIn(cell)
    if (!index.has(order)) return false
    index.delete(order)
    const root = this.#root(map)
    if (index.size > 0) this.#changed(cell, index)
    else if (root instanceof MapDirectory) this.#deletePage(map, root, root.find(order))
    else this.#changed(cell, index)
    if (index.size === 0 && map.root!.isGone) this.#table.valueCount--
    return true
  }

  isEmpty(map: MapCell): boolean {
    let root = this.#root(map)
    while (root instanceof MapDirectory && !root.isSure) {
      if (this.#indexIn(this.#page(map, root.number(0))).size > 0) return false
      this.#deletePage(map, root, 0)
      root = this.#root(map)
    }
    return root instanceof MapIndex && root.size === 0
  }

  /** All keys in order; undefined where the index has pages. */
  keysAtHand(map: MapCell): readonly Key[] | undefined {
    const root = this.#root(map)
    return root instanceof MapIndex ? root.sorted().map((order) => root.key(order)) : undefined
  }

  /** Whether the index has pages. */
  isPaged(map: MapCell): boolean {
    return this.#root(map) instanceof MapDirectory
  }

  /** Keys that come after this one, and those that follow them in the same page; undefined if there are none. */
  stretchAfter(map: MapCell, order: string): KeyStretch | undefined {
    const root = this.#root(map)
    if (root instanceof MapIndex) return keysAfter(root, order)
    for (let position = root.find(order); position < root.size; position++) {
      const stretch = keysAfter(this.#indexIn(this.#page(map, root.number(position))), order)
      if (stretch !== undefined) return stretch
    }
    return undefined
  }

  /** Takes all keys away; hands out each page before, or the one piece. */
  clear(map: MapCell, discard: (index: MapIndex) => void): void {
    for (;;) {
      const root = this.#root(map)
      if (root instanceof MapIndex) {
        discard(root)
        break
      }
      const last = root.size - 1
      discard(this.#indexIn(this.#page(map, root.number(last))))
      this.#deletePage(map, root, last)
    }
    this.#changed(map.root!, new MapIndex())
  }

  /** An empty map takes no memory, unless the spill has still to hear that it is empty. */
  dropIfEmpty(map: MapCell): void {
    const cell = map.root
    if (cell === undefined || cell.isSpilled || !cell.isGone) return
    this.#table.detach(cell)
  }

  // --- Parts of an index ---

  #root(map: MapCell): MapIndex | MapDirectory {
    const value = map.root?.value
    if (value instanceof MapIndex || value instanceof MapDirectory) {
      map.root!.isReferenced = true
      return value
    }
    if (map.root === undefined) {
      const cell = new MapRootCell(map)
      const isFirst = map.isEmpty
      map.root = cell
      if (map.isPartial) markSpilled(cell)
      enterMap(this.#table, cell, isFirst)
    }
    return this.#load(map.root!)
  }

  /** The cell of the part that a key belongs to, which is loaded. */
  #cellOf(map: MapCell, order: string): MapKeysCell {
    const root = this.#root(map)
    return root instanceof MapIndex ? map.root! : this.#page(map, root.number(root.find(order)))
  }

  #page(map: MapCell, number: number): MapPageCell {
    const cell = this.#pageCell(map, number, true)
    this.#load(cell)
    return cell
  }

  #pageCell(map: MapCell, number: number, isStored: boolean): MapPageCell {
    map.pages ??= new Map()
    let cell = map.pages.get(number)
    if (cell === undefined) {
      cell = new MapPageCell(map, number)
      map.pages.set(number, cell)
      if (isStored) markSpilled(cell)
      enterMap(this.#table, cell, false)
    }
    return cell
  }

  /** The value of a cell; what was taken to be stored and is not has no keys (its deletion may still be under way). */
  #load(cell: MapRootCell | MapPageCell): MapIndex | MapDirectory {
    const wasEvicted = cell.value === EVICTED
    const value = this.#table.peek(cell)
    if (value !== ABSENT) {
      const loaded = value as MapIndex | MapDirectory
      if (wasEvicted) this.#table.resize(cell, loaded.bytes)
      return loaded
    }
    const empty = new MapIndex()
    cell.value = empty
    if (cell.position < 0) this.#table.cache.add(cell, 0)
    return empty
  }

  #indexIn(cell: MapKeysCell): MapIndex {
    return cell.value as MapIndex
  }

  #changed(cell: MapKeysCell, value: MapIndex | MapDirectory): void {
    cell.value = value
    cell.isDirty = true
    cell.encoded = undefined
    cell.isReferenced = true
    if (cell.position < 0) this.#table.cache.add(cell, 0)
    this.#table.resize(cell, value.bytes)
  }

  /** A part has become too large with its newest key. */
  #cut(map: MapCell, cell: MapKeysCell, newest: string): void {
    const index = this.#indexIn(cell)
    const root = this.#root(map)
    const directory = root instanceof MapDirectory ? root : MapDirectory.ofOne()
    let position = directory.find(newest)
    const atEnd = position === directory.size - 1 && index.sorted().at(-1) === newest
    const pieces = index.cut(this.#pageBytes, atEnd)
    this.#changed(this.#pageCell(map, directory.number(position), false), index)
    for (const piece of pieces) {
      const number = directory.insert(++position, piece.low)
      this.#changed(this.#pageCell(map, number, false), piece.index)
    }
    this.#changed(map.root!, directory)
  }

  #deletePage(map: MapCell, directory: MapDirectory, position: number): void {
    const cell = this.#pageCell(map, directory.number(position), true)
    directory.delete(position)
    cell.value = ABSENT
    cell.encoded = undefined
    cell.isDirty = true
    this.#changed(map.root!, directory.size > 0 ? directory : new MapIndex())
    // Nothing asks for it any more.
    if (cell.isSpilled) this.#table.evict(cell)
    else this.#table.detach(cell)
  }
}

function markSpilled(cell: StateCell): void {
  cell.value = EVICTED
  cell.isSpilled = true
}

function keysAfter(index: MapIndex, order: string): KeyStretch | undefined {
  const sorted = index.sorted()
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! <= order) low = middle + 1
    else high = middle
  }
  if (low === sorted.length) return undefined
  const orders = low === 0 ? sorted : sorted.slice(low)
  return { orders, keys: orders.map((one) => index.key(one)) }
}
