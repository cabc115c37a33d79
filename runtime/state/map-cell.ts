import type { ByteWriter } from '../bytes.ts'
import { writeKey } from '../key-encoding.ts'
import type { CanonicalKey, Key } from '../key.ts'
import { pageBounds, storedDirectory } from './base-pages.ts'
import { MapDirectory } from './map-directory.ts'
import { MapIndex } from './map-index.ts'
import type { RestoredBase } from './state-backend.ts'
import {
  withoutPage,
  withoutPrivateGroup,
  writePageKey,
  writePrefix,
  writePrivateKey,
} from './snapshot-format.ts'
import { ABSENT, type CellState, StateCell } from './state-cell.ts'
import { showKey } from './state-errors.ts'
import type { StateRow } from './state-row.ts'
import type { StateTable } from './state-table.ts'
import type { UpcastPlace } from './upcasts.ts'

/** What is in memory of one map: some or all of its entries, each a cell, and perhaps the index of its keys, or parts of it. */
export class MapCell {
  readonly row: StateRow
  readonly state: CellState
  readonly cells: Map<CanonicalKey, MapEntryCell> = new Map()
  root: MapRootCell | undefined
  /** By their numbers, where the index has pages. */
  pages: Map<number, MapPageCell> | undefined
  /** The spill may hold entries, or parts of the index, that are not in memory: what is not here may be there. */
  isPartial: boolean
  /**
   * The interval of changes in which nothing is known of the map that a `clear` would have to remove: there was nothing at
   * its beginning, or a `clear` has been logged, and no entry has been encoded since.
   */
  cleanIn = 0
  /** The number of the write that removes from the spill what was there before a `clear`; 0 if there is none. */
  removal = 0

  constructor(row: StateRow, state: CellState, isPartial: boolean) {
    this.row = row
    this.state = state
    this.isPartial = isPartial
  }

  get isEmpty(): boolean {
    return this.cells.size === 0 && this.root === undefined && (this.pages?.size ?? 0) === 0
  }

  /** Takes the map out of its row if nothing of it is in memory; true if so. */
  leave(): boolean {
    if (!this.isEmpty) return false
    this.row.setSlot(this.state.slot, undefined)
    return true
  }
}

/** One entry of a map. */
export class MapEntryCell extends StateCell {
  readonly map: MapCell
  readonly key: Key
  readonly canonical: CanonicalKey

  constructor(map: MapCell, key: Key, canonical: CanonicalKey) {
    super(map.row, map.state)
    this.map = map
    this.key = key
    this.canonical = canonical
  }

  override writeKey(writer: ByteWriter): void {
    writePrefix(writer, this.row, this.state.stateId)
    writeKey(writer, this.key)
  }

  override get upcastPlace(): UpcastPlace {
    const { label, fields } = super.upcastPlace
    const entry = showKey(this.key)
    return { label: `${label}, entry ${entry}`, fields: { ...fields, entry } }
  }

  override evicted(): void {
    this.map.isPartial = true
    this.map.cleanIn = 0
  }

  override detach(): boolean {
    this.map.cells.delete(this.canonical)
    return this.map.leave()
  }
}

/** Keys of a map: cached and evicted as entries are, but never part of a snapshot. */
export abstract class MapKeysCell extends StateCell {
  readonly map: MapCell

  constructor(map: MapCell) {
    super(map.row, map.state)
    this.map = map
  }

  override writeStored(writer: ByteWriter): void {
    if (this.encoded !== undefined) writer.append(this.encoded)
    else (this.value as MapIndex | MapDirectory).write(writer)
  }

  override current(stored: Uint8Array): Uint8Array {
    return stored
  }

  /** Without keys it need not be kept. */
  override get isGone(): boolean {
    return this.value === ABSENT || (this.value instanceof MapIndex && this.value.size === 0)
  }

  override evicted(): void {
    this.map.isPartial = true
  }
}

/** The index of a map: all its keys, or of many the directory of the pages that hold them. */
export class MapRootCell extends MapKeysCell {
  override writeKey(writer: ByteWriter): void {
    writePrivateKey(writer, this.row, this.state.stateId)
  }

  /** The base has no indexes: it is asked for the entries of the map, or where to cut them. */
  override baseKey(key: Uint8Array): Uint8Array {
    return withoutPrivateGroup(key)
  }

  override readBase(base: RestoredBase, key: Uint8Array): Uint8Array | undefined {
    const prefix = this.baseKey(key)
    const bounds = pageBounds(base, prefix)
    return bounds.length === 0 ? joined(base.subKeys(prefix)) : storedDirectory(bounds)
  }

  override decode(stored: Uint8Array): MapIndex | MapDirectory {
    return MapDirectory.isIn(stored) ? MapDirectory.read(stored) : MapIndex.read(stored)
  }

  override detach(): boolean {
    this.map.root = undefined
    return this.map.leave()
  }
}

/** A page of the keys of a map with many. */
export class MapPageCell extends MapKeysCell {
  readonly number: number

  constructor(map: MapCell, number: number) {
    super(map)
    this.number = number
  }

  override writeKey(writer: ByteWriter): void {
    writePageKey(writer, this.row, this.state.stateId, this.number)
  }

  override baseKey(key: Uint8Array): Uint8Array {
    return withoutPage(key)
  }

  /**
   * What is not in the spill has never been changed: it is a page as the base was cut, whatever has become of its
   * neighbours since.
   */
  override readBase(base: RestoredBase, key: Uint8Array): Uint8Array | undefined {
    const prefix = this.baseKey(key)
    const bounds = pageBounds(base, prefix)
    return joined(base.subKeys(prefix, bounds[this.number - 1], bounds[this.number]))
  }

  override decode(stored: Uint8Array): MapIndex {
    return MapIndex.read(stored)
  }

  override detach(): boolean {
    this.map.pages!.delete(this.number)
    return this.map.leave()
  }
}

/** A cell has been put into its map; `isFirst` if nothing of that was in memory before. */
export function enterMap(
  table: StateTable,
  cell: MapEntryCell | MapRootCell | MapPageCell,
  isFirst: boolean,
): void {
  const { map } = cell
  if (isFirst) map.row.setSlot(map.state.slot, map)
  table.attach(cell, isFirst)
}

function joined(subKeys: readonly Uint8Array[]): Uint8Array | undefined {
  return subKeys.length === 0 ? undefined : new Uint8Array(Buffer.concat(subKeys))
}
