import type { Clock } from '../clock.ts'
import type { Key } from '../key.ts'
import { KeyWalk } from './key-walk.ts'
import type { ListStore } from './list-store.ts'
import type { MapStore } from './map-store.ts'
import type { KeyGroupRange, KeyVisit } from './state-backend.ts'
import { ABSENT, type CellState } from './state-cell.ts'
import type { StateTable } from './state-table.ts'

/** Steps between two looks at the clock. */
const STEPS_PER_LOOK = 16

export interface KeyVisitOptions {
  readonly table: StateTable
  readonly maps: MapStore
  readonly lists: ListStore
  readonly state: CellState
  readonly range: KeyGroupRange
  readonly clock: Clock
  /** Whether so much is under way to the spill that nothing may be added (R22). */
  readonly isSuspended: () => boolean
  readonly visit: (key: Key) => void
}

/** A visit to all keys of a state: walks them, and calls with each that has a value. */
export class BackendKeyVisit implements KeyVisit {
  readonly #options: KeyVisitOptions
  readonly #walk: KeyWalk
  #isDone = false

  constructor(options: KeyVisitOptions) {
    this.#options = options
    this.#walk = new KeyWalk(options.table, options.state, options.range)
  }

  get isDone(): boolean {
    return this.#isDone
  }

  get isWaiting(): boolean {
    return !this.#isDone && (this.#walk.isWaiting || this.#options.isSuspended())
  }

  run(deadline: number, mayVisit: () => boolean = () => true): boolean {
    const { clock, isSuspended } = this.#options
    for (let steps = 1; !this.#isDone; steps++) {
      if (isSuspended() || !mayVisit()) return false
      const step = this.#walk.step()
      if (step.what === 'wait') return false
      if (step.what === 'end') this.#isDone = true
      else if (step.what === 'key') this.#visit(step.found.key, step.keyGroup)
      if (steps % STEPS_PER_LOOK === 0 && clock.elapsed() >= deadline) break
    }
    return this.#isDone
  }

  #visit(key: Key, keyGroup: number): void {
    const { table, visit } = this.#options
    table.setCurrentKey(key, keyGroup)
    if (this.#hasValue()) visit(key)
    table.clearCurrent()
  }

  /** Whether the current key has a value that reads would return. */
  #hasValue(): boolean {
    const { table, maps, lists, state } = this.#options
    const row = table.row ?? table.openRow(state)
    if (state.kind === 'map') return !maps.isEmpty(row, state)
    const cell = table.find(row, state)
    if (cell === undefined || table.peek(cell) === ABSENT) return false
    const { ttl } = state
    if (ttl === undefined || ttl.returnsExpired) return true
    return state.kind === 'list' ? lists.hasUnexpired(cell) : !ttl.isExpired(cell.lastAccess)
  }
}
