import { StreamError } from './errors.ts'

/** Methods of `Buffer` that work on any bytes without a detour; public in Node, missing in its types. */
interface TextMethods {
  latin1Write(text: string, offset: number, length: number): number
  utf8Write(text: string, offset: number, length: number): number
  ucs2Write(text: string, offset: number, length: number): number
  latin1Slice(start: number, end: number): string
  utf8Slice(start: number, end: number): string
  ucs2Slice(start: number, end: number): string
}

const text = Buffer.prototype as unknown as TextMethods

/** The text of the bytes from `start` to `end`: one byte a unit. A string of its own, which keeps no bytes alive. */
export function readLatin1(bytes: Uint8Array, start: number, end: number): string {
  return text.latin1Slice.call(bytes, start, end)
}

export function readUtf8(bytes: Uint8Array, start: number, end: number): string {
  return text.utf8Slice.call(bytes, start, end)
}

/** Two bytes a unit, little-endian; lone surrogates stay. */
export function readUtf16(bytes: Uint8Array, start: number, end: number): string {
  return text.ucs2Slice.call(bytes, start, end)
}

/** Writes one byte a unit (the high one is lost: the caller has looked) into room that is there. */
export function putLatin1(bytes: Uint8Array, string: string, at: number): void {
  text.latin1Write.call(bytes, string, at, string.length)
}

/** Writes two bytes a unit into room that is there. */
export function putUtf16(bytes: Uint8Array, string: string, at: number): void {
  text.ucs2Write.call(bytes, string, at, string.length * 2)
}

/** Whether one byte a unit is enough. Native speed where the answer is yes by ASCII alone. */
export function isLatin1(string: string): boolean {
  if (Buffer.byteLength(string) === string.length) return true
  return Buffer.from(string, 'latin1').toString('latin1') === string
}

/** Numbers through the same eight bytes, little-endian as on every machine that Node runs on. */
const doubleScratch = new Float64Array(1)
const doubleBytes = new Uint8Array(doubleScratch.buffer)
const doubleWords = new Uint32Array(doubleScratch.buffer)

const FIRST_CAPACITY = 256
/** Bytes up to this many are copied in a loop. */
const SHORT_COPY = 40
/** Bytes up to this many live in the heap of V8 and are cheap to make. */
const ON_HEAP_BYTES = 64
/** Copies up to this many bytes share memory with others: memory of its own costs as much as copying some 10 KiB. */
const SHARED_BYTES = 1_024
/** What copies share; it goes with the last of them. */
const SLAB_BYTES = 16 * 1_024

/** Most bytes that a writer takes: beyond it `ensure` fails, so that no value can exhaust the memory. */
const MAX_CAPACITY = 512 * 1_024 * 1_024

/**
 * A buffer that grows: bytes are put at `length` after `ensure` has made room for them.
 *
 * Made once and used for many values: `length = 0` starts over and keeps the memory.
 */
export class ByteWriter {
  bytes: Uint8Array<ArrayBuffer>
  length = 0

  constructor(capacity: number = FIRST_CAPACITY) {
    this.bytes = new Uint8Array(capacity)
  }

  /** Makes room for `count` bytes more. Amortised constant; `bytes` may be another object afterwards. */
  ensure(count: number): void {
    const needed = this.length + count
    if (needed > this.bytes.length) this.#grow(needed)
  }

  u8(value: number): void {
    this.ensure(1)
    this.bytes[this.length++] = value
  }

