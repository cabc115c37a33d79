import type { KeyedContext } from '../../runtime/operator.ts'
import { type StateDescriptor, type ValueState, valueState } from '../../runtime/state/state.ts'
import { endAt, FIELDS, type FewSessions, FIRST, startAt } from './few-sessions.ts'
import type { Fold } from './fold.ts'
import { MergingWindowSet, type OpenWindow } from './merging-window-set.ts'
import { mergingStates, StateRunStore } from './merging-windows.ts'
import { timeWindow } from './time-window.ts'
import type { WindowCall } from './window-call.ts'
import { AccumulatedContents } from './window-contents.ts'

/** The states of the sessions of keys that have many. */
export function manySessionStates(name: string): StateDescriptor[] {
  return [{ ...valueState(), name: `${name}.contents` }, ...mergingStates(name)]
}

/**
 * The open sessions of a key that has many: in short runs, the accumulator of each in a namespace of its own. A change touches
 * one run and one accumulator (R23), and costs O(log sessions).
 *
 * Each method leaves the default namespace current.
 */
export class ManySessions {
  readonly #keyed: KeyedContext
  readonly #set: MergingWindowSet
  readonly #accumulator: ValueState<unknown>
  readonly #contents: AccumulatedContents

  constructor(
    keyed: KeyedContext,
    states: readonly StateDescriptor[],
    { fold, call }: { readonly fold: Fold; readonly call: WindowCall },
  ) {
    const [contents, ...runs] = states
    this.#keyed = keyed
    this.#set = new MergingWindowSet(new StateRunStore(keyed, runs))
    this.#accumulator = keyed.state(contents!) as ValueState<unknown>
    this.#contents = new AccumulatedContents(this.#accumulator, fold, call)
  }

  /** Takes over sessions that have been few; they stay in the value that they are in. */
  take(sessions: FewSessions): void {
    for (let at = FIRST; at < sessions.length; at += FIELDS) {
      const { window } = this.#set.add(startAt(sessions, at), endAt(sessions, at))
      this.#keyed.setNamespace(window.stateStart)
      this.#accumulator.update(sessions[at + 2])
      this.#keyed.setNamespace(undefined)
    }
  }

  /** Hands sessions back, which are all that there are: moves them behind a value of few. */
  giveBack(windows: readonly OpenWindow[], sessions: FewSessions): void {
    for (const window of windows) {
      this.#keyed.setNamespace(window.stateStart)
      sessions.push(window.start, window.end, this.#accumulator.value())
      this.#contents.clear()
      this.#keyed.setNamespace(undefined)
      this.#set.remove(window.start)
    }
  }

  /** Opens `[start, end)`, or makes it part of those that it touches. */
  enter(start: number, end: number): OpenWindow {
    const { window, merged } = this.#set.add(start, end)
    if (merged.length > 1) {
      const sources = merged.slice(1).map(({ stateStart }) => stateStart)
      this.#contents.mergeNamespaces(window.stateStart, sources, this.#keyed)
      this.#keyed.setNamespace(undefined)
    }
    return window
  }

  add({ stateStart }: OpenWindow, value: unknown): void {
    this.#keyed.setNamespace(stateStart)
    this.#contents.add(value)
    this.#keyed.setNamespace(undefined)
  }

  fire({ start, end, stateStart }: OpenWindow): void {
    this.#keyed.setNamespace(stateStart)
    this.#contents.fire(timeWindow(start, end))
    this.#keyed.setNamespace(undefined)
  }

  remove({ start, stateStart }: OpenWindow): void {
    this.#keyed.setNamespace(stateStart)
    this.#contents.clear()
    this.#keyed.setNamespace(undefined)
    this.#set.remove(start)
  }

  /** The first sessions, a number of them at most, of those that end at a moment or after it. */
  endingFrom(time: number, most: number): readonly OpenWindow[] {
    return this.#set.endingFrom(time, most)
  }
}
