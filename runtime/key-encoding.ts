import { ByteReader, ByteWriter, corrupt, readLatin1, readUtf16 } from './bytes.ts'
import type { CanonicalKey, Key } from './key.ts'

/*
 * The encoding of keys. Bytes compare as keys do, no encoding is the beginning of another, and different keys have
 * different bytes, so parts can be put one behind the other and still sort and split.
 *
 *   number   10 · 8 bytes        IEEE double, big-endian; positive: sign bit flipped, negative: all bits flipped; −0 is 0
 *   bigint   20 · length · bytes negative: magnitude and its length, all bits flipped
 *            21 · length · bytes others: magnitude, highest byte first, without leading zeros
 *   string   30 · units · 00     each UTF-16 unit in 1 to 3 bytes as UTF-8 does it (surrogates one by one)
 *   bytes    40 · bytes · 00
 *   tuple    50 · elements · 00
 *
 *   length   one byte up to FE, else FF and four bytes, big-endian
 *   in strings and bytes, 00 is written 01 01 and 01 is written 01 02
 *
 * Tags are never 00 or FF: a caller may use these for what is before or behind every key.
 */
const NUMBER = 0x10
const NEGATIVE = 0x20
const POSITIVE = 0x21
const STRING = 0x30
const BYTES = 0x40
const TUPLE = 0x50

/** Of the high word of a number. */
const SIGN = 0x8000_0000

/** How deep tuples may be nested in each other. */
const MAX_TUPLE_DEPTH = 16

const numberScratch = new DataView(new ArrayBuffer(8))
/** The same bytes in the order of the machine, little-endian: the low word first. */
const scratchNumber = new Float64Array(numberScratch.buffer)
const scratchWords = new Uint32Array(numberScratch.buffer)

/**
 * What is wrong with a key, such as `undefined`, `NaN` or `an object at [1]`; undefined if it is one (R19).
 *
 * Allocates nothing where the key is valid.
 */
export function keyProblem(key: unknown): string | undefined {
  return isUsualKey(key) || isKey(key, 0) ? undefined : describeProblem(key, '', 0)
}

/** Most keys, told without a call: every record with a key is checked at both ends of its way. */
function isUsualKey(key: unknown): boolean {
  if (isUsualElement(key)) return true
  return Array.isArray(key) && key.length === 2 && isUsualElement(key[0]) && isUsualElement(key[1])
}

function isUsualElement(key: unknown): boolean {
  return typeof key === 'number' ? !Number.isNaN(key) : typeof key === 'string'
}

function isKey(key: unknown, depth: number): boolean {
  switch (typeof key) {
    case 'string':
    case 'bigint':
      return true
    case 'number':
      return !Number.isNaN(key)
    case 'object':
      if (!Array.isArray(key)) return key instanceof Uint8Array
      if (depth >= MAX_TUPLE_DEPTH) return false
      for (let i = 0; i < key.length; i++) if (!isKey(key[i], depth + 1)) return false
      return true
    default:
      return false
  }
}

function describeProblem(key: unknown, path: string, depth: number): string {
  const where = path === '' ? '' : ` at ${path}`
  if (Array.isArray(key)) {
    if (depth >= MAX_TUPLE_DEPTH) return `a tuple nested more than ${MAX_TUPLE_DEPTH} deep`
    const index = key.findIndex((element) => !isKey(element, depth + 1))
    return describeProblem(key[index], `${path}[${index}]`, depth + 1)
  }
  if (key === undefined || key === null || typeof key === 'number') return `${key}${where}`
  if (typeof key === 'object') return `an object${where}`
  return `a ${typeof key}${typeof key === 'boolean' ? ` (${key})` : ''}${where}`
}

const keyWriter = new ByteWriter()

/** The bytes of a key, which sort as keys do: numbers, bigints, strings (as `<` does), bytes, tuples (prefixes first). */
export function encodeKey(key: Key): Uint8Array {
  keyWriter.length = 0
  writeKey(keyWriter, key)
  return keyWriter.copy()
}

