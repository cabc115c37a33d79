import { corrupt } from '../bytes.ts'
import type { CheckpointBarrier, WatermarkStatus } from '../element.ts'
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
import { generateDecoder } from './generated-codec.ts'
import { shapeFromValue } from './record-shape.ts'
import { type RowDecoder, plainDecoder } from './row-codec.ts'
import { RowReader } from './row-reader.ts'

/** What the decoder came to: a run of records, a control element, or the end of the batch. */
export type DecodedEntry =
  'records' | 'watermark' | 'status' | 'barrier' | 'end-of-read-first' | 'end-of-input' | 'done'

/** More than that many places are not kept for the next run. */
const KEPT_PLACES = 8_192

interface KnownShape {
  readonly layout: RowLayout
  decode: RowDecoder
  rows: number
}

/**
 * Takes the batches of one channel apart again, in the order in which they were made; shapes are announced once.
 *
 * Records come by runs, of several shapes where that was their order, with one control element between two runs. Nothing
 * that is decoded keeps the batch alive.
 */
export class BatchDecoder {
  /** The current run: the first `count` of both arrays, until `next` is called. */
  readonly values: unknown[] = []
  readonly timestamps: number[] = []
  count = 0
  /** Valid after `next` has returned the entry of that name. */
  watermark: number = NaN
  status: WatermarkStatus = 'active'
  barrier: CheckpointBarrier = { checkpointId: 0, baseId: 0, kind: 'checkpoint' }
  readonly #reader: RowReader = new RowReader()
  readonly #generates: boolean
  readonly #shapes: KnownShape[] = []

  constructor(options: { readonly generates?: boolean } = {}) {
    this.#generates = options.generates ?? canGenerate()
  }

  /** Starts on a batch, once the one before is `done`. The bytes begin at a multiple of 8 of their buffer. */
  load(bytes: Uint8Array): void {
    this.#reader.load(bytes)
  }

  /** Moves to the next entry. At `done` the batch has been let go of: its buffer may be sent back. */
  next(): DecodedEntry {
    const reader = this.#reader
    this.#clear()
    while (reader.slot < reader.end) {
      const kind = reader.u32[reader.slot * 2]!
      const detail = reader.u32[reader.slot * 2 + 1]!
      if (kind >= WATERMARK && kind <= END) {
        if (this.count > 0) break
        reader.slot++
        return this.#control(kind, detail)
      }
      reader.slot++
      if (kind === SHAPE) this.#learn(detail)
      else if (kind === GENERIC) this.#decodeGeneric(detail)
      else this.#decodeRows(kind - FIRST_SHAPE, detail)
    }
    if (this.count > 0) return 'records'
    reader.unload()
    return 'done'
  }

  /** Lets go of the last run, so that it does not live on while nothing arrives. */
  #clear(): void {
    if (this.values.length > KEPT_PLACES) {
      this.values.length = 0
      this.timestamps.length = 0
    } else this.values.fill(undefined, 0, this.count)
    this.count = 0
  }

  #control(kind: number, detail: number): DecodedEntry {
    const reader = this.#reader
    switch (kind) {
      case WATERMARK:
        this.watermark = reader.number()
        return 'watermark'
      case STATUS:
        this.status = oneOf(STATUSES, detail)
        return 'status'
      case BARRIER: {
        const checkpointId = reader.number()
        this.barrier = { checkpointId, baseId: reader.number(), kind: oneOf(BARRIER_KINDS, detail) }
        return 'barrier'
      }
      case END_OF_READ_FIRST:
        return 'end-of-read-first'
      default:
        return 'end-of-input'
    }
  }

  #learn(number: number): void {
    if (number !== this.#shapes.length || number >= MAX_SHAPES) throw corrupt('a shape out of turn')
    const layout = layOut(shapeFromValue(this.#reader.value()))
    this.#shapes.push({ layout, decode: plainDecoder(layout), rows: 0 })
  }

  #decodeGeneric(count: number): void {
    const reader = this.#reader
    reader.expect(count)
    for (let i = 0; i < count; i++) {
      this.timestamps[this.count] = reader.number()
      this.values[this.count] = reader.value()
      this.count++
    }
  }

  #decodeRows(number: number, count: number): void {
    const known = this.#shapes[number]
    if (known === undefined) throw corrupt(`a batch has records of an unknown shape ${number}`)
    this.#reader.expect(count * known.layout.rowSlots)
    known.decode(this.#reader, count, this.values, this.timestamps, this.count)
    this.count += count
    known.rows += count
    if (known.rows >= GENERATE_AFTER && known.rows - count < GENERATE_AFTER && this.#generates) {
      known.decode = generateDecoder(known.layout)
    }
  }
}

function oneOf<T>(list: readonly T[], index: number): T {
  const found = list[index]
  if (found === undefined) throw corrupt(`a batch has an unknown detail ${index}`)
  return found
}
