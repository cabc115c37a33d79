import type { Key } from '../../runtime/key.ts'
import type { KeyedContext } from '../../runtime/operator.ts'
import { type StateDescriptor, type ValueState, valueState } from '../../runtime/state/state.ts'

/** What has been put off for a window. */
export interface PutOff {
  /** When it is made up for, in ms of processing time. */
  readonly due: number
  /** Whether the contents are dropped after it. */
  readonly purges: boolean
}

/** Namespaces of their own, so that timers do not meet those of triggers. */
const LATE = 'late'

export const LATE_FIRING: StateDescriptor = { ...valueState<PutOff>(), name: 'late-firing' }

/**
 * Puts off what late records make a window fire, so that it happens at most once per interval of processing time. At the end of
 * the input all timers fire, so nothing is lost of windows either that are never cleaned up.
 *
 * Works on namespaces of windows of the current key; the namespace that is current afterwards is any.
 */
export class LateFiring {
  readonly #keyed: KeyedContext
  readonly #state: ValueState<PutOff>
  readonly #intervalMs: number

  constructor(keyed: KeyedContext, intervalMs: number) {
    this.#keyed = keyed
    this.#state = keyed.state(LATE_FIRING) as ValueState<PutOff>
    this.#intervalMs = intervalMs
  }

  /** The namespace of the window whose timer has come due, in an array; undefined for timers of others. */
  static windowOf(namespace: Key | undefined): readonly Key[] | undefined {
    if (!Array.isArray(namespace)) return undefined
    const [mark, ...window] = namespace as readonly Key[]
    return mark === LATE ? window : undefined
  }

  /** The window would fire now. */
  putOff(window: Key | undefined, purges: boolean): void {
    this.#enter(window)
    const before = this.#state.value()
    const due = before?.due ?? this.#keyed.timers.currentProcessingTime + this.#intervalMs
    if (before !== undefined && (before.purges || !purges)) return
    this.#put({ due, purges })
  }

  /** Takes over what had been put off for windows that have become this one. */
  putOffAgain(window: Key | undefined, merged: readonly PutOff[]): void {
    if (merged.length === 0) return
    this.#enter(window)
    const due = Math.min(...merged.map((one) => one.due))
    this.#put({ due, purges: merged.some(({ purges }) => purges) })
  }

  #put(putOff: PutOff): void {
    this.#state.update(putOff)
    this.#keyed.timers.registerProcessingTime(putOff.due)
  }

  /** Nothing is put off for the window any more; returns what was. */
  take(window: Key | undefined): PutOff | undefined {
    this.#enter(window)
    const putOff = this.#state.value()
    if (putOff === undefined) return undefined
    this.#state.clear()
    this.#keyed.timers.deleteProcessingTime(putOff.due)
    return putOff
  }

  #enter(window: Key | undefined): void {
    this.#keyed.setNamespace(window === undefined ? [LATE] : [LATE, window])
  }
}
