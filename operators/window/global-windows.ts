import { checkOptionNames, type OptionNames } from '../../runtime/option-names.ts'
import { GLOBAL_WINDOW, type GlobalWindow } from './time-window.ts'
import { endOfStreamTrigger, neverTrigger } from './time-triggers.ts'
import type { WindowAssigner } from './window-assigner.ts'

/** Options of `globalWindows`. */
export interface GlobalWindowOptions {
  /** Whether the window fires when all input has ended, once. Default false. */
  readonly fireAtEndOfStream?: boolean
}

const GLOBAL: OptionNames<GlobalWindowOptions> = { fireAtEndOfStream: true }

const ONLY: readonly GlobalWindow[] = [GLOBAL_WINDOW]

/**
 * One window for all records of a key. It never ends, and never fires unless a trigger or `fireAtEndOfStream` says so; what
 * is in it stays until a trigger purges it.
 *
 * What comes out of it has no timestamp, as the window has no last one: give it one with `assignTimestampsAndWatermarks`
 * before windows of event time.
 *
 * @example
 * orders.keyBy((order) => order.shop).window(globalWindows()).trigger(purgingTrigger(countTrigger(100)))
 */
export function globalWindows(
  options: GlobalWindowOptions = {},
): WindowAssigner<unknown, GlobalWindow, false> {
  checkOptionNames(options, GLOBAL, 'globalWindows()')
  const { fireAtEndOfStream = false } = options
  return {
    name: 'global',
    isEventTime: false,
    isMerging: false,
    assignWindows: () => ONLY,
    defaultTrigger: () => (fireAtEndOfStream ? endOfStreamTrigger() : neverTrigger()),
  }
}
