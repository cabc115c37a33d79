import { keyRangeOf } from './key-range.ts'

/** A record as it is sent to a stream or delivery stream: encoded, with the link by which it stands in a queue. */
export class PutRecord {
  readonly data: Uint8Array
  /** Kinesis: the partition key. Firehose has none. */
  readonly key: string | undefined
  /** Kinesis: the hash that chooses the shard in place of that of the key. */
  readonly hashKey: string | undefined
  /** What it counts against the limits of the service. */
  readonly bytes: number
  /** Records of the job that are in it. */
  readonly count: number
  /** Its place in the order of writing. */
  sequence = 0
  /** It was sent to see whether the service takes records of its range again. */
  isProbe = false
  /** The one behind it, in the one queue that it stands in. */
  next: PutRecord | undefined = undefined
  #range = -1

  constructor(data: Uint8Array, key?: string, hashKey?: string, count = 1) {
    this.data = data
    this.key = key
    this.hashKey = hashKey
    this.count = count
    this.bytes = data.length + (key === undefined ? 0 : Buffer.byteLength(key))
  }

  /** Its range of keys; found out when it is asked for, as that takes a while. */
  get range(): number {
    if (this.#range < 0) this.#range = keyRangeOf(this)
    return this.#range
  }
}
