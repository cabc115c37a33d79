import type { Key } from '../../runtime/key.ts'
import type { OutputTag } from '../../runtime/operator.ts'
import type { Out } from '../collector.ts'
import { checkMethods, type FunctionContext, type FunctionLifecycle } from '../function.ts'
import type { DeclaredState, StateDeclarations } from '../process-context.ts'
import type { TimeWindow, Window } from './time-window.ts'
import type { NoStates } from './trigger.ts'

/**
 * What a window function sees of the window that fires.
 *
 * One object an operator, so it must not be kept: but for `count` and `log` everything on it throws
 * `MR_STATE_OUTSIDE_CALLBACK` once the function has returned (R15).
 */
export interface WindowContext<
  K extends Key = Key,
  W extends Window = TimeWindow,
> extends FunctionContext {
  readonly key: K
  readonly window: W
  readonly currentWatermark: number
  readonly currentProcessingTime: number
  /** Emits to a side output, with the last timestamp of the window. */
  output<T>(tag: OutputTag<T>, value: NoInfer<T>): void
}

/** The same with the declared states. */
export interface WindowProcessContext<
  WS extends StateDeclarations = NoStates,
  GS extends StateDeclarations = NoStates,
  K extends Key = Key,
  W extends Window = TimeWindow,
> extends WindowContext<K, W> {
  /** States of the window, gone with it. */
  readonly windowState: DeclaredState<WS>
  /** States of the key, which all its windows share. */
  readonly globalState: DeclaredState<GS>
}

/**
 * Called with the result of each window when it fires; what it emits has the last timestamp of the window, and none in the
 * window of all of time.
 */
export type WindowFunction<In, R, K extends Key = Key, W extends Window = TimeWindow> = (
  result: In,
  ctx: WindowContext<K, W>,
  out: Out<R>,
) => void | undefined

/** What a function over the contents of windows consists of; all calls are synchronous (R15). */
export interface WindowProcessFunctionDefinition<
  In,
  R,
  WS extends StateDeclarations,
  GS extends StateDeclarations,
  K extends Key,
  W extends Window,
> extends FunctionLifecycle {
  /** States of a window by name, cleared with it. Not where windows merge. */
  readonly windowState?: WS
  /** States of a key by name, for all its windows; nothing clears them. */
  readonly globalState?: GS
  /**
   * Called each time that a window fires, with what is in it, in the order of arrival; behind `reduce` and `aggregate` that
   * is the one result. The array is part of the state: it must not be changed nor kept.
   */
  process(
    elements: readonly In[],
    ctx: WindowProcessContext<WS, GS, K, W>,
    out: Out<R>,
  ): void | undefined
  /**
   * Called once when the window is gone for good, fired or not, before its states are cleared; not for windows that had got all
   * their records before a restart at which the function got this method.
   */
  clear?(ctx: WindowProcessContext<WS, GS, K, W>): void | undefined
}

/** A definition of whatever. */
export type AnyWindowProcess = WindowProcessFunctionDefinition<
  never,
  unknown,
  StateDeclarations,
  StateDeclarations,
  Key,
  Window
>

/** A function over the contents of windows, as `windowed.process` takes it; made by `windowProcessFunction`. */
export interface WindowProcessFunction<In, R, K extends Key = Key, W extends Window = TimeWindow> {
  readonly definition: AnyWindowProcess
  /** Only for type inference; never set. */
  readonly _types?: (value: In, key: K, window: W) => R
}

/**
 * Declares a function that sees all that is in a window when it fires. All records of the window are kept until then: where a
 * result can be built up step by step, `reduce` and `aggregate` keep less.
 *
 * Annotate the elements and the collector; the rest follows.
 *
 * @example
 * const median = windowProcessFunction({
 *   process(elements: readonly number[], ctx, out: Out<number>) {
 *     out.emit(elements.toSorted((a, b) => a - b)[elements.length >> 1]!)
 *   },
 * })
 */
export function windowProcessFunction<
  In,
  R = never,
  const WS extends StateDeclarations = NoStates,
  const GS extends StateDeclarations = NoStates,
  K extends Key = Key,
  W extends Window = TimeWindow,
>(
  definition: WindowProcessFunctionDefinition<In, R, WS, GS, K, W>,
): WindowProcessFunction<In, R, K, W> {
  checkMethods(definition, ['process'], 'windowProcessFunction')
  return { definition: definition as unknown as AnyWindowProcess }
}
