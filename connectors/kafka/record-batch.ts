/** A transaction that was aborted, as a fetch tells it: what this producer wrote from `firstOffset` on, up to its marker. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
}

/** Turns the records of a compressed batch into plain ones; by the number that stands in the batch. */
export type Decompress = (codec: number, bytes: Buffer) => Buffer

/** Header of a record. */
export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

/** Bytes before the records of a batch (record batch version 2). */
export const BATCH_HEADER = 61
/** Of these, what the length field does not count: base offset and the length itself. */
export const LENGTH_END = 12

const CODEC_MASK = 0x07
const APPEND_TIME = 0x08
const TRANSACTIONAL = 0x10
const CONTROL = 0x20
/** Kind of a control record that ends an aborted transaction. */
const ABORT_MARKER = 0

/**
 * Reads the record set of one fetched partition, one record after another, from the bytes as they came: nothing is made for a
 * record but what is asked for.
 *
 * ```ts
 * while (records.next()) use(records.offset, records.value())
 * position = records.nextOffset
 * ```
 *
 * Passed over are records before `from`, control records, and, of aborted transactions, all records (read_committed). A batch
 * that was cut off at the end of the fetch is left for the next one. Pure but for `decompress`.
 */
export class RecordSet {
  /** Offset, and timestamp in milliseconds, of the current record. */
  offset = -1
  timestamp = -1
  /** Where to go on after all that has been passed so far: behind control records, compacted and aborted ones too. */
  nextOffset: number
  readonly #from: number
  readonly #decompress: Decompress
  readonly #aborted: readonly AbortedTransaction[]
  #nextAborted = 0
  /** Producers within an aborted transaction at this place. */
  readonly #aborting: Set<bigint> = new Set()
  /** The fetched bytes, and where the next batch begins. */
  readonly #set: Buffer
  #nextBatch = 0
  /** The records of the current batch, where the next one begins, and how many are left. */
  #bytes: Buffer
  #at = 0
  #left = 0
  #baseOffset = 0
  #baseTimestamp = 0
  #appendTime: number | undefined
  #batchEnd = 0
  /** Key, value and headers of the current record: begin and length, -1 for null. */
  #keyAt = 0
  #keyLength = -1
  #valueAt = 0
  #valueLength = -1
  #headersAt = 0

  constructor(
    set: Buffer,
    from: number,
    aborted: readonly AbortedTransaction[],
    decompress: Decompress,
  ) {
    this.#set = set
    this.#bytes = set
    this.#from = from
    this.nextOffset = from
    this.#aborted =
      aborted.length < 2 ? aborted : aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
    this.#decompress = decompress
  }

