import { decompress } from '../../../connectors/kafka/compression.ts'
import {
  COMMITTED,
  type KafkaSinkClient,
  type Markers,
  type SinkTopic,
} from '../../../connectors/kafka/kafka-sink-client.ts'
import { protocolError } from '../../../connectors/kafka/load-kafkajs.ts'
import {
  encodeProduceRequest,
  type ProducerIdentity,
  type SequencedChunk,
} from '../../../connectors/kafka/produce-request.ts'
import { RecordSet } from '../../../connectors/kafka/record-batch.ts'

const INVALID_PRODUCER_EPOCH = 47
const INVALID_TXN_STATE = 48
const INVALID_TRANSACTION_TIMEOUT = 50
const CONCURRENT_TRANSACTIONS = 51
const OUT_OF_ORDER = 45
const TOO_LARGE = 10
const UNKNOWN_TOPIC = 3

/** Calls of a client that do something on the brokers. */
export type Call =
  'initProducer' | 'addPartitions' | 'produce' | 'sendMarker' | 'endTransaction' | 'readMarkers'

interface Transactional {
  epoch: number
  readonly producerId: string
  /** Undefined while no transaction is open. */
  open:
    | { values: string[]; partitions: Set<number>; markers: [which: number, text: string][] }
    | undefined
  /** So many requests find the last transaction not ended yet. */
  busy: number
}

/** Both markers of a group. Committed offsets show late, in their order. */
interface Group {
  readonly shown: (string | undefined)[]
  readonly late: [which: number, text: string][]
}

/**
 * The part of a cluster that transactions meet, in memory: coordinators with epochs, partitions that take sequences in order, and
 * groups whose offsets show late, as those of the classic coordinator.
 */
export class FakeKafka {
  readonly partitions: number
  /** What committed transactions, and idempotent producers, have written; in the order of commits. */
  readonly committed: string[] = []
  maxBatchBytes: number | undefined
  maxTimeoutMs = 900_000
  /** So many reads of markers find the last transactions not applied. */
  lateness = 0
  /** So many requests after the end of a transaction find it not ended yet. */
  busyness = 0
  readonly #ids: Map<string, Transactional> = new Map()
  readonly #groups: Map<string, Group> = new Map()
  readonly #sequences: Map<string, number> = new Map()
  #producerIds = 0

  constructor(partitions = 3) {
    this.partitions = partitions
  }

  /** Forgets all markers, as brokers do with groups that rest. */
  forgetMarkers(): void {
    this.#groups.clear()
  }

