import type { Cancel, Clock } from '../../runtime/clock.ts'
import type { CheckedConnection } from './connection.ts'
import type { FetchedPartition } from './fetch-response.ts'
import { byTopic, type KafkaSourceClient, type TopicPartition } from './kafka-cluster.ts'
import {
  type Attempted,
  kafkaError,
  mayPass,
  rootCause,
  topicMissing,
  unavailable,
} from './kafka-errors.ts'
import { retryDelay } from './retrying.ts'

/** A partition that is fetched. */
export interface PartitionFeed extends TopicPartition {
  /** Offset at which the next fetch begins. */
  readonly fetchOffset: number
  /** False while enough of it waits to be read, or none is wanted. */
  readonly wantsMore: boolean
  /** Takes what a fetch brought, possibly nothing. */
  received(fetched: FetchedPartition): void
  /** The offset is not there (any more): may set another one to go on from, or throw. */
  outOfRange(): void | Promise<void>
}

/** Sizes and waits of fetches. */
export interface FetchLimits {
  /** How long a broker waits for something to send. */
  readonly maxWaitMs: number
  /** Of one response, and of one partition in it; a larger batch comes alone. */
  readonly maxBytes: number
  readonly maxPartitionBytes: number
  readonly isolationLevel: 0 | 1
}

/** Who fetches. */
export interface FetcherOptions {
  readonly client: KafkaSourceClient
  readonly clock: Clock
  readonly connection: CheckedConnection
  readonly operator: string
  readonly limits: FetchLimits
  fail(error: unknown): void
}

interface Seat {
  readonly feed: PartitionFeed
  isInFlight: boolean
  /** When it first failed without success since; undefined while all is well. */
  failingSince: number | undefined
  lastError: unknown
}

/** Names of protocol errors that end with a new leader, by code. */
const LEADER_ERRORS: ReadonlyMap<number, string> = new Map([
  [3, 'UNKNOWN_TOPIC_OR_PARTITION'],
  [5, 'LEADER_NOT_AVAILABLE'],
  [6, 'NOT_LEADER_OR_FOLLOWER'],
  [7, 'REQUEST_TIMED_OUT'],
  [9, 'REPLICA_NOT_AVAILABLE'],
  [56, 'KAFKA_STORAGE_ERROR'],
  [74, 'FENCED_LEADER_EPOCH'],
  [75, 'UNKNOWN_LEADER_EPOCH'],
  [78, 'OFFSET_NOT_AVAILABLE'],
  [100, 'UNKNOWN_TOPIC_ID'],
])
const OUT_OF_RANGE = 1
const UNKNOWN_TOPIC = 3
const TOPIC_DENIED = 29
/** A topic that was there and that its brokers do not know for so long has been deleted. */
const DELETED_AFTER_MS = 10_000

/**
 * Fetches partitions from their leaders, one request a broker at a time, without a consumer group: positions are the reader's.
 *
 * A partition takes part while it `wantsMore`. When a broker is gone or no longer leads a partition, the leaders are looked up
 * anew, with growing delays, until the retry timeout of the connection ends the attempt.
 */
export class PartitionFetcher {
  readonly #options: FetcherOptions
  readonly #seats: Seat[] = []
  readonly #busyBrokers: Set<string> = new Set()
  #knowsLeaders = false
  #isRefreshing = false
  #failures = 0
  #cancelRetry: Cancel | undefined
  #isClosed = false

  constructor(options: FetcherOptions) {
    this.#options = options
  }

  add(feeds: readonly PartitionFeed[]): void {
    for (const feed of feeds) {
      this.#seats.push({ feed, isInFlight: false, failingSince: undefined, lastError: undefined })
    }
    this.#knowsLeaders = false
    this.wake()
  }

  remove(feed: PartitionFeed): void {
    const index = this.#seats.findIndex((seat) => seat.feed === feed)
    if (index >= 0) this.#seats.splice(index, 1)
  }

