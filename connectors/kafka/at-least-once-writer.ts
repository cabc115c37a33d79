import type { Cancel } from '../../runtime/clock.ts'
import type { SinkContext, SinkWriter } from '../../runtime/sink.ts'
import type { RecordChunk } from './batch-builder.ts'
import { ChunkSender } from './chunk-sender.ts'
import type { KafkaSinkClient } from './kafka-sink-client.ts'
import { isFenced, isForgotten } from './kafka-sink-errors.ts'
import { TopicWriter, type TopicWriterOptions } from './topic-writer.ts'

/** So much may wait to be written before no more records are taken (R7). */
const MAX_WAITING_BYTES = 8 * 1024 * 1024
/** An idempotent producer has no transaction; the broker wants a number. */
const NO_TRANSACTION_MS = 60_000

/**
 * Writes in the background, in order, with an idempotent producer; a cut waits until all before it is written.
 *
 * One send at a time: what comes meanwhile goes out with the next, so the slower the broker, the larger the batches. Where the broker
 * has lost what it knew of the producer, a new one sends the rest again, and records may come twice.
 */
export class AtLeastOnceWriter<T, K, V> implements SinkWriter<T, never> {
  readonly #context: SinkContext
  readonly #client: KafkaSinkClient
  readonly #options: TopicWriterOptions<T, K, V>
  readonly #lingerMs: number
  readonly #writer: TopicWriter<T, K, V>
  #sender: ChunkSender | undefined
  /** Chunks that nobody sends yet, and the bytes of all that are not written. */
  #waiting: RecordChunk[] = []
  #waitingBytes = 0
  #cancelLinger: Cancel | undefined
  #work: Promise<void> = Promise.resolve()
  #isSending = false
  #hasFailed = false
  /** The runtime waits until there is room again. */
  #isHolding = false

  constructor(
    context: SinkContext,
    client: KafkaSinkClient,
    options: TopicWriterOptions<T, K, V>,
    lingerMs: number,
  ) {
    this.#context = context
    this.#client = client
    this.#options = options
    this.#lingerMs = lingerMs
    this.#writer = new TopicWriter(context, client, options, (chunk) => {
      this.#waiting.push(chunk)
      this.#waitingBytes += chunk.records.length
    })
  }

  async open(): Promise<void> {
    await this.#writer.open()
    await this.#init()
  }

  get isReady(): boolean {
    return this.#waitingBytes + this.#writer.encoder.bytes < MAX_WAITING_BYTES && !this.#hasFailed
  }

  write(record: T, timestamp: number): void {
    this.#writer.encoder.write(record, timestamp)
    if (!this.isReady) this.#isHolding = true
    if (this.#isSending || this.#hasFailed) return
    if (this.#waiting.length > 0) this.#startSending()
    else this.#cancelLinger ??= this.#context.clock.schedule(this.#lingerMs, () => this.#linger())
  }

  async prepareCommit(): Promise<readonly never[]> {
    this.#writer.refresh()
    await this.#sendAll()
    return []
  }

  async close(): Promise<void> {
    this.#writer.isClosed = true
    this.#cancelLinger?.()
    await this.#client.close()
    // Its failure has ended the attempt already.
    await this.#work.catch(() => {})
  }

  #linger(): void {
    this.#cancelLinger = undefined
    if (!this.#isSending && !this.#hasFailed) this.#startSending()
  }

  #startSending(): void {
    // A failure ends the attempt by itself.
    this.#sendAll().catch(() => {})
  }

  /** Resolves when all that has been written up to now is on the brokers. */
  #sendAll(): Promise<void> {
    this.#cancelLinger?.()
    this.#cancelLinger = undefined
    this.#writer.encoder.flush()
    const chunks = this.#waiting
    this.#waiting = []
    if (chunks.length === 0) return this.#work
    this.#isSending = true
    const run = this.#work.then(() => this.#send(chunks))
    this.#work = run
    run.then(
      () => {
        if (this.#work !== run) return
        this.#isSending = false
        // What came meanwhile has waited long enough.
        if (this.#waiting.length > 0 || this.#writer.encoder.bytes > 0) this.#startSending()
      },
      (error: unknown) => this.#fail(error),
    )
    return run
  }

  #fail(error: unknown): void {
    if (this.#hasFailed) return
    this.#hasFailed = true
    if (!this.#writer.isClosed) this.#context.fail(error)
  }

  async #send(chunks: readonly RecordChunk[]): Promise<void> {
    const left = new Set(chunks)
    for (;;) {
      try {
        await this.#sender!.send([...left], (chunk) => {
          left.delete(chunk)
          this.#wrote(chunk.records.length)
        })
        return
      } catch (error) {
        if (!isForgotten(error) && !isFenced(error)) throw error
        await this.#init()
      }
    }
  }

  #wrote(bytes: number): void {
    this.#waitingBytes -= bytes
    if (!this.#isHolding || !this.isReady) return
    this.#isHolding = false
    this.#context.wake()
  }

  /** Begins with a new producer id. */
  async #init(): Promise<void> {
    const client = this.#client
    const { topic, connection } = this.#options
    const what = `get a producer id for the topic "${topic}"`
    const producer = await this.#writer.retrying(what, () =>
      client.initProducer(undefined, NO_TRANSACTION_MS),
    )
    this.#sender = new ChunkSender(producer, {
      client,
      clock: this.#context.clock,
      tried: this.#writer.tried(`write to the topic "${topic}"`),
      topic,
      timeoutMs: connection.retryTimeoutMs,
      isClosed: () => this.#writer.isClosed,
    })
  }
}
