import { FIRST_TAG_WORD, TAG_UNDEFINED, type PlacedField, type RowLayout } from './batch-layout.ts'
import { hasFields, isDate, isInt32, isInt64, refines } from './field-kind.ts'
import type { RowReader } from './row-reader.ts'
import type { RowWriter } from './row-writer.ts'

/**
 * Writes a record as the row at `writer.slot`, for which there is room, and moves on behind it. False if the record has
 * other fields than the shape, or refines it; then, and when it throws, text and rest may hold leftovers that the caller takes
 * back.
 */
export type RowEncoder = (record: object, writer: RowWriter, timestamp: number) => boolean

/** Reads `count` rows, which are there, into both arrays from index `at` on. */
export type RowDecoder = (
  reader: RowReader,
  count: number,
  values: unknown[],
  timestamps: number[],
  at: number,
) => void

type Fields = Record<string, unknown>

/** The encoder of a layout without generated code: slower, and the definition of what the generated one does. */
export function plainEncoder({ fields, rowSlots, tagWords }: RowLayout): RowEncoder {
  return (record, writer, timestamp) => {
    if (!hasFields(record, fields)) return false
    const at = writer.slot
    for (let word = 0; word < tagWords; word++) writer.u32[at * 2 + FIRST_TAG_WORD + word] = 0
    if (!encodeFields(fields, record as Fields, writer)) return false
    writer.f64[at] = timestamp
    writer.slot = at + rowSlots
    return true
  }
}

/** The decoder of a layout without generated code. */
export function plainDecoder({ fields, rowSlots }: RowLayout): RowDecoder {
  return (reader, count, values, timestamps, at) => {
    for (let i = 0; i < count; i++) {
      timestamps[at + i] = reader.f64[reader.slot]!
      values[at + i] = decodeFields(fields, reader)
      reader.slot += rowSlots
    }
  }
}

function encodeFields(fields: readonly PlacedField[], record: Fields, writer: RowWriter): boolean {
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]!
    const value = record[field.name]
    if (field.fields !== undefined && hasFields(value, field.fields)) {
      if (!encodeFields(field.fields, value as Fields, writer)) return false
    } else if (!encodeOfKind(field, value, writer)) {
      if (refines(field.kind, value)) return false
      const word = writer.slot * 2 + field.tagWord
      writer.u32[word] = writer.u32[word]! | (writer.other(value) << field.tagShift)
    }
  }
  return true
}

/** Writes a value into the field's own place; false if it is not of the field's kind. */
function encodeOfKind({ kind, place }: PlacedField, value: unknown, writer: RowWriter): boolean {
  if (kind === 'int32' && isInt32(value)) {
    writer.u32[writer.slot * 2 + place] = value
  } else if (kind === 'number' && typeof value === 'number') {
    writer.f64[writer.slot + place] = value
  } else if (kind === 'string' && typeof value === 'string') {
    writer.u32[writer.slot * 2 + place] = value.length
    writer.text += value
  } else if (kind === 'boolean' && typeof value === 'boolean') {
    writer.u32[writer.slot * 2 + place] = value ? 1 : 0
  } else if (kind === 'bigint' && isInt64(value)) {
    writer.i64[writer.slot + place] = value
  } else if (kind === 'date' && isDate(value)) {
    writer.f64[writer.slot + place] = value.getTime()
  } else return false
  return true
}

function decodeFields(fields: readonly PlacedField[], reader: RowReader): Fields {
  const record: Fields = {}
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]!
    const tag = (reader.u32[reader.slot * 2 + field.tagWord]! >>> field.tagShift) & 3
    const value = tag === 0 ? decodeOfKind(field, reader) : reader.other(tag)
    // Assigned, this name would set the prototype instead of a field (N26).
    if (field.name === '__proto__') {
      const descriptor = { value, enumerable: true, configurable: true, writable: true }
      Object.defineProperty(record, field.name, descriptor)
    } else record[field.name] = value
  }
  return record
}

function decodeOfKind(field: PlacedField, reader: RowReader): unknown {
  const { slot } = reader
  switch (field.kind) {
    case 'int32':
      return reader.i32[slot * 2 + field.place]
    case 'number':
      return reader.f64[slot + field.place]
    case 'string':
      return reader.text(reader.u32[slot * 2 + field.place]!)
    case 'boolean':
      return reader.u32[slot * 2 + field.place] !== 0
    case 'bigint':
      return reader.i64[slot + field.place]
    case 'date':
      return new Date(reader.f64[slot + field.place]!)
    case 'object':
      return decodeFields(field.fields!, reader)
    default:
      // `any` and `unknown` have no place of their own: their tag is never 0.
      return reader.other(TAG_UNDEFINED)
  }
}
