import type { Duration } from '../../runtime/duration.ts'
import { MAX_TIMESTAMP } from '../../runtime/element.ts'
import { type StateDescriptor, valueState } from '../../runtime/state/state.ts'
import { isTimeWindow, type Window } from './time-window.ts'
import type { MergingTrigger, TriggerContext } from './trigger.ts'
import { requireTimestamp } from './window-assigner.ts'
import { positiveDuration } from './window-options.ts'

interface NextFire {
  readonly [name: string]: StateDescriptor
  /** When the window fires next, before its end. */
  readonly 'next-fire': StateDescriptor<'value', number>
}

type Context = TriggerContext<NextFire>

const declareNextFire = (): NextFire => ({ 'next-fire': valueState<number>() })

/**
 * Fires at every multiple of an interval of event time while a window is open, and at its end; then at once for each late
 * record that is still allowed (semantics 2.4).
 *
 * @example
 * keyed.window(tumblingEventTimeWindows('1d')).trigger(continuousEventTimeTrigger('1h'))
 */
export function continuousEventTimeTrigger(
  interval: Duration,
): MergingTrigger<unknown, Window, NextFire> {
  const intervalMs = positiveDuration(interval, 'The interval of continuousEventTimeTrigger')
  /** The next time above one that is a multiple of the interval, at most the end of the window. */
  const registerNext = (time: number, window: Window, { state, timers }: Context): void => {
    const { maxTimestamp } = window
    const following = time + intervalMs
    // When all input has ended, time runs through a window of event time like any other time. Where it would first have to get to
    // the window, which is one of the clock, or has no end to get to, the window fires once more, and not for all that lies between.
    const begin = isTimeWindow(window) ? window.start : MAX_TIMESTAMP
    const isAway = timers.currentWatermark === MAX_TIMESTAMP && following < begin
    const next = isAway ? maxTimestamp : Math.min(following, maxTimestamp)
    state['next-fire'].update(next)
    timers.registerEventTime(next)
  }
  return {
    state: declareNextFire(),
    onElement(_value, timestamp, window, ctx) {
      // Windows that do not go by event time, such as the global one, have not asked for it.
      requireTimestamp(timestamp)
      const { maxTimestamp } = window
      if (maxTimestamp <= ctx.timers.currentWatermark) return 'fire'
      ctx.timers.registerEventTime(maxTimestamp)
      if (ctx.state['next-fire'].value() === undefined) {
        registerNext(timestamp - (timestamp % intervalMs), window, ctx)
      }
      return 'continue'
    },
    onEventTime(timestamp, window, ctx) {
      if (timestamp === window.maxTimestamp) return 'fire'
      if (timestamp !== ctx.state['next-fire'].value()) return 'continue'
      registerNext(timestamp, window, ctx)
      return 'fire'
    },
    onProcessingTime: () => 'continue',
    onMerge({ maxTimestamp }, ctx) {
      ctx.mergeValue('next-fire', Math.min)
      const next = ctx.state['next-fire'].value()
      if (next !== undefined) ctx.timers.registerEventTime(next)
      if (maxTimestamp > ctx.timers.currentWatermark) ctx.timers.registerEventTime(maxTimestamp)
    },
    clear({ maxTimestamp }, { state, timers }) {
      const next = state['next-fire'].value()
      if (next !== undefined) timers.deleteEventTime(next)
      state['next-fire'].clear()
      timers.deleteEventTime(maxTimestamp)
    },
  }
}

/**
 * Fires at every multiple of an interval of processing time after a window has got its first record, and when the clock gets
 * to its end (semantics 2.4); once more when all input has ended. With windows of event time it tells how they come along.
 *
 * @example
 * keyed.window(globalWindows()).trigger(continuousProcessingTimeTrigger('10s'))
 */
export function continuousProcessingTimeTrigger(
  interval: Duration,
): MergingTrigger<unknown, Window, NextFire> {
  const intervalMs = positiveDuration(interval, 'The interval of continuousProcessingTimeTrigger')
  /** As above; the end of a window of event time may lie in the past of the clock, where it is no limit. */
  const registerNext = (
    time: number,
    { maxTimestamp }: Window,
    { state, timers }: Context,
  ): void => {
    const following = time + intervalMs
    const next = time < maxTimestamp ? Math.min(following, maxTimestamp) : following
    state['next-fire'].update(next)
    timers.registerProcessingTime(next)
  }
  return {
    state: declareNextFire(),
    onElement(_value, _timestamp, window, ctx) {
      if (ctx.state['next-fire'].value() === undefined) {
        const now = ctx.timers.currentProcessingTime
        registerNext(now - (now % intervalMs), window, ctx)
      }
      return 'continue'
    },
    onEventTime: () => 'continue',
    onProcessingTime(timestamp, window, ctx) {
      if (timestamp !== ctx.state['next-fire'].value()) return 'continue'
      registerNext(timestamp, window, ctx)
      return 'fire'
    },
    onMerge(_window, ctx) {
      ctx.mergeValue('next-fire', Math.min)
      const next = ctx.state['next-fire'].value()
      if (next !== undefined) ctx.timers.registerProcessingTime(next)
    },
    clear(_window, { state, timers }) {
      const next = state['next-fire'].value()
      if (next !== undefined) timers.deleteProcessingTime(next)
      state['next-fire'].clear()
    },
  }
}
