import { ByteReader, ByteWriter, corrupt, readLatin1 } from '../bytes.ts'
import { endOfKey, readKey, writeKey } from '../key-encoding.ts'
import type { Key } from '../key.ts'
import { readValue, writeValue } from '../value-codec.ts'
import type { TtlTimeDomain } from './state-ttl.ts'

/*
 * How state stands in segments, and in the working copy of a backend. Keys sort bytewise: by key group, state, key,
 * namespace and sub-key, each in the order of what it encodes; timers by key group, state and time, so that those of a key
 * group can be read in the order in which they are due.
 *
 *   key    key group u16 BE · state id u16 BE · key · namespace · sub-key
 *   timer  key group u16 BE · state id u16 BE · timestamp · key · namespace: one entry a timer
 *
 *   timestamp  encoded as a number key (9 bytes)
 *   key        as in key-encoding.ts: self-delimiting, first byte never 00 or FF
 *   namespace  00 for the default one, else encoded as a key
 *   sub-key    value  none: one entry
 *              list   piece u32 BE. A short list is piece 0 alone. Of a long one the elements stand in full pieces, 1 and up,
 *                     which do not change, and then in piece 0, which says which there are; `clear` covers them all
 *              map    the map key, encoded as a key: one entry a map key
 *
 *   value  codec u8 · schema version u16 BE · encoded value
 *          codec u8 · schema version u16 BE · last access f64 LE · encoded value · ages        with a time to live
 *          … · pieces in front · encoded value …                                 piece 0 of a list that has others
 *
 *   codec      0  nothing follows (timers)
 *              1  value-codec.ts
 *              2  the same behind a last access in processing time
 *              3  the same behind a last access in event time
 *              5, 6, 7  as 1, 2, 3, with pieces in front
 *
 *   pieces in front  first u32 BE · next u32 BE: those from the first to before the next one; what is not there of them has
 *                    expired
 *   last access  of the newest element of a list; -Infinity where it is not known (yet). At a fixed place, so that what has
 *                expired can be told without decoding it
 *   ages         of lists: for each element a varint, how many ms older it is than the newest; FFFFFFFF: an f64 follows,
 *                its own last access
 *
 * A `clear` has the key without its sub-key. Key group FFFF is never that of a key (there are at most 32,768): a working
 * copy keeps what is its own there, and in key group FFFE, and it never reaches a segment.
 */

/** Key group and state id, which an entry's key begins with. */
export const KEY_HEADER_BYTES = 4
const VALUE_HEADER_BYTES = 3
const TIMESTAMP_BYTES = 9
const DEFAULT_NAMESPACE = 0x00
const CODEC_NOTHING = 0
const CODEC_VALUE = 1
const CODEC_TIMED = { processing: 2, event: 3 } as const satisfies Record<TtlTimeDomain, number>
const LAST_ACCESS_BYTES = 8
/** Added to the codec of a value that has pieces in front. */
const CODEC_FRONT = 4
const PIECE_BYTES = 4
const FRONT_BYTES = PIECE_BYTES * 2
/** In place of an age: it does not fit, or is not known. */
const NO_AGE = 0xffff_ffff

/** Stand before the key group in keys of the working copy that are no state: the index of a map, and its pages. */
export const PRIVATE_GROUP = 0xffff
const PAGE_GROUP = 0xfffe
const PRIVATE_BYTES = 2

/** A stretch of keys; neither end is in it. */
export interface KeyRange {
  readonly after: Uint8Array
  readonly before: Uint8Array
}

/** Whose entries a key is about: everything of an entry's key but its sub-key. */
export interface EntryOwner {
  readonly keyGroup: number
  readonly key: Key
  readonly namespace: Key | undefined
}

/** Appends an entry's key up to its sub-key: the key of a `clear`, and the whole key of a value. */
export function writePrefix(writer: ByteWriter, owner: EntryOwner, stateId: number): void {
  writeHeader(writer, owner.keyGroup, stateId)
  writeOwner(writer, owner)
}

