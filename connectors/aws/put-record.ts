/** A record as it is sent to a stream or delivery stream: encoded, with the links by which it stands in queues. */
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
  /** The one behind it, in the one queue that it stands in. */
  next: PutRecord | undefined = undefined

  constructor(data: Uint8Array, key?: string, hashKey?: string, count = 1) {
    this.data = data
    this.key = key
    this.hashKey = hashKey
    this.count = count
    this.bytes = data.length + (key === undefined ? 0 : Buffer.byteLength(key))
  }
}

/** A queue of records, linked through them: nothing is made or moved for one. */
export class RecordChain {
  #first: PutRecord | undefined
  #last: PutRecord | undefined

  get first(): PutRecord | undefined {
    return this.#first
  }

  push(record: PutRecord): void {
    record.next = undefined
    if (this.#last === undefined) this.#first = record
    else this.#last.next = record
    this.#last = record
  }

  shift(): PutRecord | undefined {
    const first = this.#first
    if (first === undefined) return undefined
    this.#first = first.next
    if (first.next === undefined) this.#last = undefined
    first.next = undefined
    return first
  }
}
