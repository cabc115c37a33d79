import type { KeyedContext } from '../../runtime/operator.ts'
import type { StateDescriptor, ValueState } from '../../runtime/state/state.ts'

const NONE: readonly never[] = []

/**
 * The panes of the current key that hold something, by their starts: a window is put together from these alone.
 *
 * State of the key, read and changed only where a pane begins or a window fires. Leaves the default namespace current.
 */
export class OpenPanes {
  readonly #keyed: KeyedContext
  readonly #state: ValueState<number[]>

  constructor(keyed: KeyedContext, state: StateDescriptor) {
    this.#keyed = keyed
    this.#state = keyed.state(state) as ValueState<number[]>
  }

  /** All of them, ascending; to be used within the callback, and not changed. */
  all(): readonly number[] {
    this.#keyed.setNamespace(undefined)
    return this.#state.value() ?? NONE
  }

  /** Adds one that is not there. */
  add(pane: number): void {
    this.#keyed.setNamespace(undefined)
    const panes = this.#state.value() ?? []
    const at = firstFrom(panes, pane)
    if (at === panes.length) panes.push(pane)
    else panes.splice(at, 0, pane)
    this.#state.update(panes)
  }

  /** Takes away those that begin before a time; returns them. */
  removeBefore(time: number): readonly number[] {
    this.#keyed.setNamespace(undefined)
    const panes = this.#state.value() ?? []
    const removed = panes.splice(0, firstFrom(panes, time))
    if (removed.length === 0) return NONE
    if (panes.length > 0) this.#state.update(panes)
    else this.#state.clear()
    return removed
  }
}

/** Where the first pane that begins at a time or after it is among panes in ascending order; their number if there is none. */
export function firstFrom(panes: readonly number[], time: number): number {
  let low = 0
  let high = panes.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (panes[middle]! < time) low = middle + 1
    else high = middle
  }
  return low
}
