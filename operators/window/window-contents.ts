import { givenText, StreamError } from '../../runtime/errors.ts'
import type { Key } from '../../runtime/key.ts'
import type { KeyedContext } from '../../runtime/operator.ts'
import type { ListState, ValueState } from '../../runtime/state/state.ts'
import { refusePromise } from '../synchronous.ts'
import type { Evictor, WindowElement } from './evictor.ts'
import type { Fold } from './fold.ts'
import type { Window } from './time-window.ts'
import type { WindowCall } from './window-call.ts'

/** What is in the window whose namespace is current. */
export interface WindowContents {
  add(value: unknown, timestamp: number): void
  /** Hands it to the function of the window; nothing happens where there is nothing. */
  fire(window: Window): void
  clear(): void
  /** Takes over what is in the namespaces of windows that have become part of the current one, and clears them. */
  mergeNamespaces(target: Key, sources: readonly Key[], keyed: KeyedContext): void
}

/** One accumulator, that of `reduce` or `aggregate`. */
export class AccumulatedContents implements WindowContents {
  readonly #state: ValueState<unknown>
  readonly #fold: Fold
  readonly #call: WindowCall

  constructor(state: ValueState<unknown>, fold: Fold, call: WindowCall) {
    this.#state = state
    this.#fold = fold
    this.#call = call
  }

  add(value: unknown): void {
    this.#state.update(this.#fold.add(this.#state.value(), value))
  }

  fire(window: Window): void {
    const accumulator = this.#state.value()
    if (accumulator !== undefined) this.#call.accumulated(accumulator, this.#fold, window)
  }

  clear(): void {
    this.#state.clear()
  }

  mergeNamespaces(target: Key, sources: readonly Key[], keyed: KeyedContext): void {
    let merged: unknown
    for (const namespace of [target, ...sources]) {
      keyed.setNamespace(namespace)
      const accumulator = this.#state.value()
      if (accumulator === undefined) continue
      merged = merged === undefined ? accumulator : this.#fold.merge(merged, accumulator)
      if (namespace !== target) this.#state.clear()
    }
    keyed.setNamespace(target)
    if (merged !== undefined) this.#state.update(merged)
  }
}

/** All records, for `process`. */
export class BufferedContents implements WindowContents {
  readonly #state: ListState<unknown>
  readonly #call: WindowCall

  constructor(state: ListState<unknown>, call: WindowCall) {
    this.#state = state
    this.#call = call
  }

  add(value: unknown): void {
    this.#state.add(value)
  }

  fire(window: Window): void {
    const elements = this.#state.get()
    if (elements.length > 0) this.#call.elements(elements, window)
  }

  clear(): void {
    this.#state.clear()
  }

  mergeNamespaces(target: Key, sources: readonly Key[], keyed: KeyedContext): void {
    mergeLists(this.#state, target, sources, keyed)
  }
}

type Elements = readonly WindowElement<unknown>[]

/** All records with their timestamps, some of which an evictor drops whenever the window fires. */
export class EvictedContents implements WindowContents {
  readonly #state: ListState<WindowElement<unknown>>
  readonly #evictor: Evictor<unknown, Window>
  readonly #fold: Fold | undefined
  readonly #call: WindowCall

  constructor(options: {
    readonly state: ListState<WindowElement<unknown>>
    readonly evictor: Evictor<unknown, Window>
    /** Of `reduce` or `aggregate`; none: the function gets the records. */
    readonly fold: Fold | undefined
    readonly call: WindowCall
  }) {
    this.#state = options.state
    this.#evictor = options.evictor
    this.#fold = options.fold
    this.#call = options.call
  }

  add(value: unknown, timestamp: number): void {
    this.#state.add({ value, timestamp })
  }

  fire(window: Window): void {
    const all = this.#state.get()
    if (all.length === 0) return
    this.#call.current = window
    let kept = this.#evict('evictBefore', all, window)
    if (kept.length > 0) {
      this.#fire(kept, window)
      this.#call.current = window
      kept = this.#evict('evictAfter', kept, window)
    }
    this.#call.current = undefined
    if (kept.length !== all.length) this.#state.update(kept)
  }

  #evict(method: 'evictBefore' | 'evictAfter', elements: Elements, window: Window): Elements {
    const kept: unknown = this.#evictor[method]?.(elements, window)
    if (Array.isArray(kept)) return kept as Elements
    if (this.#evictor[method] === undefined) return elements
    refusePromise(kept, `${method} of the evictor`)
    throw new StreamError(
      'MR_WINDOW_INVALID',
      `${method} of the evictor returned ${givenText(kept)} (${typeof kept}); it does not say which records stay in the window; return an array of them.`,
      { method },
    )
  }

  #fire(elements: Elements, window: Window): void {
    const fold = this.#fold
    if (fold === undefined) {
      const values = elements.map(({ value }) => value)
      this.#call.elements(values, window)
      return
    }
    let accumulator: unknown
    for (const { value } of elements) accumulator = fold.add(accumulator, value)
    this.#call.result(fold.result(accumulator), window)
  }

  clear(): void {
    this.#state.clear()
  }

  mergeNamespaces(target: Key, sources: readonly Key[], keyed: KeyedContext): void {
    mergeLists(this.#state, target, sources, keyed)
  }
}

function mergeLists(
  state: ListState<unknown>,
  target: Key,
  sources: readonly Key[],
  keyed: KeyedContext,
): void {
  const merged: unknown[] = []
  for (const source of sources) {
    keyed.setNamespace(source)
    for (const element of state.get()) merged.push(element)
    state.clear()
  }
  keyed.setNamespace(target)
  state.addAll(merged)
}
