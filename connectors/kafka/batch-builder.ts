/** A header of a record to write; null is a header without a value. */
export type WrittenHeader = readonly [name: string, value: Uint8Array | string | null]

/** The records of one batch for one partition, encoded; plain data, so that it can lie in a checkpoint. */
export interface RecordChunk {
  readonly partition: number
  readonly count: number
  /** Milliseconds; the records hold their difference to it. */
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  /** Number of the compression; 0 for none. */
  readonly codec: number
  /** As they stand in the batch, compressed together. */
  readonly records: Uint8Array
}

const FIRST_BYTES = 4_096
/** More than the lengths, the attributes and the differences of a record can take without its headers. */
const MAX_OVERHEAD = 40

/**
 * Encodes the records of one batch, one behind the other, in the layout of record batches (version 2): what is sent, or kept in a
 * checkpoint, is these bytes, and no object is made for a record.
 */
export class BatchBuilder {
  readonly partition: number
  #bytes: Buffer = Buffer.allocUnsafe(FIRST_BYTES)
  #at = 0
  #count = 0
  #baseTimestamp = 0
  #maxTimestamp = 0

  constructor(partition: number) {
    this.partition = partition
  }

  get count(): number {
    return this.#count
  }

  /** Bytes of the records so far, before compression. */
  get bytes(): number {
    return this.#at
  }

  append(
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestamp: number,
    headers: readonly WrittenHeader[],
  ): void {
    if (this.#count === 0) {
      this.#baseTimestamp = timestamp
      this.#maxTimestamp = timestamp
    } else if (timestamp > this.#maxTimestamp) {
      this.#maxTimestamp = timestamp
    }
    const delta = timestamp - this.#baseTimestamp
    const keyLength = key === null ? -1 : key.length
    const valueLength = value === null ? -1 : value.length
    let length = 1 + sizeOf(delta) + sizeOf(this.#count) + sizeOf(keyLength) + sizeOf(valueLength)
    length += Math.max(0, keyLength) + Math.max(0, valueLength) + sizeOf(headers.length)
    for (const [name, content] of headers) {
      const nameLength = Buffer.byteLength(name)
      const contentLength = byteLength(content)
      length += sizeOf(nameLength) + nameLength + sizeOf(contentLength) + Math.max(0, contentLength)
    }
    this.#reserve(length + MAX_OVERHEAD)
    this.#varint(length)
    this.#bytes[this.#at++] = 0
    this.#varint(delta)
    this.#varint(this.#count)
    this.#field(key)
    this.#field(value)
    this.#varint(headers.length)
    for (const [name, content] of headers) {
      this.#field(name)
      this.#field(content)
    }
    this.#count++
  }

  /** The records so far, and an empty builder for those that follow. */
  take(codec: number, compress: (bytes: Buffer) => Buffer): RecordChunk {
    const plain = this.#bytes.subarray(0, this.#at)
    const chunk = {
      partition: this.partition,
      count: this.#count,
      baseTimestamp: this.#baseTimestamp,
      maxTimestamp: this.#maxTimestamp,
      codec,
      records: codec === 0 ? plain : compress(plain),
    }
    // The next chunk may well be as large.
    this.#bytes = Buffer.allocUnsafe(Math.max(FIRST_BYTES, this.#at))
    this.#at = 0
    this.#count = 0
    return chunk
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#at + bytes, 2 * this.#bytes.length))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
  }

  #field(content: Uint8Array | string | null): void {
    const length = byteLength(content)
    this.#varint(length)
    if (content === null) return
    if (typeof content === 'string') this.#bytes.write(content, this.#at)
    else this.#bytes.set(content, this.#at)
    this.#at += length
  }

  /** A zigzag number, exact within 2^53. */
  #varint(value: number): void {
    const bytes = this.#bytes
    let rest = zigzag(value)
    while (rest >= 0x80) {
      bytes[this.#at++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    bytes[this.#at++] = rest
  }
}

function byteLength(content: Uint8Array | string | null): number {
  if (content === null) return -1
  return typeof content === 'string' ? Buffer.byteLength(content) : content.length
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value
}

/** Bytes of a number as `#varint` writes it. */
function sizeOf(value: number): number {
  let size = 1
  for (let rest = zigzag(value); rest >= 0x80; rest = Math.floor(rest / 0x80)) size++
  return size
}
