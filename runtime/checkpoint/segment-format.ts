import { crc32 } from 'node:zlib'
import { ByteReader, ByteWriter, compareRanges } from '../bytes.ts'
import { invariant } from '../errors.ts'
import type { PlacedEntry, StateEntry } from '../state/state-backend.ts'
import { keyGroupAt } from './entry-order.ts'
import { SegmentDamage } from './segment-damage.ts'
import { SegmentFilterBuilder } from './segment-filter.ts'
import { type BlockInfo, SegmentIndex, SegmentIndexWriter } from './segment-index.ts'

/**
 * A segment: state entries in ascending order, cut into blocks, with an index at the end.
 *
 * ```
 *   segment = block · block · … · index · footer          integers are little-endian
 *
 *   block   = entry · entry · …                            about 16 KiB; a larger entry has one for itself
 *   entry   = kind (1: 0 put, 1 delete, 2 clear)
 *           · key length (varint, 1–5) · value length (varint, 1–5; only of a put)
 *           · key · value
 *
 *   index   = of each block place, checksum, first key and a filter of its keys: segment-index.ts
 *
 *   footer  = entries (8) · index offset (8) · index length (4) · CRC-32 of the index (4) · version (4)
 *           · CRC-32 of the 28 bytes before (4) · magic "MRSEGMNT" (8)
 * ```
 *
 * Every byte is under a checksum or has one possible value. Blocks lie side by side from byte 0, so that the lengths in
 * the index give their places. Entries of one key group may share a block with the next one.
 *
 * Version 3 may hold lists in pieces, which a program that knows version 2 would not put together; a segment of version 2 is
 * one of version 3 without. Version 1, never released, had larger blocks, no filters, and timers by key.
 */
const SEGMENT_VERSION = 3
const OLDEST_READABLE = 2
const MAGIC = Buffer.from('MRSEGMNT')
export const FOOTER_BYTES = 40

/** Size from which a block is closed: what one look-up reads and checks. */
const BLOCK_BYTES = 16 * 1_024

/** Blocks are handed on together from this size on: a write costs as much as copying some 10 KiB. */
const WRITE_BYTES = 64 * 1_024

/** Key group and state id, which every key begins with. */
const MIN_KEY_BYTES = 4

const KINDS = ['put', 'delete', 'clear'] as const
const CODES = { put: 0, delete: 1, clear: 2 } as const

export interface Footer {
  readonly entries: number
  readonly indexOffset: number
  readonly indexBytes: number
  readonly indexCrc: number
}

/** Encodes entries into blocks, and collects what the index will say; pure. */
export class SegmentEncoder {
  readonly #writer: ByteWriter = new ByteWriter()
  readonly #index: SegmentIndexWriter = new SegmentIndexWriter()
  readonly #filter: SegmentFilterBuilder = new SegmentFilterBuilder()
  /** Where the key of the entry before stands: in what is the writer's memory, or has been. */
  #lastBytes!: Uint8Array
  #lastStart = 0
  #lastEnd = 0
  #lastKind: StateEntry['kind'] = 'clear'
  /** The first key of the block that is being filled. */
  #firstStart = 0
  #firstEnd = 0
  /** Where that block begins in the writer. */
  #blockStart = 0
  #blockEntries = 0
  #blockBytes = 0
  #entries = 0
  #firstGroup = 0
  #lastGroup = 0

  get entries(): number {
    return this.#entries
  }

