import { invariant, StreamError } from '../errors.ts'
import { readKey } from '../key-encoding.ts'
import type { ListStore } from './list-store.ts'
import type { MapStore } from './map-store.ts'
import { RowCell } from './row-cell.ts'
import {
  type EntryKey,
  keyGroupIn,
  readEntryKey,
  readPiece,
  readTimerKey,
  stateIdIn,
  versionOf,
} from './snapshot-format.ts'
import type { KeyGroupRange, StateEntry, TimeDomain } from './state-backend.ts'
import type { CellState, StateCell } from './state-cell.ts'
import type { StateRow } from './state-row.ts'
import type { StateTable } from './state-table.ts'
import type { HeapTimerQueue } from './timer-queue.ts'

/** The timers of one operator and domain, by the state id of their entries. */
export interface RegisteredTimers {
  readonly queue: HeapTimerQueue
  readonly domain: TimeDomain
}

/** What an entry's state id stands for. */
export type Registered =
  | { readonly kind: 'state'; readonly state: CellState }
  | { readonly kind: 'timers'; readonly timers: RegisteredTimers }

/**
 * Puts entries of a checkpoint into the table, one at a time, in ascending order of key.
 *
 * Values stay encoded until they are used, so that a restart need not decode what it does not need.
 */
export class EntryRestorer {
  readonly #table: StateTable
  readonly #maps: MapStore
  readonly #lists: ListStore
  readonly #registered: ReadonlyMap<number, Registered>
  readonly #range: KeyGroupRange
  readonly #asChanges: boolean

  constructor(options: {
    readonly table: StateTable
    readonly maps: MapStore
    readonly lists: ListStore
    readonly registered: ReadonlyMap<number, Registered>
    readonly range: KeyGroupRange
    readonly asChanges: boolean
  }) {
    this.#table = options.table
    this.#maps = options.maps
    this.#lists = options.lists
    this.#registered = options.registered
    this.#range = options.range
    this.#asChanges = options.asChanges
  }

  restore(entry: StateEntry): void {
    invariant(entry.kind === 'put', `a ${entry.kind} is restored`)
    const keyGroup = keyGroupIn(entry.key)
    const { first, last } = this.#range
    invariant(
      keyGroup >= first && keyGroup <= last,
      `key group ${keyGroup} is restored into ${first} to ${last}`,
    )
    const stateId = stateIdIn(entry.key)
    const registered = this.#registered.get(stateId)
    invariant(registered !== undefined, `state ${stateId} is restored but not registered`)
    if (registered.kind === 'timers') {
      const { queue, domain } = registered.timers
      const timer = readTimerKey(entry.key)
      queue.restore(domain, this.#table.rowOf(timer), timer.timestamp, this.#asChanges)
    } else {
      checkVersion(registered.state, versionOf(entry.value))
      const key = readEntryKey(entry.key)
      const row = this.#table.rowOf(key)
      const cell = this.#cellOf(row, registered.state, key)
      this.#table.restore(cell, entry.value.slice(), this.#asChanges)
    }
  }

  #cellOf(row: StateRow, state: CellState, key: EntryKey): StateCell {
    if (state.kind === 'map') return this.#maps.restore(row, state, readKey(key.subKey))
    if (state.kind === 'list') {
      const piece = readPiece(key.subKey)
      if (piece > 0) return this.#lists.restore(row, state, piece)
    }
    this.#table.valueCount++
    const cell = new RowCell(row, state)
    row.setSlot(state.slot, cell)
    this.#table.attach(cell, true)
    return cell
  }
}

function checkVersion(state: CellState, version: number): void {
  if (version === state.version || state.upcasts?.[version] !== undefined) return
  throw new StreamError(
    'MR_STATE_INCOMPATIBLE',
    `State "${state.name}" of operator "${state.uid}" was written with schema version ${version}, and the job declares version ${state.version} without an upcast from that; its values cannot be read; declare version ${version} again, add upcasts, or start without the checkpoint (--fresh).`,
    { uid: state.uid, state: state.name, stored: version, declared: state.version },
  )
}
