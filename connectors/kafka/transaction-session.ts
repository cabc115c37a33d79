import { type Clock, delay } from '../../runtime/clock.ts'
import { StreamError } from '../../runtime/errors.ts'
import type { RecordChunk } from './batch-builder.ts'
import { ChunkSender } from './chunk-sender.ts'
import { formatIdentity, type PendingTransaction, planCommits } from './commit-plan.ts'
import { type Attempted, kafkaError, mayPass, rootCause, unavailable } from './kafka-errors.ts'
import { BARRIER, COMMITTED, type KafkaSinkClient } from './kafka-sink-client.ts'
import {
  fenced,
  isFenced,
  isForgotten,
  isNotDoneYet,
  markerLost,
  transactionExpired,
  transactionTimeoutRefused,
} from './kafka-sink-errors.ts'
import type { ProducerIdentity } from './produce-request.ts'
import { retryDelay } from './retrying.ts'

/** A marker that nothing has been written behind for so long is written again, before brokers forget it (7 days by default). */
const KEEP_MARKER_MS = 6 * 3_600_000
/** How long a barrier may take to show. */
const BARRIER_TIMEOUT_MS = 10_000

/** What to do where it cannot be told whether something was committed. */
export type WhenMarkerLost = 'fail' | 'replay' | 'skip'

/** A transaction of a checkpoint: its records, and what it is called. */
export interface WholeTransaction extends PendingTransaction {
  readonly chunks: readonly RecordChunk[]
}

export interface SessionOptions {
  readonly client: KafkaSinkClient
  readonly clock: Clock
  /** Uid of the operator, and the brokers, for messages. */
  readonly operator: string
  readonly brokers: readonly string[]
  readonly topic: string
  readonly markerTopic: string
  readonly transactionalId: string
  /** What ids of this sink begin with, for messages. */
  readonly prefix: string
  readonly transactionTimeoutMs: number
  readonly retryTimeoutMs: number
  readonly whenMarkerLost: WhenMarkerLost
  /** The lineage of this run. */
  readonly lineage: string
  readonly isClosed: () => boolean
  /** Texts that never come twice. */
  readonly nonce: () => string
  log(message: string): void
}

interface LiveProducer {
  readonly identity: ProducerIdentity
  readonly sender: ChunkSender
}

/**
 * Commits transactions under one transactional id, each exactly once, whatever has happened to earlier tries.
 *
 * ```
 *  recovery:     init the id ─▶ barrier transaction ─▶ until the barrier shows ─▶ read the marker ─▶ plan
 *  transaction:  partitions ─▶ chunks ─▶ marker (the id of the transaction) ─▶ end
 * ```
 *
 * The marker is an offset that is committed with the records: it says which transaction was the last. Initialising the id ends what
 * was open under it and fences whoever had it before. Markers may show late; the barrier, written after it and in the same group,
 * shows only when all before it does. A failure anywhere, in the end above all, leaves open what has happened: recovery finds out.
 * While nothing fails there is one recovery for an attempt. Another one looks first whose barrier is there: a process that was
 * stopped for long, and has lost its connections, must not take the id from the one that goes on in its place.
 */
export class TransactionSession {
  readonly #options: SessionOptions
  /** Undefined: what is open under the id, and what its marker says, is not known. */
  #producer: LiveProducer | undefined
  #marker: string | undefined
  /** When it was written, if that was here: it is written again before brokers forget it. */
  #markerAt = -Infinity
  #begunAt = 0
  /** A marker behind what was to be committed so far: what is restored next has to explain it. */
  #unexplained: string | undefined
  #isRestoring = true
  /** Our barriers: the last that has shown, and those that may have been committed since. Empty: the id has not been ours yet. */
  #barriers: readonly string[] = []

  constructor(options: SessionOptions) {
    this.#options = options
  }

