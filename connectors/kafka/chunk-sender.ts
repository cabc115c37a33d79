import type { Clock } from '../../runtime/clock.ts'
import { delay } from '../../runtime/clock.ts'
import type { RecordChunk } from './batch-builder.ts'
import {
  type Attempted,
  kafkaError,
  mayPass,
  rootCause,
  topicMissing,
  unavailable,
} from './kafka-errors.ts'
import type { KafkaSinkClient } from './kafka-sink-client.ts'
import {
  isDuplicate,
  isFenced,
  isForgotten,
  isTooLarge,
  recordTooLarge,
} from './kafka-sink-errors.ts'
import type { ProducerIdentity, SequencedChunk } from './produce-request.ts'
import { BATCH_HEADER } from './record-batch.ts'
import { retryDelay } from './retrying.ts'

/** So much is sent at once, to all brokers together; one chunk a partition may go beyond. */
const MAX_REQUEST_BYTES = 8 * 1024 * 1024
/** Sequence numbers go round. */
const SEQUENCES = 2 ** 31

export interface ChunkSenderOptions {
  readonly client: KafkaSinkClient
  readonly clock: Clock
  readonly tried: Attempted
  readonly topic: string
  readonly timeoutMs: number
  readonly isClosed: () => boolean
}

/**
 * Sends chunks for one producer, those of a partition in order and one after another, until all are written.
 *
 * What fails is sent again with the same sequence numbers, so that the broker drops what it has; trying ends when nothing has
 * been written for `timeoutMs`.
 */
export class ChunkSender {
  readonly #options: ChunkSenderOptions
  readonly #producer: ProducerIdentity
  /** Records sent to each partition. */
  readonly #sequences: Map<number, number> = new Map()

  constructor(producer: ProducerIdentity, options: ChunkSenderOptions) {
    this.#producer = producer
    this.#options = options
  }

  /**
   * Resolves when all are written; `written` is told each. Rejects with the error of the client where a new producer id is needed
   * (`isForgotten`, `isFenced`), and else with a coded error.
   */
  async send(chunks: readonly RecordChunk[], written: (chunk: RecordChunk) => void): Promise<void> {
    const { client, clock, topic, timeoutMs, isClosed, tried } = this.#options
    const queues = queuesOf(chunks)
    let since = clock.elapsed()
    for (let failures = 0; queues.size > 0;) {
      const round = this.#nextRound(queues)
      const outcomes = await client
        .produce(this.#producer, topic, round)
        .catch((error: unknown) => round.map(() => error as Error))
      let failure: Error | undefined
      let refused: (() => never) | undefined
      for (const [i, chunk] of round.entries()) {
        const outcome = outcomes[i]
        if (outcome !== undefined && !isDuplicate(outcome)) {
          failure ??= outcome
          if (!mayPass(outcome)) refused ??= () => this.#refuse(chunk, outcome)
          continue
        }
        this.#sequences.set(chunk.partition, (chunk.sequence + chunk.count) % SEQUENCES)
        const queue = queues.get(chunk.partition)!
        written(queue.shift()!)
        if (queue.length === 0) queues.delete(chunk.partition)
        since = clock.elapsed()
        failures = 0
      }
      refused?.()
      if (failure === undefined) continue
      if (isClosed()) throw kafkaError(tried, failure)
      const spent = clock.elapsed() - since
      if (spent >= timeoutMs) {
        if (rootCause(failure).type === 'UNKNOWN_TOPIC_OR_PARTITION')
          throw topicMissing(tried.operator, topic, tried.brokers)
        throw unavailable(tried, spent, failure)
      }
      await delay(clock, retryDelay(++failures))
    }
  }

  /** The first chunk of each partition, as far as they fit into one request. */
  #nextRound(queues: ReadonlyMap<number, readonly RecordChunk[]>): readonly SequencedChunk[] {
    const round: SequencedChunk[] = []
    let bytes = 0
    for (const [partition, [first]] of queues) {
      bytes += first!.records.length
      if (round.length > 0 && bytes > MAX_REQUEST_BYTES) break
      round.push({ ...first!, sequence: this.#sequences.get(partition) ?? 0 })
    }
    return round
  }

  #refuse(chunk: RecordChunk, error: Error): never {
    const { tried, topic } = this.#options
    if (isTooLarge(error)) {
      const bytes = BATCH_HEADER + chunk.records.length
      throw recordTooLarge(tried.operator, topic, bytes, undefined)
    }
    if (isForgotten(error) || isFenced(error)) throw error
    throw kafkaError(tried, error)
  }
}

function queuesOf(chunks: readonly RecordChunk[]): Map<number, RecordChunk[]> {
  return Map.groupBy(chunks, ({ partition }) => partition)
}
