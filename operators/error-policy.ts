import { RestartableError, StreamError, thrownText } from '../runtime/errors.ts'
import type { OperatorContext, OutputTag } from '../runtime/operator.ts'

/** A record whose function threw, as it goes to a side output. */
export interface FailedRecord<T> {
  /** Name and message of what was thrown. */
  readonly error: string
  readonly stack: string | undefined
  /** Name of the operator. */
  readonly operator: string
  readonly value: T
}

/**
 * What happens with a record whose function throws (R20): the job fails (default), the record is left out and counted as
 * `recordsSkipped`, or it goes to a side output, counted as `recordsToSideOutput`.
 *
 * None of them restarts the job, since the record would fail again; a function that fails for a reason that may pass throws
 * a `RestartableError`, which is left to the restart strategy in all three cases.
 */
export type OnError<T> = 'fail' | 'skip' | OutputTag<FailedRecord<T>>

/** Carries out `onError` for one operator. */
export class ErrorPolicy {
  readonly #onError: OnError<unknown>
  readonly #context: OperatorContext
  readonly #what: string

  /** `what` names the function in messages. */
  constructor(onError: OnError<unknown> | undefined, context: OperatorContext, what: string) {
    this.#onError = onError ?? 'fail'
    this.#context = context
    this.#what = what
  }

  /** Deals with what the function threw, or fails with `MR_FUNCTION_FAILED`, which is not restarted (R38). */
  handle(thrown: unknown, value: unknown, timestamp: number): void {
    const onError = this.#onError
    if (thrown instanceof RestartableError) throw thrown
    if (onError === 'fail') throw this.#failure(thrown)
    if (onError === 'skip') {
      this.#context.count('recordsSkipped')
      return
    }
    this.#context.count('recordsToSideOutput')
    const stack = thrown instanceof Error ? thrown.stack : undefined
    const record = { error: thrownText(thrown), stack, operator: this.#context.name, value }
    this.#context.sideOutput(onError).emit(record, timestamp)
  }

  #failure(thrown: unknown): StreamError {
    if (thrown instanceof StreamError) return thrown
    return new StreamError(
      'MR_FUNCTION_FAILED',
      `${this.#what} threw ${thrownText(thrown)}; the record cannot be processed, and the job stops rather than lose it; mend the function, or set onError to 'skip' or an output tag.`,
      {},
      thrown,
    )
  }
}