  /** A partition may want more now. Cheap. */
  wake(): void {
    if (this.#isClosed || this.#isRefreshing || this.#cancelRetry !== undefined) return
    if (!this.#knowsLeaders) {
      void this.#refresh()
      return
    }
    const ready = this.#seats.filter((seat) => !seat.isInFlight && seat.feed.wantsMore)
    if (ready.length === 0) return
    const byLeader = Map.groupBy(ready, ({ feed }) => this.#options.client.leaderOf(feed))
    for (const [leader, seats] of byLeader) {
      if (leader === undefined) {
        this.#failed(seats, new ProtocolError('LEADER_NOT_AVAILABLE', true))
        return
      }
      if (!this.#busyBrokers.has(leader)) void this.#fetch(leader, seats)
    }
  }

  close(): void {
    this.#isClosed = true
    this.#cancelRetry?.()
  }

  async #refresh(): Promise<void> {
    const topics = [...new Set(this.#seats.map(({ feed }) => feed.topic))]
    if (topics.length === 0) return
    this.#isRefreshing = true
    try {
      await this.#options.client.refresh(topics)
      this.#knowsLeaders = true
    } catch (error) {
      this.#failed(this.#seats, error)
    } finally {
      this.#isRefreshing = false
    }
    this.wake()
  }

  async #fetch(leader: string, seats: readonly Seat[]): Promise<void> {
    const { client, limits } = this.#options
    this.#busyBrokers.add(leader)
    for (const seat of seats) seat.isInFlight = true
    try {
      const { partitions } = await client.fetch(leader, {
        maxWaitTime: limits.maxWaitMs,
        minBytes: 1,
        maxBytes: limits.maxBytes,
        isolationLevel: limits.isolationLevel,
        topics: byTopic(
          seats.map(({ feed }) => feed),
          ({ partition, fetchOffset }) => ({
            partition,
            fetchOffset,
            maxBytes: limits.maxPartitionBytes,
          }),
        ),
      })
      if (this.#isClosed) return
      const byId = new Map(seats.map((seat) => [`${seat.feed.topic}/${seat.feed.partition}`, seat]))
      for (const fetched of partitions) {
        const seat = byId.get(`${fetched.topic}/${fetched.partition}`)
        if (seat !== undefined && this.#seats.includes(seat)) await this.#take(seat, fetched)
      }
    } catch (error) {
      this.#failed(seats, error)
    } finally {
      this.#busyBrokers.delete(leader)
      for (const seat of seats) seat.isInFlight = false
    }
    this.wake()
  }

  async #take(seat: Seat, fetched: FetchedPartition): Promise<void> {
    const { errorCode } = fetched
    if (errorCode === 0) {
      seat.failingSince = undefined
      this.#failures = 0
      seat.feed.received(fetched)
    } else if (errorCode === OUT_OF_RANGE) {
      await seat.feed.outOfRange()
    } else if (LEADER_ERRORS.has(errorCode)) {
      this.#failed([seat], new ProtocolError(LEADER_ERRORS.get(errorCode)!, true))
    } else {
      const name = errorCode === TOPIC_DENIED ? 'TOPIC_AUTHORIZATION_FAILED' : `error ${errorCode}`
      throw new ProtocolError(name, false)
    }
  }

  /** Tries again after a while with leaders looked up anew; ends the attempt when that does not help. */
  #failed(seats: readonly Seat[], error: unknown): void {
    if (this.#isClosed) return
    const { clock, connection, operator, fail } = this.#options
    const tried = this.#tried(seats)
    if (!mayPass(error)) {
      this.close()
      fail(kafkaError(tried, error))
      return
    }
    const now = clock.elapsed()
    for (const seat of seats) {
      seat.failingSince ??= now
      seat.lastError = error
    }
    const longest = Math.max(...seats.map((seat) => now - (seat.failingSince ?? now)))
    const isUnknown = rootCause(error).type === LEADER_ERRORS.get(UNKNOWN_TOPIC)
    if (isUnknown && longest >= Math.min(DELETED_AFTER_MS, connection.retryTimeoutMs)) {
      this.close()
      fail(topicMissing(operator, seats[0]!.feed.topic, connection.brokers))
      return
    }
    if (longest >= connection.retryTimeoutMs) {
      this.close()
      fail(unavailable(tried, longest, error))
      return
    }
    this.#knowsLeaders = false
    this.#cancelRetry ??= clock.schedule(retryDelay(Math.min(++this.#failures, 10)), () => {
      this.#cancelRetry = undefined
      this.wake()
    })
  }

  #tried(seats: readonly Seat[]): Attempted {
    const { operator, connection } = this.#options
    const names = seats.slice(0, 3).map(({ feed }) => `${feed.topic}[${feed.partition}]`)
    const more = seats.length > 3 ? ` and ${seats.length - 3} more partitions` : ''
    return { operator, what: `read ${names.join(', ')}${more}`, brokers: connection.brokers }
  }
}

/** An error that a broker gave for one partition. */
class ProtocolError extends Error {
  readonly type: string
  readonly retriable: boolean

  constructor(type: string, retriable: boolean) {
    super(type)
    this.type = type
    this.retriable = retriable
  }
}
