import { StreamError } from '../errors.ts'
import type { ByteWriter } from '../bytes.ts'
import type { CellTtl } from './cell-ttl.ts'
import { Change } from './change.ts'
import type { EntryRun } from './entry-run.ts'
import type { RestoredBase } from './state-backend.ts'
import {
  type FrontPieces,
  type LastAccess,
  readEntryValue,
  readTimedEntryValue,
  rewriteEntryValue,
  versionOf,
  writeEntryValue,
  writeTimedEntryValue,
} from './snapshot-format.ts'
import { showKey, stateLabel } from './state-errors.ts'
import type { StateRow } from './state-row.ts'
import type { StateKind } from './state.ts'
import { type UpcastPlace, type Upcasts, upcastValue } from './upcasts.ts'

/** In place of the value of a cell: there is none. */
export const ABSENT: unique symbol = Symbol('absent')
/** In place of the value of a cell: it is in `encoded`, or else the spill has to be asked. */
export const EVICTED: unique symbol = Symbol('evicted')

/** Flags of a cell, behind that of a change: there may be tens of millions, and a field costs eight bytes. */
const DIRTY = 2
const SPILLED = 4
const REFERENCED = 8

/** Fields of a cell that most cells do without. */
class CellExtras implements LastAccess {
  encoded: Uint8Array | undefined
  pendingWrite = 0
  lastAccess = 0
  elementAccesses: number[] | undefined
  frontPieces: FrontPieces | undefined

  get isEmpty(): boolean {
    const { encoded, pendingWrite, lastAccess, elementAccesses, frontPieces } = this
    if (encoded !== undefined || pendingWrite !== 0 || lastAccess !== 0) return false
    return elementAccesses === undefined && frontPieces === undefined
  }
}

/** What cells ask of the table that they are part of. */
export interface CellHost {
  /** A snapshot needs the cell no more; `run` holds it as its last entry, if it was encoded. */
  settle(cell: StateCell, run: EntryRun | undefined): void
}

/** A registered state, with what has been learnt about the size of its values. */
export interface CellState {
  readonly stateId: number
  readonly uid: string
  readonly name: string
  readonly kind: StateKind
  readonly version: number
  /** Make values of older versions into those of `version`. */
  readonly upcasts: Upcasts | undefined
  /** Its place in every row. */
  readonly slot: number
  /** `uid/name`: what paths of fields begin with. */
  readonly path: string
  readonly host: CellHost
  /** Undefined where values stay until they are cleared. */
  readonly ttl: CellTtl | undefined
  /** Bytes that a value takes in memory, and an element of a list: averages of samples. */
  averageBytes: number
  elementBytes: number
  /** Updates until the next sample is taken, and samples taken. */
  untilSample: number
  samples: number
  /** Values hold strings that may be pieces of longer ones. */
  hasText: boolean
}

/**
 * One stored entry in memory: the value of a key, a piece of a list, or one entry of a map; the unit of caching, of change tracking
 * and of eviction.
 *
 * It is in memory decoded (`value`), encoded (`encoded`), or known not to exist.
 */
export abstract class StateCell extends Change implements LastAccess {
  readonly row: StateRow
  readonly state: CellState
  value: unknown = ABSENT
  #extras: CellExtras | undefined
  /** What it is taken to cost in memory. */
  bytes = 0
  /** Its place in the cache, -1 when it is not there. */
  position = -1

  constructor(row: StateRow, state: CellState) {
    super()
    this.row = row
    this.state = state
    this.flags = REFERENCED
  }

  /** The spill does not have this value, or this absence, yet; not even among its pending writes. */
  get isDirty(): boolean {
    return (this.flags & DIRTY) !== 0
  }

  set isDirty(isDirty: boolean) {
    this.flags = isDirty ? this.flags | DIRTY : this.flags & ~DIRTY
  }

  /** The spill, or a pending write, may hold some value of this entry. */
  get isSpilled(): boolean {
    return (this.flags & SPILLED) !== 0
  }

  set isSpilled(isSpilled: boolean) {
    this.flags = isSpilled ? this.flags | SPILLED : this.flags & ~SPILLED
  }

  /** Used since the cache looked last. */
  get isReferenced(): boolean {
    return (this.flags & REFERENCED) !== 0
  }

  set isReferenced(isReferenced: boolean) {
    this.flags = isReferenced ? this.flags | REFERENCED : this.flags & ~REFERENCED
  }

  // --- What only some cells have ---

  /** The value as it is stored, where that is in memory; always there while `value` is `EVICTED` but not in the spill. */
  get encoded(): Uint8Array | undefined {
    return this.#extras?.encoded
  }

  set encoded(encoded: Uint8Array | undefined) {
    if (encoded !== undefined) this.#extra().encoded = encoded
    else if (this.#extras !== undefined) {
      this.#extras.encoded = undefined
      this.#dropExtras()
    }
  }

