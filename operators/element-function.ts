import { StreamError } from '../runtime/errors.ts'
import type { Operator, OperatorContext, OutputTag } from '../runtime/operator.ts'
import type { OperatorStateDescriptor } from '../runtime/state/operator-state.ts'
import { type Callback, CallbackRun } from './callback-run.ts'
import { CallbackContext } from './callback-context.ts'
import { CallbackScope, Collector, type Out } from './collector.ts'
import {
  checkMethods,
  checkWithoutKeys,
  type FunctionContext,
  type FunctionLifecycle,
  functionObject,
} from './function.ts'
import type { OperatorSpec } from './operator-spec.ts'
import type { OperatorLists } from './operator-state/operator-lists.ts'
import type {
  DeclaredOperatorState,
  OperatorStateContext,
  OperatorStateDeclarations,
} from './operator-state/operator-state.ts'
import { StatefulFunctionRun } from './operator-state/stateful-function-run.ts'
import { namedStates } from './process-context.ts'

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

/** What a function that has declared lists of its subtask sees besides. */
export interface StatefulElementContext<
  O extends OperatorStateDeclarations,
> extends ElementContext {
  /** The declared lists of the subtask. */
  readonly operatorState: DeclaredOperatorState<O>
}

/** A function over records without a key that keeps lists of its subtask: they are in checkpoints, and it needs a uid. */
export interface StatefulElementFunction<
  In,
  R,
  O extends OperatorStateDeclarations,
> extends FunctionLifecycle {
  /** The lists by name: `{ held: operatorListState<Order>() }`. */
  readonly operatorState: O
  open?(context: OperatorStateContext<O>): void | Promise<void>
  processElement(value: In, ctx: StatefulElementContext<O>, out: Out<R>): void | undefined
}

/** The same over two streams without keys. */
export interface StatefulCoElementFunction<
  A,
  B,
  R,
  O extends OperatorStateDeclarations,
> extends FunctionLifecycle {
  /** The lists by name. */
  readonly operatorState: O
  open?(context: OperatorStateContext<O>): void | Promise<void>
  processElement1(value: A, ctx: StatefulElementContext<O>, out: Out<R>): void | undefined
  processElement2(value: B, ctx: StatefulElementContext<O>, out: Out<R>): void | undefined
}

/** Any of them, whatever it declares. */
export type AnyElementFunction<In, R> =
  ElementFunction<In, R> | StatefulElementFunction<In, R, OperatorStateDeclarations>
/** The same for two streams. */
export type AnyCoElementFunction<A, B, R> =
  CoElementFunction<A, B, R> | StatefulCoElementFunction<A, B, R, OperatorStateDeclarations>

/** The operator behind `process` of a stream without keys. */
export function elementSpec<In, R>(process: AnyElementFunction<In, R>): OperatorSpec {
  checkWithoutKeys(process, 'process of a stream without keys')
  const object = functionObject<ElementObject>(process, 'processElement')
  const callbacks: Callbacks = {
    first: (value, ctx, out) => object.processElement(value, ctx, out),
  }
  return specOf('process', object, callbacks)
}

/** The operator behind `process` of connected streams without keys. */
export function coElementSpec<A, B, R>(process: AnyCoElementFunction<A, B, R>): OperatorSpec {
  checkWithoutKeys(process, 'process of connected streams without keys')
  checkMethods(process, ['processElement1', 'processElement2'], 'process of connected streams')
  const callbacks: Callbacks = {
    first: (value, ctx, out) => process.processElement1(value, ctx, out as Out<never>),
    second: (value, ctx, out) => process.processElement2(value, ctx, out as Out<never>),
  }
  return specOf('co-process', process, callbacks)
}

type ElementObject = FunctionLifecycle & {
  processElement(value: unknown, ctx: AnyContext, out: Out<unknown>): void | undefined
}

type AnyContext = StatefulElementContext<OperatorStateDeclarations>

interface Callbacks {
  readonly first: Callback<AnyContext>
  readonly second?: Callback<AnyContext>
}

function specOf(
  operatorKind: string,
  lifecycle: FunctionLifecycle & { readonly operatorState?: OperatorStateDeclarations },
  callbacks: Callbacks,
): OperatorSpec {
  const operatorStates = namedStates(lifecycle.operatorState)
  return {
    operatorKind,
    operatorStates,
    stateSpread: 'lists',
    factory: (context) => new ElementOperator(lifecycle, callbacks, operatorStates, context),
  }
}

class ElementOperator extends StatefulFunctionRun implements Operator<unknown> {
  readonly #callbacks: Callbacks
  readonly #run: CallbackRun<AnyContext>

  constructor(
    lifecycle: FunctionLifecycle,
    callbacks: Callbacks,
    declared: readonly OperatorStateDescriptor[],
    context: OperatorContext,
  ) {
    const scope = new CallbackScope(context.name)
    super(lifecycle, context, scope, declared)
    this.#callbacks = callbacks
    const collector = new Collector(scope, context.output)
    const ctx = new OperatorStatefulElementContext(context, scope, this.lists)
    this.#run = new CallbackRun(scope, ctx, collector)
  }

  processElement(value: unknown, timestamp: number): void {
    this.#run.call(this.#callbacks.first, value, timestamp, 'processElement')
    this.lists?.endCallback()
  }

  processElement2(value: unknown, timestamp: number): void {
    this.#run.call(this.#callbacks.second!, value, timestamp, 'processElement2')
    this.lists?.endCallback()
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

/** The same with the lists of its subtask, if it has declared any. */
class OperatorStatefulElementContext
  extends OperatorElementContext
  implements StatefulElementContext<OperatorStateDeclarations>
{
  readonly #scope: CallbackScope
  readonly #operatorState: DeclaredOperatorState<OperatorStateDeclarations>

  constructor(context: OperatorContext, scope: CallbackScope, lists: OperatorLists | undefined) {
    super(context, scope)
    this.#scope = scope
    this.#operatorState = lists?.handles ?? {}
  }

  get operatorState(): DeclaredOperatorState<OperatorStateDeclarations> {
    this.#scope.check('operator state')
    return this.#operatorState
  }
}