  /** Key groups of the first and the last entry. */
  get range(): { first: number; last: number } {
    return { first: this.#firstGroup, last: this.#lastGroup }
  }

  /**
   * Takes the next entry; returns blocks when some are full, which are overwritten by the next entry. An entry out of order is
   * a defect of the caller.
   */
  add(entry: PlacedEntry): Uint8Array | undefined {
    const { kind, bytes, keyStart, keyEnd, valueEnd } = entry
    invariant(this.#isNext(entry), 'state entries are out of order')
    const writer = this.#writer
    const keyBytes = keyEnd - keyStart
    writer.u8(CODES[kind])
    writer.varint(keyBytes)
    if (kind === 'put') writer.varint(valueEnd - keyEnd)
    const start = writer.length
    writer.appendFrom(bytes, keyStart, kind === 'put' ? valueEnd : keyEnd)
    this.#lastBytes = writer.bytes
    this.#lastStart = start
    this.#lastEnd = start + keyBytes
    this.#lastKind = kind
    this.#lastGroup = keyGroupAt(bytes, keyStart)
    this.#filter.add(entry)
    if (this.#entries === 0) this.#firstGroup = this.#lastGroup
    if (this.#blockEntries === 0) {
      this.#firstStart = this.#lastStart
      this.#firstEnd = this.#lastEnd
    }
    this.#blockEntries++
    this.#entries++
    if (writer.length - this.#blockStart >= BLOCK_BYTES) this.#closeBlock()
    return writer.length >= WRITE_BYTES && this.#blockEntries === 0 ? this.#handOn() : undefined
  }

  /** The last blocks, if there are some, with index and footer; nothing may be added afterwards. */
  finish(): Uint8Array {
    if (this.#blockEntries > 0) this.#closeBlock()
    const blocks = this.#handOn()
    const index = this.#index.finish()
    const footer = encodeFooter({
      entries: this.#entries,
      indexOffset: this.#blockBytes,
      indexBytes: index.byteLength,
      indexCrc: crc32(index),
    })
    return Buffer.concat([blocks, index, footer])
  }

  #isNext({ kind, bytes, keyStart, keyEnd }: PlacedEntry): boolean {
    if (keyEnd - keyStart < MIN_KEY_BYTES) return false
    if (this.#entries === 0) return true
    const order = compareRanges(
      this.#lastBytes,
      this.#lastStart,
      this.#lastEnd,
      bytes,
      keyStart,
      keyEnd,
    )
    return order < 0 || (order === 0 && this.#lastKind === 'clear' && kind !== 'clear')
  }

  #closeBlock(): void {
    const { bytes, length } = this.#writer
    const block = bytes.subarray(this.#blockStart, length)
    this.#index.add({
      bytes: block.byteLength,
      entries: this.#blockEntries,
      crc: crc32(block),
      firstKey: bytes.subarray(this.#firstStart, this.#firstEnd),
      lastGroup: this.#lastGroup,
      filter: this.#filter.build(),
    })
    this.#blockBytes += block.byteLength
    this.#blockStart = length
    this.#blockEntries = 0
  }

  #handOn(): Uint8Array {
    const { bytes, length } = this.#writer
    this.#writer.reset(WRITE_BYTES * 2)
    this.#blockStart = 0
    return bytes.subarray(0, length)
  }
}

/** An intact segment has a layout that is not this one. */
export class SegmentVersion extends Error {
  readonly version: number

  constructor(version: number) {
    super(
      `it has layout ${version}, and this version of millrace reads ${OLDEST_READABLE} and ${SEGMENT_VERSION}`,
    )
    this.version = version
  }
}

/** Reads the last `FOOTER_BYTES` of a segment. */
export function decodeFooter(bytes: Uint8Array): Footer {
  const footer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (!footer.subarray(32).equals(MAGIC)) throw new SegmentDamage('it does not end like a segment')
  if (crc32(footer.subarray(0, 28)) !== footer.readUInt32LE(28)) {
    throw new SegmentDamage('the checksum of its footer is wrong')
  }
  const version = footer.readUInt32LE(24)
  if (version < OLDEST_READABLE || version > SEGMENT_VERSION) throw new SegmentVersion(version)
  return {
    entries: Number(footer.readBigUInt64LE(0)),
    indexOffset: Number(footer.readBigUInt64LE(8)),
    indexBytes: footer.readUInt32LE(16),
    indexCrc: footer.readUInt32LE(20),
  }
}

/** Reads the index of a segment, and checks that it fits the footer. */
export function decodeIndex(bytes: Uint8Array, footer: Footer): SegmentIndex {
  if (crc32(bytes) !== footer.indexCrc)
    throw new SegmentDamage('the checksum of its index is wrong')
  const index = readIndex(bytes)
  if (index.blockBytes !== footer.indexOffset || index.entries !== footer.entries) {
    throw new SegmentDamage('its index contradicts its footer')
  }
  return index
}

function readIndex(bytes: Uint8Array): SegmentIndex {
  try {
    return new SegmentIndex(bytes)
  } catch (error) {
    throw new SegmentDamage('its index makes no sense', { cause: error })
  }
}

/** Fails if the bytes are not those of the block. */
export function checkBlock(bytes: Uint8Array, block: BlockInfo): void {
  if (crc32(bytes) !== block.crc) {
    throw new SegmentDamage(`the checksum of the block at byte ${block.offset} is wrong`)
  }
}

/** Goes through the entries of a block, by the places where their parts stand: makes nothing for those passed over. */
export class BlockCursor {
  kind: StateEntry['kind'] = 'put'
  keyStart = 0
  /** Where the value begins, too. */
  keyEnd = 0
  valueEnd = 0
  readonly #bytes: Uint8Array
  /** Behind a length that took more than a byte. */
  #position = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** Moves on to the next entry; false where there is none. */
  next(): boolean {
    const bytes = this.#bytes
    let at = this.valueEnd
    if (at === bytes.length) return false
    const kind = KINDS[bytes[at++]!]
    if (kind === undefined) throw noEntry()
    let keyBytes = bytes[at++]!
    if (keyBytes > 0x7f) {
      keyBytes = this.#length(at - 1)
      at = this.#position
    }
    let valueBytes = 0
    if (kind === 'put') {
      valueBytes = bytes[at++]!
      if (valueBytes > 0x7f) {
        valueBytes = this.#length(at - 1)
        at = this.#position
      }
    }
    this.kind = kind
    this.keyStart = at
    this.keyEnd = at + keyBytes
    this.valueEnd = this.keyEnd + valueBytes
    // Where a byte was missing, that is no number.
    if (keyBytes >= MIN_KEY_BYTES && this.valueEnd <= bytes.length) return true
    throw noEntry()
  }

  #length(at: number): number {
    const reader = new ByteReader(this.#bytes, at)
    const length = reader.varint()
    this.#position = reader.position
    return length
  }
}

function noEntry(): SegmentDamage {
  return new SegmentDamage('a block holds something else than entries')
}

/** Reads a block whose bytes are given; entries are views into them. */
export function decodeBlock(bytes: Uint8Array, block: BlockInfo): StateEntry[] {
  checkBlock(bytes, block)
  const cursor = new BlockCursor(bytes)
  const entries: StateEntry[] = []
  while (cursor.next()) {
    const { kind, keyStart, keyEnd, valueEnd } = cursor
    const key = bytes.subarray(keyStart, keyEnd)
    entries.push({ key, kind, value: bytes.subarray(keyEnd, valueEnd) })
  }
  if (entries.length !== block.entries) {
    throw new SegmentDamage(`the block at byte ${block.offset} has ${entries.length} entries`)
  }
  return entries
}

function encodeFooter(footer: Footer): Uint8Array {
  const bytes = Buffer.alloc(FOOTER_BYTES)
  bytes.writeBigUInt64LE(BigInt(footer.entries), 0)
  bytes.writeBigUInt64LE(BigInt(footer.indexOffset), 8)
  bytes.writeUInt32LE(footer.indexBytes, 16)
  bytes.writeUInt32LE(footer.indexCrc, 20)
  bytes.writeUInt32LE(SEGMENT_VERSION, 24)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 28)), 28)
  MAGIC.copy(bytes, 32)
  return bytes
}
