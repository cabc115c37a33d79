import { SystemClock } from '../../../runtime/clock.ts'
import type {
  KafkaSourceClient,
  PartitionOffset,
  TopicPartition,
} from '../../../connectors/kafka/kafka-cluster.ts'
import { EARLIEST } from '../../../connectors/kafka/kafka-cluster.ts'
import type { FetchResponse, FetchedPartition } from '../../../connectors/kafka/fetch-response.ts'
import type { FetchSettings } from '../../../connectors/kafka/load-kafkajs.ts'
import { encodeBatch } from './record-batches.ts'

const NOT_LEADER = 6
/** How long a fetch waits for a first record. */
const WAIT_MS = 2

/** Partitions in memory, each led by a broker; every record is a batch. */
export class FakeSourceCluster implements KafkaSourceClient {
  readonly logs: Map<string, Buffer[]> = new Map()
  readonly leaders: Map<string, string> = new Map()
  /** What clients believe, since their last look. */
  readonly #known: Map<string, string> = new Map()
  /** Bytes of records that fetches have brought, by partition. */
  readonly fetchedBytes: Map<string, number> = new Map()
  refreshes = 0
  fetches = 0
  /** Thrown by fetches and looks while it is set. */
  failure: Error | undefined
  isClosed = false

  async append(topic: string, partition: number, ...values: readonly string[]): Promise<void> {
    const id = `${topic}/${partition}`
    const log = this.logs.get(id) ?? []
    this.logs.set(id, log)
    if (!this.leaders.has(id)) this.leaders.set(id, '1')
    for (const value of values) {
      const offset = log.length
      const record = {
        offset,
        timestamp: offset,
        key: null,
        value: Buffer.from(value),
        headers: {},
      }
      const place = { firstOffset: offset, lastOffset: offset }
      log.push(
        await encodeBatch({ ...place, producerId: -1n, isTransactional: false, records: [record] }),
      )
    }
  }

  async topicNames(): Promise<readonly string[]> {
    return [...new Set([...this.logs.keys()].map((id) => id.split('/')[0]!))]
  }

  async partitionsOf(topics: readonly string[]): Promise<readonly TopicPartition[]> {
    return [...this.logs.keys()]
      .map((id) => ({ topic: id.split('/')[0]!, partition: Number(id.split('/')[1]) }))
      .filter(({ topic }) => topics.includes(topic))
  }

  async offsetsAt(
    partitions: readonly TopicPartition[],
    timestamp: number,
  ): Promise<readonly PartitionOffset[]> {
    return partitions.map(({ topic, partition }) => {
      const end = this.logs.get(`${topic}/${partition}`)!.length
      return { topic, partition, offset: timestamp === EARLIEST ? 0 : end }
    })
  }

  async committedOffsets(): Promise<readonly PartitionOffset[]> {
    return []
  }

  async commitOffsets(): Promise<void> {}

  async refresh(): Promise<void> {
    this.refreshes++
    if (this.failure !== undefined) throw this.failure
    for (const [id, leader] of this.leaders) this.#known.set(id, leader)
  }

  leaderOf({ topic, partition }: TopicPartition): string | undefined {
    return this.#known.get(`${topic}/${partition}`)
  }

  async fetch(nodeId: string, { topics }: FetchSettings): Promise<FetchResponse> {
    this.fetches++
    if (this.failure !== undefined) throw this.failure
    const wanted = topics.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, ...partition })),
    )
    const isThere = wanted.some(
      ({ topic, partition, fetchOffset }) =>
        this.logs.get(`${topic}/${partition}`)!.length > fetchOffset,
    )
    if (!isThere) {
      await new Promise<void>((resolve) => void new SystemClock().schedule(WAIT_MS, resolve))
    }
    const partitions = wanted.map(
      ({ topic, partition, fetchOffset, maxBytes }): FetchedPartition => {
        const id = `${topic}/${partition}`
        const log = this.logs.get(id)!
        const isLeader = this.leaders.get(id) === nodeId
        const batches: Buffer[] = []
        let bytes = 0
        for (const batch of isLeader ? log.slice(fetchOffset) : []) {
          if (batches.length > 0 && bytes + batch.length > maxBytes) break
          batches.push(batch)
          bytes += batch.length
        }
        this.fetchedBytes.set(id, (this.fetchedBytes.get(id) ?? 0) + bytes)
        return {
          topic,
          partition,
          errorCode: isLeader ? 0 : NOT_LEADER,
          highWatermark: log.length,
          lastStableOffset: log.length,
          aborted: [],
          records: Buffer.concat(batches),
        }
      },
    )
    return { clientSideThrottleTime: 0, errorCode: 0, partitions }
  }

  async close(): Promise<void> {
    this.isClosed = true
  }
}
