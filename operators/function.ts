import { StreamError } from '../runtime/errors.ts'
import type { OperatorContext } from '../runtime/operator.ts'
import type { Sink } from '../runtime/sink.ts'

/** What a function is told of its place in the job, and what it may tell the user. */
export interface FunctionContext {
  readonly uid: string
  /** Which of the parallel instances of the operator this is, from 0. */
  readonly subtaskIndex: number
  readonly parallelism: number
  /** Which try of this run: 1 at first, one more after each restart. */
  readonly attempt: number
  /** Adds to a counter of the operator, summed over its subtasks and shown in the summary. */
  count(counter: string, by?: number): void
  /** Writes a line for the user, prefixed with uid and subtask; formats as `console.log` does. */
  log(...values: readonly unknown[]): void
}

/**
 * What every function may have besides its work (R21).
 *
 * One object serves all subtasks that share a thread, one after another attempts in tests too: what belongs to a subtask is
 * better kept in state.
 */
export interface FunctionLifecycle {
  /** Called once a subtask, before its first record and timer, which wait for a promise to settle. */
  open?(context: FunctionContext): void | Promise<void>
  /** Called once at the end of the attempt, after failures too, if `open` was. */
  close?(): void | Promise<void>
}

/** A result type that is not a promise; otherwise the type of the result is a text that says so (N2, R15). */
export type Synchronous<R, Text extends string> = R &
  (R extends PromiseLike<unknown> ? Text : unknown)

/**
 * A function as an object with its method, whichever form it was given in; fails with `MR_GRAPH_INVALID` if it is neither.
 */
export function functionObject<F extends FunctionLifecycle>(
  given: unknown,
  method: keyof F & string,
): F {
  if (typeof given === 'function') return { [method]: given } as unknown as F
  checkMethods(given, [method], method)
  return given as F
}

/** Fails with `MR_GRAPH_INVALID` unless an object has these methods; `what` is what it was given to. */
export function checkMethods(given: unknown, methods: readonly string[], what: string): void {
  const object = given as Readonly<Record<string, unknown>> | null | undefined
  const missing = methods.filter((method) => typeof object?.[method] !== 'function')
  if (missing.length === 0) return
  const shown = given === null ? 'null' : `something of type ${typeof given}`
  throw new StreamError(
    'MR_GRAPH_INVALID',
    `${what} was given ${shown} without ${missing.join(', ')}; there is nothing to call for its records; pass what its type says, a function or an object with such methods.`,
    { what, missing },
  )
}

/**
 * Fails with `MR_GRAPH_INVALID` where what a maker such as `processFunction` returns is missing; `body` is the part by which it
 * is known.
 */
export function checkMade(
  given: unknown,
  body: unknown,
  names: { readonly what: string; readonly makers: string },
): void {
  if (body !== undefined) return
  const shown = given === null ? 'null' : `something of type ${typeof given}`
  const { what, makers } = names
  throw new StreamError(
    'MR_GRAPH_INVALID',
    `${what} was given ${shown}, which is not what ${makers} returned; there is nothing to call for its records; give it that.`,
    { what },
  )
}

/** Fails with `MR_GRAPH_INVALID` for what is no sink. */
export function checkSink<T>(sink: Sink<T>): Sink<unknown> {
  checkMade(sink, (sink as Partial<Sink<T>> | null)?.createWriter, {
    what: 'sinkTo',
    makers: 'fileSink(…), collectionSink(…) or another sink',
  })
  return sink as Sink<unknown>
}

/** Fails with `MR_GRAPH_INVALID` for what `processFunction` and its like return: it has state and timers of a key. */
export function checkWithoutKeys(given: unknown, what: string): void {
  if (typeof given !== 'object' || given === null || !('spec' in given)) return
  throw new StreamError(
    'MR_GRAPH_INVALID',
    `${what} was given a function over keyed records; without a key there are neither state nor timers; put keyBy(…) before it, or give it a plain function or an object with its methods.`,
    { what },
  )
}

/** The part of an operator's context that functions see. */
export function functionContext(context: OperatorContext): FunctionContext {
  const { uid, subtaskIndex, parallelism, attempt } = context
  return {
    uid,
    subtaskIndex,
    parallelism,
    attempt,
    count: (counter, by) => context.count(counter, by),
    log: (...values) => context.log(...values),
  }
}

/** Opens and closes the function of one operator: `close` only follows an `open` that was begun. */
export class FunctionRun {
  readonly #function: FunctionLifecycle
  readonly #context: OperatorContext
  #wasOpened = false

  constructor(lifecycle: FunctionLifecycle, context: OperatorContext) {
    this.#function = lifecycle
    this.#context = context
  }

  open(): void | Promise<void> {
    this.#wasOpened = true
    return this.#function.open?.(this.openContext())
  }

  /** What `open` is given. */
  protected openContext(): FunctionContext {
    return functionContext(this.#context)
  }

  close(): void | Promise<void> {
    if (!this.#wasOpened) return
    this.#wasOpened = false
    return this.#function.close?.()
  }
}