function writeOwner(writer: ByteWriter, { key, namespace }: EntryOwner): void {
  writeKey(writer, key)
  if (namespace === undefined) writer.u8(DEFAULT_NAMESPACE)
  else writeKey(writer, namespace)
}

/** Appends the key of a timer. */
export function writeTimerKey(
  writer: ByteWriter,
  owner: EntryOwner,
  stateId: number,
  timestamp: number,
): void {
  writeHeader(writer, owner.keyGroup, stateId)
  writeKey(writer, timestamp)
  writeOwner(writer, owner)
}

/** What the keys of all timers of a time, and of all later ones, sort behind. */
export function timerBound(keyGroup: number, stateId: number, timestamp: number): Uint8Array {
  const writer = new ByteWriter(KEY_HEADER_BYTES + TIMESTAMP_BYTES)
  writeHeader(writer, keyGroup, stateId)
  writeKey(writer, timestamp)
  return writer.copy()
}

/** As `writePrefix`, for what a working copy keeps about a state of a key that is not state itself. */
export function writePrivateKey(writer: ByteWriter, owner: EntryOwner, stateId: number): void {
  writeGroup(writer, PRIVATE_GROUP)
  writePrefix(writer, owner, stateId)
}

/** The reverse: what stands behind the private group in such a key. */
export function withoutPrivateGroup(key: Uint8Array): Uint8Array {
  return key.subarray(PRIVATE_BYTES)
}

/** The key under which a working copy keeps the index of the map whose entries begin with `prefix`. */
export function privateKeyOf(prefix: Uint8Array): Uint8Array {
  const writer = new ByteWriter(PRIVATE_BYTES + prefix.length)
  writeGroup(writer, PRIVATE_GROUP)
  writer.append(prefix)
  return writer.copy()
}

/** Appends the key of a page of a map's index, apart from the indexes, so that who reads those does not meet them. */
export function writePageKey(
  writer: ByteWriter,
  owner: EntryOwner,
  stateId: number,
  page: number,
): void {
  writeGroup(writer, PAGE_GROUP)
  writePrefix(writer, owner, stateId)
  writePiece(writer, page)
}

/** The reverse: what the entries of the map begin with. */
export function withoutPage(key: Uint8Array): Uint8Array {
  return key.subarray(PRIVATE_BYTES, key.length - PIECE_BYTES)
}

/** As `writePageKey`, for the map whose entries begin with `prefix`. */
export function pageKeyOf(prefix: Uint8Array, page: number): Uint8Array {
  const writer = new ByteWriter(PRIVATE_BYTES + prefix.length + PIECE_BYTES)
  writeGroup(writer, PAGE_GROUP)
  writer.append(prefix)
  writePiece(writer, page)
  return writer.copy()
}

/**
 * The keys of everything that stands under a key group and state in a working copy: those above `after` and below `before`.
 * `isPrivate`: of what it keeps about the state that is not state itself.
 */
export function keyRange(keyGroup: number, stateId: number, isPrivate: boolean): KeyRange {
  return {
    after: keyBound(keyGroup, stateId, isPrivate),
    before: keyBound(keyGroup, stateId + 1, isPrivate),
  }
}

/** What every key of a key group and state, and of all behind them, sorts behind. */
export function keyBound(keyGroup: number, stateId: number, isPrivate = false): Uint8Array {
  const writer = new ByteWriter(PRIVATE_BYTES + KEY_HEADER_BYTES)
  if (isPrivate) writeGroup(writer, PRIVATE_GROUP)
  // Carried into the key group where the state id is behind the last one.
  writeHeader(writer, keyGroup + (stateId >>> 16), stateId & 0xffff)
  return writer.copy()
}

