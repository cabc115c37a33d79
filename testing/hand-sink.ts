import type { Sink, SinkContext } from '../runtime/sink.ts'

/** A sink that keeps what it gets, and takes no more than its capacity until it is released. */
export class HandSink {
  readonly records: { readonly value: unknown; readonly timestamp: number }[] = []
  readonly #capacity: number
  #taken = 0
  #wake: () => void = () => {}

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get isFull(): boolean {
    return this.#taken >= this.#capacity
  }

  /** There is room again. */
  release(): void {
    this.#taken = 0
    this.#wake()
  }

  get sink(): Sink<unknown> {
    return {
      kind: 'hand',
      guarantee: 'at-least-once',
      createWriter: (context) => this.#writer(context),
    }
  }

  #writer(context: SinkContext): ReturnType<Sink<unknown>['createWriter']> {
    this.#wake = () => context.wake()
    const isReady = (): boolean => !this.isFull
    return {
      get isReady() {
        return isReady()
      },
      write: (value, timestamp) => {
        this.#taken++
        this.records.push({ value, timestamp })
      },
      prepareCommit: () => Promise.resolve([]),
    }
  }
}
