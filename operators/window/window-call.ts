import type { KeyedContext, OperatorContext, Output } from '../../runtime/operator.ts'
import { type StateDescriptor, type ValueState, valueState } from '../../runtime/state/state.ts'
import { CallbackScope, Collector } from '../collector.ts'
import type { DeclaredState, StateDeclarations } from '../process-context.ts'
import { refusePromise } from '../synchronous.ts'
import type { Fold } from './fold.ts'
import { ofKey } from './key-state.ts'
import { resultTimestamp, type Window, windowText } from './time-window.ts'
import { OperatorWindowContext } from './window-context.ts'
import type { AnyWindowProcess, WindowFunction } from './window-function.ts'

/** What is called when a window fires: nothing (its result goes out as it is), a plain function, or one with states. */
export type FiringFunction =
  WindowFunction<never, unknown, never, never> | AnyWindowProcess | undefined

/** Names of declared states in the operator: users' names may be anything, ours must not be met. */
const WINDOW_STATE = 'window.'
const GLOBAL_STATE = 'global.'

/** Set for windows that a function will be told the end of. */
const OPEN: StateDescriptor = { ...valueState<true>(), name: 'open' }

/** Declarations with something before their names, as the operator declares them. */
export function prefixed(prefix: string, declarations: StateDeclarations = {}): StateDescriptor[] {
  return Object.entries(declarations).map(([name, state]) => ({ ...state, name: prefix + name }))
}

/** The states that a function over windows declares, with their names in the operator. */
export function firingStates(firing: FiringFunction): StateDescriptor[] {
  if (typeof firing !== 'object') return []
  return [
    ...prefixed(WINDOW_STATE, firing.windowState),
    ...prefixed(GLOBAL_STATE, firing.globalState),
    ...(firing.clear === undefined ? [] : [OPEN]),
  ]
}

/** Calls the function of a window operator; what it emits has the last timestamp of the window (semantics 2.3). */
export class WindowCall {
  readonly #firing: FiringFunction
  readonly #output: Output
  readonly #scope: CallbackScope
  readonly #windowContext: OperatorWindowContext
  readonly #collector: Collector
  readonly #windowState: DeclaredState<StateDeclarations>
  /** Whether the current window is one to tell the end of; only where the function wants to know. */
  readonly #open: ValueState<true> | undefined
  /** The window whose function is being called, for error messages. */
  current: Window | undefined

  constructor(firing: FiringFunction, context: OperatorContext, keyed: KeyedContext) {
    this.#firing = firing
    this.#output = context.output
    this.#scope = new CallbackScope(context.name)
    const handles = (prefix: string, declared: StateDeclarations = {}) =>
      prefixed(prefix, declared).map(
        (state) => [state.name.slice(prefix.length), keyed.state(state)] as const,
      )
    const { windowState, globalState } = typeof firing === 'object' ? firing : {}
    this.#windowState = Object.fromEntries(handles(WINDOW_STATE, windowState))
    const ofKeys = handles(GLOBAL_STATE, globalState).map(
      ([name, handle]) => [name, ofKey(handle, keyed)] as const,
    )
    this.#windowContext = new OperatorWindowContext({
      context,
      keyed,
      scope: this.#scope,
      windowState: this.#windowState,
      globalState: Object.fromEntries(ofKeys),
    })
    this.#collector = new Collector(this.#scope, context.output)
    const isTold = typeof firing === 'object' && firing.clear !== undefined
    this.#open = isTold ? (keyed.state(OPEN) as ValueState<true>) : undefined
  }

  /** For a window with this accumulator; an error in its result is one of the window as well. */
  accumulated(accumulator: unknown, fold: Fold, window: Window): void {
    this.current = window
    this.result(fold.result(accumulator), window)
    this.current = undefined
  }

  /** For a window that has come to one result. */
  result(result: unknown, window: Window): void {
    const firing = this.#firing
    if (firing === undefined) this.#output.emit(result, resultTimestamp(window))
    else if (typeof firing === 'function') this.#callFunction(firing, result, window)
    else this.elements([result], window)
  }

  /** For a window with these elements. */
  elements(elements: readonly unknown[], window: Window): void {
    const firing = this.#firing as AnyWindowProcess
    this.#begin(window)
    let returned: unknown
    try {
      returned = firing.process(elements as never, this.#windowContext, this.#collector)
    } finally {
      this.#scope.close()
    }
    this.#end(returned, 'process of the window function')
  }

  #callFunction(
    firing: WindowFunction<never, unknown, never, never>,
    result: unknown,
    window: Window,
  ): void {
    this.#begin(window)
    let returned: unknown
    try {
      returned = firing(result as never, this.#windowContext as never, this.#collector)
    } finally {
      this.#scope.close()
    }
    this.#end(returned, 'the window function')
  }

  /** A record has come into the window whose namespace is current. */
  hasOpened(): void {
    if (this.#open?.value() === undefined) this.#open?.update(true)
  }

  /** The window whose namespace is current is part of another one; returns whether that is to be watched in its place. */
  hasBecomeAnother(): boolean {
    if (this.#open?.value() === undefined) return false
    this.#open.clear()
    return true
  }

  /**
   * A window is gone for good: its function is told, unless that has been done, and the states of the window are cleared. It may
   * be gone more than once: timers of it may be left from before a restart, or by a trigger.
   */
  clear(window: Window): void {
    const firing = this.#firing
    if (typeof firing !== 'object') return
    if (firing.clear !== undefined && this.#open?.value() === true) {
      this.#open.clear()
      this.#begin(window)
      let returned: unknown
      try {
        returned = firing.clear(this.#windowContext)
      } finally {
        this.#scope.close()
      }
      this.#end(returned, 'clear of the window function')
    }
    for (const state of Object.values(this.#windowState)) {
      ;(state as { clear(): void }).clear()
    }
  }

  /** As `Operator.describeCurrent`. */
  describeCurrent(): string | undefined {
    return this.current === undefined ? undefined : windowText(this.current)
  }

  #begin(window: Window): void {
    this.current = window
    this.#windowContext.setWindow(window)
    this.#scope.open(resultTimestamp(window))
  }

  #end(returned: unknown, what: string): void {
    this.#scope.rethrow()
    if (returned !== undefined) refusePromise(returned, what)
    this.current = undefined
  }
}
