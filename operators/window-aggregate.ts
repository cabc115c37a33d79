import { MIN_TIMESTAMP } from '../runtime/element.ts'
import { StreamError } from '../runtime/errors.ts'
import type { Key } from '../runtime/key.ts'
import type { KeyedContext, Operator, OperatorContext, Output } from '../runtime/operator.ts'
import { type StateDescriptor, type ValueState, valueState } from '../runtime/state/state.ts'
import { CallbackScope, Collector, type Out } from './collector.ts'
import { checkMethods, type FunctionLifecycle, FunctionRun } from './function.ts'
import type { OperatorSpec } from './operator-spec.ts'
import { keyedOf, namedStates } from './process-context.ts'
import { refusePromise } from './synchronous.ts'
import { OperatorWindowContext, type WindowContext } from './window-context.ts'
import { type TimeWindow, type WindowAssigner, windowStart } from './windows.ts'

/**
 * Folds the records of a window into one accumulator, so that a window costs the same however many records it has.
 *
 * The accumulator is state: within the type table (R18), never undefined, and `add` may change it in place.
 */
export interface AggregateFunction<In, Acc, R> extends FunctionLifecycle {
  /** An empty accumulator: called for the first record of a window. */
  create(): Acc
  /** The accumulator with one more record in it; called in the order of arrival. */
  add(accumulator: Acc, value: In): Acc
  /** What a window has come to; called once, when it closes. */
  result(accumulator: Acc): R
  /** Two accumulators in one; must be associative and commutative. Not needed by tumbling windows. */
  merge?(a: Acc, b: Acc): Acc
}

/** Called with the result of each window when it closes; what it emits has the last timestamp of the window. */
export type WindowFunction<In, R, K extends Key = Key> = (
  result: In,
  ctx: WindowContext<K>,
  out: Out<R>,
) => void | undefined

/**
 * The operator behind `window(…).aggregate(…)`: one accumulator for each key and window, a timer at the window's last
 * timestamp (semantics 2.3).
 *
 * A window fires once, when the watermark has reached its last timestamp; records of a window that has fired are dropped
 * and counted as `numLateRecordsDropped`. Nothing is emitted for a window without records.
 */
export function windowAggregateSpec<In, Acc, R>(
  assigner: WindowAssigner,
  aggregate: AggregateFunction<In, Acc, R>,
  windowFunction: WindowFunction<R, unknown, never> | undefined,
): OperatorSpec {
  checkMethods(aggregate, ['create', 'add', 'result'], 'aggregate')
  // The size is part of the name: a window of another size is another state, and an old one is not taken for it.
  const states = namedStates({ [`window-${assigner.sizeMs}`]: valueState<unknown>() })
  return {
    operatorKind: 'window-aggregate',
    states,
    hasTimers: true,
    factory: (context) => {
      const functions = {
        aggregate: aggregate as AggregateFunction<unknown, unknown, unknown>,
        windowFunction: windowFunction as WindowFunction<unknown, unknown> | undefined,
      }
      return new WindowAggregateOperator(assigner, functions, states[0]!, context)
    },
  }
}

interface WindowFunctions {
  readonly aggregate: AggregateFunction<unknown, unknown, unknown>
  readonly windowFunction: WindowFunction<unknown, unknown> | undefined
}

class WindowAggregateOperator extends FunctionRun implements Operator<unknown> {
  readonly #assigner: WindowAssigner
  readonly #aggregate: AggregateFunction<unknown, unknown, unknown>
  readonly #windowFunction: WindowFunction<unknown, unknown> | undefined
  readonly #keyed: KeyedContext
  readonly #accumulator: ValueState<unknown>
  readonly #scope: CallbackScope
  readonly #windowContext: OperatorWindowContext
  readonly #collector: Collector
  readonly #context: OperatorContext
  readonly #output: Output
  /** The window that is closing, for error messages. */
  #closing: TimeWindow | undefined

