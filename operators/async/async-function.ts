import type { OutputTag } from '../../runtime/operator.ts'
import type { FunctionContext, FunctionLifecycle } from '../function.ts'

/**
 * What an asynchronous function sees of one call. One object a call, usable as long as the call goes on; there is no state,
 * no timer and no collector, since records come and go meanwhile. But for `count` and `log`, what emits throws
 * `MR_STATE_OUTSIDE_CALLBACK` once the call has answered, or is not waited for any more (R15).
 */
export interface AsyncContext extends FunctionContext {
  /** Event time of the record in ms; its results get it. -Infinity for a record that has none. */
  readonly timestamp: number
  /** 1 for the first call of a record, one more after each retry. After a restore it begins anew. */
  readonly callNumber: number
  /**
   * Aborted when the record has timed out (the reason is the `MR_ASYNC_TIMEOUT` error), and when the attempt ends. Pass it to
   * `fetch` and the like, so that nobody goes on working for an answer that is not waited for.
   */
  readonly signal: AbortSignal
  /**
   * Emits to a side output, with the timestamp of the record, when its answer is emitted: exactly once, as that is. What a call emits
   * that is retried or has timed out is left out; the `timeout` method may emit instead.
   */
  output<T>(tag: OutputTag<T>, value: NoInfer<T>): void
}

/**
 * Calls something slow for each record and answers with any number of records: a plain function, or an object where it has to
 * be opened and closed (R21), or has a word on timeouts. An answer that is at hand needs no promise.
 *
 * It may be called more than once for a record: after a retry, and after a restore, for all that had not been emitted.
 */
export type AsyncFunction<T, R> =
  | ((value: T, ctx: AsyncContext) => readonly R[] | PromiseLike<readonly R[]>)
  | (FunctionLifecycle & {
      asyncInvoke(value: T, ctx: AsyncContext): readonly R[] | PromiseLike<readonly R[]>
      /**
       * The record has timed out, all calls counted: returns the results to emit in place of an answer, or throws. Default: the
       * job fails with `MR_ASYNC_TIMEOUT`.
       */
      timeout?(value: T, ctx: AsyncContext): readonly R[]
    })

/** Calls something slow for each record and answers with exactly one: as `AsyncFunction`, but without the array. */
export type AsyncMapFunction<T, R> =
  | ((value: T, ctx: AsyncContext) => R | PromiseLike<R>)
  | (FunctionLifecycle & {
      asyncMap(value: T, ctx: AsyncContext): R | PromiseLike<R>
      /** The record has timed out: returns what to emit in place of an answer, or throws. Default: the job fails. */
      timeout?(value: T, ctx: AsyncContext): R
    })