  get usedIds(): readonly string[] {
    return [...this.#ids.keys()]
  }

  isOpen(transactionalId: string): boolean {
    return this.#ids.get(transactionalId)?.open !== undefined
  }

  /** A client; `around` runs every call, and may fail before or after it, or hold it. */
  client(around: (call: Call, run: () => unknown) => unknown = (_, run) => run()): KafkaSinkClient {
    const via = async <R>(call: Call, run: () => R): Promise<R> => (await around(call, run)) as R
    return {
      describeTopic: async (): Promise<SinkTopic> => ({
        partitions: this.partitions,
        maxBatchBytes: this.maxBatchBytes,
      }),
      ensureMarkerTopic: async () => {},
      maxTransactionTimeoutMs: async () => this.maxTimeoutMs,
      initProducer: (id, timeoutMs) => via('initProducer', () => this.#init(id, timeoutMs)),
      addPartitions: (producer, _, partitions) =>
        via('addPartitions', () => {
          const { partitions: added } = this.#transaction(producer)
          for (const partition of partitions) added.add(partition)
        }),
      produce: (producer, _, chunks) =>
        via('produce', () => chunks.map((chunk) => this.#produce(producer, chunk))),
      sendMarker: (producer, _, which, text) =>
        via('sendMarker', () => void this.#transaction(producer).markers.push([which, text])),
      endTransaction: (producer, commits) =>
        via('endTransaction', () => this.#end(producer, commits)),
      readMarkers: (id) => via('readMarkers', () => this.#read(id)),
      close: async () => {},
    }
  }

  #init(transactionalId: string | undefined, timeoutMs: number): ProducerIdentity {
    if (transactionalId === undefined) {
      return { transactionalId, producerId: String(++this.#producerIds), epoch: 0 }
    }
    if (timeoutMs > this.maxTimeoutMs) throw protocolError(INVALID_TRANSACTION_TIMEOUT)
    let known = this.#ids.get(transactionalId)
    if (known === undefined) {
      known = { epoch: -1, producerId: String(++this.#producerIds), open: undefined, busy: 0 }
      this.#ids.set(transactionalId, known)
    }
    this.#notBusy(known)
    known.open = undefined
    known.epoch++
    const { producerId, epoch } = known
    return { transactionalId, producerId, epoch }
  }

  #notBusy(known: Transactional): void {
    if (known.busy === 0) return
    known.busy--
    throw protocolError(CONCURRENT_TRANSACTIONS)
  }

  #known({ transactionalId, epoch }: ProducerIdentity): Transactional {
    const known = this.#ids.get(transactionalId!)!
    if (epoch !== known.epoch) throw protocolError(INVALID_PRODUCER_EPOCH)
    return known
  }

  #transaction(producer: ProducerIdentity) {
    const known = this.#known(producer)
    if (known.open === undefined) this.#notBusy(known)
    return (known.open ??= { values: [], partitions: new Set(), markers: [] })
  }

  #produce(producer: ProducerIdentity, chunk: SequencedChunk): Error | undefined {
    const { partition, sequence, count, records } = chunk
    if (partition >= this.partitions) return protocolError(UNKNOWN_TOPIC)
    if (records.length + 61 > (this.maxBatchBytes ?? Infinity)) return protocolError(TOO_LARGE)
    const isTransactional = producer.transactionalId !== undefined
    if (isTransactional) {
      const known = this.#ids.get(producer.transactionalId)!
      if (producer.epoch !== known.epoch) return protocolError(INVALID_PRODUCER_EPOCH)
      if (known.open?.partitions.has(partition) !== true) return protocolError(INVALID_TXN_STATE)
    }
    const key = `${producer.producerId}/${producer.epoch}/${partition}`
    const expected = this.#sequences.get(key) ?? 0
    if (sequence < expected) return undefined
    if (sequence > expected) return protocolError(OUT_OF_ORDER)
    this.#sequences.set(key, sequence + count)
    const target = isTransactional ? this.#transaction(producer).values : this.committed
    target.push(...valuesOf(producer, chunk))
    return undefined
  }

  #end(producer: ProducerIdentity, commits: boolean): void {
    const known = this.#known(producer)
    this.#notBusy(known)
    const { open } = known
    if (open === undefined) throw protocolError(INVALID_TXN_STATE)
    known.open = undefined
    known.busy = this.busyness
    if (!commits) return
    this.committed.push(...open.values)
    const group = this.#group(producer.transactionalId!)
    group.late.push(...open.markers)
  }

  #group(id: string): Group {
    let group = this.#groups.get(id)
    if (group === undefined) this.#groups.set(id, (group = { shown: [], late: [] }))
    return group
  }

  #read(id: string): Markers {
    const { shown, late } = this.#group(id)
    while (late.length > this.lateness) {
      const [which, text] = late.shift()!
      shown[which] = text
    }
    const markers = { committed: shown[COMMITTED], barrier: shown[1] }
    // The next read sees a little more.
    const next = late.shift()
    if (next !== undefined) shown[next[0]] = next[1]
    return markers
  }
}

/** The values of a chunk, read from the batch as it would be sent. */
function valuesOf(producer: ProducerIdentity, chunk: SequencedChunk): string[] {
  const request = encodeProduceRequest(producer, 't', [chunk], 0)
  const set = request.subarray(request.length - chunk.records.length - 61)
  const records = new RecordSet(set, 0, [], decompress)
  const values: string[] = []
  while (records.next()) values.push(records.value()!.toString())
  return values
}
