import type { Clock } from '../../runtime/clock.ts'
import type { CheckedConnection } from './connection.ts'
import { decodeFetchResponse, type FetchResponse } from './fetch-response.ts'
import { rootCause, topicMissing } from './kafka-errors.ts'
import type { KafkaJsBroker, KafkaJsCluster } from './kafkajs-types.ts'
import { createCluster, fetchRequest, type FetchSettings, sendRequest } from './load-kafkajs.ts'
import { retrying } from './retrying.ts'

/** A partition of a topic. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** A partition with an offset in it. */
export interface PartitionOffset extends TopicPartition {
  readonly offset: number
}

/** Special times for `offsetsAt`. */
export const EARLIEST = -2
export const LATEST = -1

/** Who uses a cluster. */
export interface ClusterOptions {
  readonly connection: CheckedConnection
  readonly clock: Clock
  /** Uid of the operator, for messages. */
  readonly operator: string
  /** What users call it, such as `kafkaSource()`. */
  readonly from: string
}

/** What reading needs of a cluster; behind it stands kafkajs. All of it is tried again while it may help. */
export interface KafkaSourceClient {
  /** Names of all topics but the internal ones. */
  topicNames(): Promise<readonly string[]>
  /** The partitions of topics; fails with `MR_KAFKA_TOPIC_MISSING`. */
  partitionsOf(topics: readonly string[]): Promise<readonly TopicPartition[]>
  /** The first offset at or after a time in milliseconds, or `EARLIEST`, or `LATEST`; -1 where there is none. */
  offsetsAt(
    partitions: readonly TopicPartition[],
    timestamp: number,
  ): Promise<readonly PartitionOffset[]>
  /** What a group has committed; -1 where it has not. */
  committedOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
  ): Promise<readonly PartitionOffset[]>
  /** Commits offsets for a group without members. */
  commitOffsets(groupId: string, offsets: readonly PartitionOffset[]): Promise<void>
  /** Reads anew which broker leads which of these topics. */
  refresh(topics: readonly string[]): Promise<void>
  /** Id of the broker that leads a partition; undefined when there is none. */
  leaderOf(partition: TopicPartition): string | undefined
  /** One fetch from one broker; not tried again. */
  fetch(nodeId: string, settings: FetchSettings): Promise<FetchResponse>
  close(): Promise<void>
}

/** A cluster through kafkajs: connections of its own, opened at first use. */
export class KafkaCluster implements KafkaSourceClient {
  readonly #options: ClusterOptions
  readonly #cluster: KafkaJsCluster
  #isClosed = false

  constructor(options: ClusterOptions) {
    this.#options = options
    this.#cluster = createCluster(options.connection, options.from)
  }

