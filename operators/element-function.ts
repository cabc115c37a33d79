import { StreamError } from '../runtime/errors.ts'
import type { Operator, OperatorContext, OutputTag } from '../runtime/operator.ts'
import { type Callback, CallbackRun } from './callback-run.ts'
import { CallbackContext } from './callback-context.ts'
import { CallbackScope, Collector, type Out } from './collector.ts'
import {
  checkMethods,
  checkWithoutKeys,
  type FunctionContext,
  type FunctionLifecycle,
  functionObject,
  FunctionRun,
} from './function.ts'
import type { OperatorSpec } from './operator-spec.ts'

/**
 * What a function over records without a key sees of the record being processed.
 *
 * One object an operator, so it must not be kept: but for `count` and `log` everything on it throws
 * `MR_STATE_OUTSIDE_CALLBACK` once the callback has returned (R15).
 */
export interface ElementContext extends FunctionContext {
  /** Event time of the record in ms; records emitted get it. -Infinity for a record that has none. */
  readonly timestamp: number
  /** The watermark of the operator, -Infinity before the first. */
  readonly currentWatermark: number
  /** The clock's time in ms since the epoch. */
  readonly currentProcessingTime: number
  /** Emits to a side output, with the timestamp of the record. */
  output<T>(tag: OutputTag<T>, value: NoInfer<T>): void
}

/** Called for each record of a stream without keys: a plain function, or an object where it has to be opened and closed. */
export type ElementFunction<In, R> =
  | ((value: In, ctx: ElementContext, out: Out<R>) => void | undefined)
  | (FunctionLifecycle & {
      processElement(value: In, ctx: ElementContext, out: Out<R>): void | undefined
    })

/** Called for each record of two streams without keys. */
export interface CoElementFunction<A, B, R> extends FunctionLifecycle {
  processElement1(value: A, ctx: ElementContext, out: Out<R>): void | undefined
  processElement2(value: B, ctx: ElementContext, out: Out<R>): void | undefined
}

/** The operator behind `process` of a stream without keys. */
export function elementSpec<In, R>(process: ElementFunction<In, R>): OperatorSpec {
  checkWithoutKeys(process, 'process of a stream without keys')
  const object = functionObject<ElementObject>(process, 'processElement')
  const callbacks: Callbacks = {
    first: (value, ctx, out) => object.processElement(value, ctx, out),
  }
  return {
    operatorKind: 'process',
    factory: (context) => new ElementOperator(object, callbacks, context),
  }
}

/** The operator behind `process` of connected streams without keys. */
export function coElementSpec<A, B, R>(process: CoElementFunction<A, B, R>): OperatorSpec {
  checkWithoutKeys(process, 'process of connected streams without keys')
  checkMethods(process, ['processElement1', 'processElement2'], 'process of connected streams')
  const callbacks: Callbacks = {
    first: (value, ctx, out) => process.processElement1(value, ctx, out as Out<never>),
    second: (value, ctx, out) => process.processElement2(value, ctx, out as Out<never>),
  }
  return {
    operatorKind: 'co-process',
    factory: (context) => new ElementOperator(process, callbacks, context),
  }
}

type ElementObject = FunctionLifecycle & {
  processElement(value: unknown, ctx: ElementContext, out: Out<unknown>): void | undefined
}

interface Callbacks {
  readonly first: Callback<ElementContext>
  readonly second?: Callback<ElementContext>
}

class ElementOperator extends FunctionRun implements Operator<unknown> {
  readonly #callbacks: Callbacks
  readonly #run: CallbackRun<ElementContext>

  constructor(lifecycle: FunctionLifecycle, callbacks: Callbacks, context: OperatorContext) {
    super(lifecycle, context)
    this.#callbacks = callbacks
    const scope = new CallbackScope(context.name)
    const collector = new Collector(scope, context.output)
    this.#run = new CallbackRun(scope, new OperatorElementContext(context, scope), collector)
  }

  processElement(value: unknown, timestamp: number): void {
    this.#run.call(this.#callbacks.first, value, timestamp, 'processElement')
  }

  processElement2(value: unknown, timestamp: number): void {
    this.#run.call(this.#callbacks.second!, value, timestamp, 'processElement2')
  }
}

/** The one context object of an operator without a key. */
export class OperatorElementContext extends CallbackContext implements ElementContext {
  readonly #context: OperatorContext
  readonly #scope: CallbackScope

  constructor(context: OperatorContext, scope: CallbackScope) {
    super(context, scope)
    this.#context = context
    this.#scope = scope
  }

  get timestamp(): number {
    this.#scope.check('the timestamp')
    return this.#scope.timestamp
  }

  get currentWatermark(): number {
    this.#scope.check('the watermark')
    return this.#context.currentWatermark()
  }

  get currentProcessingTime(): number {
    this.#scope.check('the processing time')
    return this.#context.clock.now()
  }

  // What belongs to a key is there only to say that there is none: types do not show it, but not everyone has types.

  get key(): never {
    throw this.noKey('the key')
  }

  get state(): never {
    throw this.noKey('keyed state')
  }

  get timers(): never {
    throw this.noKey('the timer service')
  }

  protected noKey(what: string): StreamError {
    return new StreamError(
      'MR_KEY_MISSING',
      `${what} was used in a function over records without a key; state and timers belong to a key, so there is nothing to read or register; put keyBy(…) before the operator, and make its function with processFunction({ state, … }) or what its method takes behind keyBy.`,
      { what },
    )
  }
}