  /**
   * Makes the id ours, with a first marker where it has none; resolves with the marker. Before anything new can be pending.
   *
   * Of an id that no part of the checkpoint names, as after a raise of the parallelism, it cannot tell whether a copy of this run has gone on
   * under it in the moment since `prepareOutput` looked.
   */
  async begin(): Promise<string> {
    await this.#untilDone(async () => {
      await this.#ensureProducer()
      const { lineage, nonce } = this.#options
      if (this.#marker === undefined)
        await this.#mark(formatIdentity({ lineage, checkpointId: 0 }, nonce()))
    })
    return this.#marker!
  }

  /** Tells that all that was restored has been committed; fails where somebody else has gone on from there. */
  restored(): void {
    this.#isRestoring = false
    const transactions = this.#unexplained === undefined ? 0 : 1
    if (transactions > 0) this.#ask('foreign', transactions)
  }

  /** Commits, in this order, what of these transactions is not committed yet, and in any case makes the id ours. */
  async commit(transactions: readonly WholeTransaction[]): Promise<void> {
    await this.#untilDone(async () => {
      await this.#ensureProducer()
      for (const { id, chunks } of transactions.slice(this.#firstDue(transactions))) {
        if (chunks.length === 0) continue
        await this.#transact(chunks, COMMITTED, id)
        this.#marker = id
        this.#markerAt = this.#options.clock.elapsed()
      }
      const age = this.#options.clock.elapsed() - this.#markerAt
      if (this.#marker !== undefined && age > KEEP_MARKER_MS) await this.#mark(this.#marker)
    })
  }

  #firstDue(transactions: readonly WholeTransaction[]): number {
    const plan = planCommits(this.#marker, transactions, this.#options.lineage)
    this.#unexplained = undefined
    if ('from' in plan) return plan.from
    if (plan.unknown === 'later' && this.#isRestoring) {
      // Cuts of aborted checkpoints come one by one, and the last of them may have been committed.
      this.#unexplained = this.#marker
      return transactions.length
    }
    const reason = plan.unknown === 'missing' ? 'missing' : 'foreign'
    return this.#ask(reason, transactions.length) === 'replay' ? 0 : transactions.length
  }

  /** Fails where the user has not said how to go on without knowing what was committed. */
  #ask(unknown: 'missing' | 'foreign', transactions: number): 'replay' | 'skip' {
    const { operator, transactionalId, markerTopic, whenMarkerLost, log } = this.#options
    if (whenMarkerLost === 'fail')
      throw markerLost({ operator, transactionalId, markerTopic }, unknown, transactions)
    log(
      `The marker of "${transactionalId}" is ${unknown}: as whenMarkerLost says, what the checkpoint has pending is ` +
        `${whenMarkerLost === 'replay' ? 'written, perhaps a second time' : 'not written, as it may be there'}.`,
    )
    return whenMarkerLost
  }

  async #mark(text: string): Promise<void> {
    await this.#transact([], COMMITTED, text)
    this.#marker = text
    this.#markerAt = this.#options.clock.elapsed()
  }

  /** Recovery, where the id is not known to be ours. */
  async #ensureProducer(): Promise<void> {
    if (this.#producer !== undefined) return
    const { client, clock, transactionalId, transactionTimeoutMs, markerTopic } = this.#options
    this.#begunAt = clock.elapsed()
    if (await this.#isTaken()) throw new TakenError()
    const identity = await this.#answered(() =>
      client.initProducer(transactionalId, transactionTimeoutMs),
    )
    this.#producer = { identity, sender: this.#senderOf(identity) }
    const barrier = this.#options.nonce()
    if (this.#barriers.length > 0) this.#barriers = [...this.#barriers, barrier]
    await this.#transact([], BARRIER, barrier)
    const begin = clock.elapsed()
    for (let n = 0; ; n++) {
      const found = await client.readMarkers(transactionalId, markerTopic)
      if (found.barrier === barrier) {
        this.#marker = found.committed
        this.#barriers = [barrier]
        return
      }
      if (clock.elapsed() - begin > BARRIER_TIMEOUT_MS) throw new LateBarrierError()
      await delay(clock, shortDelay(n))
    }
  }

  /** Whether somebody else has made the id theirs since it was ours. */
  async #isTaken(): Promise<boolean> {
    if (this.#barriers.length === 0) return false
    const { client, transactionalId, markerTopic } = this.#options
    const { barrier } = await client.readMarkers(transactionalId, markerTopic)
    return barrier !== undefined && !this.#barriers.includes(barrier)
  }

  /** One whole transaction. Records go before the marker: brokers are slow to open a transaction right behind another. */
  async #transact(
    chunks: readonly RecordChunk[],
    which: typeof COMMITTED | typeof BARRIER,
    text: string,
  ): Promise<void> {
    const { client, clock, topic, markerTopic } = this.#options
    const { identity, sender } = this.#producer!
    this.#begunAt = clock.elapsed()
    if (chunks.length > 0) {
      const partitions = [...new Set(chunks.map(({ partition }) => partition))]
      await this.#answered(() => client.addPartitions(identity, topic, partitions))
      await sender.send(chunks, () => {})
    }
    await this.#answered(() => client.sendMarker(identity, markerTopic, which, text))
    await this.#answered(() => client.endTransaction(identity, true))
  }

  /** Tries again while the broker says that it has not done it and soon will. */
  async #answered<R>(operation: () => Promise<R>): Promise<R> {
    const { clock, retryTimeoutMs } = this.#options
    const begin = clock.elapsed()
    for (let n = 0; ; n++) {
      try {
        return await operation()
      } catch (error) {
        if (!isNotDoneYet(error) || clock.elapsed() - begin > retryTimeoutMs) throw error
        await delay(clock, shortDelay(n))
      }
    }
  }

  /** Runs what recovery can begin again, until it succeeds, fails for good, or the time is over. */
  async #untilDone(operation: () => Promise<void>): Promise<void> {
    const { clock, retryTimeoutMs, isClosed } = this.#options
    const begin = clock.elapsed()
    for (let failures = 1; ; failures++) {
      try {
        return await operation()
      } catch (error) {
        const producer = this.#producer
        this.#producer = undefined
        if (isFenced(error) || error instanceof TakenError) throw await this.#shutOut(error)
        const isPassing = mayPass(error) || isForgotten(error) || error instanceof LateBarrierError
        if (error instanceof StreamError || !isPassing || isClosed()) {
          if (producer !== undefined) await this.#abort(producer)
          throw await this.#final(error)
        }
        const spent = clock.elapsed() - begin
        if (spent >= retryTimeoutMs) throw await this.#givenUp(spent, error)
        await delay(clock, retryDelay(failures))
      }
    }
  }

  /** Lets readers go on; where it fails, the brokers do it when the time of the transaction is over. */
  async #abort({ identity }: LiveProducer): Promise<void> {
    await this.#options.client.endTransaction(identity, false).catch(() => {})
  }

  async #final(error: unknown): Promise<StreamError> {
    const { client, operator, transactionTimeoutMs } = this.#options
    if (rootCause(error)?.type !== 'INVALID_TRANSACTION_TIMEOUT')
      return kafkaError(this.#tried(), error)
    const max = await client.maxTransactionTimeoutMs().catch(() => undefined)
    return transactionTimeoutRefused(operator, transactionTimeoutMs, max)
  }

  /** A process that was stopped finds its time over, too; the next attempt would take over from whoever goes on in its place. */
  async #givenUp(spent: number, error: unknown): Promise<StreamError> {
    if (rootCause(error).type === 'UNKNOWN_TOPIC_OR_PARTITION') {
      const missing = await this.#missingTopic()
      if (missing !== undefined) return missing
    }
    const isTaken = await this.#isTaken().catch(() => false)
    return isTaken ? this.#shutOut(new TakenError()) : unavailable(this.#tried(), spent, error)
  }

  /** Which of the two topics has been deleted. */
  async #missingTopic(): Promise<StreamError | undefined> {
    const { client, topic, markerTopic } = this.#options
    for (const name of [topic, markerTopic]) {
      const error: unknown = await client.describeTopic(name).catch((reason: unknown) => reason)
      if (error instanceof StreamError) return error
    }
    return undefined
  }

  /** The brokers shut out in the same way whose id is taken, and whose transaction takes too long. */
  async #shutOut(error: unknown): Promise<StreamError> {
    const { operator, transactionalId, prefix, clock, transactionTimeoutMs } = this.#options
    const isLate = clock.elapsed() - this.#begunAt >= transactionTimeoutMs
    // Where it cannot be told the next attempt finds out.
    const isTaken =
      error instanceof TakenError || !isLate || (await this.#isTaken().catch(() => false))
    return isTaken
      ? fenced(operator, transactionalId, prefix, error)
      : transactionExpired(operator, transactionalId, transactionTimeoutMs, error)
  }

  #senderOf(identity: ProducerIdentity): ChunkSender {
    const { client, clock, topic, retryTimeoutMs: timeoutMs, isClosed } = this.#options
    const tried = this.#tried()
    return new ChunkSender(identity, { client, clock, tried, topic, timeoutMs, isClosed })
  }

  #tried(): Attempted {
    const { operator, brokers, topic, transactionalId } = this.#options
    const what = `commit to the topic "${topic}" as "${transactionalId}"`
    return { operator, what, brokers }
  }
}

/** Somebody else's barrier is where ours was. */
class TakenError extends Error {
  constructor() {
    super('another run has made the transactional id its own')
    this.name = 'TakenError'
  }
}

/** The barrier did not show in time; recovery begins again. */
class LateBarrierError extends Error {
  constructor() {
    super(
      `the coordinator of the marker group did not show a committed offset within ${BARRIER_TIMEOUT_MS / 1000} s`,
    )
    this.name = 'LateBarrierError'
  }
}

function shortDelay(n: number): number {
  return Math.min(50, 2 ** Math.min(n, 6))
}
