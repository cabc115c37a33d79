import type { Duration } from '../../runtime/duration.ts'
import { checkOptionNames, type OptionNames } from '../../runtime/option-names.ts'
import { type StateDescriptor, valueState } from '../../runtime/state/state.ts'
import { checkTrigger } from './check-trigger.ts'
import type { Window } from './time-window.ts'
import type { AnyTrigger, Trigger, TriggerContext, TriggerResult } from './trigger.ts'
import { positiveDuration } from './window-options.ts'

/** Options of `processingTimeoutTrigger`. */
export interface ProcessingTimeoutOptions {
  /** Whether each record sets the timeout anew; default false: it runs from the first one since the window last fired. */
  readonly resetOnNewRecord?: boolean
  /** Whether the trigger forgets what it knows of the window when the timeout fires. Default true. */
  readonly clearOnTimeout?: boolean
}

const TIMEOUT: OptionNames<ProcessingTimeoutOptions> = {
  resetOnNewRecord: true,
  clearOnTimeout: true,
}

/** What the nested trigger declares is among its states, under names with this before them. */
const NESTED = 'nested.'

interface Timeout {
  readonly [name: string]: StateDescriptor
  readonly timeout: StateDescriptor<'value', number>
}

/**
 * Fires as another trigger does, and at the latest a while of processing time after a record (semantics 2.4). Any timer of the
 * window fires it, one of the nested trigger and that of its cleanup too. Cannot be used where windows merge.
 *
 * @example
 * keyed.window(globalWindows()).trigger(purgingTrigger(processingTimeoutTrigger(countTrigger(100), '10s')))
 */
export function processingTimeoutTrigger<T, W extends Window>(
  nested: Trigger<T, W, never> | AnyTrigger,
  timeout: Duration,
  options: ProcessingTimeoutOptions = {},
): Trigger<T, W, Timeout> {
  checkTrigger(nested, 'processingTimeoutTrigger')
  checkOptionNames(options, TIMEOUT, 'processingTimeoutTrigger()')
  const timeoutMs = positiveDuration(timeout, 'The timeout of processingTimeoutTrigger')
  return new ProcessingTimeoutTrigger(nested as AnyTrigger, timeoutMs, options)
}

class ProcessingTimeoutTrigger implements Trigger<never, Window, Timeout> {
  readonly state: Timeout
  readonly #nested: AnyTrigger
  readonly #nestedNames: readonly string[]
  readonly #timeoutMs: number
  readonly #resets: boolean
  readonly #clears: boolean
  readonly #contexts: WeakMap<TriggerContext<Timeout>, TriggerContext> = new WeakMap()

  constructor(nested: AnyTrigger, timeoutMs: number, options: ProcessingTimeoutOptions) {
    const states = Object.entries(nested.state ?? {})
    this.state = {
      timeout: valueState<number>(),
      ...Object.fromEntries(states.map(([name, state]) => [`${NESTED}${name}`, state])),
    }
    this.#nested = nested
    this.#nestedNames = states.map(([name]) => name)
    this.#timeoutMs = timeoutMs
    this.#resets = options.resetOnNewRecord ?? false
    this.#clears = options.clearOnTimeout ?? true
  }

  onElement(
    value: never,
    timestamp: number,
    window: Window,
    ctx: TriggerContext<Timeout>,
  ): TriggerResult {
    const result = this.#nested.onElement(value, timestamp, window, this.#contextOf(ctx))
    if (result === 'fire' || result === 'fire-and-purge') {
      this.#clearTimeout(ctx)
      return result
    }
    if (this.#resets) this.#clearTimeout(ctx)
    if (ctx.state.timeout.value() === undefined) {
      const due = ctx.timers.currentProcessingTime + this.#timeoutMs
      ctx.state.timeout.update(due)
      ctx.timers.registerProcessingTime(due)
    }
    return result
  }

  onEventTime(timestamp: number, window: Window, ctx: TriggerContext<Timeout>): TriggerResult {
    const result = this.#nested.onEventTime(timestamp, window, this.#contextOf(ctx))
    return this.#fire(result, window, ctx)
  }

  onProcessingTime(timestamp: number, window: Window, ctx: TriggerContext<Timeout>): TriggerResult {
    const result = this.#nested.onProcessingTime(timestamp, window, this.#contextOf(ctx))
    return this.#fire(result, window, ctx)
  }

  #fire(nested: TriggerResult, window: Window, ctx: TriggerContext<Timeout>): TriggerResult {
    if (this.#clears) this.clear(window, ctx)
    return nested === 'purge' || nested === 'fire-and-purge' ? 'fire-and-purge' : 'fire'
  }

  clear(window: Window, ctx: TriggerContext<Timeout>): void {
    this.#clearTimeout(ctx)
    this.#nested.clear(window, this.#contextOf(ctx))
  }

  #clearTimeout({ state, timers }: TriggerContext<Timeout>): void {
    const due = state.timeout.value()
    if (due === undefined) return
    timers.deleteProcessingTime(due)
    state.timeout.clear()
  }

  /** The context in which the nested trigger finds its states under their own names; one for each operator. */
  #contextOf(ctx: TriggerContext<Timeout>): TriggerContext {
    let nested = this.#contexts.get(ctx)
    if (nested === undefined) {
      const handles = this.#nestedNames.map((name) => [name, ctx.state[`${NESTED}${name}`]])
      nested = { state: Object.fromEntries(handles), timers: ctx.timers }
      this.#contexts.set(ctx, nested)
    }
    return nested
  }
}
