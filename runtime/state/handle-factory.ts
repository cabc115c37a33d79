import { AggregatingHandle } from './aggregating-handle.ts'
import { ListHandle } from './list-handle.ts'
import type { ListStore } from './list-store.ts'
import { MapHandle } from './map-handle.ts'
import type { MapStore } from './map-store.ts'
import { ReducingHandle } from './reducing-handle.ts'
import type { CellState } from './state-cell.ts'
import type { StateTable } from './state-table.ts'
import type { StateAggregator, StateDescriptor, StateReducer } from './state.ts'
import type { CellSweeper, SweptState } from './sweep.ts'
import { TimedCells } from './timed-cells.ts'
import { TimedListHandle } from './timed-list-handle.ts'
import { TimedLists } from './timed-lists.ts'
import { TimedMapHandle } from './timed-map-handle.ts'
import { TimedValueHandle } from './timed-value-handle.ts'
import { type AccumulatorState, ValueHandle } from './value-handle.ts'

/** Makes the handle that a kind of state has, with and without a time to live. */
export class HandleFactory {
  readonly #table: StateTable
  readonly #maps: MapStore
  readonly #lists: ListStore

  constructor(table: StateTable, maps: MapStore, lists: ListStore) {
    this.#table = table
    this.#maps = maps
    this.#lists = lists
  }

  handle(descriptor: StateDescriptor, state: CellState): unknown {
    switch (state.kind) {
      case 'value':
        return this.#value(state)
      case 'list':
        return this.#list(state)
      case 'map':
        return this.#map(state)
      case 'reducing': {
        const reduce = descriptor.reduce as StateReducer<unknown>
        return new ReducingHandle(state, this.#value(state), reduce)
      }
      case 'aggregating': {
        const aggregate = descriptor.aggregate as StateAggregator<unknown, unknown, unknown>
        return new AggregatingHandle(state, this.#value(state), aggregate)
      }
    }
  }

  #value(state: CellState): AccumulatorState<unknown> {
    const table = this.#table
    return isTimed(state)
      ? new TimedValueHandle(table, state, this.#valueCells(state))
      : new ValueHandle(table, state)
  }

  #list(state: CellState): unknown {
    const table = this.#table
    const lists = this.#lists
    if (!isTimed(state)) return new ListHandle(table, lists, state)
    const cells = this.#valueCells(state)
    const timed = new TimedLists(table, lists, state)
    return new TimedListHandle({ table, lists, state, cells, timed })
  }

  /** Removes what has expired of a state though nobody reads it. */
  sweeper(state: SweptState): CellSweeper {
    if (state.kind === 'list') return new TimedLists(this.#table, this.#lists, state)
    return state.kind === 'map' ? this.#mapCells(state) : this.#valueCells(state)
  }

  #valueCells(state: SweptState): TimedCells {
    return new TimedCells(this.#table, state, (cell) => this.#table.removeValue(cell))
  }

  #map(state: CellState): unknown {
    const maps = this.#maps
    if (!isTimed(state)) return new MapHandle(this.#table, maps, state)
    return new TimedMapHandle(this.#table, maps, state, this.#mapCells(state))
  }

  #mapCells(state: SweptState): TimedCells {
    return new TimedCells(this.#table, state, (cell) => this.#maps.removeCell(cell))
  }
}

/** Whether a state has a time to live. */
export function isTimed(state: CellState): state is SweptState {
  return state.ttl !== undefined
}