  /** The number of its newest pending write; 0 when there is none. While there is one, `encoded` stays. */
  get pendingWrite(): number {
    return this.#extras === undefined ? 0 : this.#extras.pendingWrite
  }

  set pendingWrite(pendingWrite: number) {
    this.#extra().pendingWrite = pendingWrite
    if (pendingWrite === 0) this.#dropExtras()
  }

  /** Where the state has a time to live: when the value was last used; known while it is in memory decoded. */
  get lastAccess(): number {
    return this.#extras === undefined ? 0 : this.#extras.lastAccess
  }

  set lastAccess(lastAccess: number) {
    this.#extra().lastAccess = lastAccess
  }

  get elementAccesses(): number[] | undefined {
    return this.#extras?.elementAccesses
  }

  set elementAccesses(elementAccesses: number[] | undefined) {
    this.#extra().elementAccesses = elementAccesses
  }

  /** Of a list: what is known of the pieces in front. */
  protected get frontPieces(): FrontPieces | undefined {
    return this.#extras?.frontPieces
  }

  protected set frontPieces(frontPieces: FrontPieces | undefined) {
    this.#extra().frontPieces = frontPieces
    if (frontPieces === undefined) this.#dropExtras()
  }

  #extra(): CellExtras {
    return (this.#extras ??= new CellExtras())
  }

  #dropExtras(): void {
    if (this.#extras!.isEmpty) this.#extras = undefined
  }

  override get keyGroup(): number {
    return this.row.keyGroup
  }

  /** Appends the key of the entry. */
  abstract writeKey(writer: ByteWriter): void

  /** Leaves its place; true if its slot of the row has become free by that. */
  abstract detach(): boolean

  /** Whether there is nothing to be stored. */
  get isGone(): boolean {
    return this.value === ABSENT
  }

  /** It is on its way from memory to the spill. */
  evicted(): void {}

  /** Stored bytes with their value in the version of the state: the same bytes where it is already. */
  current(stored: Uint8Array): Uint8Array {
    const { state } = this
    if (state.upcasts === undefined) return stored
    const from = versionOf(stored)
    if (from === state.version) return stored
    const place = (): UpcastPlace => this.upcastPlace
    return rewriteEntryValue(stored, state.version, state.path, (old) =>
      state.kind === 'list' && Array.isArray(old)
        ? old.map((element) => upcastValue(element, from, state, true, place))
        : upcastValue(old, from, state, state.kind === 'map', place),
    )
  }

  /** Which value it is, for messages. */
  get upcastPlace(): UpcastPlace {
    return { label: stateLabel(this.state, this.row), fields: { key: showKey(this.row.key) } }
  }

  /** Where the restored base has what this cell is of, given its key in the spill. */
  baseKey(key: Uint8Array): Uint8Array {
    return key
  }

  /** What the restored base holds of it, as it would be stored. */
  readBase(base: RestoredBase, key: Uint8Array): Uint8Array | undefined {
    return base.read(this.baseKey(key))
  }

  /** The value in stored bytes. */
  decode(stored: Uint8Array): unknown {
    const { ttl } = this.state
    return ttl === undefined
      ? readEntryValue(stored)
      : readTimedEntryValue(stored, ttl.domain, this)
  }

  /** Of the last piece of a list which others there are. */
  get front(): FrontPieces | undefined {
    return undefined
  }

  /** Appends the value as it is stored; must be in memory. */
  writeStored(writer: ByteWriter): void {
    if (this.encoded !== undefined) {
      writer.append(this.encoded)
      return
    }
    const { front } = this
    const { version, path, ttl } = this.state
    try {
      if (ttl === undefined) writeEntryValue(writer, version, this.value, path, front)
      else
        writeTimedEntryValue(writer, {
          version,
          value: this.value,
          what: path,
          domain: ttl.domain,
          access: this,
          front,
        })
    } catch (error) {
      throw this.name(error)
    }
  }

  /** An error about the value, with its state and key told. */
  name(error: unknown): unknown {
    if (!(error instanceof StreamError)) return error
    const { uid, name } = this.state
    const key = showKey(this.row.key)
    const fields = { uid, state: name, key, ...error.fields }
    return new StreamError(
      error.code,
      `${stateLabel(this.state, this.row)}: ${error.message}`,
      fields,
      error,
    )
  }

  override encode(run: EntryRun): void {
    if (this.value === ABSENT && !this.existed) return
    run.beginEntry(this.value === ABSENT ? 'delete' : 'put')
    this.writeKey(run.writer)
    run.beginValue()
    if (this.value === ABSENT) return
    try {
      this.writeStored(run.writer)
    } catch (error) {
      run.dropEntry()
      throw error
    }
  }

  override settle(run: EntryRun | undefined): void {
    this.state.host.settle(this, run)
  }
}
