import type { AbortedTransaction } from './record-batch.ts'

/** What a fetch brought for one partition. */
export interface FetchedPartition {
  readonly topic: string
  readonly partition: number
  /** 0 when all is well. */
  readonly errorCode: number
  readonly highWatermark: number
  /** End of what a reader of committed records may see; -1 from brokers that do not tell. */
  readonly lastStableOffset: number
  readonly aborted: readonly AbortedTransaction[]
  /** The record set; empty where there is nothing. A view of the response. */
  readonly records: Buffer
}

/** A decoded response (version 11); `errorCode` is that of the whole request. */
export interface FetchResponse {
  /** How long the broker wants no request; the name is that which kafkajs looks for. */
  readonly clientSideThrottleTime: number
  readonly errorCode: number
  readonly partitions: readonly FetchedPartition[]
}

/** Version of the request whose response this reads. */
export const FETCH_VERSION = 11

/** Decodes the body of a fetch response, without its records: these are read when they are handed out. Pure. */
export function decodeFetchResponse(body: Buffer): FetchResponse {
  const reader = new Reader(body)
  const clientSideThrottleTime = reader.int32()
  const errorCode = reader.int16()
  reader.int32()
  const partitions: FetchedPartition[] = []
  for (let topics = reader.int32(); topics > 0; topics--) {
    const topic = reader.string()
    for (let left = reader.int32(); left > 0; left--) partitions.push(readPartition(topic, reader))
  }
  return { clientSideThrottleTime, errorCode, partitions }
}

function readPartition(topic: string, reader: Reader): FetchedPartition {
  const partition = reader.int32()
  const errorCode = reader.int16()
  const highWatermark = Number(reader.int64())
  const lastStableOffset = Number(reader.int64())
  reader.int64()
  const aborted: AbortedTransaction[] = []
  for (let left = reader.int32(); left > 0; left--) {
    aborted.push({ producerId: reader.int64(), firstOffset: Number(reader.int64()) })
  }
  reader.int32()
  const records = reader.bytes()
  return { topic, partition, errorCode, highWatermark, lastStableOffset, aborted, records }
}

class Reader {
  readonly #body: Buffer
  #at = 0

  constructor(body: Buffer) {
    this.#body = body
  }

  int16(): number {
    this.#at += 2
    return this.#body.readInt16BE(this.#at - 2)
  }

  int32(): number {
    this.#at += 4
    return this.#body.readInt32BE(this.#at - 4)
  }

  int64(): bigint {
    this.#at += 8
    return this.#body.readBigInt64BE(this.#at - 8)
  }

  string(): string {
    const length = this.int16()
    this.#at += length
    return this.#body.toString('utf8', this.#at - length, this.#at)
  }

  bytes(): Buffer {
    const length = Math.max(0, this.int32())
    this.#at += length
    return this.#body.subarray(this.#at - length, this.#at)
  }
}
