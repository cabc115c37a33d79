import { givenText, StreamError } from '../../runtime/errors.ts'
import type { Key } from '../../runtime/key.ts'
import type { KeyedContext, TimerService } from '../../runtime/operator.ts'
import type { StateDescriptor, ValueState } from '../../runtime/state/state.ts'
import type { DeclaredState, StateDeclarations } from '../process-context.ts'
import { refusePromise } from '../synchronous.ts'
import { GLOBAL_WINDOW, type Window } from './time-window.ts'
import type { AnyTrigger, TriggerMergeContext, TriggerResult } from './trigger.ts'
import { prefixed } from './window-call.ts'
import type { CleanupTimes } from './cleanup-times.ts'
import type { WindowNamespaces } from './window-namespace.ts'

const TRIGGER_STATE = 'trigger.'

/** The states that a trigger declares, with their names in the operator. */
export function triggerStates(trigger: AnyTrigger): StateDescriptor[] {
  return prefixed(TRIGGER_STATE, trigger.state)
}

/** Calls a trigger for windows of the current key, in the namespace of each. */
export class WindowTriggers {
  readonly #trigger: AnyTrigger
  readonly #keyed: KeyedContext
  readonly #namespaces: WindowNamespaces
  readonly #context: OperatorTriggerContext

  constructor(options: {
    readonly trigger: AnyTrigger
    readonly keyed: KeyedContext
    readonly namespaces: WindowNamespaces
    readonly cleanup: CleanupTimes
  }) {
    this.#trigger = options.trigger
    this.#keyed = options.keyed
    this.#namespaces = options.namespaces
    this.#context = new OperatorTriggerContext(options)
  }

  onElement(value: unknown, timestamp: number, window: Window): TriggerResult {
    this.#enter(window)
    const result = this.#trigger.onElement(value as never, timestamp, window, this.#context)
    return checkResult(result, 'onElement')
  }

  onTimer(domain: 'event' | 'processing', timestamp: number, window: Window): TriggerResult {
    this.#enter(window)
    return domain === 'event'
      ? checkResult(this.#trigger.onEventTime(timestamp, window, this.#context), 'onEventTime')
      : checkResult(
          this.#trigger.onProcessingTime(timestamp, window, this.#context),
          'onProcessingTime',
        )
  }

  /** Windows have become another one; the old ones are cleared (semantics 2.2). */
  merge(window: Window, merged: readonly Window[]): void {
    this.#context.merged = merged.map((old) => this.#namespaces.of(old))
    this.#enter(window)
    this.#trigger.onMerge?.(window, this.#context)
    this.#context.merged = []
    for (const old of merged) this.clear(old)
  }

  clear(window: Window): void {
    this.#enter(window)
    this.#trigger.clear(window, this.#context)
  }

  #enter(window: Window): void {
    this.#keyed.setNamespace(this.#namespaces.of(window))
    this.#context.window = window
  }
}

/** The one context object of an operator's trigger. */
class OperatorTriggerContext implements TriggerMergeContext<StateDeclarations> {
  readonly state: DeclaredState<StateDeclarations>
  readonly timers: TimerService
  readonly #keyed: KeyedContext
  window: Window = GLOBAL_WINDOW
  /** While windows merge: the namespaces of those that are no more. */
  merged: readonly (Key | undefined)[] = []

  constructor(options: {
    readonly trigger: AnyTrigger
    readonly keyed: KeyedContext
    readonly cleanup: CleanupTimes
  }) {
    const { keyed } = options
    this.#keyed = keyed
    const states = triggerStates(options.trigger)
    this.state = Object.fromEntries(
      states.map((state) => [state.name.slice(TRIGGER_STATE.length), keyed.state(state)]),
    )
    this.timers = new TriggerTimers(keyed.timers, options.cleanup, () => this.window)
  }

  mergeValue(name: string, combine: (a: never, b: never) => unknown): void {
    const state = this.state[name] as unknown as ValueState<unknown>
    const target = this.#keyed.currentNamespace
    let merged = state.value()
    for (const namespace of this.merged) {
      this.#keyed.setNamespace(namespace)
      const value = state.value()
      if (value === undefined) continue
      merged = merged === undefined ? value : combine(merged as never, value as never)
    }
    this.#keyed.setNamespace(target)
    if (merged !== undefined) state.update(merged)
  }
}

/**
 * Timers as a trigger sees them. The timer that cleans the window up may be at the same time as one of the trigger's; then
 * the two are one (semantics 2.3), and deleting it leaves it to the operator.
 */
class TriggerTimers implements TimerService {
  readonly #timers: TimerService
  readonly #cleanup: CleanupTimes
  readonly #window: () => Window

  constructor(timers: TimerService, cleanup: CleanupTimes, window: () => Window) {
    this.#timers = timers
    this.#cleanup = cleanup
    this.#window = window
  }

  registerEventTime(timestamp: number): void {
    this.#timers.registerEventTime(timestamp)
  }

  registerProcessingTime(timestamp: number): void {
    this.#timers.registerProcessingTime(timestamp)
  }

  deleteEventTime(timestamp: number): void {
    if (this.#cleanup.isTimer('event', timestamp, this.#window())) return
    this.#timers.deleteEventTime(timestamp)
  }

  deleteProcessingTime(timestamp: number): void {
    if (this.#cleanup.isTimer('processing', timestamp, this.#window())) return
    this.#timers.deleteProcessingTime(timestamp)
  }

  get currentWatermark(): number {
    return this.#timers.currentWatermark
  }

  get currentProcessingTime(): number {
    return this.#timers.currentProcessingTime
  }
}

function checkResult(result: TriggerResult, method: string): TriggerResult {
  switch (result) {
    case 'continue':
    case 'fire':
    case 'purge':
    case 'fire-and-purge':
      return result
    default:
      refusePromise(result, `${method} of the trigger`)
      throw new StreamError(
        'MR_WINDOW_INVALID',
        `${method} of the trigger returned ${givenText(result)}; it does not say what happens with the window; return "continue", "fire", "purge" or "fire-and-purge".`,
        { method },
      )
  }
}