/** Appends the bytes of a valid key; allocates nothing but room. */
export function writeKey(writer: ByteWriter, key: Key): void {
  switch (typeof key) {
    case 'string':
      writeText(writer, key)
      break
    case 'number':
      writeNumber(writer, key)
      break
    case 'bigint':
      writeBigint(writer, key)
      break
    default:
      if (key instanceof Uint8Array) writeBytes(writer, key)
      else writeTuple(writer, key as readonly Key[])
  }
}

/** Reads back the key at `offset`; `end` is where the next part begins. Damaged bytes are `MR_CHECKPOINT_CORRUPT`. */
export function decodeKey(bytes: Uint8Array, offset = 0): { key: Key; end: number } {
  const reader = new ByteReader(bytes, offset)
  const key = readKey(reader)
  return { key, end: reader.position }
}

/** As `decodeKey`, at a reader, which moves on behind the key. */
export function readKey(reader: ByteReader): Key {
  return readAt(reader, 0)
}

function readAt(reader: ByteReader, depth: number): Key {
  const tag = reader.u8()
  switch (tag) {
    case NUMBER:
      return readNumber(reader)
    case NEGATIVE:
      return readBigint(reader, 0xff)
    case POSITIVE:
      return readBigint(reader, 0)
    case STRING:
      return readText(reader)
    case BYTES:
      return readBytes(reader)
    case TUPLE:
      return readTuple(reader, depth)
    default:
      throw corrupt(`a key begins with ${tag} at ${reader.position - 1}`)
  }
}

/**
 * Where the key at `start` ends, found without reading it; -1 where there is none before `end`. What it holds is not
 * checked.
 */
export function endOfKey(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return -1
  switch (bytes[start]) {
    case NUMBER:
      return start + 9 <= end ? start + 9 : -1
    case NEGATIVE:
      return endOfBigint(bytes, start + 1, end, 0xff)
    case POSITIVE:
      return endOfBigint(bytes, start + 1, end, 0)
    case STRING:
    case BYTES: {
      const at = bytes.indexOf(0, start + 1)
      return at < 0 || at >= end ? -1 : at + 1
    }
    case TUPLE: {
      let at = start + 1
      while (at >= 0 && at < end && bytes[at] !== 0) at = endOfKey(bytes, at, end)
      return at < 0 || at >= end ? -1 : at + 1
    }
    default:
      return -1
  }
}

function endOfBigint(bytes: Uint8Array, start: number, end: number, flip: number): number {
  const first = start < end ? bytes[start]! ^ flip : 0
  let behind = start + 1 + first
  if (first === 0xff && start + 5 <= end) {
    let length = 0
    for (let i = 1; i <= 4; i++) length = length * 256 + (bytes[start + i]! ^ flip)
    behind = start + 5 + length
  }
  return behind <= end ? behind : -1
}

/** Begins the canonical form of keys that are no primitives; a string key that begins with it is marked as such. */
const MARK = '\0'

/** Whole numbers from 0 to below it make pairs that fit into one number. */
const PAIR_LIMIT = 2 ** 26

/**
 * The key as a primitive for use in a `Map`, not to be stored: two keys have the same one exactly when they are equal (R19).
 *
 * Strings, numbers and bigints are their own, and a pair of whole numbers below 2^26 becomes a number; other tuples, and bytes,
 * cost an encoding.
 */
export function canonicalKey(key: Key): CanonicalKey {
  // Short, so that it becomes part of its callers.
  if (typeof key === 'number' && key > 0) return key
  return typeof key === 'string' && key.charCodeAt(0) !== 0 ? key : canonicalRareKey(key)
}

function canonicalRareKey(key: Key): CanonicalKey {
  if (typeof key === 'number' && isLikePair(key)) return `${MARK}n${key}`
  if (Array.isArray(key) && key.length === 2) {
    // By index, as taking it apart would ask its iterator.
    const first = (key as readonly Key[])[0]
    const second = (key as readonly Key[])[1]
    if (isSmallWhole(first) && isSmallWhole(second)) return -0.5 - (first * PAIR_LIMIT + second)
  }
  return storedCanonicalKey(key)
}

