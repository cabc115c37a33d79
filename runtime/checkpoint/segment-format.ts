import { crc32 } from 'node:zlib'
import { ByteReader, ByteWriter } from '../bytes.ts'
import { invariant } from '../errors.ts'
import type { StateEntry } from '../state/state-backend.ts'
import { compareKeys, keyGroupAt } from './entry-order.ts'

/**
 * A segment: state entries in ascending order, cut into blocks, with an index by key group at the end.
 *
 * ```
 *   segment = block · block · … · index · footer          integers are little-endian
 *
 *   block   = entry · entry · …                            about 64 KiB; a larger entry has one for itself
 *   entry   = kind (1: 0 put, 1 delete, 2 clear)
 *           · key length (varint, 1–5) · value length (varint, 1–5; only of a put)
 *           · key · value
 *
 *   index   = one of these a block, in order:
 *             byte length (4) · entries (4) · first key group (2) · last key group (2) · CRC-32 of the block (4)
 *
 *   footer  = entries (8) · index offset (8) · index length (4) · CRC-32 of the index (4) · version (4)
 *           · CRC-32 of the 28 bytes before (4) · magic "MRSEGMNT" (8)
 * ```
 *
 * Every byte is under a checksum or has one possible value. Blocks lie side by side from byte 0, so that the lengths in
 * the index give their places. Entries of one key group may share a block with the next one.
 */
const SEGMENT_VERSION = 1
const MAGIC = Buffer.from('MRSEGMNT')
const INDEX_ENTRY_BYTES = 16
export const FOOTER_BYTES = 40

/** Size from which a block is closed. */
const BLOCK_BYTES = 64 * 1_024

/** Key group and state id, which every key begins with. */
const MIN_KEY_BYTES = 4

const KINDS = ['put', 'delete', 'clear'] as const

/** A block as the index describes it. */
export interface BlockInfo {
  readonly offset: number
  readonly bytes: number
  readonly entries: number
  readonly firstGroup: number
  readonly lastGroup: number
  readonly crc: number
}

export interface Footer {
  readonly entries: number
  readonly indexOffset: number
  readonly indexBytes: number
  readonly indexCrc: number
}

/** Encodes entries into blocks and remembers what the index will say; pure. */
export class SegmentEncoder {
  readonly #writer: ByteWriter = new ByteWriter()
  readonly #blocks: BlockInfo[] = []
  /** Views into the writer's memory, as the caller may use its entries again. */
  #lastKey: Uint8Array | undefined
  #lastKind: StateEntry['kind'] = 'clear'
  #firstGroup = 0
  #blockEntries = 0
  #offset = 0
  #entries = 0

  get entries(): number {
    return this.#entries
  }