  topicNames(): Promise<readonly string[]> {
    return this.#retrying('list the topics', async () => {
      await this.#cluster.connect()
      await this.#cluster.refreshMetadata()
      const { topicMetadata } = await this.#cluster.metadata({ topics: [] })
      return topicMetadata
        .map(({ topic }) => topic)
        .filter((topic) => !topic.startsWith('__'))
        .toSorted()
    })
  }

  partitionsOf(topics: readonly string[]): Promise<readonly TopicPartition[]> {
    return this.#retrying(`find the partitions of ${listed(topics)}`, async () => {
      await this.#refreshKnown(topics)
      return topics.flatMap((topic) =>
        this.#cluster
          .findTopicPartitionMetadata(topic)
          .map(({ partitionId }) => ({ topic, partition: partitionId }))
          .toSorted((a, b) => a.partition - b.partition),
      )
    })
  }

  offsetsAt(
    partitions: readonly TopicPartition[],
    timestamp: number,
  ): Promise<readonly PartitionOffset[]> {
    const topics = topicsOf(partitions)
    return this.#retrying(`read the offsets of ${listed(topics)}`, async () => {
      await this.#refreshKnown(topics)
      const byLeader = Map.groupBy(partitions, (partition) => this.leaderOf(partition))
      const answers = await Promise.all(
        [...byLeader].map(async ([nodeId, those]) => {
          const broker = await this.#broker(nodeId)
          const { responses } = await broker.listOffsets({
            isolationLevel: 1,
            topics: byTopic(those, ({ partition }) => ({ partition, timestamp })),
          })
          return offsetsIn(responses)
        }),
      )
      return answers.flat()
    })
  }

  committedOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
  ): Promise<readonly PartitionOffset[]> {
    return this.#retrying(
      `read the offsets that the group "${groupId}" has committed`,
      async () => {
        const coordinator = await this.#coordinator(groupId)
        const topics = byTopic(partitions, ({ partition }) => ({ partition }))
        return offsetsIn((await coordinator.offsetFetch({ groupId, topics })).responses)
      },
    )
  }

  commitOffsets(groupId: string, offsets: readonly PartitionOffset[]): Promise<void> {
    return this.#retrying(`commit offsets for the group "${groupId}"`, async () => {
      const coordinator = await this.#coordinator(groupId)
      await coordinator.offsetCommit({
        groupId,
        groupGenerationId: -1,
        memberId: '',
        topics: byTopic(offsets, ({ partition, offset }) => ({
          partition,
          offset: String(offset),
        })),
      })
    })
  }

  async refresh(topics: readonly string[]): Promise<void> {
    await this.#cluster.connect()
    await this.#cluster.addMultipleTargetTopics(topics)
    await this.#cluster.refreshMetadata()
  }

  /** As `refresh`, for topics that have to be there. */
  async #refreshKnown(topics: readonly string[]): Promise<void> {
    try {
      await this.refresh(topics)
    } catch (error) {
      const { type } = rootCause(error)
      if (type === 'UNKNOWN_TOPIC_OR_PARTITION' || type === 'INVALID_TOPIC_EXCEPTION') {
        throw await this.#missing(topics)
      }
      throw error
    }
  }

  leaderOf({ topic, partition }: TopicPartition): string | undefined {
    const known = this.#cluster
      .findTopicPartitionMetadata(topic)
      .find(({ partitionId }) => partitionId === partition)
    return known === undefined || known.leader < 0 ? undefined : String(known.leader)
  }

  async fetch(nodeId: string, settings: FetchSettings): Promise<FetchResponse> {
    const broker = await this.#broker(nodeId)
    const request = fetchRequest(settings, decodeFetchResponse)
    return (await sendRequest(broker, request)) as FetchResponse
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#cluster.disconnect()
  }

  async #broker(nodeId: string | undefined): Promise<KafkaJsBroker> {
    if (nodeId === undefined) throw new LeaderlessError('a partition has no leader at the moment')
    return this.#cluster.findBroker({ nodeId })
  }

  async #coordinator(groupId: string): Promise<KafkaJsBroker> {
    await this.#cluster.connect()
    await this.#cluster.refreshMetadata()
    return this.#cluster.findGroupCoordinator({ groupId })
  }

  /** Which of these topics it is that is not there. */
  async #missing(topics: readonly string[]): Promise<Error> {
    const { operator, connection } = this.#options
    const there = new Set<string>()
    for (const topic of topics) {
      const metadata = await this.#cluster.metadata({ topics: [topic] }).catch(() => undefined)
      if (metadata !== undefined) there.add(topic)
    }
    const missing = topics.find((topic) => !there.has(topic)) ?? topics[0]!
    return topicMissing(operator, missing, connection.brokers)
  }

  #retrying<R>(what: string, operation: () => Promise<R>): Promise<R> {
    const { clock, operator, connection } = this.#options
    const isClosed = () => this.#isClosed
    return retrying(
      { clock, timeoutMs: connection.retryTimeoutMs, isClosed },
      { operator, what, brokers: connection.brokers },
      operation,
    )
  }
}

/** No leader at the moment; trying again may help. */
class LeaderlessError extends Error {
  readonly retriable = true
}

function offsetsIn(
  responses: readonly {
    readonly topic: string
    readonly partitions: readonly { readonly partition: number; readonly offset: string }[]
  }[],
): readonly PartitionOffset[] {
  return responses.flatMap(({ topic, partitions }) =>
    partitions.map(({ partition, offset }) => ({ topic, partition, offset: Number(offset) })),
  )
}

/** Partitions by topic, as requests want them. */
export function byTopic<P extends TopicPartition, R>(
  partitions: readonly P[],
  entry: (partition: P) => R,
): readonly { readonly topic: string; readonly partitions: readonly R[] }[] {
  return [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, those]) => ({
    topic,
    partitions: those.map(entry),
  }))
}

function topicsOf(partitions: readonly TopicPartition[]): readonly string[] {
  return [...new Set(partitions.map(({ topic }) => topic))]
}

function listed(topics: readonly string[]): string {
  const shown = topics
    .slice(0, 3)
    .map((topic) => `"${topic}"`)
    .join(', ')
  return topics.length > 3 ? `${shown} and ${topics.length - 3} more topics` : `the topic ${shown}`
}