/** As `canonicalKey`, in a form that is part of stored values and stays as it is. */
export function storedCanonicalKey(key: Key): CanonicalKey {
  if (typeof key === 'number') return key === 0 ? 0 : key
  if (typeof key === 'bigint') return key
  if (typeof key === 'string') return key.charCodeAt(0) === 0 ? `${MARK}s${key}` : key
  keyWriter.length = 0
  writeKey(keyWriter, key)
  return `${MARK}k${readLatin1(keyWriter.bytes, 0, keyWriter.length)}`
}

/** Whether the canonical form of a key is enough to know the key. */
export function saysKey(canonical: CanonicalKey): boolean {
  return typeof canonical !== 'string' || canonical.charCodeAt(0) !== 0
}

/** The key of a canonical form that says it; a pair is made anew each time. */
export function keyOfCanonical(canonical: CanonicalKey): Key {
  if (typeof canonical !== 'number' || !isLikePair(canonical)) return canonical
  const joined = -0.5 - canonical
  const first = Math.floor(joined / PAIR_LIMIT)
  return [first, joined - first * PAIR_LIMIT]
}

function isSmallWhole(key: unknown): key is number {
  return typeof key === 'number' && (key | 0) === key && key >= 0 && key < PAIR_LIMIT
}

/** A half below zero, as canonical forms of pairs are. */
function isLikePair(key: number): boolean {
  return key < 0 && Math.floor(key) + 0.5 === key
}

function writeNumber(writer: ByteWriter, number: number): void {
  writer.ensure(9)
  const { bytes } = writer
  const at = writer.length
  scratchNumber[0] = number === 0 ? 0 : number
  const high = number < 0 ? ~scratchWords[1]! : scratchWords[1]! ^ SIGN
  const low = number < 0 ? ~scratchWords[0]! : scratchWords[0]!
  bytes[at] = NUMBER
  bytes[at + 1] = high >>> 24
  bytes[at + 2] = high >>> 16
  bytes[at + 3] = high >>> 8
  bytes[at + 4] = high
  bytes[at + 5] = low >>> 24
  bytes[at + 6] = low >>> 16
  bytes[at + 7] = low >>> 8
  bytes[at + 8] = low
  writer.length = at + 9
}

function readNumber(reader: ByteReader): number {
  const at = reader.take(8)
  const { bytes } = reader
  const flip = bytes[at]! < 0x80 ? 0xff : 0
  numberScratch.setUint8(0, bytes[at]! ^ (flip | 0x80))
  for (let i = 1; i < 8; i++) numberScratch.setUint8(i, bytes[at + i]! ^ flip)
  const number = numberScratch.getFloat64(0)
  if (Number.isNaN(number)) throw corrupt(`a key is NaN at ${at}`)
  return number
}

function writeBigint(writer: ByteWriter, number: bigint): void {
  const flip = number < 0n ? 0xff : 0
  let hex = number === 0n ? '' : (number < 0n ? -number : number).toString(16)
  if (hex.length % 2 === 1) hex = `0${hex}`
  const length = hex.length / 2
  writer.ensure(6 + length)
  const { bytes } = writer
  bytes[writer.length++] = flip === 0 ? POSITIVE : NEGATIVE
  if (length < 0xff) bytes[writer.length++] = length ^ flip
  else {
    bytes[writer.length++] = 0xff ^ flip
    for (let shift = 24; shift >= 0; shift -= 8) {
      bytes[writer.length++] = ((length >>> shift) & 0xff) ^ flip
    }
  }
  for (let i = 0; i < hex.length; i += 2) {
    bytes[writer.length++] = Number.parseInt(hex.slice(i, i + 2), 16) ^ flip
  }
}

function readBigint(reader: ByteReader, flip: number): bigint {
  const { bytes } = reader
  let length = reader.u8() ^ flip
  if (length === 0xff) {
    const at = reader.take(4)
    length = 0
    for (let i = 0; i < 4; i++) length = length * 256 + (bytes[at + i]! ^ flip)
  }
  const start = reader.take(length)
  if (length === 0) return 0n
  let hex = '0x'
  for (let i = 0; i < length; i++) {
    hex += (bytes[start + i]! ^ flip).toString(16).padStart(2, '0')
  }
  return flip === 0 ? BigInt(hex) : -BigInt(hex)
}

