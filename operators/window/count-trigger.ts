import { type StateDescriptor, valueState } from '../../runtime/state/state.ts'
import type { Window } from './time-window.ts'
import type { MergingTrigger } from './trigger.ts'
import { positiveCount } from './window-options.ts'

interface Counted {
  readonly [name: string]: StateDescriptor
  readonly count: StateDescriptor<'value', number>
}

/**
 * Fires each time that a window has got so many records since it last fired. The counts of windows that merge add up; the
 * record that merged them decides whether that is enough (semantics 2.4).
 *
 * Fails with `MR_OPTION_INVALID` unless the count is a whole number above 0.
 *
 * @example
 * keyed.window(globalWindows()).trigger(purgingTrigger(countTrigger(100)))
 */
export function countTrigger(count: number): MergingTrigger<unknown, Window, Counted> {
  const limit = positiveCount(count, 'The count of countTrigger')
  return {
    state: { count: valueState<number>() },
    onElement(_value, _timestamp, _window, { state }) {
      const counted = (state.count.value() ?? 0) + 1
      if (counted < limit) {
        state.count.update(counted)
        return 'continue'
      }
      state.count.clear()
      return 'fire'
    },
    onEventTime: () => 'continue',
    onProcessingTime: () => 'continue',
    onMerge: (_window, ctx) => ctx.mergeValue('count', (a, b) => a + b),
    clear: (_window, { state }) => state.count.clear(),
  }
}
