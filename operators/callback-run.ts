import type { CallbackScope, Collector } from './collector.ts'
import { refusePromise } from './synchronous.ts'

/** A callback of a function as an operator calls it: with a value, the context and the collector. */
export type Callback<Ctx> = (value: never, ctx: Ctx, out: Collector) => unknown

/** Calls the callbacks of one operator's function, each within its scope. */
export class CallbackRun<Ctx> {
  readonly #scope: CallbackScope
  readonly #context: Ctx
  readonly #collector: Collector

  constructor(scope: CallbackScope, context: Ctx, collector: Collector) {
    this.#scope = scope
    this.#context = context
    this.#collector = collector
  }

  /** `timestamp` is what its records get, `what` names it in messages. Returns what it returned, which is no promise. */
  call(callback: Callback<Ctx>, value: unknown, timestamp: number, what: string): unknown {
    const scope = this.#scope
    scope.open(timestamp)
    let result: unknown
    try {
      result = callback(value as never, this.#context, this.#collector)
    } finally {
      scope.close()
    }
    scope.rethrow()
    if (result !== undefined) refusePromise(result, what)
    return result
  }
}