  /** Key groups of the first and the last entry. */
  get range(): { first: number; last: number } {
    const { firstGroup } = this.#blocks[0]!
    return { first: firstGroup, last: this.#blocks.at(-1)!.lastGroup }
  }

  /** Takes the next entry; returns a block when one is full. An entry out of order is a defect of the caller. */
  add(entry: StateEntry): Uint8Array | undefined {
    const { key, kind, value } = entry
    invariant(this.#isNext(entry), 'state entries are out of order')
    const writer = this.#writer
    if (writer.length === 0) this.#firstGroup = keyGroupAt(key)
    writer.u8(KINDS.indexOf(kind))
    writer.varint(key.length)
    if (kind === 'put') writer.varint(value.length)
    writer.append(key)
    this.#lastKey = writer.bytes.subarray(writer.length - key.length, writer.length)
    this.#lastKind = kind
    if (kind === 'put') writer.append(value)
    this.#blockEntries++
    return writer.length >= BLOCK_BYTES ? this.#closeBlock() : undefined
  }

  /** The last block, if there is one, with index and footer; nothing may be added afterwards. */
  finish(): Uint8Array {
    const block = this.#blockEntries === 0 ? new Uint8Array(0) : this.#closeBlock()
    const index = encodeIndex(this.#blocks)
    const footer = encodeFooter({
      entries: this.#entries,
      indexOffset: this.#offset,
      indexBytes: index.byteLength,
      indexCrc: crc32(index),
    })
    return Buffer.concat([block, index, footer])
  }

  #isNext({ key, kind }: StateEntry): boolean {
    if (key.length < MIN_KEY_BYTES) return false
    if (this.#lastKey === undefined) return true
    const order = compareKeys(this.#lastKey, key)
    return order < 0 || (order === 0 && this.#lastKind === 'clear' && kind !== 'clear')
  }

  #closeBlock(): Uint8Array {
    const block = this.#writer.copy()
    this.#blocks.push({
      offset: this.#offset,
      bytes: block.byteLength,
      entries: this.#blockEntries,
      firstGroup: this.#firstGroup,
      lastGroup: keyGroupAt(this.#lastKey!),
      crc: crc32(block),
    })
    this.#offset += block.byteLength
    this.#entries += this.#blockEntries
    this.#blockEntries = 0
    this.#writer.reset(BLOCK_BYTES * 2)
    return block
  }
}

/** What is wrong with bytes of a segment. */
export class SegmentDamage extends Error {}

/** Reads the last `FOOTER_BYTES` of a segment. */
export function decodeFooter(bytes: Uint8Array): Footer {
  const footer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (!footer.subarray(32).equals(MAGIC)) throw new SegmentDamage('it does not end like a segment')
  if (crc32(footer.subarray(0, 28)) !== footer.readUInt32LE(28)) {
    throw new SegmentDamage('the checksum of its footer is wrong')
  }
  const version = footer.readUInt32LE(24)
  if (version !== SEGMENT_VERSION) {
    throw new SegmentDamage(`it has version ${version}, ${SEGMENT_VERSION} is what can be read`)
  }
  return {
    entries: Number(footer.readBigUInt64LE(0)),
    indexOffset: Number(footer.readBigUInt64LE(8)),
    indexBytes: footer.readUInt32LE(16),
    indexCrc: footer.readUInt32LE(20),
  }
}

/** Reads the index of a segment, and checks that it fits the footer. */
export function decodeIndex(bytes: Uint8Array, footer: Footer): BlockInfo[] {
  const index = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (crc32(index) !== footer.indexCrc)
    throw new SegmentDamage('the checksum of its index is wrong')
  const blocks: BlockInfo[] = []
  let offset = 0
  let entries = 0
  for (let at = 0; at + INDEX_ENTRY_BYTES <= index.byteLength; at += INDEX_ENTRY_BYTES) {
    const block = {
      offset,
      bytes: index.readUInt32LE(at),
      entries: index.readUInt32LE(at + 4),
      firstGroup: index.readUInt16LE(at + 8),
      lastGroup: index.readUInt16LE(at + 10),
      crc: index.readUInt32LE(at + 12),
    }
    blocks.push(block)
    offset += block.bytes
    entries += block.entries
  }
  if (offset !== footer.indexOffset || entries !== footer.entries) {
    throw new SegmentDamage('its index contradicts its footer')
  }
  return blocks
}

/** Reads a block whose bytes are given; entries are views into them. */
export function decodeBlock(bytes: Uint8Array, block: BlockInfo): StateEntry[] {
  if (crc32(bytes) !== block.crc) {
    throw new SegmentDamage(`the checksum of the block at byte ${block.offset} is wrong`)
  }
  const reader = new ByteReader(bytes)
  const entries: StateEntry[] = []
  while (reader.left > 0) {
    const kind = KINDS[reader.u8()]
    const keyBytes = reader.varint()
    const valueBytes = kind === 'put' ? reader.varint() : 0
    const keyAt = reader.take(keyBytes)
    const valueAt = reader.take(valueBytes)
    if (kind === undefined || keyBytes < MIN_KEY_BYTES) {
      throw new SegmentDamage(`the block at byte ${block.offset} holds something else than entries`)
    }
    const key = bytes.subarray(keyAt, valueAt)
    entries.push({ key, kind, value: bytes.subarray(valueAt, valueAt + valueBytes) })
  }
  if (entries.length !== block.entries) {
    throw new SegmentDamage(`the block at byte ${block.offset} has ${entries.length} entries`)
  }
  return entries
}

function encodeIndex(blocks: readonly BlockInfo[]): Uint8Array {
  const index = Buffer.alloc(blocks.length * INDEX_ENTRY_BYTES)
  for (const [i, block] of blocks.entries()) {
    const at = i * INDEX_ENTRY_BYTES
    index.writeUInt32LE(block.bytes, at)
    index.writeUInt32LE(block.entries, at + 4)
    index.writeUInt16LE(block.firstGroup, at + 8)
    index.writeUInt16LE(block.lastGroup, at + 10)
    index.writeUInt32LE(block.crc, at + 12)
  }
  return index
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
