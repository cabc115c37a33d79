import type { MergingTrigger, TriggerContext } from './trigger.ts'
import { MAX_TIMESTAMP } from '../../runtime/element.ts'

/**
 * Fires when the watermark has reached the last timestamp of the window, and then at once for each late record that is still
 * allowed (semantics 2.4): the default for windows of event time.
 *
 * @example
 * keyed.window(tumblingEventTimeWindows('1h')).trigger(eventTimeTrigger())
 */
export function eventTimeTrigger(): MergingTrigger {
  return EVENT_TIME
}

/**
 * Fires when the clock has passed the last timestamp of the window, or all input has ended: the default for windows of
 * processing time.
 *
 * @example
 * keyed.window(tumblingProcessingTimeWindows('1m')).trigger(processingTimeTrigger())
 */
export function processingTimeTrigger(): MergingTrigger {
  return PROCESSING_TIME
}

/**
 * Never fires, and forgets nothing: for windows whose results are asked for in another way.
 *
 * @example
 * keyed.window(globalWindows()).trigger(neverTrigger())
 */
export function neverTrigger(): MergingTrigger {
  return NEVER
}

/**
 * Fires once, when all input has ended.
 *
 * @example
 * keyed.window(globalWindows()).trigger(endOfStreamTrigger())
 */
export function endOfStreamTrigger(): MergingTrigger {
  return END_OF_STREAM
}

const EVENT_TIME: MergingTrigger = {
  onElement(_value, _timestamp, { maxTimestamp }, { timers }) {
    if (maxTimestamp <= timers.currentWatermark) return 'fire'
    timers.registerEventTime(maxTimestamp)
    return 'continue'
  },
  onEventTime: (timestamp, { maxTimestamp }) => (timestamp === maxTimestamp ? 'fire' : 'continue'),
  onProcessingTime: () => 'continue',
  onMerge({ maxTimestamp }, { timers }) {
    if (maxTimestamp > timers.currentWatermark) timers.registerEventTime(maxTimestamp)
  },
  clear: ({ maxTimestamp }, { timers }) => timers.deleteEventTime(maxTimestamp),
}

const PROCESSING_TIME: MergingTrigger = {
  onElement(_value, _timestamp, { maxTimestamp }, { timers }) {
    timers.registerProcessingTime(maxTimestamp)
    return 'continue'
  },
  onEventTime: () => 'continue',
  onProcessingTime: (timestamp, { maxTimestamp }) =>
    timestamp === maxTimestamp ? 'fire' : 'continue',
  onMerge: ({ maxTimestamp }, { timers }) => timers.registerProcessingTime(maxTimestamp),
  clear: ({ maxTimestamp }, { timers }) => timers.deleteProcessingTime(maxTimestamp),
}

const NEVER: MergingTrigger = {
  onElement: () => 'continue',
  onEventTime: () => 'continue',
  onProcessingTime: () => 'continue',
  onMerge() {},
  clear() {},
}

const registerEnd = ({ timers }: TriggerContext): void => timers.registerEventTime(MAX_TIMESTAMP)

const END_OF_STREAM: MergingTrigger = {
  onElement(_value, _timestamp, _window, ctx) {
    registerEnd(ctx)
    return 'continue'
  },
  onEventTime: (timestamp) => (timestamp === MAX_TIMESTAMP ? 'fire' : 'continue'),
  onProcessingTime: () => 'continue',
  onMerge: (_window, ctx) => registerEnd(ctx),
  clear: (_window, { timers }) => timers.deleteEventTime(MAX_TIMESTAMP),
}