function writeText(writer: ByteWriter, text: string): void {
  // Three bytes for each unit are the most there can be, so the loop need not look.
  writer.ensure(text.length * 3 + 2)
  const { bytes } = writer
  let at = writer.length
  bytes[at++] = STRING
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) {
      if (unit < 2) bytes[at++] = 1
      bytes[at++] = unit < 2 ? unit + 1 : unit
    } else if (unit < 0x800) {
      bytes[at++] = 0xc0 | (unit >>> 6)
      bytes[at++] = 0x80 | (unit & 0x3f)
    } else {
      bytes[at++] = 0xe0 | (unit >>> 12)
      bytes[at++] = 0x80 | ((unit >>> 6) & 0x3f)
      bytes[at++] = 0x80 | (unit & 0x3f)
    }
  }
  bytes[at++] = 0
  writer.length = at
}

function readText(reader: ByteReader): string {
  const { bytes } = reader
  const start = reader.position
  const end = endOfRun(reader)
  for (let i = start; i < end; i++) {
    if (bytes[i]! >= 0x80 || bytes[i] === 1) return readUnits(bytes, start, end)
  }
  return readLatin1(bytes, start, end)
}

/** Units that are not all plain ASCII, into a scratch that is turned into a string in one go. */
function readUnits(bytes: Uint8Array, start: number, end: number): string {
  const units = new ByteWriter((end - start) * 2)
  const continuation = (at: number): number => {
    const byte = at < end ? bytes[at]! : 0
    if ((byte & 0xc0) !== 0x80) throw corrupt(`a string key breaks off at ${at}`)
    return byte & 0x3f
  }
  let at = start
  while (at < end) {
    const byte = bytes[at++]!
    let unit = byte
    if (byte === 1) unit = unescaped(bytes, at++, end)
    else if (byte >= 0xe0) {
      unit = ((byte & 0x0f) << 12) | (continuation(at) << 6) | continuation(at + 1)
      at += 2
    } else if (byte >= 0x80) {
      unit = ((byte & 0x1f) << 6) | continuation(at++)
    }
    units.u8(unit & 0xff)
    units.u8(unit >>> 8)
  }
  return readUtf16(units.bytes, 0, units.length)
}

function writeBytes(writer: ByteWriter, source: Uint8Array): void {
  writer.ensure(source.length * 2 + 2)
  const { bytes } = writer
  let at = writer.length
  bytes[at++] = BYTES
  for (let i = 0; i < source.length; i++) {
    const byte = source[i]!
    if (byte < 2) bytes[at++] = 1
    bytes[at++] = byte < 2 ? byte + 1 : byte
  }
  bytes[at++] = 0
  writer.length = at
}

function readBytes(reader: ByteReader): Uint8Array {
  const { bytes } = reader
  const start = reader.position
  const end = endOfRun(reader)
  const result = new Uint8Array(end - start)
  let length = 0
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    result[length++] = byte === 1 ? unescaped(bytes, ++at, end) : byte
  }
  return length === result.length ? result : result.slice(0, length)
}

function writeTuple(writer: ByteWriter, tuple: readonly Key[]): void {
  writer.u8(TUPLE)
  for (let i = 0; i < tuple.length; i++) writeKey(writer, tuple[i]!)
  writer.u8(0)
}

function readTuple(reader: ByteReader, depth: number): Key {
  if (depth >= MAX_TUPLE_DEPTH) throw corrupt(`a tuple is nested too deep at ${reader.position}`)
  const tuple: Key[] = []
  for (;;) {
    if (reader.left > 0 && reader.bytes[reader.position] === 0) break
    tuple.push(readAt(reader, depth + 1))
  }
  reader.position++
  return tuple
}

/** Moves the reader behind the 00 that ends a string or bytes, and returns where that 00 is. */
function endOfRun(reader: ByteReader): number {
  const at = reader.bytes.indexOf(0, reader.position)
  if (at < 0 || at >= reader.end) throw corrupt(`a key does not end after ${reader.position}`)
  reader.position = at + 1
  return at
}

function unescaped(bytes: Uint8Array, at: number, end: number): number {
  const byte = at < end ? bytes[at]! : 0
  if (byte !== 1 && byte !== 2) throw corrupt(`a key holds a wrong escape at ${at}`)
  return byte - 1
}