function writeGroup(writer: ByteWriter, group: number): void {
  writer.ensure(PRIVATE_BYTES)
  writer.bytes[writer.length++] = group >>> 8
  writer.bytes[writer.length++] = group & 0xff
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
  writer.ensure(PIECE_BYTES)
  for (let shift = 24; shift >= 0; shift -= 8) {
    writer.bytes[writer.length++] = (piece >>> shift) & 0xff
  }
}

/** The parts of an entry's key; the sub-key is what is left in the reader. */
export interface EntryKey extends EntryOwner {
  readonly stateId: number
  readonly subKey: ByteReader
}

/** The state id in an entry's key, which begins at `start`, on bytes. */
export function stateIdIn(key: Uint8Array, start = 0): number {
  return key[start + 2]! * 256 + key[start + 3]!
}

/** The key group in an entry's key, on bytes. */
export function keyGroupIn(key: Uint8Array): number {
  return key[0]! * 256 + key[1]!
}

/**
 * Where a sub-key begins in an entry's key, found on bytes, which is the end where there is none; undefined for what is no
 * key of an entry. (Of a timer it is where the namespace begins: key and namespace stand one place further there.)
 */
export function subKeyAt(bytes: Uint8Array): number | undefined {
  const at = endOfOwner(bytes, 0, bytes.length)
  return at < 0 ? undefined : at
}

/** As `subKeyAt`, of the key that stands in `bytes` from `start` to `end`; -1 for what is no key of an entry. */
export function endOfOwner(bytes: Uint8Array, start: number, end: number): number {
  const at = endOfKey(bytes, start + KEY_HEADER_BYTES, end)
  if (at < 0) return -1
  return bytes[at] === DEFAULT_NAMESPACE && at < end ? at + 1 : endOfKey(bytes, at, end)
}

/** Takes a key apart up to its sub-key. Damaged bytes are `MR_CHECKPOINT_CORRUPT`. */
export function readEntryKey(bytes: Uint8Array): EntryKey {
  const reader = new ByteReader(bytes)
  reader.take(KEY_HEADER_BYTES)
  const keyGroup = keyGroupIn(bytes)
  const stateId = stateIdIn(bytes)
  const { key, namespace } = readOwner(reader)
  return { keyGroup, stateId, key, namespace, subKey: reader }
}

/** Takes the key of a timer apart. Damaged bytes are `MR_CHECKPOINT_CORRUPT`. */
export function readTimerKey(bytes: Uint8Array): EntryOwner & { readonly timestamp: number } {
  const reader = new ByteReader(bytes)
  reader.take(KEY_HEADER_BYTES)
  const timestamp = readKey(reader)
  if (typeof timestamp !== 'number') throw corrupt('a timer has no timestamp')
  const { key, namespace } = readOwner(reader)
  return { keyGroup: keyGroupIn(bytes), key, namespace, timestamp }
}

function readOwner(reader: ByteReader): { readonly key: Key; readonly namespace: Key | undefined } {
  const key = readKey(reader)
  const isDefault = reader.left > 0 && reader.bytes[reader.position] === DEFAULT_NAMESPACE
  if (!isDefault) return { key, namespace: readKey(reader) }
  reader.position++
  return { key, namespace: undefined }
}

/** The key in an entry's key, as text that sorts as it does (R17), undefined where the namespace is not the default one. */
export function defaultKeyIn(
  bytes: Uint8Array,
  isPrivate: boolean,
): { readonly order: string; readonly key: Key } | undefined {
  const start = KEY_HEADER_BYTES + (isPrivate ? PRIVATE_BYTES : 0)
  const reader = new ByteReader(bytes, start)
  const key = readKey(reader)
  const isDefault = reader.left > 0 && bytes[reader.position] === DEFAULT_NAMESPACE
  return isDefault ? { order: readLatin1(bytes, start, reader.position), key } : undefined
}

/** Reads the sub-key of a piece of a list. */
export function readPiece(reader: ByteReader): number {
  const at = reader.take(4)
  let piece = 0
  for (let i = 0; i < 4; i++) piece = piece * 256 + reader.bytes[at + i]!
  return piece
}

