import { refusePromise } from '../synchronous.ts'
import type { CellState } from './state-cell.ts'
import { nothingToKeep } from './state-errors.ts'
import type { AggregatingState, StateAggregator } from './state.ts'
import type { AccumulatorState } from './value-handle.ts'

/** An aggregating state over a value: the accumulator. */
export class AggregatingHandle<In, Acc, R> implements AggregatingState<In, R> {
  readonly #state: CellState
  readonly #accumulator: AccumulatorState<Acc>
  readonly #aggregate: StateAggregator<In, Acc, R>

  constructor(
    state: CellState,
    accumulator: AccumulatorState<Acc>,
    aggregate: StateAggregator<In, Acc, R>,
  ) {
    this.#state = state
    this.#accumulator = accumulator
    this.#aggregate = aggregate
  }

  get(): R | undefined {
    const accumulator = this.#accumulator.value()
    if (accumulator === undefined) return undefined
    const result = this.#aggregate.result(accumulator)
    this.#refusePromise(result, 'result')
    return result
  }

  add(value: In): void {
    const accumulator = this.#aggregate.add(this.#accumulator.unexpired() ?? this.#create(), value)
    this.#refusePromise(accumulator, 'add')
    if (accumulator === undefined) throw nothingToKeep(this.#state, 'add')
    this.#accumulator.update(accumulator)
  }

  clear(): void {
    this.#accumulator.clear()
  }

  #create(): Acc {
    const empty = this.#aggregate.create()
    this.#refusePromise(empty, 'create')
    return empty
  }

  #refusePromise(result: unknown, method: string): void {
    if (typeof result === 'object') refusePromise(result, `${method} of state ${this.#state.path}`)
  }
}
