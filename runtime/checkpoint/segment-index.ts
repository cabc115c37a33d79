import { ByteReader, ByteWriter } from '../bytes.ts'
import { compareWithin } from './entry-order.ts'
import { SegmentDamage } from './segment-damage.ts'
import { filterMightHold } from './segment-filter.ts'

/*
 * The index of a segment: one of these for each block, in order. Integers are little-endian.
 *
 *   byte length (4) · entries (4) · CRC-32 of the block (4) · last key group (2)
 *   · key length (varint, 1–5) · filter length (varint, 1–5) · first key · filter
 *
 *   filter   Bloom filter over the keys of the block's entries, over what stands before the sub-keys of its maps and lists,
 *            and over `clear`s: 10 bits a hash, 6 probes (segment-filter.ts)
 */
const FIXED_BYTES = 14

/** A block as the index describes it. */
export interface BlockInfo {
  readonly number: number
  readonly offset: number
  readonly bytes: number
  readonly entries: number
  readonly firstGroup: number
  readonly lastGroup: number
  readonly crc: number
}

/** What the index says of a block, when it is written. */
export interface IndexedBlock {
  readonly bytes: number
  readonly entries: number
  readonly crc: number
  readonly firstKey: Uint8Array
  readonly lastGroup: number
  readonly filter: Uint8Array
}

/** Collects the index while blocks are written. */
export class SegmentIndexWriter {
  readonly #writer: ByteWriter = new ByteWriter()

  add({ bytes, entries, crc, firstKey, lastGroup, filter }: IndexedBlock): void {
    const writer = this.#writer
    writer.ensure(FIXED_BYTES)
    const at = writer.length
    const view = new DataView(writer.bytes.buffer, at)
    view.setUint32(0, bytes, true)
    view.setUint32(4, entries, true)
    view.setUint32(8, crc, true)
    view.setUint16(12, lastGroup, true)
    writer.length = at + FIXED_BYTES
    writer.varint(firstKey.length)
    writer.varint(filter.length)
    writer.append(firstKey)
    writer.append(filter)
  }

  finish(): Uint8Array {
    return this.#writer.copy()
  }
}

/**
 * The index of an open segment, kept as it is stored: with the filters it is about 2 % of the segment.
 */
export class SegmentIndex {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  /** Where the entry of each block is, and where its first key ends, at which the filter begins. */
  readonly #entries: Uint32Array
  readonly #keyStarts: Uint32Array
  readonly #keyEnds: Uint32Array
  /** Where each block begins in the file, and where the last one ends. */
  readonly #offsets: Float64Array
  /** Entries of all blocks. */
  readonly entries: number

  /** Reads an index whose checksum is right. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const starts: number[] = []
    const keyStarts: number[] = []
    const keyEnds: number[] = []
    const offsets = [0]
    const reader = new ByteReader(bytes)
    let entries = 0
    while (reader.left > 0) {
      const start = reader.take(FIXED_BYTES)
      const keyBytes = reader.varint()
      const filterBytes = reader.varint()
      const keyAt = reader.take(keyBytes)
      reader.take(filterBytes)
      if (keyBytes < 4 || filterBytes < 1) throw new SegmentDamage('its index makes no sense')
      starts.push(start)
      keyStarts.push(keyAt)
      keyEnds.push(keyAt + keyBytes)
      offsets.push(offsets.at(-1)! + this.#view.getUint32(start, true))
      entries += this.#view.getUint32(start + 4, true)
    }
    this.#entries = Uint32Array.from(starts)
    this.#keyStarts = Uint32Array.from(keyStarts)
    this.#keyEnds = Uint32Array.from(keyEnds)
    this.#offsets = Float64Array.from(offsets)
    this.entries = entries
  }

  /** Number of blocks. */
  get length(): number {
    return this.#entries.length
  }

  /** Bytes of all blocks. */
  get blockBytes(): number {
    return this.#offsets.at(-1)!
  }

  block(number: number): BlockInfo {
    const at = this.#entries[number]!
    const view = this.#view
    return {
      number,
      offset: this.#offsets[number]!,
      bytes: view.getUint32(at, true),
      entries: view.getUint32(at + 4, true),
      firstGroup: this.#firstGroup(number),
      lastGroup: view.getUint16(at + 12, true),
      crc: view.getUint32(at + 8, true),
    }
  }

  /** The blocks that hold something of key groups `first` to `last`, in order. */
  blocksOf(first: number, last: number): BlockInfo[] {
    const blocks: BlockInfo[] = []
    let number = this.#count((one) => this.#view.getUint16(this.#entries[one]! + 12, true) < first)
    for (; number < this.length && this.#firstGroup(number) <= last; number++) {
      blocks.push(this.block(number))
    }
    return blocks
  }

  /** Whether a block may hold entries of one of these states, ascending, as far as the first keys tell. */
  mayHoldState(number: number, stateIds: readonly number[]): boolean {
    const first = this.#header(number)
    const last = number + 1 < this.length ? this.#header(number + 1) : Infinity
    const from = Math.floor(first / 0x1_0000) * 0x1_0000
    const next = stateIds.find((id) => from + id >= first) ?? stateIds[0]! + 0x1_0000
    return from + next <= last
  }

  /** The only block that may hold an entry with this key: the last one that does not begin behind it; -1 if all do. */
  find(key: Uint8Array): number {
    return this.#count((number) => this.compareFirst(number, key) <= 0) - 1
  }

  /** Compares the first key of a block with another one. */
  compareFirst(number: number, key: Uint8Array): number {
    return compareWithin(this.#bytes, this.#keyStarts[number]!, this.#keyEnds[number]!, key)
  }

  /** The first key of a block: a view. */
  firstKey(number: number): Uint8Array {
    return this.#bytes.subarray(this.#keyStarts[number]!, this.#keyEnds[number]!)
  }

  /** Whether the first key of a block begins with these bytes. */
  firstStartsWith(number: number, prefix: Uint8Array): boolean {
    const start = this.#keyStarts[number]!
    if (this.#keyEnds[number]! - start < prefix.length) return false
    for (let i = 0; i < prefix.length; i++) if (this.#bytes[start + i] !== prefix[i]) return false
    return true
  }

  /** Bytes that it takes in memory. */
  get byteLength(): number {
    return this.#bytes.byteLength + this.length * 20
  }

  /** Whether a block may hold a key, or entries whose key begins with it and goes on with a sub-key; false is certain. */
  mightHold(number: number, hash: number): boolean {
    const start = this.#keyEnds[number]!
    const end = this.#entries[number + 1] ?? this.#bytes.length
    return filterMightHold(this.#bytes, start, end - start, hash)
  }

  #firstGroup(number: number): number {
    return Math.floor(this.#header(number) / 0x1_0000)
  }

  /** Key group and state id that the first key of a block begins with, as one number. */
  #header(number: number): number {
    return this.#view.getUint32(this.#keyStarts[number]!)
  }

  /** How many blocks from the first on `isBefore` holds for; it holds for none behind one for which it does not. */
  #count(isBefore: (number: number) => boolean): number {
    let low = 0
    let high = this.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isBefore(middle)) low = middle + 1
      else high = middle
    }
    return low
  }
}