/** Which full pieces of a list stand in front of its last one: those from `first` to before `next`. */
export interface FrontPieces {
  readonly first: number
  readonly next: number
}

/** Whether a key of an entry of a list is that of a full piece: there is one last piece for each list. */
export function isFullPiece(key: Uint8Array): boolean {
  return readPiece(new ByteReader(key, key.length - PIECE_BYTES)) > 0
}

/** Appends an entry's value. A value outside the type table is `MR_VALUE_UNSUPPORTED`, its path begins with `what`. */
export function writeEntryValue(
  writer: ByteWriter,
  version: number,
  value: unknown,
  what: string,
  front?: FrontPieces,
): void {
  const start = writer.length
  writeValueHeader(writer, front === undefined ? CODEC_VALUE : CODEC_VALUE + CODEC_FRONT, version)
  if (front !== undefined) writeFront(writer, front)
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

/** The value of a timer, which has none, for those who need its bytes. */
export const TIMER_VALUE: Uint8Array = noValue()

function noValue(): Uint8Array {
  const writer = new ByteWriter(VALUE_HEADER_BYTES)
  writeNoValue(writer)
  return writer.copy()
}

function writeFront(writer: ByteWriter, { first, next }: FrontPieces): void {
  writePiece(writer, first)
  writePiece(writer, next)
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

/** The same in the value that stands in `bytes` from `start` to `end`; undefined where it has none: of timers. */
export function schemaVersionIn(
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): number | undefined {
  return bytes[start] === CODEC_NOTHING || end - start < VALUE_HEADER_BYTES
    ? undefined
    : bytes[start + 1]! * 256 + bytes[start + 2]!
}

/** The codec in an entry's value, whether it has pieces in front or not. */
function codecIn(bytes: Uint8Array): number {
  return hasFront(bytes) ? bytes[0]! - CODEC_FRONT : bytes[0]!
}

function hasFront(bytes: Uint8Array): boolean {
  const codec = bytes[0]!
  return codec > CODEC_FRONT && codec <= CODEC_FRONT + CODEC_TIMED.event
}

function isTimed(codec: number): boolean {
  return codec === CODEC_TIMED.processing || codec === CODEC_TIMED.event
}

/** The pieces in front of what an entry's value holds, on bytes; undefined where there are none. */
export function frontPiecesIn(bytes: Uint8Array): FrontPieces | undefined {
  if (!hasFront(bytes)) return undefined
  const start = VALUE_HEADER_BYTES + (isTimed(codecIn(bytes)) ? LAST_ACCESS_BYTES : 0)
  const reader = new ByteReader(bytes, start)
  return { first: readPiece(reader), next: readPiece(reader) }
}

/** Reads what stands before the encoded value. */
function readValueHeader(reader: ByteReader): { readonly isTimed: boolean } {
  const { bytes } = reader
  reader.take(VALUE_HEADER_BYTES)
  const codec = codecIn(bytes)
  if (isTimed(codec)) reader.take(LAST_ACCESS_BYTES)
  else if (codec !== CODEC_VALUE) {
    throw corrupt(`a value of state has the unknown codec ${bytes[0]}`)
  }
  if (hasFront(bytes)) reader.take(FRONT_BYTES)
  return { isTimed: isTimed(codec) }
}

/** When a value was last used, and each element of it if it is a list. */
export interface LastAccess {
  /** Of a list that of its newest element; -Infinity where it is not known. */
  lastAccess: number
  /** As many as the list has elements; undefined where it is no list. */
  elementAccesses: number[] | undefined
}

/** As `writeEntryValue`, for a state with a time to live. */
export function writeTimedEntryValue(
  writer: ByteWriter,
  entry: {
    readonly version: number
    readonly value: unknown
    readonly what: string
    readonly domain: TtlTimeDomain
    readonly access: LastAccess
    readonly front?: FrontPieces | undefined
  },
): void {
  const { lastAccess, elementAccesses } = entry.access
  const { front } = entry
  const start = writer.length
  const codec = CODEC_TIMED[entry.domain]
  writeValueHeader(writer, front === undefined ? codec : codec + CODEC_FRONT, entry.version)
  writer.f64(lastAccess)
  if (front !== undefined) writeFront(writer, front)
  try {
    writeValue(writer, entry.value, entry.what)
  } catch (error) {
    writer.length = start
    throw error
  }
  if (elementAccesses === undefined) return
  const { length } = entry.value as readonly unknown[]
  for (let i = 0; i < length; i++) {
    const element = elementAccesses[i] ?? -Infinity
    const age = lastAccess - element
    if (age < NO_AGE) writer.varint(age)
    else {
      writer.varint(NO_AGE)
      writer.f64(element)
    }
  }
}

/**
 * The last access in an entry's value, on bytes; -Infinity where it has none in that time domain: written without a time to
 * live, or with one by another clock.
 */
export function lastAccessIn(bytes: Uint8Array, domain: TtlTimeDomain): number {
  if (codecIn(bytes) !== CODEC_TIMED[domain]) return -Infinity
  return new ByteReader(bytes, VALUE_HEADER_BYTES).f64()
}

/** The clock by which an entry's value ages, on bytes; undefined where it was written without a time to live. */
export function timeDomainIn(bytes: Uint8Array): TtlTimeDomain | undefined {
  const codec = codecIn(bytes)
  if (codec === CODEC_TIMED.processing) return 'processing'
  return codec === CODEC_TIMED.event ? 'event' : undefined
}

/**
 * An entry's value with another value of another schema version in it: codec, last access, pieces in front and ages stay as
 * they are. Damaged
 * bytes are `MR_CHECKPOINT_CORRUPT`.
 */
export function rewriteEntryValue(
  bytes: Uint8Array,
  version: number,
  what: string,
  change: (value: unknown) => unknown,
): Uint8Array {
  const reader = new ByteReader(bytes)
  readValueHeader(reader)
  const writer = new ByteWriter(bytes.length)
  writer.append(bytes.subarray(0, reader.position))
  writer.bytes[1] = version >>> 8
  writer.bytes[2] = version & 0xff
  writeValue(writer, change(readValue(reader)), what)
  writer.append(bytes.subarray(reader.position))
  return writer.copy()
}

/** The value in an entry's value bytes, whatever its time to live. Damaged bytes are `MR_CHECKPOINT_CORRUPT`. */
export function readEntryValue(bytes: Uint8Array): unknown {
  const reader = new ByteReader(bytes)
  const header = readValueHeader(reader)
  const value = readValue(reader)
  if (header.isTimed && reader.left > 0) readElementAccesses(reader, value, 0)
  if (reader.left > 0) throw corrupt(`${reader.left} bytes are left over behind a value of state`)
  return value
}

/** As `readEntryValue`, for a state with a time to live: what the bytes say of its last access goes into `access`. */
export function readTimedEntryValue(
  bytes: Uint8Array,
  domain: TtlTimeDomain,
  access: LastAccess,
): unknown {
  access.lastAccess = lastAccessIn(bytes, domain)
  access.elementAccesses = undefined
  if (codecIn(bytes) !== CODEC_TIMED[domain]) return readEntryValue(bytes)
  const reader = new ByteReader(bytes)
  readValueHeader(reader)
  const value = readValue(reader)
  if (reader.left > 0) {
    access.elementAccesses = readElementAccesses(reader, value, access.lastAccess)
  }
  if (reader.left > 0) throw corrupt(`${reader.left} bytes are left over behind a value of state`)
  return value
}

function readElementAccesses(reader: ByteReader, list: unknown, newest: number): number[] {
  const accesses: number[] = []
  if (!Array.isArray(list)) return accesses
  for (let i = 0; i < list.length; i++) {
    const age = reader.varint()
    accesses.push(age === NO_AGE ? reader.f64() : newest - age)
  }
  return accesses
}
