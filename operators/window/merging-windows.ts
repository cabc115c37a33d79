import type { Key } from '../../runtime/key.ts'
import type { KeyedContext } from '../../runtime/operator.ts'
import {
  type MapState,
  mapState,
  type StateDescriptor,
  type ValueState,
  valueState,
} from '../../runtime/state/state.ts'
import { cannotMerge, isSpan } from './check-window.ts'
import {
  MergingWindowSet,
  type OpenWindow,
  type WindowRun,
  type WindowRunStore,
} from './merging-window-set.ts'
import { type TimeWindow, timeWindow, type Window } from './time-window.ts'
import type { WindowMerge, WindowSpace } from './window-space.ts'

/** The states that hold the open windows of each key, by name. */
export function mergingStates(assigner: string): StateDescriptor[] {
  return [
    { ...valueState(), name: `${assigner}.open` },
    { ...valueState(), name: `${assigner}.borders` },
    { ...mapState(), name: `${assigner}.runs` },
  ]
}

/** Windows that merge (semantics 2.2): the open ones are state of the key. */
export class MergingWindows implements WindowSpace {
  readonly #keyed: KeyedContext
  readonly #set: MergingWindowSet
  mayHoldMore = false
  readonly #onMerge: (merge: WindowMerge) => void
  /** The window last looked up, and the namespace of its contents: asked for several times for each record. */
  #last: Window | undefined
  #lastContents: number | undefined

  constructor(
    keyed: KeyedContext,
    states: readonly StateDescriptor[],
    onMerge: (merge: WindowMerge) => void,
  ) {
    this.#keyed = keyed
    this.#set = new MergingWindowSet(new StateRunStore(keyed, states))
    this.#onMerge = onMerge
  }

  enter(window: Window): Window {
    const { start, end } = checkedWindow(window)
    this.#keyed.setNamespace(undefined)
    const added = this.#set.add(start, end)
    const result = openedWindow(added.window)
    this.#last = result
    this.#lastContents = added.window.stateStart
    const { merged } = added
    this.mayHoldMore = !added.isNew
    if (merged.length === 0) return result
    const [, ...others] = merged
    this.#onMerge({
      window: result,
      merged: merged.map(openedWindow),
      contents: added.window.stateStart,
      mergedContents: others.map(({ stateStart }) => stateStart),
    })
    return result
  }

  isOpen(window: Window): boolean {
    return this.contentsOf(window) !== undefined
  }

  /** Undefined for a window that is not open. */
  contentsOf(window: Window): Key | undefined {
    if (window !== this.#last) {
      const { start, end } = window as TimeWindow
      this.#keyed.setNamespace(undefined)
      const found = this.#set.find(start)
      this.#last = window
      this.#lastContents = found?.end === end ? found.stateStart : undefined
    }
    return this.#lastContents
  }

  leave(window: Window): void {
    this.#keyed.setNamespace(undefined)
    this.#set.remove((window as TimeWindow).start)
  }
}

function openedWindow({ start, end }: OpenWindow): TimeWindow {
  return timeWindow(start, end)
}

/** Assigners of one's own may give anything; what has no order cannot merge. */
function checkedWindow(window: Window): TimeWindow {
  if (isSpan(window as TimeWindow)) return window as TimeWindow
  throw cannotMerge(window)
}

/** The runs of the current key in state; nothing but the first run is read where there are few windows. */
export class StateRunStore implements WindowRunStore {
  readonly #first: ValueState<WindowRun>
  readonly #borders: ValueState<number[]>
  readonly #runs: MapState<number, WindowRun>

  constructor(keyed: KeyedContext, states: readonly StateDescriptor[]) {
    const [first, borders, runs] = states.map((state): unknown => keyed.state(state))
    this.#first = first as ValueState<WindowRun>
    this.#borders = borders as ValueState<number[]>
    this.#runs = runs as MapState<number, WindowRun>
  }

  get borders(): number[] | undefined {
    return this.#borders.value()
  }

  setBorders(borders: number[] | undefined): void {
    if (borders === undefined) this.#borders.clear()
    else this.#borders.update(borders)
  }

  run(border: number): WindowRun | undefined {
    return border === -Infinity ? this.#first.value() : this.#runs.get(border)
  }

  setRun(border: number, run: WindowRun): void {
    if (border === -Infinity) this.#first.update(run)
    else this.#runs.put(border, run)
  }

  removeRun(border: number): void {
    if (border === -Infinity) this.#first.clear()
    else this.#runs.remove(border)
  }
}
