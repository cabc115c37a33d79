import { awsError } from '../../runtime/aws/aws-errors.ts'
import type { Cancel } from '../../runtime/clock.ts'
import type { SinkContext, SinkWriter } from '../../runtime/sink.ts'
import { KeyedQueue } from './keyed-queue.ts'
import { PutBatcher, type RefusedRange } from './put-batcher.ts'
import { count, putGivenUp, refusalError } from './put-errors.ts'
import type { PutLimits } from './put-limits.ts'
import { FifoQueue } from './put-queue.ts'
import type { PutRecord } from './put-record.ts'
import { PutSender } from './put-sender.ts'
import type { PutService } from './put-service.ts'
import { RecordWindow } from './record-window.ts'

/** Makes records of what a stream writes. */
export interface RecordMaker<T> {
  /** Called once before the first record. */
  open?(): void | Promise<void>
  /** Hands on what is full. Throws a coded error for what cannot be written. */
  write(value: T, timestamp: number): void
  /** Hands on what it holds back. */
  flush?(): void
  /** Bytes that it holds back. */
  readonly heldBytes?: number
}

export interface PutWriterOptions<T> {
  readonly service: PutService
  readonly limits: PutLimits
  readonly makeRecords: (emit: (record: PutRecord) => void) => RecordMaker<T>
  readonly lingerMs: number
  readonly retryTimeoutMs: number
  /** Requests at once. */
  readonly maxRequests: number
  /** So much may wait to be taken before no more records are accepted (R7). */
  readonly maxBufferedBytes: number
  /** One record of a key at a time. */
  readonly isOrdered: boolean
}

/**
 * Writes to a service in the background, at least once; a cut waits until all before it is taken.
 *
 * A request goes out when it is full, or when its first record has waited for `linger`, or at a cut.
 */
export class PutWriter<T> implements SinkWriter<T, never> {
  readonly #context: SinkContext
  readonly #options: PutWriterOptions<T>
  readonly #maker: RecordMaker<T>
  readonly #batcher: PutBatcher
  readonly #sender: PutSender
  readonly #ending = new AbortController()
  readonly #sending: Set<Promise<void>> = new Set()
  #cancelLinger: Cancel | undefined
  /** Of ranges that wait for another try. */
  readonly #rests: Set<Cancel> = new Set()
  #failure: { readonly error: unknown } | undefined
  /** Those who wait for cuts hear of a failure. */
  readonly #rejects: Set<(error: unknown) => void> = new Set()
  /** The runtime waits until there is room again. */
  #isHolding = false

  constructor(context: SinkContext, options: PutWriterOptions<T>) {
    const { service, limits, maxRequests, isOrdered, retryTimeoutMs } = options
    this.#context = context
    this.#options = options
    const window = new RecordWindow(maxRequests * limits.records)
    const queue = isOrdered ? new KeyedQueue(limits) : new FifoQueue(limits)
    const batcher = new PutBatcher({ queue, limits, window, maxRequests })
    this.#batcher = batcher
    this.#maker = options.makeRecords((record) => batcher.add(record))
    this.#sender = new PutSender({
      service,
      clock: context.clock,
      window,
      retryTimeoutMs,
      signal: this.#ending.signal,
      count: (counter, by) => context.count(counter, by),
    })
  }

  async open(): Promise<void> {
    await this.#maker.open?.()
  }

  get isReady(): boolean {
    const bytes = this.#batcher.bytes + (this.#maker.heldBytes ?? 0)
    return bytes < this.#options.maxBufferedBytes && this.#failure === undefined
  }

  write(value: T, timestamp: number): void {
    if (this.#failure !== undefined) return
    this.#maker.write(value, timestamp)
    if (!this.isReady) {
      this.#isHolding = true
      // What is held back would wait for others that cannot come.
      this.#flush()
      return
    }
    this.#cancelLinger ??= this.#context.clock.schedule(this.#options.lingerMs, () => {
      this.#cancelLinger = undefined
      this.#flush()
    })
    this.#sendAll()
  }

  async prepareCommit(): Promise<readonly never[]> {
    if (this.#failure !== undefined) throw this.#failure.error
    this.#cancelLinger?.()
    this.#cancelLinger = undefined
    this.#maker.flush?.()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#rejects.add(reject)
    this.#batcher.cut(resolve)
    this.#sendAll()
    try {
      await promise
    } finally {
      this.#rejects.delete(reject)
    }
    return []
  }

  async close(): Promise<void> {
    this.#cancelLinger?.()
    for (const cancel of this.#rests) cancel()
    this.#ending.abort()
    // Their failures, by this, are none of the attempt.
    await Promise.allSettled(this.#sending)
    this.#endCuts()
    this.#options.service.close()
  }

  #flush(): void {
    this.#maker.flush?.()
    this.#batcher.flush()
    this.#sendAll()
  }

  #sendAll(): void {
    if (this.#failure !== undefined || this.#ending.signal.aborted) return
    for (;;) {
      const records = this.#batcher.take()
      if (records === undefined) return
      const sending = this.#send(records)
      this.#sending.add(sending)
      void sending.then(() => this.#sending.delete(sending))
    }
  }

  /** Never rejects. */
  async #send(records: readonly PutRecord[]): Promise<void> {
    const { clock } = this.#context
    try {
      const answers = await this.#sender.send(records)
      this.#rest(this.#batcher.answer(records, answers, clock.elapsed()))
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#sendAll()
    this.#wakeUp()
  }

  /** Lets ranges rest of which the service has refused something, one more try each after a delay. */
  #rest(ranges: readonly RefusedRange[]): void {
    if (ranges.length === 0 || this.#ending.signal.aborted) return
    const { service, retryTimeoutMs } = this.#options
    const { clock } = this.#context
    const oldest = ranges.reduce((a, b) => (b.since < a.since ? b : a))
    const triedMs = clock.elapsed() - oldest.since
    if (triedMs >= retryTimeoutMs) {
      const [first, last] = [refusalError(oldest.first), refusalError(oldest.last)]
      throw putGivenUp(service, { records: this.#batcher.waiting, triedMs, first, last })
    }
    const failures = Math.max(...ranges.map((range) => range.failures))
    const cancel = clock.schedule(service.delayBefore(failures), () => {
      this.#rests.delete(cancel)
      this.#batcher.probe(ranges)
      this.#sendAll()
    })
    this.#rests.add(cancel)
  }

  /** What is waited for may rest, without a request that could tell. */
  #endCuts(): void {
    if (this.#rejects.size === 0) return
    const { service } = this.#options
    const what = `write ${count(this.#batcher.waiting)} to ${service.target}`
    const ended = Object.assign(new Error('the sink is closed'), { name: 'AbortError' })
    this.#fail(awsError(service.attempt(what), ended))
  }

  #wakeUp(): void {
    if (!this.#isHolding || !this.isReady) return
    this.#isHolding = false
    this.#context.wake()
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure = { error }
    for (const reject of this.#rejects) reject(error)
    if (!this.#ending.signal.aborted) this.#context.fail(error)
  }
}
