import { MIN_TIMESTAMP } from '../runtime/element.ts'
import { StreamError } from '../runtime/errors.ts'
import type { Output } from '../runtime/operator.ts'

/**
 * Where a function puts its results; each goes on at once, with the timestamp of the record or timer being processed.
 *
 * Usable only until the callback returns: after that it throws `MR_STATE_OUTSIDE_CALLBACK` (R15).
 */
export interface Out<T> {
  emit(value: T): void
}

/**
 * A callback of a function: whether it runs, and for which timestamp. One object an operator, shared by all that its
 * function is given.
 */
export class CallbackScope {
  readonly #operator: string
  #isOpen = false
  #timestamp: number = MIN_TIMESTAMP
  #failure: { readonly error: unknown } | undefined

  /** `operator` is the name of its operator, for messages. */
  constructor(operator: string) {
    this.#operator = operator
  }

  /** Event time of the record or timer; what the callback emits gets it. */
  get timestamp(): number {
    return this.#timestamp
  }

  /** The callback begins. */
  open(timestamp: number): void {
    this.#timestamp = timestamp
    this.#failure = undefined
    this.#isOpen = true
  }

  /** The callback has returned or thrown. */
  close(): void {
    this.#isOpen = false
  }

  /** Fails with `MR_STATE_OUTSIDE_CALLBACK` between callbacks; `what` names what was reached for. */
  check(what: string): void {
    if (!this.#isOpen) throw outsideCallback(this.#operator, what)
  }

  /** Emits for the callback; what fails behind the output is remembered, as it is no failure of the function. */
  emit(output: Output, value: unknown, what: string): void {
    if (!this.#isOpen) throw outsideCallback(this.#operator, what)
    try {
      output.emit(value, this.#timestamp)
    } catch (error) {
      this.#failure ??= { error }
      throw error
    }
  }

  /** Throws what failed behind an output, also when the function has caught it: catching does not undo it. */
  rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}

/** One collector an operator, used for every record. */
export class Collector implements Out<unknown> {
  readonly #scope: CallbackScope
  readonly #output: Output

  constructor(scope: CallbackScope, output: Output) {
    this.#scope = scope
    this.#output = output
  }

  emit(value: unknown): void {
    this.#scope.emit(this.#output, value, 'the collector')
  }
}

/** Something of a callback was used when that was over. */
export function outsideCallback(operator: string, what: string): StreamError {
  return new StreamError(
    'MR_STATE_OUTSIDE_CALLBACK',
    `Operator "${operator}": ${what} was used after its callback had returned, or before the first; what it would read or write belongs to no record; use it within the callback only, not in promises, timeouts or event handlers.`,
    { operator, what },
  )
}
