/** A call that a test answers by hand. */
export interface OpenCall<T, A> {
  readonly value: T
  readonly callNumber: number
  readonly signal: AbortSignal
  resolve(answer: A): void
  reject(error: unknown): void
}

interface CallContext {
  readonly callNumber: number
  readonly signal: AbortSignal
}

/** An asynchronous function whose calls wait for the test, in the order in which they were made. */
export class OpenCalls<T, A> {
  readonly calls: OpenCall<T, A>[] = []

  readonly invoke = (value: T, { callNumber, signal }: CallContext): Promise<A> =>
    new Promise((resolve, reject) => {
      this.calls.push({ value, callNumber, signal, resolve, reject })
    })

  /** Values of all calls, in order. */
  get values(): T[] {
    return this.calls.map(({ value }) => value)
  }

  /** The last call for a value. */
  of(value: T): OpenCall<T, A> {
    return this.calls.findLast((call) => call.value === value)!
  }

  /** Answers the last call for a value. */
  answer(value: T, answer: A): void {
    this.of(value).resolve(answer)
  }
}