  constructor(
    assigner: WindowAssigner,
    functions: WindowFunctions,
    state: StateDescriptor,
    context: OperatorContext,
  ) {
    super(functions.aggregate, context)
    this.#scope = new CallbackScope(context.name)
    this.#assigner = assigner
    this.#aggregate = functions.aggregate
    this.#windowFunction = functions.windowFunction
    this.#keyed = keyedOf(context)
    this.#accumulator = this.#keyed.state(state) as ValueState<unknown>
    this.#context = context
    this.#output = context.output
    this.#windowContext = new OperatorWindowContext(context, this.#keyed, this.#scope)
    this.#collector = new Collector(this.#scope, context.output)
  }

  processElement(value: unknown, timestamp: number): void {
    if (timestamp === MIN_TIMESTAMP) throw missingTimestamp()
    const { offsetMs, sizeMs } = this.#assigner
    const start = windowStart(timestamp, offsetMs, sizeMs)
    const maxTimestamp = start + sizeMs - 1
    const { timers } = this.#keyed
    if (maxTimestamp <= timers.currentWatermark) {
      this.#context.count('numLateRecordsDropped')
      return
    }
    this.#keyed.setNamespace(start)
    const before = this.#accumulator.value()
    // The timer lives exactly as long as the accumulator: it is set with the first record and clears it.
    if (before === undefined) timers.registerEventTime(maxTimestamp)
    this.#accumulator.update(this.#add(before, value))
  }

  #add(before: unknown, value: unknown): unknown {
    const after = this.#aggregate.add(before === undefined ? this.#create() : before, value)
    if (typeof after === 'object') refusePromise(after, 'add of the aggregate function')
    else if (after === undefined) throw missingAccumulator()
    return after
  }

  #create(): unknown {
    const empty = this.#aggregate.create()
    refusePromise(empty, 'create of the aggregate function')
    return empty
  }

  onEventTime(timestamp: number): void {
    const start = this.#keyed.currentNamespace as number
    const end = start + this.#assigner.sizeMs
    // A timer of windows of another size, whose state was left behind at a restart, closes nothing.
    if (timestamp !== end - 1) return
    const accumulator = this.#accumulator.value()
    if (accumulator === undefined) return
    const window: TimeWindow = { start, end, maxTimestamp: timestamp }
    this.#closing = window
    const result = this.#aggregate.result(accumulator)
    if (typeof result === 'object') refusePromise(result, 'result of the aggregate function')
    if (this.#windowFunction === undefined) this.#output.emit(result, timestamp)
    else this.#callWindowFunction(this.#windowFunction, result, window)
    this.#accumulator.clear()
    this.#closing = undefined
  }

  #callWindowFunction(
    windowFunction: WindowFunction<unknown, unknown>,
    result: unknown,
    window: TimeWindow,
  ): void {
    const scope = this.#scope
    this.#windowContext.setWindow(window)
    scope.open(window.maxTimestamp)
    let returned: unknown
    try {
      returned = windowFunction(result, this.#windowContext, this.#collector)
    } finally {
      scope.close()
    }
    scope.rethrow()
    if (returned !== undefined) refusePromise(returned, 'the window function')
  }

  describeCurrent(): string | undefined {
    if (this.#closing === undefined) return undefined
    return `window [${this.#closing.start}, ${this.#closing.end})`
  }
}

function missingTimestamp(): StreamError {
  return new StreamError(
    'MR_TIMESTAMP_INVALID',
    'the record has no timestamp; it belongs to no window of event time; give the source a strategy (fromSource(…, { watermarks })), or put assignTimestampsAndWatermarks before the keyBy.',
  )
}

function missingAccumulator(): StreamError {
  return new StreamError(
    'MR_VALUE_UNSUPPORTED',
    'add of the aggregate function returned undefined; the window would lose what is in it; return the accumulator, also when it was changed in place.',
  )
}
