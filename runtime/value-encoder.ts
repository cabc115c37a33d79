import { ByteWriter } from './bytes.ts'
import { StreamError } from './errors.ts'
import { MAX_VALUE_DEPTH, refuseValue } from './value-check.ts'
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

/** Arrays up to this length are searched for fields besides their elements (a match of a regular expression has some). */
const CHECKED_ELEMENTS = 16
/** The shared writer gives memory beyond this back. */
const KEPT_BYTES = 1_024 * 1_024

/** Thrown on the way out of the encoder, which knows no path; the check then finds the place and says it. */
const UNSUPPORTED = Symbol('unsupported')

/** Lists of names that are kept as they are written, one at each place, and how long these may be. */
const KNOWN_SHAPES = 32
const KNOWN_SHAPE_BYTES = 1_024
const knownShapes: ({ readonly names: Shape; readonly bytes: Uint8Array } | undefined)[] =
  Array.from({ length: KNOWN_SHAPES })

/** What has been seen so far in the value being encoded; encoding is not reentrant. */
const shapes: Shape[] = []
let shapeCount = 0

const sharedWriter = new ByteWriter()

/**
 * The bytes of a value of the type table, exactly: what `decodeValue` gives back is the same value.
 *
 * Two references to one object become two objects. Anything outside the table is `MR_VALUE_UNSUPPORTED` with the path of
 * the field, beginning with `what` (R18).
 */
export function encodeValue(value: unknown, what: string): Uint8Array {
  sharedWriter.reset(KEPT_BYTES)
  writeValue(sharedWriter, value, what)
  return sharedWriter.copy()
}

/** As `encodeValue`, appended to a writer; where the value is refused nothing has been appended. */
export function writeValue(writer: ByteWriter, value: unknown, what: string): void {
  const start = writer.length
  shapeCount = 0
  try {
    write(writer, value, 0)
  } catch (error) {
    writer.length = start
    if (error === UNSUPPORTED) throw refuseValue(value, what)
    if (error instanceof RangeError) throw tooLarge(what, error)
    throw error
  }
}

function write(writer: ByteWriter, value: unknown, depth: number): void {
  switch (typeof value) {
    case 'string':
      writeString(writer, value)
      break
    case 'number':
      writeNumber(writer, value)
      break
    case 'boolean':
      writer.u8(value ? TRUE : FALSE)
      break
    case 'undefined':
      writer.u8(UNDEFINED)
      break
    case 'bigint':
      writeBigint(writer, value)
      break
    case 'object':
      if (value === null) writer.u8(NULL)
      else writeObject(writer, value, depth)
      break
    default:
      throw UNSUPPORTED
  }
}

function writeNumber(writer: ByteWriter, value: number): void {
  const int = value | 0
  if (int === value && (int !== 0 || Object.is(value, 0))) {
    writer.ensure(6)
    const { bytes } = writer
    let at = writer.length
    bytes[at++] = INTEGER
    let rest = ((int << 1) ^ (int >> 31)) >>> 0
    while (rest > 0x7f) {
      bytes[at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    bytes[at++] = rest
    writer.length = at
    return
  }
  writer.u8(NUMBER)
  writer.f64(value)
}

function writeBigint(writer: ByteWriter, value: bigint): void {
  if (BigInt.asIntN(64, value) === value) {
    writer.ensure(9)
    writer.bytes[writer.length++] = BIGINT_64
    let rest = BigInt.asUintN(64, value)
    for (let i = 0; i < 8; i++) {
      writer.bytes[writer.length++] = Number(rest & 0xffn)
      rest >>= 8n
    }
    return
  }
  const hex = value.toString(16)
  writer.u8(BIGINT_HEX)
  writer.varint(hex.length)
  writer.latin1(hex)
}

/** Appends a string with its tag. */
function writeString(writer: ByteWriter, text: string): void {
  const { length } = text
  if (length > SHORT_TEXT) {
    writeLongString(writer, text)
    return
  }
  writer.ensure(2 + length)
  const { bytes } = writer
  let at = writer.length
  bytes[at++] = STRING_LATIN1
  bytes[at++] = length
  let units = 0
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i)
    units |= unit
    bytes[at++] = unit
  }
  if (units > 0xff) writeLongString(writer, text)
  else writer.length = at
}

function writeLongString(writer: ByteWriter, text: string): void {
  if (!text.isWellFormed()) {
    writer.u8(STRING_UTF16)
    writer.varint(text.length * 2)
    writer.utf16(text)
    return
  }
  const length = Buffer.byteLength(text)
  writer.u8(length === text.length ? STRING_LATIN1 : STRING_UTF8)
  writer.varint(length)
  writer.utf8(text, length)
}

