import { createHash } from 'node:crypto'

/** What an aggregate begins with. */
const MAGIC = 0xf3899ac2
const MAGIC_BYTES = 4
const DIGEST_BYTES = 16

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5

/** Numbers kept for each record: index of its key, of its hash key (-1 for none), and where its data begins and ends. */
const FIELDS = 4

/**
 * The records in one record of a stream that the Kinesis Producer Library has put together:
 *
 * ```
 *   f3 89 9a c2 │ protobuf: keys (1), hash keys (2), records (3: key 1, hash key 2, data 3) │ MD5 of the protobuf
 * ```
 *
 * Stands on one of them after another; none is copied.
 */
export class Aggregate {
  readonly #bytes: Buffer
  readonly #keys: readonly string[]
  readonly #hashKeys: readonly string[]
  readonly #records: readonly number[]
  /** Which one it stands on, from 0; -1 before the first `next`. */
  index = -1

  private constructor(parsed: Parsed) {
    this.#bytes = parsed.bytes
    this.#keys = parsed.keys
    this.#hashKeys = parsed.hashKeys
    this.#records = parsed.records
  }

  /** Undefined for a record that is none: without the magic, with another digest, or that cannot be read as one. */
  static of(data: Buffer): Aggregate | undefined {
    if (data.length < MAGIC_BYTES + DIGEST_BYTES || data.readUInt32BE(0) !== MAGIC) return undefined
    const bytes = data.subarray(MAGIC_BYTES, data.length - DIGEST_BYTES)
    const digest = createHash('md5').update(bytes).digest()
    if (!digest.equals(data.subarray(data.length - DIGEST_BYTES))) return undefined
    const parsed = parse(bytes)
    return parsed === undefined ? undefined : new Aggregate(parsed)
  }

  get count(): number {
    return this.#records.length / FIELDS
  }

  /** Goes on to the next record; false when there is none. */
  next(): boolean {
    this.index++
    return this.index < this.count
  }

  get partitionKey(): string {
    return this.#keys[this.#field(0)]!
  }

  /** Undefined where the record has none of its own. */
  get explicitHashKey(): string | undefined {
    return this.#hashKeys[this.#field(1)]
  }

  get data(): Buffer {
    return this.#bytes.subarray(this.#field(2), this.#field(3))
  }

  #field(which: number): number {
    return this.#records[this.index * FIELDS + which]!
  }
}

/** Which hash key a partition key has; decides about its shard. */
export function hashOf(partitionKey: string): bigint {
  return BigInt(`0x${createHash('md5').update(partitionKey).digest('hex')}`)
}

interface Parsed {
  readonly bytes: Buffer
  readonly keys: string[]
  readonly hashKeys: string[]
  readonly records: number[]
}

function parse(bytes: Buffer): Parsed | undefined {
  const parsed: Parsed = { bytes, keys: [], hashKeys: [], records: [] }
  const at = new Cursor(bytes, 0, bytes.length)
  while (at.next()) {
    if (at.type !== BYTES) continue
    if (at.field === 1) parsed.keys.push(bytes.toString('utf8', at.start, at.end))
    else if (at.field === 2) parsed.hashKeys.push(bytes.toString('latin1', at.start, at.end))
    else if (at.field === 3 && !parseRecord(parsed, at.start, at.end)) return undefined
  }
  return at.isBroken || !isSound(parsed) ? undefined : parsed
}

function parseRecord({ bytes, records }: Parsed, start: number, end: number): boolean {
  let [key, hashKey, dataStart, dataEnd] = [-1, -1, -1, -1]
  const at = new Cursor(bytes, start, end)
  while (at.next()) {
    if (at.field === 1 && at.type === VARINT) key = at.value
    else if (at.field === 2 && at.type === VARINT) hashKey = at.value
    else if (at.field === 3 && at.type === BYTES) [dataStart, dataEnd] = [at.start, at.end]
  }
  records.push(key, hashKey, dataStart, dataEnd)
  return !at.isBroken && dataStart >= 0
}

/** Keys may stand behind the records that name them. */
function isSound({ keys, hashKeys, records }: Parsed): boolean {
  for (let i = 0; i < records.length; i += FIELDS) {
    const [key, hashKey] = [records[i]!, records[i + 1]!]
    if (key < 0 || key >= keys.length || hashKey >= hashKeys.length) return false
    if (hashKey >= 0 && !/^\d{1,39}$/.test(hashKeys[hashKey]!)) return false
  }
  return records.length > 0
}

/** Goes over the fields of a protobuf message. */
class Cursor {
  readonly #bytes: Buffer
  readonly #limit: number
  #at: number
  field = 0
  type = 0
  /** Of a number. */
  value = 0
  /** Of bytes. */
  start = 0
  end = 0
  isBroken = false

  constructor(bytes: Buffer, start: number, limit: number) {
    this.#bytes = bytes
    this.#at = start
    this.#limit = limit
  }

  /** Stands on the next field; false at the end, and where the bytes make no sense. */
  next(): boolean {
    if (this.#at >= this.#limit) return false
    const tag = this.#varint()
    this.field = Math.floor(tag / 8)
    this.type = tag % 8
    if (this.type === VARINT) this.value = this.#varint()
    else if (this.type === BYTES) {
      const length = this.#varint()
      this.start = this.#at
      this.#skip(length)
      this.end = this.#at
    } else if (this.type === FIXED64) this.#skip(8)
    else if (this.type === FIXED32) this.#skip(4)
    else this.isBroken = true
    return !this.isBroken
  }

  #skip(length: number): void {
    this.#at += length
    if (this.#at > this.#limit) this.isBroken = true
  }

  #varint(): number {
    let value = 0
    for (let factor = 1; factor <= 2 ** 49; factor *= 128) {
      const byte = this.#at < this.#limit ? this.#bytes[this.#at]! : undefined
      this.#at++
      if (byte === undefined) break
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    this.isBroken = true
    return 0
  }
}
