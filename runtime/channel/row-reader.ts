import { ByteReader, corrupt, readLatin1, readUtf16 } from '../bytes.ts'
import { readValue } from '../value-codec.ts'
import { HEADER_SLOTS, TAG_NULL, TAG_UNDEFINED } from './batch-layout.ts'

/**
 * Shorter strings are cut out of the text of the batch, since V8 copies them then; longer ones would keep the whole text
 * alive for as long as one of them is in somebody's state, so they are read from the bytes one by one (40 ns).
 */
const SLICED_FROM = 13

const EMPTY = new Uint8Array(0)
const NO_U32 = new Uint32Array(0)
const NO_I32 = new Int32Array(0)
const NO_F64 = new Float64Array(0)
const NO_I64 = new BigInt64Array(0)

/** A cursor over a batch: slots, text and rest are each read in the order in which they were written. */
export class RowReader {
  f64: Float64Array = NO_F64
  u32: Uint32Array = NO_U32
  i32: Int32Array = NO_I32
  i64: BigInt64Array = NO_I64
  /** The next slot, and the one behind the last. */
  slot = 0
  end = 0
  #rest = new ByteReader(EMPTY)
  #bytes: Uint8Array = EMPTY
  #text = ''
  #width = 1
  #textAt = 0
  #unit = 0

  /** Starts on another batch. */
  load(bytes: Uint8Array): void {
    const { buffer, byteOffset, byteLength } = bytes
    if (byteOffset % 8 !== 0 || byteLength < HEADER_SLOTS * 8) throw corrupt('no batch begins here')
    const words = new Uint32Array(buffer, byteOffset, byteLength >>> 2)
    const slots = words[0]!
    const width = words[1]!
    const units = words[2]!
    const restAt = slots * 8 + units * width
    if (slots < HEADER_SLOTS || (width !== 1 && width !== 2) || restAt + words[3]! !== byteLength) {
      throw corrupt('the parts of a batch do not add up')
    }
    this.u32 = words
    this.i32 = new Int32Array(buffer, byteOffset, byteLength >>> 2)
    this.f64 = new Float64Array(buffer, byteOffset, slots)
    this.i64 = new BigInt64Array(buffer, byteOffset, slots)
    this.slot = HEADER_SLOTS
    this.end = slots
    this.#bytes = bytes
    this.#width = width
    this.#textAt = slots * 8
    this.#unit = 0
    this.#text =
      width === 1 ? readLatin1(bytes, this.#textAt, restAt) : readUtf16(bytes, this.#textAt, restAt)
    this.#rest = new ByteReader(bytes, restAt)
  }

  /** Lets go of the batch, so that a channel without input keeps none. */
  unload(): void {
    this.u32 = NO_U32
    this.i32 = NO_I32
    this.f64 = NO_F64
    this.i64 = NO_I64
    this.slot = 0
    this.end = 0
    this.#bytes = EMPTY
    this.#text = ''
    this.#rest = new ByteReader(EMPTY)
  }

  /** Fails unless that many slots are left. */
  expect(slots: number): void {
    if (slots > this.end - this.slot) throw corrupt('a batch breaks off')
  }

  number(): number {
    this.expect(1)
    return this.f64[this.slot++]!
  }

  /** The next string, of that many units; it keeps nothing of the batch alive. */
  text(units: number): string {
    const start = this.#unit
    const end = start + units
    if (end > this.#text.length) throw corrupt('the text of a batch breaks off')
    this.#unit = end
    if (units < SLICED_FROM) return this.#text.substring(start, end)
    const at = this.#textAt
    return this.#width === 1
      ? readLatin1(this.#bytes, at + start, at + end)
      : readUtf16(this.#bytes, at + start * 2, at + end * 2)
  }

  /** A field that is not of its kind, by its tag. */
  other(tag: number): unknown {
    if (tag === TAG_NULL) return null
    if (tag === TAG_UNDEFINED) return undefined
    return readValue(this.#rest)
  }

  /** The next value of the rest. */
  value(): unknown {
    return readValue(this.#rest)
  }
}