function writeObject(writer: ByteWriter, value: object, depth: number): void {
  if (depth >= MAX_VALUE_DEPTH) throw UNSUPPORTED
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) writeFields(writer, value as Fields, depth)
  else if (prototype === Array.prototype) writeArray(writer, value as unknown[], depth)
  else if (prototype === Uint8Array.prototype || prototype === Buffer.prototype) {
    writer.u8(BYTES)
    writer.varint((value as Uint8Array).length)
    writer.append(value as Uint8Array)
  } else if (prototype !== null && Object.keys(value).length > 0) throw UNSUPPORTED
  else if (prototype === Map.prototype) writeMap(writer, value as Map<unknown, unknown>, depth)
  else if (prototype === Set.prototype) writeSet(writer, value as Set<unknown>, depth)
  else if (prototype === Date.prototype) {
    writer.u8(DATE)
    writer.f64((value as Date).getTime())
  } else if (prototype === null) {
    const names = fieldNames(value)
    writer.u8(OBJECT_WITHOUT_PROTOTYPE)
    writeNames(writer, names)
    for (const name of names) write(writer, (value as Fields)[name], depth + 1)
  } else throw UNSUPPORTED
}

function writeFields(writer: ByteWriter, value: Fields, depth: number): void {
  const names = fieldNames(value)
  const number = numberOfShape(names)
  if (number >= 0) {
    writer.u8(OBJECT_OF_SHAPE)
    writer.varint(number)
  } else {
    writeShape(writer, names)
    if (shapeCount < MAX_SHAPES) shapes[shapeCount++] = names
  }
  for (let i = 0; i < names.length; i++) write(writer, value[names[i]!], depth + 1)
}

/** The names of the fields, if there is nothing else to an object that would be lost or run code. */
function fieldNames(value: object): string[] {
  const names = Object.keys(value)
  if (Object.getOwnPropertyNames(value).length !== names.length) throw UNSUPPORTED
  if (Object.getOwnPropertySymbols(value).length > 0) throw UNSUPPORTED
  for (let i = 0; i < names.length; i++) {
    if (!('value' in Object.getOwnPropertyDescriptor(value, names[i]!)!)) throw UNSUPPORTED
  }
  return names
}

function numberOfShape(names: Shape): number {
  for (let number = 0; number < shapeCount; number++) {
    if (isSame(shapes[number]!, names)) return number
  }
  return -1
}

function isSame(shape: Shape, names: Shape): boolean {
  if (shape.length !== names.length) return false
  for (let i = 0; i < names.length; i++) if (shape[i] !== names[i]) return false
  return true
}

/** Appends the tag of an object of a new shape and its names: by one copy where they have been written of late. */
function writeShape(writer: ByteWriter, names: Shape): void {
  const place = placeOf(names)
  const known = place < 0 ? undefined : knownShapes[place]
  if (known !== undefined && isSame(known.names, names)) {
    writer.append(known.bytes)
    return
  }
  const start = writer.length
  writer.u8(OBJECT)
  writeNames(writer, names)
  if (place < 0 || writer.length - start > KNOWN_SHAPE_BYTES) return
  knownShapes[place] = { names, bytes: writer.copy(start) }
}

/** Where the names are kept; -1 where there are none. */
function placeOf(names: Shape): number {
  const count = names.length
  if (count === 0) return -1
  return (count * 7 + names[0]!.length * 3 + names[count - 1]!.length) % KNOWN_SHAPES
}

function writeNames(writer: ByteWriter, names: Shape): void {
  writer.varint(names.length)
  for (let i = 0; i < names.length; i++) writeString(writer, names[i]!)
}

function writeArray(writer: ByteWriter, value: readonly unknown[], depth: number): void {
  if (value.length <= CHECKED_ELEMENTS && Object.keys(value).length > value.length)
    throw UNSUPPORTED
  writer.u8(ARRAY)
  writer.varint(value.length)
  for (let i = 0; i < value.length; i++) {
    const element = value[i]
    if (element === undefined && !(i in value)) throw UNSUPPORTED
    write(writer, element, depth + 1)
  }
}

function writeMap(writer: ByteWriter, value: ReadonlyMap<unknown, unknown>, depth: number): void {
  writer.u8(MAP)
  writer.varint(value.size)
  for (const [key, element] of value) {
    write(writer, key, depth + 1)
    write(writer, element, depth + 1)
  }
}

function writeSet(writer: ByteWriter, value: ReadonlySet<unknown>, depth: number): void {
  writer.u8(SET)
  writer.varint(value.size)
  for (const element of value) write(writer, element, depth + 1)
}

function tooLarge(what: string, cause: RangeError): StreamError {
  return new StreamError(
    'MR_VALUE_UNSUPPORTED',
    `${what} is too large to be stored or sent (512 MiB encoded); keep less in one value.`,
    { path: what },
    cause,
  )
}
