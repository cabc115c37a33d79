import { ByteWriter, isLatin1, putLatin1, putUtf16 } from '../bytes.ts'
import { writeValue } from '../value-codec.ts'
import { HEADER_SLOTS, TAG_NULL, TAG_UNDEFINED, TAG_VALUE } from './batch-layout.ts'

const FIRST_BYTES = 8 * 1_024
/** A buffer that comes back is used again up to this size, so that one huge record is not kept for ever. */
const KEPT_BYTES = 256 * 1_024

/** Where the batch that is being written grows: slots in the buffer that is sent, text and rest beside it. */
export class RowWriter {
  f64: Float64Array<ArrayBuffer>
  u32: Uint32Array<ArrayBuffer>
  i64: BigInt64Array<ArrayBuffer>
  /** The next slot to be written. */
  slot: number = HEADER_SLOTS
  /** Strings put together here, so that they are written by one call for the whole batch. */
  text = ''
  readonly rest: ByteWriter = new ByteWriter()
  /** Bytes a unit of text took in the batch before, for the estimate of this one. */
  #width = 1
  #capacity = FIRST_BYTES

  constructor() {
    const buffer = new ArrayBuffer(0)
    this.f64 = new Float64Array(buffer)
    this.u32 = new Uint32Array(buffer)
    this.i64 = new BigInt64Array(buffer)
  }

  get isEmpty(): boolean {
    return this.slot === HEADER_SLOTS
  }

  /** About the length of what `finish` would return, 0 while there is nothing; never decreases within a batch. */
  get byteLength(): number {
    if (this.isEmpty) return 0
    return this.slot * 8 + this.text.length * this.#width + this.rest.length
  }

  /** Makes room for slots; the views may be others afterwards. */
  reserve(slots: number): void {
    if (this.slot + slots > this.f64.length) this.#grow((this.slot + slots) * 8)
  }

  /** Writes a field that is not of its kind, and returns its tag. */
  other(value: unknown): number {
    if (value === null) return TAG_NULL
    if (value === undefined) return TAG_UNDEFINED
    writeValue(this.rest, value, 'record')
    return TAG_VALUE
  }

  /** Begins an entry: a slot of kind and detail. */
  entry(kind: number, detail: number): void {
    this.reserve(1)
    this.u32[this.slot * 2] = kind
    this.u32[this.slot * 2 + 1] = detail
    this.slot++
  }

  number(value: number): void {
    this.reserve(1)
    this.f64[this.slot++] = value
  }

  /**
   * Completes the batch and starts the next one, in `reuse` if that is given. The buffer of the result belongs to the
   * caller; nothing here refers to it any more.
   */
  finish(reuse: ArrayBuffer | undefined): Uint8Array<ArrayBuffer> {
    const { text, rest, slot } = this
    this.#width = isLatin1(text) ? 1 : 2
    const textAt = slot * 8
    const restAt = textAt + text.length * this.#width
    const length = restAt + rest.length
    if (length > this.f64.length * 8) this.#grow(length)
    const { buffer } = this.f64
    const bytes = new Uint8Array(buffer, 0, length)
    if (this.#width === 1) putLatin1(bytes, text, textAt)
    else putUtf16(bytes, text, textAt)
    bytes.set(rest.bytes.subarray(0, rest.length), restAt)
    this.u32.set([slot, this.#width, text.length, rest.length])
    this.text = ''
    this.slot = HEADER_SLOTS
    rest.reset(KEPT_BYTES)
    this.#capacity = Math.min(KEPT_BYTES, buffer.byteLength)
    this.#view(isUsable(reuse) ? reuse : new ArrayBuffer(0))
    return bytes
  }

  #grow(needed: number): void {
    const old = this.f64
    const bytes = Math.max(needed, old.length === 0 ? this.#capacity : old.length * 16)
    this.#view(new ArrayBuffer(Math.ceil(bytes / 8) * 8))
    this.f64.set(old.subarray(0, this.slot))
  }

  #view(buffer: ArrayBuffer): void {
    this.f64 = new Float64Array(buffer)
    this.u32 = new Uint32Array(buffer)
    this.i64 = new BigInt64Array(buffer)
  }
}

function isUsable(buffer: ArrayBuffer | undefined): buffer is ArrayBuffer {
  return buffer !== undefined && buffer.byteLength % 8 === 0 && buffer.byteLength <= KEPT_BYTES
}
