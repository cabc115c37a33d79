import type { CheckpointBarrier, WatermarkStatus } from '../element.ts'
import type { FieldKind } from './field-kind.ts'
import type { RecordShape } from './record-shape.ts'

/*
 * A batch: one ArrayBuffer, in the byte order of the machine, since it never leaves the process.
 *
 *   header    u32 slots · u32 width of text (1 or 2 bytes a unit) · u32 units of text · u32 bytes of rest
 *   slots     8 bytes each: entries one behind the other, see below
 *   text      the strings of all records, in order: Latin-1, or UTF-16 if one of them is not
 *   rest      values in the value codec, in order: shapes, records without a shape, fields that are not of their kind
 *
 * Entries, each behind one slot of (u32 kind · u32 detail):
 *
 *   records   kind = FIRST_SHAPE + number of the shape, detail = how many follow; for each one row:
 *             f64 timestamp · u32 words (tags, whole numbers, lengths of strings in units, booleans), padded ·
 *             f64/i64 slots
 *   GENERIC   detail = how many follow; for each: f64 timestamp. The records are in the rest
 *   SHAPE     detail = its number; the shape is in the rest. Announced once a channel, before its first use
 *   WATERMARK f64 timestamp
 *   STATUS    detail = index into STATUSES
 *   BARRIER   detail = index into BARRIER_KINDS · f64 checkpoint id · f64 base id
 *   END_OF_READ_FIRST
 *   END
 *
 * A tag has two bits a field: 0 = of the field's kind, in its slot; else null, undefined, or a value in the rest.
 */
export const HEADER_SLOTS = 2

export const GENERIC = 0
export const SHAPE = 1
export const WATERMARK = 2
export const STATUS = 3
export const BARRIER = 4
export const END_OF_READ_FIRST = 5
export const END = 6
export const FIRST_SHAPE = 16

/** Shapes of one channel; records of any further one go through the value codec (N26). */
export const MAX_SHAPES = 64

/** Code is generated for a shape, at either end, when that many records have had it. */
export const GENERATE_AFTER = 32

export const STATUSES: readonly WatermarkStatus[] = ['active', 'idle', 'finished']
export const BARRIER_KINDS: readonly CheckpointBarrier['kind'][] = ['checkpoint', 'stop']

/** What a field's tag says. */
export const TAG_NULL = 1
export const TAG_UNDEFINED = 2
export const TAG_VALUE = 3

const TAGS_PER_WORD = 16

/** A field with its place in the row: all numbers count from the beginning of the row. */
export interface PlacedField {
  readonly name: string
  readonly kind: FieldKind
  /** Of kind `object` only. */
  readonly fields: readonly PlacedField[] | undefined
  /** The u32 word that holds the tag, and the shift of its two bits. */
  readonly tagWord: number
  readonly tagShift: number
  /** `int32`, `string` and `boolean`: a u32 word; `number`, `bigint`, `date`: an 8-byte slot; others have none. */
  readonly place: number
}

/** Where the fields of a shape are in a row. */
export interface RowLayout {
  readonly fields: readonly PlacedField[]
  /** Size of a row, its timestamp included. */
  readonly rowSlots: number
  /** u32 words with tags: from word 2 on. */
  readonly tagWords: number
}

export const FIRST_TAG_WORD = 2

/** Lays out the rows of a shape; the same at both ends, as it depends on nothing else. */
export function layOut(shape: RecordShape): RowLayout {
  const counts = { fields: 0, words: 0, slots: 0 }
  count(shape, counts)
  const tagWords = Math.ceil(counts.fields / TAGS_PER_WORD)
  const firstWord = FIRST_TAG_WORD + tagWords
  const firstSlot = Math.ceil((firstWord + counts.words) / 2)
  const next = { tag: 0, word: firstWord, slot: firstSlot }
  return { fields: place(shape, next), rowSlots: firstSlot + counts.slots, tagWords }
}

function isWord(kind: FieldKind): boolean {
  return kind === 'int32' || kind === 'string' || kind === 'boolean'
}

function isSlot(kind: FieldKind): boolean {
  return kind === 'number' || kind === 'bigint' || kind === 'date'
}

function count(shape: RecordShape, counts: { fields: number; words: number; slots: number }): void {
  for (const field of shape.fields) {
    counts.fields++
    if (isWord(field.kind)) counts.words++
    if (isSlot(field.kind)) counts.slots++
    if (field.shape !== undefined) count(field.shape, counts)
  }
}

function place(
  shape: RecordShape,
  next: { tag: number; word: number; slot: number },
): readonly PlacedField[] {
  return shape.fields.map(({ name, kind, shape: nested }) => {
    const tag = next.tag++
    return {
      name,
      kind,
      tagWord: FIRST_TAG_WORD + Math.floor(tag / TAGS_PER_WORD),
      tagShift: (tag % TAGS_PER_WORD) * 2,
      place: isWord(kind) ? next.word++ : isSlot(kind) ? next.slot++ : -1,
      fields: nested === undefined ? undefined : place(nested, next),
    }
  })
}