  /** Moves to the next record; false when there is none. */
  next(): boolean {
    for (;;) {
      while (this.#left > 0) {
        this.#left--
        this.#readRecord()
        if (this.#left === 0) this.nextOffset = Math.max(this.nextOffset, this.#batchEnd)
        if (this.offset < this.#from) continue
        if (this.#left > 0) this.nextOffset = this.offset + 1
        return true
      }
      if (!this.#enterBatch()) return false
    }
  }

  /** The key as a view of the fetched bytes; null where there is none. */
  key(): Buffer | null {
    const at = this.#keyAt
    return this.#keyLength < 0 ? null : this.#bytes.subarray(at, at + this.#keyLength)
  }

  /** The value as a view of the fetched bytes; null for a tombstone. */
  value(): Buffer | null {
    const at = this.#valueAt
    return this.#valueLength < 0 ? null : this.#bytes.subarray(at, at + this.#valueLength)
  }

  /** The headers in their order; names may occur more than once. */
  headers(): readonly RecordHeader[] {
    const back = this.#at
    this.#at = this.#headersAt
    const headers: RecordHeader[] = []
    for (let left = this.#varint(); left > 0; left--) {
      const keyLength = this.#varint()
      const key = this.#bytes.toString('utf8', this.#at, this.#at + keyLength)
      this.#at += keyLength
      const length = this.#varint()
      headers.push({
        key,
        value: length < 0 ? null : this.#bytes.subarray(this.#at, this.#at + length),
      })
      if (length > 0) this.#at += length
    }
    this.#at = back
    return headers
  }

  /** Moves to the next batch that has records to give out; false at the end. */
  #enterBatch(): boolean {
    for (;;) {
      const set = this.#set
      const at = this.#nextBatch
      if (at + BATCH_HEADER > set.length) return false
      const length = set.readInt32BE(at + 8)
      const end = at + LENGTH_END + length
      if (end > set.length) return false
      const magic = set[at + 16]
      if (magic !== 2) throw new RecordSetError(`it has record format ${magic}, older than 2`)
      this.#nextBatch = end
      const attributes = set.readInt16BE(at + 21)
      const baseOffset = int64(set, at)
      const batchEnd = baseOffset + set.readInt32BE(at + 23) + 1
      const count = set.readInt32BE(at + 57)
      if (batchEnd <= this.#from) continue
      const isDropped = this.#isDropped(attributes, set, at, baseOffset, end)
      if (isDropped || count <= 0) {
        this.nextOffset = Math.max(this.nextOffset, batchEnd)
        continue
      }
      const codec = attributes & CODEC_MASK
      const bytes = set.subarray(at + BATCH_HEADER, end)
      this.#bytes = codec === 0 ? bytes : this.#decompress(codec, bytes)
      this.#at = 0
      this.#left = count
      this.#baseOffset = baseOffset
      this.#baseTimestamp = int64(set, at + 27)
      this.#appendTime = (attributes & APPEND_TIME) === 0 ? undefined : int64(set, at + 35)
      this.#batchEnd = batchEnd
      return true
    }
  }

  /** Whether a batch is a control batch or part of an aborted transaction. */
  #isDropped(
    attributes: number,
    set: Buffer,
    at: number,
    baseOffset: number,
    end: number,
  ): boolean {
    if ((attributes & TRANSACTIONAL) === 0) return (attributes & CONTROL) !== 0
    while (this.#nextAborted < this.#aborted.length) {
      const aborted = this.#aborted[this.#nextAborted]!
      if (aborted.firstOffset > baseOffset) break
      this.#aborting.add(aborted.producerId)
      this.#nextAborted++
    }
    const producerId = set.readBigInt64BE(at + 43)
    if ((attributes & CONTROL) === 0) return this.#aborting.has(producerId)
    if (isAbortMarker(set.subarray(at + BATCH_HEADER, end))) this.#aborting.delete(producerId)
    return true
  }

  #readRecord(): void {
    const length = this.#varint()
    const end = this.#at + length
    if (length < 0 || end > this.#bytes.length) {
      throw new RecordSetError(
        `a record of ${length} bytes goes beyond its batch of ${this.#bytes.length}`,
      )
    }
    this.#at++
    const timestampDelta = this.#varlong()
    this.offset = this.#baseOffset + this.#varint()
    this.timestamp = this.#appendTime ?? this.#baseTimestamp + timestampDelta
    this.#keyLength = this.#varint()
    this.#keyAt = this.#at
    if (this.#keyLength > 0) this.#at += this.#keyLength
    this.#valueLength = this.#varint()
    this.#valueAt = this.#at
    this.#headersAt = this.#at + Math.max(0, this.#valueLength)
    this.#at = end
  }

  /** A zigzag number of up to 32 bits. */
  #varint(): number {
    const bytes = this.#bytes
    let byte = bytes[this.#at++]!
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    let value = byte & 0x7f
    let shift = 7
    do {
      byte = bytes[this.#at++]!
      value |= (byte & 0x7f) << shift
      shift += 7
    } while (byte >= 0x80 && shift < 35)
    return (value >>> 1) ^ -(value & 1)
  }

  /** A zigzag number of up to 64 bits, exact within 2^53. */
  #varlong(): number {
    const bytes = this.#bytes
    let byte = bytes[this.#at++]!
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    const isNegative = (byte & 1) === 1
    let value = (byte & 0x7f) >>> 1
    let scale = 64
    do {
      byte = bytes[this.#at++]!
      value += (byte & 0x7f) * scale
      scale *= 128
    } while (byte >= 0x80 && scale < 2 ** 70)
    return isNegative ? -value - 1 : value
  }
}

/** Where the next fetch begins: behind the last whole batch of a record set that was fetched from `from`. Costs a hop a batch. */
export function endOfRecordSet(set: Buffer, from: number): number {
  let end = from
  for (let at = 0; at + BATCH_HEADER <= set.length;) {
    const next = at + LENGTH_END + set.readInt32BE(at + 8)
    if (next > set.length) break
    end = Math.max(end, int64(set, at) + set.readInt32BE(at + 23) + 1)
    at = next
  }
  return end
}

/** Bytes of a record set that are none; without their place. */
export class RecordSetError extends Error {}

/** What a control batch says: version and kind in the key of its record. */
function isAbortMarker(record: Buffer): boolean {
  // Length, attributes, timestamp and offset delta of its only record are small varints, the key has four bytes.
  let at = 0
  for (let field = 0; field < 5; field++) {
    if (field === 1) at++
    else while (record[at++]! >= 0x80) continue
  }
  return record.readInt16BE(at + 2) === ABORT_MARKER
}

/** A whole number of 64 bits, exact within 2^53. */
function int64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 4_294_967_296 + bytes.readUInt32BE(at + 4)
}
