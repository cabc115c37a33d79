import type { CheckedConnection } from './connection.ts'
import { firstError, rootCause } from './kafka-errors.ts'
import { markerTopicMissing } from './kafka-sink-errors.ts'
import {
  BARRIER,
  COMMITTED,
  type KafkaSinkClient,
  type Markers,
  type SinkTopic,
} from './kafka-sink-client.ts'
import type { KafkaJsBroker, KafkaJsProducing } from './kafkajs-types.ts'
import { produceRequest, protocolError, sendRequest } from './load-kafkajs.ts'
import {
  decodeProduceResponse,
  encodeProduceRequest,
  type ProduceAnswer,
  type ProducerIdentity,
  type SequencedChunk,
} from './produce-request.ts'
import { GROUP, SinkBrokers, TRANSACTION } from './sink-brokers.ts'

const PRODUCE = 0
/** The newest produce request that is laid out as ours. */
const MAX_PRODUCE_VERSION = 7
const TOPIC_CONFIG = 2
const BROKER_CONFIG = 4
const UNKNOWN_SERVER_ERROR = -1

/** A cluster through kafkajs, for writing: connections of its own, opened at first use. */
export class KafkaSinkCluster implements KafkaSinkClient {
  readonly #brokers: SinkBrokers

  constructor(connection: CheckedConnection, operator: string) {
    this.#brokers = new SinkBrokers(connection, operator)
  }

