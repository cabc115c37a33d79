import { checkTrigger } from './check-trigger.ts'
import type { AnyTrigger, TriggerResult } from './trigger.ts'

/**
 * Fires as another trigger does, and drops what is in the window each time.
 *
 * @example
 * keyed.window(globalWindows()).trigger(purgingTrigger(countTrigger(100)))
 */
export function purgingTrigger<Nested extends AnyTrigger>(nested: Nested): Nested {
  checkTrigger(nested, 'purgingTrigger')
  const purging = (result: TriggerResult): TriggerResult =>
    result === 'fire' ? 'fire-and-purge' : result
  const trigger: AnyTrigger = {
    ...(nested.state === undefined ? {} : { state: nested.state }),
    onElement: (value, timestamp, window, ctx) =>
      purging(nested.onElement(value, timestamp, window, ctx)),
    onEventTime: (timestamp, window, ctx) => purging(nested.onEventTime(timestamp, window, ctx)),
    onProcessingTime: (timestamp, window, ctx) =>
      purging(nested.onProcessingTime(timestamp, window, ctx)),
    ...(nested.onMerge === undefined
      ? {}
      : { onMerge: (window, ctx) => nested.onMerge?.(window, ctx) }),
    clear: (window, ctx) => nested.clear(window, ctx),
  }
  return trigger as Nested
}
