/**
 * What is used of kafkajs 2.2.4, its inner parts included, as far as it is used; written down here so that the types of the package
 * name no optional one.
 */
export interface KafkaJs {
  readonly Kafka: new (options: KafkaJsOptions) => object
}

export interface KafkaJsOptions {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly ssl?: object | undefined
  readonly sasl?: object | undefined
  readonly connectionTimeout: number
  readonly requestTimeout: number
  readonly retry: { readonly retries: number; readonly initialRetryTime: number }
  readonly logLevel: number
  readonly logCreator: (level: number) => () => void
}

/** The inner cluster of a client: connections to its brokers, and what is known of its topics. */
export interface KafkaJsCluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  /** Topics whose partitions are kept up to date; nothing means all. */
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>
  refreshMetadata(): Promise<void>
  metadata(options: { readonly topics: readonly string[] }): Promise<KafkaJsMetadata>
  findTopicPartitionMetadata(
    topic: string,
  ): readonly { readonly partitionId: number; readonly leader: number }[]
  findBroker(which: { readonly nodeId: number | string }): Promise<KafkaJsBroker>
  findGroupCoordinator(which: {
    readonly groupId: string
    readonly coordinatorType?: number
  }): Promise<KafkaJsBroker>
  findControllerBroker(): Promise<KafkaJsBroker>
  removeBroker(address: { readonly host: string; readonly port: number }): void
  readonly brokerPool: {
    connectionPoolBuilder: KafkaJsConnectionPoolBuilder
    findConnectedBroker(): Promise<KafkaJsBroker>
  }
}

export interface KafkaJsMetadata {
  readonly topicMetadata: readonly {
    readonly topic: string
    readonly isInternal?: boolean
    readonly partitionMetadata: readonly { readonly partitionId: number; readonly leader: number }[]
  }[]
}

export interface KafkaJsConnectionPoolBuilder {
  build(destination?: object): Promise<KafkaJsConnectionPool>
}

export interface KafkaJsConnectionPool {
  readonly host: string
  readonly port: number
  readonly pool: readonly { readonly requestQueue: KafkaJsRequestQueue }[]
  send(protocol: KafkaJsRequest): Promise<unknown>
}

export interface KafkaJsRequestQueue {
  readonly pending: readonly unknown[]
  throttledUntil: number
  throttleCheckTimeoutId: unknown
  scheduleCheckPendingRequests: () => void
}

/** A request with the decoder of its response. */
export interface KafkaJsRequest {
  readonly request: unknown
  readonly response: {
    readonly decode: (body: Buffer) => Promise<unknown>
    readonly parse: (decoded: unknown) => Promise<unknown>
  }
  readonly requestTimeout?: number
}

/** Who does something in a transaction. */
export interface KafkaJsProducing {
  readonly transactionalId: string
  readonly producerId: string
  readonly producerEpoch: number
}

export interface KafkaJsBroker {
  readonly nodeId: number
  readonly connectionPool: KafkaJsConnectionPool
  readonly versions: Readonly<
    Record<number, { readonly minVersion: number; readonly maxVersion: number }>
  >
  disconnect(): Promise<void>
  findGroupCoordinator(which: {
    readonly groupId: string
    readonly coordinatorType: number
  }): Promise<{ readonly coordinator: { readonly nodeId: number } }>
  initProducerId(request: {
    readonly transactionalId: string | undefined
    readonly transactionTimeout: number
  }): Promise<{ readonly producerId: string; readonly producerEpoch: number }>
  addPartitionsToTxn(
    request: KafkaJsProducing & {
      readonly topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[]
    },
  ): Promise<unknown>
  addOffsetsToTxn(request: KafkaJsProducing & { readonly groupId: string }): Promise<unknown>
  txnOffsetCommit(
    request: KafkaJsProducing & {
      readonly groupId: string
      readonly topics: readonly {
        readonly topic: string
        readonly partitions: readonly {
          readonly partition: number
          readonly offset: string
          readonly metadata: string
        }[]
      }[]
    },
  ): Promise<unknown>
  endTxn(request: KafkaJsProducing & { readonly transactionResult: boolean }): Promise<unknown>
  listOffsets(request: {
    readonly isolationLevel: number
    readonly topics: readonly {
      readonly topic: string
      readonly partitions: readonly { readonly partition: number; readonly timestamp: number }[]
    }[]
  }): Promise<{
    readonly responses: readonly {
      readonly topic: string
      readonly partitions: readonly { readonly partition: number; readonly offset: string }[]
    }[]
  }>
  offsetFetch(request: {
    readonly groupId: string
    readonly topics: readonly {
      readonly topic: string
      readonly partitions: readonly { readonly partition: number }[]
    }[]
  }): Promise<{
    readonly responses: readonly {
      readonly topic: string
      readonly partitions: readonly {
        readonly partition: number
        readonly offset: string
        readonly metadata: string | null
      }[]
    }[]
  }>
  offsetCommit(request: {
    readonly groupId: string
    readonly groupGenerationId: number
    readonly memberId: string
    readonly topics: readonly {
      readonly topic: string
      readonly partitions: readonly {
        readonly partition: number
        readonly offset: string
        readonly metadata?: string
      }[]
    }[]
  }): Promise<unknown>
  describeConfigs(request: {
    readonly resources: readonly {
      readonly type: number
      readonly name: string
      readonly configNames: readonly string[]
    }[]
  }): Promise<{
    readonly resources: readonly {
      readonly configEntries: readonly {
        readonly configName: string
        readonly configValue: string | null
      }[]
    }[]
  }>
  createTopics(request: {
    readonly topics: readonly {
      readonly topic: string
      readonly numPartitions: number
      readonly replicationFactor: number
      readonly configEntries?: readonly { readonly name: string; readonly value: string }[]
    }[]
    readonly timeout?: number
  }): Promise<unknown>
}

/** An error of kafkajs. `type` is the name of an error of the protocol, such as `NOT_LEADER_FOR_PARTITION`. */
export interface KafkaJsError extends Error {
  readonly type?: string
  readonly code?: number | string
  readonly retriable?: boolean
  readonly cause?: KafkaJsError
  readonly host?: string
  readonly port?: number
}