  describeTopic(topic: string): Promise<SinkTopic> {
    return this.#brokers.run(async () => {
      this.#brokers.lookAnew()
      await this.#brokers.follow(topic)
      const partitions = this.#brokers.cluster.findTopicPartitionMetadata(topic).length
      const limit = await this.#config(TOPIC_CONFIG, topic, 'max.message.bytes')
      return { partitions, maxBatchBytes: limit }
    })
  }

  ensureMarkerTopic(topic: string): Promise<void> {
    return this.#brokers.run(async () => {
      await this.#brokers.connect()
      if (await this.#isThere(topic)) return
      const controller = await this.#brokers.cluster.findControllerBroker()
      const request = {
        topics: [{ topic, numPartitions: 2, replicationFactor: -1, configEntries: [] }],
      }
      await controller.createTopics(request).catch((error: unknown) => {
        const { name, type, message } = firstError(error)
        if (type === 'TOPIC_ALREADY_EXISTS' || /already exists/i.test(message)) return
        if (name !== 'KafkaJSCreateTopicError' && !/AUTHORIZATION/.test(String(type))) throw error
        throw markerTopicMissing(
          this.#brokers.operator,
          topic,
          this.#brokers.connection.brokers,
          error,
        )
      })
    })
  }

  maxTransactionTimeoutMs(): Promise<number | undefined> {
    return this.#brokers.run(async () => {
      await this.#brokers.connect()
      const { nodeId } = await this.#brokers.cluster.findControllerBroker()
      return this.#config(BROKER_CONFIG, String(nodeId), 'transaction.max.timeout.ms')
    })
  }

  initProducer(transactionalId: string | undefined, timeoutMs: number): Promise<ProducerIdentity> {
    return this.#brokers.run(async () => {
      await this.#brokers.connect()
      const broker =
        transactionalId === undefined
          ? await this.#brokers.cluster.brokerPool.findConnectedBroker()
          : await this.#brokers.coordinator(TRANSACTION, transactionalId)
      const request = { transactionalId, transactionTimeout: timeoutMs }
      const { producerId, producerEpoch } = await broker.initProducerId(request)
      return { transactionalId, producerId: String(producerId), epoch: producerEpoch }
    })
  }

  addPartitions(
    producer: ProducerIdentity,
    topic: string,
    partitions: readonly number[],
  ): Promise<void> {
    return this.#brokers.run(async () => {
      const broker = await this.#transactionCoordinator(producer)
      await broker.addPartitionsToTxn({ ...asProducing(producer), topics: [{ topic, partitions }] })
    })
  }

  produce(
    producer: ProducerIdentity,
    topic: string,
    chunks: readonly SequencedChunk[],
  ): Promise<readonly (Error | undefined)[]> {
    return this.#brokers.run(async () => {
      await this.#brokers.follow(topic)
      const leaders = new Map(
        this.#brokers.cluster
          .findTopicPartitionMetadata(topic)
          .map(({ partitionId, leader }) => [partitionId, leader]),
      )
      const outcomes = new Map<number, Error | undefined>()
      const byLeader = Map.groupBy(chunks, ({ partition }) => leaders.get(partition) ?? -1)
      await Promise.all(
        [...byLeader].map(async ([leader, those]) => {
          for (const [partition, outcome] of await this.#produceTo(leader, producer, topic, those))
            outcomes.set(partition, outcome)
        }),
      )
      return chunks.map(({ partition }) => outcomes.get(partition))
    })
  }

  sendMarker(
    producer: ProducerIdentity,
    markerTopic: string,
    which: typeof COMMITTED | typeof BARRIER,
    text: string,
  ): Promise<void> {
    return this.#brokers.run(async () => {
      const producing = asProducing(producer)
      const groupId = producing.transactionalId
      const coordinator = await this.#transactionCoordinator(producer)
      await coordinator.addOffsetsToTxn({ ...producing, groupId })
      const group = await this.#brokers.coordinator(GROUP, groupId)
      const partitions = [{ partition: which, offset: '0', metadata: text }]
      await group.txnOffsetCommit({
        ...producing,
        groupId,
        topics: [{ topic: markerTopic, partitions }],
      })
    })
  }

  endTransaction(producer: ProducerIdentity, commits: boolean): Promise<void> {
    return this.#brokers.run(async () => {
      const broker = await this.#transactionCoordinator(producer)
      await broker.endTxn({ ...asProducing(producer), transactionResult: commits })
    })
  }

  readMarkers(transactionalId: string, markerTopic: string): Promise<Markers> {
    return this.#brokers.run(async () => {
      await this.#brokers.connect()
      const group = await this.#brokers.coordinator(GROUP, transactionalId)
      const { responses } = await group.offsetFetch({
        groupId: transactionalId,
        topics: [
          { topic: markerTopic, partitions: [{ partition: COMMITTED }, { partition: BARRIER }] },
        ],
      })
      const found = responses.flatMap(({ partitions }) => partitions)
      const text = (which: number): string | undefined => {
        const marker = found.find(({ partition }) => partition === which)
        return marker === undefined || marker.offset === '-1'
          ? undefined
          : (marker.metadata ?? undefined)
      }
      return { committed: text(COMMITTED), barrier: text(BARRIER) }
    })
  }

  close(): Promise<void> {
    return this.#brokers.close()
  }

  async #produceTo(
    leader: number,
    producer: ProducerIdentity,
    topic: string,
    chunks: readonly SequencedChunk[],
  ): Promise<readonly (readonly [partition: number, outcome: Error | undefined])[]> {
    let answers: readonly ProduceAnswer[]
    try {
      const broker = await this.#brokers.cluster.findBroker({ nodeId: leader })
      const version = Math.min(MAX_PRODUCE_VERSION, broker.versions[PRODUCE]?.maxVersion ?? 3)
      const { requestTimeoutMs } = this.#brokers.connection
      const body = encodeProduceRequest(producer, topic, chunks, requestTimeoutMs)
      const decode = (response: Buffer) => decodeProduceResponse(response, version)
      const request = produceRequest(version, body, decode)
      answers = (await sendRequest(broker, request)) as readonly ProduceAnswer[]
    } catch (error) {
      this.#brokers.lookAnew()
      return chunks.map(({ partition }) => [partition, error as Error])
    }
    const codes = new Map(answers.map(({ partition, errorCode }) => [partition, errorCode]))
    return chunks.map(({ partition }) => {
      const code = codes.get(partition) ?? UNKNOWN_SERVER_ERROR
      if (code !== 0) this.#brokers.lookAnew()
      return [partition, code === 0 ? undefined : protocolError(code)]
    })
  }

  #transactionCoordinator({ transactionalId }: ProducerIdentity): Promise<KafkaJsBroker> {
    return this.#brokers.coordinator(TRANSACTION, transactionalId as string)
  }

  async #isThere(topic: string): Promise<boolean> {
    try {
      const { topicMetadata } = await this.#brokers.cluster.metadata({ topics: [topic] })
      return topicMetadata.some(({ partitionMetadata }) => partitionMetadata.length > BARRIER)
    } catch (error) {
      if (rootCause(error).type === 'UNKNOWN_TOPIC_OR_PARTITION') return false
      throw error
    }
  }

  /** A number of the configuration; undefined where the user may not see it. */
  async #config(type: number, name: string, option: string): Promise<number | undefined> {
    const broker =
      type === BROKER_CONFIG
        ? await this.#brokers.cluster.findBroker({ nodeId: name })
        : await this.#brokers.cluster.findControllerBroker()
    try {
      const resources = [{ type, name, configNames: [option] }]
      const answer = await broker.describeConfigs({ resources })
      const entry = answer.resources[0]?.configEntries.find(
        ({ configName }) => configName === option,
      )
      const value = Number(entry?.configValue ?? Number.NaN)
      return Number.isFinite(value) ? value : undefined
    } catch (error) {
      if (rootCause(error).name !== 'KafkaJSProtocolError') throw error
      return undefined
    }
  }
}

function asProducing({ transactionalId, producerId, epoch }: ProducerIdentity): KafkaJsProducing {
  return { transactionalId: transactionalId as string, producerId, producerEpoch: epoch }
}
