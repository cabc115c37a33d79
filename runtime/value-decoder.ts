import { ByteReader, corrupt, readLatin1, readUtf16, readUtf8 } from './bytes.ts'
import { StreamError } from './errors.ts'
import { MAX_VALUE_DEPTH } from './value-check.ts'
import {
  ARRAY,
  BIGINT_64,
  BIGINT_HEX,
  BYTES,
  DATE,
  FALSE,
  INTEGER,
  MAP,
  MAX_SHAPES,
  NULL,
  NUMBER,
  OBJECT,
  OBJECT_OF_SHAPE,
  OBJECT_WITHOUT_PROTOTYPE,
  SET,
  SHORT_TEXT,
  STRING_LATIN1,
  STRING_UTF16,
  STRING_UTF8,
  TRUE,
  UNDEFINED,
  type Fields,
  type Shape,
} from './value-layout.ts'

/**
 * Reads back what `encodeValue` wrote; strings and bytes are copies that keep nothing else alive.
 *
 * Safe on bytes from anywhere: damaged ones are `MR_CHECKPOINT_CORRUPT`, in time and memory in proportion to their length,
 * since nothing is made before the bytes for it have been seen (N25).
 */
export function decodeValue(bytes: Uint8Array): unknown {
  const reader = new ByteReader(bytes)
  const value = readValue(reader)
  if (reader.left > 0) throw corrupt(`${reader.left} bytes are left over behind a value`)
  return value
}

/** As `decodeValue`, at a reader, which moves on behind the value. */
export function readValue(reader: ByteReader): unknown {
  try {
    return read(reader, 0, [])
  } catch (error) {
    if (error instanceof StreamError) throw error
    throw corrupt('a value cannot be built', error)
  }
}

function read(reader: ByteReader, depth: number, seen: Shape[]): unknown {
  const tag = reader.u8()
  switch (tag) {
    case UNDEFINED:
      return undefined
    case NULL:
      return null
    case FALSE:
      return false
    case TRUE:
      return true
    case INTEGER: {
      const zigzag = reader.varint()
      return (zigzag >>> 1) ^ -(zigzag & 1)
    }
    case NUMBER:
      return reader.f64()
    case BIGINT_64:
      return readBigint64(reader)
    case BIGINT_HEX:
      return readBigintHex(reader)
    case STRING_LATIN1:
    case STRING_UTF8:
    case STRING_UTF16:
      return readString(reader, tag)
    case DATE:
      return new Date(reader.f64())
    case BYTES: {
      const length = reader.varint()
      const start = reader.take(length)
      return new Uint8Array(reader.bytes.subarray(start, start + length))
    }
    default:
      if (depth >= MAX_VALUE_DEPTH)
        throw corrupt(`a value is nested too deep at ${reader.position}`)
      return readContainer(reader, tag, depth + 1, seen)
  }
}

function readBigint64(reader: ByteReader): bigint {
  const at = reader.take(8)
  let value = 0n
  for (let i = 7; i >= 0; i--) value = (value << 8n) | BigInt(reader.bytes[at + i]!)
  return BigInt.asIntN(64, value)
}

function readBigintHex(reader: ByteReader): bigint {
  const length = reader.varint()
  const start = reader.take(length)
  const isNegative = reader.bytes[start] === 0x2d
  const hex = readLatin1(reader.bytes, isNegative ? start + 1 : start, start + length)
  const value = BigInt(`0x${hex}`)
  return isNegative ? -value : value
}

function readString(reader: ByteReader, tag: number): string {
  const length = reader.varint()
  const start = reader.take(length)
  if (tag === STRING_LATIN1) return readLatin1(reader.bytes, start, start + length)
  if (tag === STRING_UTF8) return readUtf8(reader.bytes, start, start + length)
  return readUtf16(reader.bytes, start, start + length)
}

function readContainer(reader: ByteReader, tag: number, depth: number, seen: Shape[]): unknown {
  switch (tag) {
    case ARRAY: {
      const count = reader.varint()
      const array: unknown[] = []
      for (let i = 0; i < count; i++) array.push(read(reader, depth, seen))
      return array
    }
    case MAP: {
      const count = reader.varint()
      const map = new Map<unknown, unknown>()
      for (let i = 0; i < count; i++) {
        const key = read(reader, depth, seen)
        map.set(key, read(reader, depth, seen))
      }
      return map
    }
    case SET: {
      const count = reader.varint()
      const set = new Set<unknown>()
      for (let i = 0; i < count; i++) set.add(read(reader, depth, seen))
      return set
    }
    case OBJECT: {
      const names = readNames(reader)
      if (seen.length < MAX_SHAPES) seen.push(names)
      return readFields(reader, {}, names, depth, seen)
    }
    case OBJECT_OF_SHAPE: {
      const names = seen[reader.varint()]
      if (names === undefined) throw corrupt(`an unknown shape before ${reader.position}`)
      return readFields(reader, {}, names, depth, seen)
    }
    case OBJECT_WITHOUT_PROTOTYPE:
      return readFields(reader, Object.create(null) as Fields, readNames(reader), depth, seen)
    default:
      throw corrupt(`a value begins with ${tag} at ${reader.position - 1}`)
  }
}

function readNames(reader: ByteReader): Shape {
  const count = reader.varint()
  const names: string[] = []
  for (let i = 0; i < count; i++) names.push(readName(reader))
  return names
}

/**
 * Field names seen lately, since few are used again and again: looking one up costs a fraction of making the string and
 * finding it among those that V8 uses for properties.
 */
const recentNames: string[] = Array.from({ length: 256 }, () => '')

function readName(reader: ByteReader): string {
  const tag = reader.u8()
  if (tag < STRING_LATIN1 || tag > STRING_UTF16) {
    throw corrupt(`a name is missing at ${reader.position}`)
  }
  const { bytes, position } = reader
  const length = bytes[position]!
  if (tag !== STRING_LATIN1 || length > SHORT_TEXT || length >= reader.left) {
    return readString(reader, tag)
  }
  const start = position + 1
  const last = bytes[position + length]!
  const slot = (length * 17 + bytes[start]! * 31 + last) & 0xff
  const recent = recentNames[slot]!
  let same = recent.length === length
  for (let i = 0; same && i < length; i++) same = recent.charCodeAt(i) === bytes[start + i]
  if (same) {
    reader.position = start + length
    return recent
  }
  const name = Object.keys({ [readString(reader, tag)]: 0 })[0]!
  recentNames[slot] = name
  return name
}

function readFields(
  reader: ByteReader,
  target: Fields,
  names: Shape,
  depth: number,
  seen: Shape[],
): Fields {
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!
    const value = read(reader, depth, seen)
    // Assigned, this name would set the prototype instead of a field (N26).
    if (name === '__proto__') defineField(target, name, value)
    else target[name] = value
  }
  return target
}

function defineField(target: Fields, name: string, value: unknown): void {
  Object.defineProperty(target, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  })
}
