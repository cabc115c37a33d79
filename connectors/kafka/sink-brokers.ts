import type { CheckedConnection } from './connection.ts'
import { rootCause, topicMissing } from './kafka-errors.ts'
import type { KafkaJsBroker, KafkaJsCluster } from './kafkajs-types.ts'
import { createCluster } from './load-kafkajs.ts'

/** What a broker coordinates. */
export const GROUP = 0
export const TRANSACTION = 1

/** The brokers that a sink writes to: which one leads and coordinates what, found at first use and anew after a failure. */
export class SinkBrokers {
  readonly connection: CheckedConnection
  /** Uid of the operator, for messages. */
  readonly operator: string
  readonly cluster: KafkaJsCluster
  readonly #topics: Set<string> = new Set()
  /** Ids of the brokers that coordinate, by kind and name. */
  readonly #coordinators: Map<string, number> = new Map()
  /** False after a failure: what is known of brokers and leaders may be old. */
  #isFresh = false
  #isClosed = false

  constructor(connection: CheckedConnection, operator: string) {
    this.connection = connection
    this.operator = operator
    this.cluster = createCluster(connection, 'kafkaSink()')
  }

  /** Runs one operation; after a failure of it brokers are looked for anew. */
  async run<R>(operation: () => Promise<R>): Promise<R> {
    if (this.#isClosed) throw new Error('the sink is closed')
    try {
      return await operation()
    } catch (error) {
      this.lookAnew()
      throw error
    } finally {
      // What was connected while the sink was being closed would keep the process alive.
      if (this.#isClosed) await this.cluster.disconnect()
    }
  }

  lookAnew(): void {
    this.#isFresh = false
    this.#coordinators.clear()
  }

  async connect(): Promise<void> {
    if (this.#isFresh) return
    await this.cluster.connect()
    await this.cluster.refreshMetadata()
    this.#isFresh = true
  }

  /** Makes sure that the leaders of a topic are known; fails with `MR_KAFKA_TOPIC_MISSING`. */
  async follow(topic: string): Promise<void> {
    try {
      if (!this.#topics.has(topic)) {
        await this.cluster.connect()
        await this.cluster.addMultipleTargetTopics([topic])
        this.#topics.add(topic)
      }
      await this.connect()
    } catch (error) {
      const { type } = rootCause(error)
      if (type !== 'UNKNOWN_TOPIC_OR_PARTITION' && type !== 'INVALID_TOPIC_EXCEPTION') throw error
      throw topicMissing(this.operator, topic, this.connection.brokers)
    }
  }

  /** Asked for here: the look-up of kafkajs hides why it fails, a missing right for one. */
  async coordinator(
    coordinatorType: typeof GROUP | typeof TRANSACTION,
    groupId: string,
  ): Promise<KafkaJsBroker> {
    const key = `${coordinatorType}/${groupId}`
    let nodeId = this.#coordinators.get(key)
    if (nodeId === undefined) {
      await this.connect()
      const any = await this.cluster.brokerPool.findConnectedBroker()
      const found = await any.findGroupCoordinator({ groupId, coordinatorType })
      nodeId = found.coordinator.nodeId
      this.#coordinators.set(key, nodeId)
    }
    return this.cluster.findBroker({ nodeId })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.cluster.disconnect()
  }
}
