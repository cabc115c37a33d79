import { StreamError } from '../../runtime/errors.ts'
import { requirePeer } from '../../runtime/optional-peer.ts'
import type { CheckedConnection, KafkaTls } from './connection.ts'
import { rootCause } from './kafka-errors.ts'
import { FETCH_VERSION } from './fetch-response.ts'
import type {
  KafkaJs,
  KafkaJsBroker,
  KafkaJsCluster,
  KafkaJsRequest,
  KafkaJsRequestQueue,
} from './kafkajs-types.ts'

/** The version whose inner parts are used; another one may lay them out in another way. */
const VERSION = '2.2.4'
const ALTERNATIVE = 'read and write files instead'
/** kafkajs itself tries again only this often; longer tries are ours, which know for how long. */
const RETRY = { retries: 2, initialRetryTime: 50 } as const
const LOG_NOTHING = 0

/** Where a fetch begins, for one broker. */
export interface FetchTopic {
  readonly topic: string
  readonly partitions: readonly {
    readonly partition: number
    readonly fetchOffset: number
    readonly maxBytes: number
  }[]
}

/** Settings of one fetch. */
export interface FetchSettings {
  readonly maxWaitTime: number
  readonly minBytes: number
  readonly maxBytes: number
  /** 1: records of committed transactions only. */
  readonly isolationLevel: number
  readonly topics: readonly FetchTopic[]
}

/** Loads kafkajs; `MR_DEPENDENCY_MISSING` where it is not installed, or in another version. */
export function loadKafkaJs(from: string): KafkaJs {
  const kafkajs = requirePeer('kafkajs', from, ALTERNATIVE) as KafkaJs
  const { version } = requirePeer('kafkajs/package.json', from, ALTERNATIVE) as { version: string }
  if (version !== VERSION) {
    throw new StreamError(
      'MR_DEPENDENCY_MISSING',
      `${from} needs kafkajs ${VERSION}, and ${version} is installed, which may be made differently inside; no record can be read or ` +
        `written; run "npm install kafkajs@${VERSION}".`,
      { package: 'kafkajs', found: version },
    )
  }
  return kafkajs
}

/** Connections of one's own to a cluster; none is open yet. What kafkajs logs is left out: its errors are ours to tell. */
export function createCluster(connection: CheckedConnection, from: string): KafkaJsCluster {
  const { Kafka } = loadKafkaJs(from)
  const { tls, sasl } = connection
  const client = new Kafka({
    brokers: connection.brokers,
    clientId: connection.clientId,
    ssl: tls === undefined ? undefined : tlsOptions(tls),
    sasl,
    connectionTimeout: connection.connectionTimeoutMs,
    requestTimeout: connection.requestTimeoutMs,
    retry: RETRY,
    logLevel: LOG_NOTHING,
    logCreator: () => () => {},
  })
  const inner = client as Record<symbol, (options: object) => KafkaJsCluster>
  const key = Object.getOwnPropertySymbols(inner).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  ) as symbol
  return withIdleQueues(
    inner[key]!({ metadataMaxAge: 300_000, allowAutoTopicCreation: false, isolationLevel: 1 }),
  )
}

function tlsOptions({ serverName, ...tls }: KafkaTls): object {
  return serverName === undefined ? tls : { ...tls, servername: serverName }
}

/**
 * Without work the queue of a connection looks for some every millisecond, and Node 24 warns of its negative delays; this one
 * is woken when there is some.
 */
function withIdleQueues(cluster: KafkaJsCluster): KafkaJsCluster {
  const { brokerPool } = cluster
  const builder = brokerPool.connectionPoolBuilder
  brokerPool.connectionPoolBuilder = {
    async build(destination) {
      const pool = await builder.build(destination)
      for (const { requestQueue } of pool.pool) mendQueue(requestQueue)
      return pool
    },
  }
  return cluster
}

function mendQueue(queue: KafkaJsRequestQueue): void {
  const schedule = queue.scheduleCheckPendingRequests.bind(queue)
  queue.scheduleCheckPendingRequests = () => {
    if (queue.pending.length > 0) schedule()
  }
}

/** Sends a request of ours, once. As kafkajs does: a broker that has closed the connection is connected anew at the next request. */
export async function sendRequest(
  broker: KafkaJsBroker,
  request: KafkaJsRequest,
): Promise<unknown> {
  try {
    return await broker.connectionPool.send(request)
  } catch (error) {
    if (rootCause(error).name === 'KafkaJSConnectionClosedError') await broker.disconnect()
    throw error
  }
}

/** A fetch request whose response is given undecoded to `decode`. */
export function fetchRequest(
  settings: FetchSettings,
  decode: (body: Buffer) => unknown,
): KafkaJsRequest {
  const file = `kafkajs/src/protocol/requests/fetch/v${FETCH_VERSION}/request`
  const make = requirePeer(file, 'kafkaSource()', ALTERNATIVE) as (settings: object) => unknown
  return {
    request: make({ replicaId: -1, ...settings }),
    response: {
      decode: async (body) => decode(body),
      parse: async (decoded) => decoded,
    },
    requestTimeout: settings.maxWaitTime + 10_000,
  }
}

/** A produce request with a body that is encoded already; `decode` gets the whole response. */
export function produceRequest(
  apiVersion: number,
  body: Buffer,
  decode: (body: Buffer) => unknown,
): KafkaJsRequest {
  const Encoder = requirePeer('kafkajs/src/protocol/encoder', 'kafkaSink()', ALTERNATIVE) as new (
    bytes: number,
  ) => { buf: Buffer; offset: number }
  const encoder = new Encoder(1)
  encoder.buf = body
  encoder.offset = body.length
  return {
    request: { apiKey: 0, apiVersion, apiName: 'Produce', encode: async () => encoder },
    response: { decode: async (response) => decode(response), parse: async (decoded) => decoded },
  }
}

/** The error of kafkajs for an error code of the protocol. */
export function protocolError(code: number): Error {
  const { createErrorFromCode } = requirePeer(
    'kafkajs/src/protocol/error',
    'kafkaSink()',
    ALTERNATIVE,
  ) as { createErrorFromCode: (code: number) => Error }
  return createErrorFromCode(code)
}