  /** An integer from 0 to 2^32 − 1 in one to five bytes of seven bits, lowest first. */
  varint(value: number): void {
    this.ensure(5)
    const { bytes } = this
    let at = this.length
    let rest = value >>> 0
    while (rest > 0x7f) {
      bytes[at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    bytes[at++] = rest
    this.length = at
  }

  /** Eight bytes, little-endian. */
  f64(value: number): void {
    this.ensure(8)
    doubleScratch[0] = value
    const low = doubleWords[0]!
    const high = doubleWords[1]!
    const { bytes } = this
    const at = this.length
    bytes[at] = low
    bytes[at + 1] = low >>> 8
    bytes[at + 2] = low >>> 16
    bytes[at + 3] = low >>> 24
    bytes[at + 4] = high
    bytes[at + 5] = high >>> 8
    bytes[at + 6] = high >>> 16
    bytes[at + 7] = high >>> 24
    this.length = at + 8
  }

  append(source: Uint8Array): void {
    this.appendFrom(source, 0, source.length)
  }

  /** Appends the bytes of `source` from `start` to `end`: a few one by one, as a native call costs more. */
  appendFrom(source: Uint8Array, start: number, end: number): void {
    const count = end - start
    this.ensure(count)
    const { bytes } = this
    let at = this.length
    if (count > SHORT_COPY) bytes.set(source.subarray(start, end), at)
    else for (let i = start; i < end; i++) bytes[at++] = source[i]!
    this.length += count
  }

  latin1(string: string): void {
    this.ensure(string.length)
    putLatin1(this.bytes, string, this.length)
    this.length += string.length
  }

  /** `byteLength` is what `Buffer.byteLength` says; the string is well-formed. */
  utf8(string: string, byteLength: number): void {
    this.ensure(byteLength)
    this.length += text.utf8Write.call(this.bytes, string, this.length, byteLength)
  }

  utf16(string: string): void {
    this.ensure(string.length * 2)
    putUtf16(this.bytes, string, this.length)
    this.length += string.length * 2
  }

  /** A copy of what has been written from `start` on, in memory of its own (which costs much above 64 bytes). */
  copy(start = 0): Uint8Array<ArrayBuffer> {
    const count = this.length - start
    if (count > ON_HEAP_BYTES) return this.bytes.slice(start, this.length)
    const copy = new Uint8Array(count)
    for (let i = 0; i < count; i++) copy[i] = this.bytes[start + i]!
    return copy
  }

  /** A copy of what has been written; up to 1 KiB its memory is shared with copies of about its age, and must not be transferred. */
  copyShared(): Uint8Array<ArrayBuffer> {
    const { length } = this
    if (length > SHARED_BYTES || length <= ON_HEAP_BYTES) return this.copy()
    return copyIntoSlab(this.bytes.subarray(0, length))
  }

  /** Starts over, and gives memory above `capacity` back. */
  reset(capacity: number): void {
    if (this.bytes.length > capacity) this.bytes = new Uint8Array(capacity)
    this.length = 0
  }

  #grow(needed: number): void {
    if (needed > MAX_CAPACITY) throw new RangeError(`More than ${MAX_CAPACITY} bytes in one buffer`)
    const grown = new Uint8Array(Math.min(MAX_CAPACITY, Math.max(needed, this.bytes.length * 2)))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }
}

let slab = new Uint8Array(SLAB_BYTES)
let slabLength = 0

function copyIntoSlab(source: Uint8Array): Uint8Array<ArrayBuffer> {
  if (slabLength + source.length > SLAB_BYTES) {
    slab = new Uint8Array(SLAB_BYTES)
    slabLength = 0
  }
  slab.set(source, slabLength)
  const copy = new Uint8Array(slab.buffer, slabLength, source.length)
  slabLength += source.length
  return copy
}

/**
 * A cursor over bytes that may be damaged: every read is checked against the end, and fails with `MR_CHECKPOINT_CORRUPT`
 * instead of reading past it.
 */
export class ByteReader {
  bytes: Uint8Array
  position: number
  end: number

  constructor(bytes: Uint8Array, position: number = 0, end: number = bytes.length) {
    this.bytes = bytes
    this.position = position
    this.end = end
  }

  /** Bytes left. */
  get left(): number {
    return this.end - this.position
  }

  /** Claims the next `count` bytes and returns where they start. */
  take(count: number): number {
    const at = this.position
    if (count > this.end - at) throw corrupt(`${count} bytes are missing at ${at} of ${this.end}`)
    this.position = at + count
    return at
  }

  u8(): number {
    return this.bytes[this.take(1)]!
  }

  varint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8()
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) {
        if (value > 0xffff_ffff) break
        return value
      }
    }
    throw corrupt(`a length before ${this.position} is too large`)
  }

  f64(): number {
    const at = this.take(8)
    const bytes = this.bytes
    for (let i = 0; i < 8; i++) doubleBytes[i] = bytes[at + i]!
    return doubleScratch[0]!
  }
}

/**
 * The order of two stretches of bytes, from a start to an end each, a shorter one before those that begin with it: negative, 0 or
 * positive.
 */
export function compareRanges(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  let i = aStart
  let j = bStart
  while (i < aEnd && j < bEnd) {
    const difference = a[i++]! - b[j++]!
    if (difference !== 0) return difference
  }
  return aEnd - i - (bEnd - j)
}

/** The error of all decoders: the bytes are not what an encoder wrote. */
export function corrupt(detail: string, cause?: unknown): StreamError {
  return new StreamError(
    'MR_CHECKPOINT_CORRUPT',
    `Encoded bytes are damaged: ${detail}; what they held cannot be read back; restore another checkpoint.`,
    { detail },
    cause,
  )
}
