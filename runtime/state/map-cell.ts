import type { ByteWriter } from '../bytes.ts'
import { writeKey } from '../key-encoding.ts'
import type { CanonicalKey, Key } from '../key.ts'
import { MapIndex } from './map-index.ts'
import type { RestoredBase } from './state-backend.ts'
import { withoutPrivateGroup, writePrefix, writePrivateKey } from './snapshot-format.ts'
import { ABSENT, type CellState, StateCell } from './state-cell.ts'
import { showKey } from './state-errors.ts'
import type { StateRow } from './state-row.ts'
import type { UpcastPlace } from './upcasts.ts'

/** What is in memory of one map: some or all of its entries, each a cell, and perhaps the index of all its keys. */
export class MapCell {
  readonly row: StateRow
  readonly state: CellState
  readonly cells: Map<CanonicalKey, MapEntryCell> = new Map()
  index: MapIndexCell | undefined
  /** The spill may hold entries, or the index, that are not in memory: what is not here may be there. */
  isPartial: boolean
  /**
   * The interval of changes in which nothing is known of the map that a `clear` would have to remove: there was nothing at
   * its beginning, or a `clear` has been logged, and no entry has been encoded since.
   */
  cleanIn = 0

  constructor(row: StateRow, state: CellState, isPartial: boolean) {
    this.row = row
    this.state = state
    this.isPartial = isPartial
  }

  get isEmpty(): boolean {
    return this.cells.size === 0 && this.index === undefined
  }

  /** Takes the map out of its row if nothing of it is in memory; true if so. */
  leave(): boolean {
    if (!this.isEmpty) return false
    this.row.slots[this.state.slot] = undefined
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

/** The index of a map: cached and evicted as entries are, but never part of a snapshot. */
export class MapIndexCell extends StateCell {
  readonly map: MapCell

  constructor(map: MapCell) {
    super(map.row, map.state)
    this.map = map
  }

  override writeKey(writer: ByteWriter): void {
    writePrivateKey(writer, this.row, this.state.stateId)
  }

  /** The base has no indexes: it is asked for the entries of the map. */
  override baseKey(key: Uint8Array): Uint8Array {
    return withoutPrivateGroup(key)
  }

  override readBase(base: RestoredBase, key: Uint8Array): Uint8Array | undefined {
    const subKeys = base.subKeys(this.baseKey(key))
    return subKeys.length === 0 ? undefined : new Uint8Array(Buffer.concat(subKeys))
  }

  override writeStored(writer: ByteWriter): void {
    if (this.encoded !== undefined) writer.append(this.encoded)
    else (this.value as MapIndex).write(writer)
  }

  override current(stored: Uint8Array): Uint8Array {
    return stored
  }

  override decode(stored: Uint8Array): MapIndex {
    return MapIndex.read(stored)
  }

  /** An empty index need not be kept. */
  override get isGone(): boolean {
    return this.value === ABSENT || (this.value instanceof MapIndex && this.value.size === 0)
  }

  override evicted(): void {
    this.map.isPartial = true
  }

  override detach(): boolean {
    this.map.index = undefined
    return this.map.leave()
  }
}
