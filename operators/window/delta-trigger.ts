import { givenText, StreamError } from '../../runtime/errors.ts'
import { type StateDescriptor, valueState } from '../../runtime/state/state.ts'
import { checkMethods } from '../function.ts'
import type { Window } from './time-window.ts'
import type { Trigger } from './trigger.ts'

interface LastFired<T> {
  readonly [name: string]: StateDescriptor
  readonly last: StateDescriptor<'value', T>
}

/** How far a record is from an earlier one: for delta triggers and evictors. */
export type DeltaFunction<T> = (earlier: T, later: T) => number

/**
 * Fires for a record that is further than the threshold from the one that last fired; the first record of a window is only
 * remembered (semantics 2.4). Cannot be used where windows merge.
 *
 * @example
 * keyed.window(globalWindows()).trigger(deltaTrigger(10, (a: Order, b: Order) => Math.abs(b.cents - a.cents)))
 */
export function deltaTrigger<T>(
  threshold: number,
  delta: DeltaFunction<T>,
): Trigger<T, Window, LastFired<T>> {
  checkThreshold(threshold, 'deltaTrigger')
  checkMethods({ delta }, ['delta'], 'deltaTrigger')
  return {
    state: { last: valueState<T>() },
    onElement(value, _timestamp, _window, { state }) {
      const last = state.last.value()
      if (last !== undefined && !(delta(last, value) > threshold)) return 'continue'
      state.last.update(value)
      return last === undefined ? 'continue' : 'fire'
    },
    onEventTime: () => 'continue',
    onProcessingTime: () => 'continue',
    clear: (_window, { state }) => state.last.clear(),
  }
}

/** Fails with `MR_OPTION_INVALID` for a threshold that nothing can be compared with. */
export function checkThreshold(threshold: number, what: string): void {
  if (typeof threshold === 'number' && !Number.isNaN(threshold)) return
  throw new StreamError(
    'MR_OPTION_INVALID',
    `The threshold of ${what} is ${givenText(threshold)} (${typeof threshold}); no distance is above or below it; give a number.`,
    { threshold },
  )
}
