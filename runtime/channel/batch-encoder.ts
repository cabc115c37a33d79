import type { CheckpointBarrier, WatermarkStatus } from '../element.ts'
import { checkValue, writeValue } from '../value-codec.ts'
import { canGenerate } from '../own-code.ts'
import {
  BARRIER,
  BARRIER_KINDS,
  END,
  END_OF_READ_FIRST,
  FIRST_SHAPE,
  GENERATE_AFTER,
  GENERIC,
  MAX_SHAPES,
  type RowLayout,
  SHAPE,
  STATUS,
  STATUSES,
  WATERMARK,
  layOut,
} from './batch-layout.ts'
import { generateEncoder } from './generated-codec.ts'
import { hasFields } from './field-kind.ts'
import { type RecordShape, refine, shapeOf, shapeToValue, withoutInt32 } from './record-shape.ts'
import { type RowEncoder, plainEncoder } from './row-codec.ts'
import { RowWriter } from './row-writer.ts'

/** Records that are checked in full at first, and one of how many after that (R18). */
const CHECKED_AT_FIRST = 1_000
const SAMPLE_EVERY = 1_024

/** So often a shape may be refined and keep fields of whole numbers; and as long as a channel has had fewer shapes than that. */
const REFINED_WITH_INT32 = 4
const SHAPES_WITH_INT32 = MAX_SHAPES / 2

const NO_RUN = -1

interface KnownShape {
  /** Kind of its entries: FIRST_SHAPE + its number. */
  readonly kind: number
  readonly shape: RecordShape
  readonly layout: RowLayout
  encode: RowEncoder
  rows: number
  /** The other shape that came behind it last: most likely that of the next record, where types alternate. */
  next: KnownShape | undefined
  /** How many shapes of the same names this one takes the place of. */
  readonly refinements: number
}

/** Records by the way they were written, and shapes that were announced. */
export interface EncodedPaths {
  readonly generated: number
  readonly plain: number
  readonly generic: number
  readonly shapes: number
}

/**
 * Puts records and control elements of one channel into batches, in order (R8, R10).
 *
 * Plain objects go by shape: fields of most kinds have a place of their own in a row, written by code that is generated
 * once a shape is warm; what does not fit goes through the value codec, field by field or as a whole, or, where a field turns
 * out to hold more than it seemed to, makes a new shape. The result is the
 * same value in any case, over the whole type table; anything else is `MR_VALUE_UNSUPPORTED` with the path of the field,
 * and leaves nothing in the batch (R18). Accessors and hidden properties, which cost more to see than the record to
 * encode, are looked for in the first 1,000 records and a sample after that.
 *
 * A channel has at most 64 shapes; records of further ones go through the value codec (N26).
 */
export class BatchEncoder {
  readonly #writer: RowWriter = new RowWriter()
  readonly #generates: boolean
  /** Shapes by the name of their first field. */
  readonly #shapes = new Map<string, KnownShape[]>()
  /** All that were announced, by their number. */
  readonly #announced: KnownShape[] = []
  #genericRows = 0
  #last: KnownShape | undefined
  /** The kind of the run of records that is open, and the word that counts them. */
  #run = NO_RUN
  #countWord = 0
  #untilCheck = 0
  #checked = 0

  constructor(options: { readonly generates?: boolean } = {}) {
    this.#generates = options.generates ?? canGenerate()
  }

  get isEmpty(): boolean {
    return this.#writer.isEmpty
  }

  /** About the size of the batch so far: exact but for the text, which may turn out to need two bytes a unit. */
  get byteLength(): number {
    return this.#writer.byteLength
  }

  /** How the records so far were written, for benchmarks: so many by generated code, without, and by the value codec as a whole. */
  get paths(): EncodedPaths {
    const rows = this.#announced.map((known) => known.rows)
    const all = rows.reduce((sum, count) => sum + count, 0)
    const plain = rows.reduce((sum, count) => sum + Math.min(count, GENERATE_AFTER), 0)
    return {
      generated: this.#generates ? all - plain : 0,
      plain: this.#generates ? plain : all,
      generic: this.#genericRows,
      shapes: rows.length,
    }
  }

