import { ByteReader, type ByteWriter, corrupt } from '../bytes.ts'
import { readKey, writeKey } from '../key-encoding.ts'
import type { Key } from '../key.ts'
import { readValue, writeValue } from '../value-codec.ts'

/*
 * How state stands in segments, and in the working copy of a backend. Keys sort bytewise: by key group, state, key,
 * namespace and sub-key, each in the order of what it encodes.
 *
 *   key    key group u16 BE · state id u16 BE · key · namespace · sub-key
 *
 *   key        as in key-encoding.ts: self-delimiting, first byte never 00 or FF
 *   namespace  00 for the default one, else encoded as a key
 *   sub-key    value  none: one entry
 *              list   piece u32 BE: elements in the order of pieces. Today a list is written as piece 0 alone, whole; a
 *                     list in pieces adds entries for its last piece only, and `clear` covers them all
 *              map    the map key, encoded as a key: one entry a map key
 *              timer  the timestamp, encoded as a number key (9 bytes): one entry a timer, by (key, namespace, time)
 *
 *   value  codec u8 · schema version u16 BE · encoded value
 *
 *   codec      0  nothing follows (timers)
 *              1  value-codec.ts
 *
 * A `clear` has the key without its sub-key. Key group FFFF is never that of a key (there are at most 32,768): a working
 * copy keeps what is its own there, and it never reaches a segment.
 */

/** Key group and state id. */
const KEY_HEADER_BYTES = 4
const VALUE_HEADER_BYTES = 3
const DEFAULT_NAMESPACE = 0x00
const CODEC_NOTHING = 0
const CODEC_VALUE = 1

/** Takes the place of the key group in keys of the working copy that are no state. */
export const PRIVATE_GROUP = 0xffff

/** Whose entries a key is about: everything of an entry's key but its sub-key. */
export interface EntryOwner {
  readonly keyGroup: number
  readonly key: Key
  readonly namespace: Key | undefined
}

/** Appends an entry's key up to its sub-key: the key of a `clear`, and the whole key of a value. */
export function writePrefix(writer: ByteWriter, owner: EntryOwner, stateId: number): void {
  writeHeader(writer, owner.keyGroup, stateId)
  writeKey(writer, owner.key)
  if (owner.namespace === undefined) writer.u8(DEFAULT_NAMESPACE)
  else writeKey(writer, owner.namespace)
}

/** As `writePrefix`, for what a working copy keeps about a state of a key that is not state itself. */
export function writePrivateKey(writer: ByteWriter, owner: EntryOwner, stateId: number): void {
  writer.ensure(2)
  writer.bytes[writer.length++] = PRIVATE_GROUP >>> 8
  writer.bytes[writer.length++] = PRIVATE_GROUP & 0xff
  writePrefix(writer, owner, stateId)
}

function writeHeader(writer: ByteWriter, keyGroup: number, stateId: number): void {
  writer.ensure(KEY_HEADER_BYTES)
  const { bytes } = writer
  let at = writer.length
  bytes[at++] = keyGroup >>> 8
  bytes[at++] = keyGroup & 0xff
  bytes[at++] = stateId >>> 8
  bytes[at++] = stateId & 0xff
  writer.length = at
}

/** Appends the sub-key of a piece of a list. */
export function writePiece(writer: ByteWriter, piece: number): void {
  writer.ensure(4)
  for (let shift = 24; shift >= 0; shift -= 8) {
    writer.bytes[writer.length++] = (piece >>> shift) & 0xff
  }
}

/** The parts of an entry's key; the sub-key is what is left in the reader. */
export interface EntryKey extends EntryOwner {
  readonly stateId: number
  readonly subKey: ByteReader
}

/** Takes a key apart up to its sub-key. Damaged bytes are `MR_CHECKPOINT_CORRUPT`. */
export function readEntryKey(bytes: Uint8Array): EntryKey {
  const reader = new ByteReader(bytes)
  const at = reader.take(KEY_HEADER_BYTES)
  const keyGroup = bytes[at]! * 256 + bytes[at + 1]!
  const stateId = bytes[at + 2]! * 256 + bytes[at + 3]!
  const key = readKey(reader)
  let namespace: Key | undefined
  if (reader.left > 0 && bytes[reader.position] === DEFAULT_NAMESPACE) reader.position++
  else namespace = readKey(reader)
  return { keyGroup, stateId, key, namespace, subKey: reader }
}

/** Reads the sub-key of a piece of a list. */
export function readPiece(reader: ByteReader): number {
  const at = reader.take(4)
  let piece = 0
  for (let i = 0; i < 4; i++) piece = piece * 256 + reader.bytes[at + i]!
  return piece
}

/** Appends an entry's value. A value outside the type table is `MR_VALUE_UNSUPPORTED`, its path begins with `what`. */
export function writeEntryValue(
  writer: ByteWriter,
  version: number,
  value: unknown,
  what: string,
): void {
  const start = writer.length
  writeValueHeader(writer, CODEC_VALUE, version)
  try {
    writeValue(writer, value, what)
  } catch (error) {
    writer.length = start
    throw error
  }
}

/** Appends the value of an entry that has none: a timer. */
export function writeNoValue(writer: ByteWriter): void {
  writeValueHeader(writer, CODEC_NOTHING, 1)
}

function writeValueHeader(writer: ByteWriter, codec: number, version: number): void {
  writer.ensure(VALUE_HEADER_BYTES)
  const { bytes } = writer
  let at = writer.length
  bytes[at++] = codec
  bytes[at++] = version >>> 8
  bytes[at++] = version & 0xff
  writer.length = at
}

/** The schema version in an entry's value. */
export function versionOf(bytes: Uint8Array): number {
  const at = new ByteReader(bytes).take(VALUE_HEADER_BYTES)
  return bytes[at + 1]! * 256 + bytes[at + 2]!
}

/** The value in an entry's value bytes. Damaged bytes are `MR_CHECKPOINT_CORRUPT`. */
export function readEntryValue(bytes: Uint8Array): unknown {
  const reader = new ByteReader(bytes)
  const at = reader.take(VALUE_HEADER_BYTES)
  if (bytes[at] !== CODEC_VALUE)
    throw corrupt(`a value of state has the unknown codec ${bytes[at]}`)
  const value = readValue(reader)
  if (reader.left > 0) throw corrupt(`${reader.left} bytes are left over behind a value of state`)
  return value
}
