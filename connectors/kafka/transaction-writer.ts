import type { Committer, SinkContext, SinkWriter } from '../../runtime/sink.ts'
import { HeldCuts } from '../held-cuts.ts'
import type { RecordChunk } from './batch-builder.ts'
import { formatIdentity } from './commit-plan.ts'
import type { KafkaCommittable } from './kafka-committable.ts'
import type { KafkaSinkClient } from './kafka-sink-client.ts'
import type { SinkOutput } from './sink-output.ts'
import {
  type SessionOptions,
  TransactionSession,
  type WhenMarkerLost,
} from './transaction-session.ts'
import { TopicWriter, type TopicWriterOptions } from './topic-writer.ts'

/** What exactly-once needs besides, from `kafkaSink()`. */
export interface TransactionOptions extends SinkOutput {
  readonly prefix: string
  readonly whenMarkerLost: WhenMarkerLost
  readonly nonce: () => string
}

/** What the writer and the committer of a subtask share: one client, one session for each transactional id, what is held. */
export class SubtaskTransactions {
  readonly client: KafkaSinkClient
  readonly cuts: HeldCuts = new HeldCuts()
  /** Where new records go: stable over restarts. */
  readonly ownId: string
  readonly #sessions: Map<string, TransactionSession> = new Map()
  readonly #session: Omit<SessionOptions, 'transactionalId'>
  isClosed = false

  constructor(context: SinkContext, client: KafkaSinkClient, options: TransactionOptions) {
    this.client = client
    this.ownId = `${options.prefix}-${context.subtaskIndex}`
    const { connection } = options
    this.#session = {
      ...options,
      client,
      clock: context.clock,
      operator: context.uid,
      lineage: context.lineage,
      brokers: connection.brokers,
      retryTimeoutMs: connection.retryTimeoutMs,
      isClosed: () => this.isClosed,
      log: (message) => context.log(message),
    }
  }

  sessionOf(transactionalId: string): TransactionSession {
    let session = this.#sessions.get(transactionalId)
    if (session === undefined) {
      session = new TransactionSession({ ...this.#session, transactionalId })
      this.#sessions.set(transactionalId, session)
    }
    return session
  }

  /** Tells that all that was restored has been committed. */
  restored(): void {
    for (const session of this.#sessions.values()) session.restored()
  }

  async close(): Promise<void> {
    if (this.isClosed) return
    this.isClosed = true
    await this.client.close()
  }
}

/** Keeps the records of a checkpoint, encoded, until it is cut; they are in the checkpoint then, and written once it is complete. */
export class TransactionWriter<T, K, V> implements SinkWriter<T, KafkaCommittable> {
  readonly #context: SinkContext
  readonly #shared: SubtaskTransactions
  readonly #writer: TopicWriter<T, K, V>
  readonly #nonce: () => string
  #chunks: RecordChunk[] = []
  /** Identity of the last transaction under our id. */
  #last = ''

  constructor(
    context: SinkContext,
    shared: SubtaskTransactions,
    options: TopicWriterOptions<T, K, V>,
    nonce: () => string,
  ) {
    this.#context = context
    this.#shared = shared
    this.#nonce = nonce
    this.#writer = new TopicWriter(context, shared.client, options, (chunk) => {
      this.#chunks.push(chunk)
    })
  }

  async open(): Promise<void> {
    await this.#writer.open()
    const own = this.#shared.sessionOf(this.#shared.ownId)
    this.#last = await own.begin()
    this.#shared.restored()
  }

  get isReady(): boolean {
    return this.#shared.cuts.isReady
  }

  write(record: T, timestamp: number): void {
    this.#writer.encoder.write(record, timestamp)
  }

  async prepareCommit(checkpointId: number, baseId: number): Promise<readonly KafkaCommittable[]> {
    this.#writer.encoder.flush()
    const chunks = this.#chunks
    this.#chunks = []
    this.#writer.refresh()
    const { ownId: transactionalId, cuts } = this.#shared
    cuts.cut(checkpointId, baseId, chunks.length > 0)
    const { lineage } = this.#context
    const previous = this.#last
    const hasRecords = chunks.length > 0
    if (hasRecords) this.#last = formatIdentity({ lineage, checkpointId }, this.#nonce())
    return [{ transactionalId, checkpointId, id: this.#last, previous, hasRecords, chunks }]
  }

  async close(): Promise<void> {
    this.#writer.isClosed = true
    await this.#shared.close()
  }
}

/** Commits what checkpoints have pending, each under the id that it was cut with, also that of another subtask or run. */
export class TransactionCommitter implements Committer<KafkaCommittable> {
  readonly #context: SinkContext
  readonly #shared: SubtaskTransactions

  constructor(context: SinkContext, shared: SubtaskTransactions) {
    this.#context = context
    this.#shared = shared
  }

  async commit(committables: readonly KafkaCommittable[]): Promise<void> {
    const byId = Map.groupBy(committables, ({ transactionalId }) => transactionalId)
    for (const [transactionalId, those] of byId) {
      await this.#shared.sessionOf(transactionalId).commit(those)
      for (const { checkpointId } of those) this.#shared.cuts.committed(checkpointId)
    }
    this.#context.wake()
  }

  close(): Promise<void> {
    return this.#shared.close()
  }
}