  append(value: unknown, timestamp: number): void {
    if (this.#untilCheck-- === 0) this.#check(value)
    if (typeof value === 'object' && value !== null) {
      const last = this.#last
      if (last !== undefined && this.#appendRow(last, value, timestamp)) return
      const known = this.#appendNext(last?.next, value, timestamp)
      if (known !== undefined) {
        if (last !== undefined) last.next = known
        this.#last = known
        return
      }
    }
    this.#appendGeneric(value, timestamp)
  }

  appendWatermark(timestamp: number): void {
    this.#control(WATERMARK, 0)
    this.#writer.number(timestamp)
  }

  appendStatus(status: WatermarkStatus): void {
    this.#control(STATUS, STATUSES.indexOf(status))
  }

  appendBarrier(barrier: CheckpointBarrier): void {
    this.#control(BARRIER, BARRIER_KINDS.indexOf(barrier.kind))
    this.#writer.number(barrier.checkpointId)
    this.#writer.number(barrier.baseId)
  }

  appendEndOfReadFirst(): void {
    this.#control(END_OF_READ_FIRST, 0)
  }

  appendEndOfInput(): void {
    this.#control(END, 0)
  }

  /**
   * Completes the batch and starts the next. The buffer of the result is not used again here, so it can be transferred;
   * `reuse` becomes the buffer of the next batch (N13).
   */
  finish(reuse: ArrayBuffer | undefined): Uint8Array<ArrayBuffer> {
    this.#run = NO_RUN
    return this.#writer.finish(reuse)
  }

  #check(value: unknown): void {
    this.#checked++
    this.#untilCheck = this.#checked < CHECKED_AT_FIRST ? 0 : SAMPLE_EVERY - 1
    checkValue(value, 'record')
  }

  #control(kind: number, detail: number): void {
    this.#run = NO_RUN
    this.#writer.entry(kind, detail)
  }

  /** Writes a record by a shape; false, and nothing written, if it has another one. */
  #appendRow(known: KnownShape, record: object, timestamp: number): boolean {
    const writer = this.#writer
    const { slot, text } = writer
    const rest = writer.rest.length
    const isNewRun = this.#run !== known.kind
    writer.reserve(known.layout.rowSlots + 1)
    if (isNewRun) writer.slot = slot + 1
    let fits = false
    try {
      fits = known.encode(record, writer, timestamp)
    } catch (error) {
      this.#takeBack(slot, text, rest)
      checkValue(record, 'record') // With the path from the record on, where it was a field that was refused.
      throw error
    }
    if (!fits) {
      this.#takeBack(slot, text, rest)
      return false
    }
    if (isNewRun) this.#beginRun(known.kind, slot)
    writer.u32[this.#countWord]!++
    if (++known.rows === GENERATE_AFTER && this.#generates) {
      known.encode = generateEncoder(known.layout)
    }
    return true
  }

  #takeBack(slot: number, text: string, rest: number): void {
    this.#writer.slot = slot
    this.#writer.text = text
    this.#writer.rest.length = rest
  }

  #beginRun(kind: number, slot: number): void {
    const { u32 } = this.#writer
    u32[slot * 2] = kind
    u32[slot * 2 + 1] = 0
    this.#run = kind
    this.#countWord = slot * 2 + 1
  }

  /** By the shape that is expected next, if that is its own, or by any other than the last. */
  #appendNext(
    next: KnownShape | undefined,
    record: object,
    timestamp: number,
  ): KnownShape | undefined {
    if (next !== undefined && this.#appendRow(next, record, timestamp)) return next
    return this.#appendByShape(record, timestamp)
  }

  /** By another shape than the last; undefined where it has none, and there can be none. */
  #appendByShape(record: object, timestamp: number): KnownShape | undefined {
    if (Object.getPrototypeOf(record) !== Object.prototype) return undefined
    const bucket = firstName(record)
    const candidates = this.#shapes.get(bucket) ?? []
    for (const known of candidates) {
      if (known !== this.#last && this.#appendRow(known, record, timestamp)) return known
    }
    if (this.#announced.length >= MAX_SHAPES) return undefined
    const index = candidates.findIndex((known) => hasFields(record, known.shape.fields))
    const before = candidates[index]
    const shape = before === undefined ? shapeOf(record) : refine(before.shape, record)
    if (shape === undefined) return undefined // Too many fields.
    const known = this.#announce(shape, before === undefined ? 0 : before.refinements + 1)
    candidates.splice(index < 0 ? candidates.length : index, 1, known)
    for (const other of this.#announced) if (other.next === before) other.next = undefined
    this.#shapes.set(bucket, candidates)
    return this.#appendRow(known, record, timestamp) ? known : undefined
  }

  /** Fields that hold other numbers one after the other would take up the shapes of the channel, hence the limits. */
  #announce(described: RecordShape, refinements: number): KnownShape {
    const number = this.#announced.length
    const hasInt32 = refinements < REFINED_WITH_INT32 && number < SHAPES_WITH_INT32
    const shape = hasInt32 ? described : withoutInt32(described)
    const layout = layOut(shape)
    this.#control(SHAPE, number)
    writeValue(this.#writer.rest, shapeToValue(shape), 'shape')
    const known: KnownShape = {
      ...{ kind: FIRST_SHAPE + number, shape, layout, encode: plainEncoder(layout) },
      ...{ rows: 0, next: undefined, refinements },
    }
    this.#announced.push(known)
    return known
  }

  #appendGeneric(value: unknown, timestamp: number): void {
    const writer = this.#writer
    writeValue(writer.rest, value, 'record')
    this.#genericRows++
    writer.reserve(2)
    if (this.#run !== GENERIC) this.#beginRun(GENERIC, writer.slot++)
    writer.f64[writer.slot++] = timestamp
    writer.u32[this.#countWord]!++
  }
}

function firstName(record: object): string {
  for (const name in record) return name
  return ''
}
