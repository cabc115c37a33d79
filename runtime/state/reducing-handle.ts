import { refusePromise } from '../synchronous.ts'
import type { CellState } from './state-cell.ts'
import { nothingToKeep } from './state-errors.ts'
import type { ReducingState, StateReducer } from './state.ts'
import type { AccumulatorState } from './value-handle.ts'

/** A reducing state over a value: what the values have come to. */
export class ReducingHandle<T> implements ReducingState<T> {
  readonly #state: CellState
  readonly #reduced: AccumulatorState<T>
  readonly #reduce: StateReducer<T>

  constructor(state: CellState, reduced: AccumulatorState<T>, reduce: StateReducer<T>) {
    this.#state = state
    this.#reduced = reduced
    this.#reduce = reduce
  }

  get(): T | undefined {
    return this.#reduced.value()
  }

  add(value: T): void {
    const before = this.#reduced.unexpired()
    // Not as a method: it has no business with this object.
    const reduce = this.#reduce
    const reduced = before === undefined ? value : reduce(before, value)
    if (typeof reduced === 'object') refusePromise(reduced, `reduce of state ${this.#state.path}`)
    else if (reduced === undefined) throw nothingToKeep(this.#state, 'reduce')
    this.#reduced.update(reduced)
  }

  clear(): void {
    this.#reduced.clear()
  }
}
