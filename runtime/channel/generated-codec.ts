import { FIRST_TAG_WORD, type PlacedField, type RowLayout } from './batch-layout.ts'
import { hasFields, isDate, isInt64 } from './field-kind.ts'
import type { RowDecoder, RowEncoder } from './row-codec.ts'

/** Generated functions by what they were generated from; channels with records of one shape share them. */
const encoders = new Map<string, RowEncoder>()
const decoders = new Map<string, RowDecoder>()
const MAX_KEPT = 256

/** An encoder that does what `plainEncoder` of the layout does, several times as fast. */
export function generateEncoder(layout: RowLayout): RowEncoder {
  const source = encoderSource(layout)
  return kept(encoders, source, () => {
    const make = new Function('hasFields', 'isDate', 'isInt64', 'lists', source)
    return make(hasFields, isDate, isInt64, nestedLists(layout.fields)) as RowEncoder
  })
}

/** A decoder that does what `plainDecoder` of the layout does, several times as fast. */
export function generateDecoder(layout: RowLayout): RowDecoder {
  const source = decoderSource(layout)
  return kept(decoders, source, () => new Function(source)() as RowDecoder)
}

function kept<F>(functions: Map<string, F>, source: string, make: () => F): F {
  let made = functions.get(source)
  if (made === undefined) {
    if (functions.size >= MAX_KEPT) functions.clear()
    made = make()
    functions.set(source, made)
  }
  return made
}

/*
 * What follows puts nothing from data into code but names of fields, through JSON.stringify, as a quoted property or a
 * string to compare with; `__proto__` in computed position, since quoted it would set the prototype. Every name that way
 * would double the cost of decoding (27 against 14 ns for four numbers).
 */

/** The encoder's source. `lists[i]` are the fields of the i-th nested object; the record is list 0. */
function encoderSource({ fields, rowSlots, tagWords }: RowLayout): string {
  const lists = { next: 1 }
  const tags = Array.from({ length: tagWords }, (_, word) => `let t${word} = 0`)
  const lines: string[] = []
  encodeLines(fields, 'record', lists, lines)
  // Where a field has been read, the compiler knows the prototype with it, and need not call for it.
  const firstRead = lines.shift() ?? ''
  for (let word = 0; word < tagWords; word++) {
    lines.push(`u32[word + ${FIRST_TAG_WORD + word}] = t${word}`)
  }
  return `
    return function encodeRow(record, writer, timestamp) {
      ${firstRead}
      ${namesCheck(fields)}
      const f64 = writer.f64, u32 = writer.u32, slot = writer.slot, word = slot * 2
      let text = writer.text
      ${tags.join('\n')}
      ${lines.join('\n')}
      writer.text = text
      f64[slot] = timestamp
      writer.slot = slot + ${rowSlots}
      return true
    }`
}

/** The check of the record's own names, written out: `hasFields` is three times as slow here. */
function namesCheck(fields: readonly PlacedField[]): string {
  const cases = fields.map(
    ({ name }, index) => `case ${index}: if (name !== ${JSON.stringify(name)}) return false; break`,
  )
  return `
      if (Object.getPrototypeOf(record) !== Object.prototype) return false
      let count = 0
      for (const name in record) {
        switch (count++) { ${cases.join('\n')}
          default: return false }
      }
      if (count !== ${fields.length}) return false`
}

function encodeLines(
  fields: readonly PlacedField[],
  owner: string,
  lists: { next: number },
  lines: string[],
): void {
  for (const field of fields) {
    const tag = `t${field.tagWord - FIRST_TAG_WORD}`
    const value = `${tag}_${field.tagShift}`
    const other = `${tag} |= writer.other(${value}) << ${field.tagShift}`
    lines.push(`const ${value} = ${owner}[${JSON.stringify(field.name)}]`)
    if (field.fields !== undefined) {
      lines.push(`if (hasFields(${value}, lists[${lists.next++}])) {`)
      encodeLines(field.fields, value, lists, lines)
      lines.push(`} else ${other}`)
      continue
    }
    if (field.kind === 'any') lines.push(other)
    else if (field.kind === 'unknown') {
      lines.push(`if (${value} !== null && ${value} !== undefined) return false`, other)
    } else {
      const [isOfKind, put] = encodeOfKind(field, value)
      lines.push(`if (${isOfKind}) { ${put} }`)
      if (field.kind === 'int32') lines.push(`else if (typeof ${value} === 'number') return false`)
      lines.push(`else ${other}`)
    }
  }
}

function encodeOfKind({ kind, place }: PlacedField, value: string): [string, string] {
  switch (kind) {
    case 'int32':
      // As `isInt32`, in a form that stays with small integers: of −0, 1 / −0 is less than 0.
      return [
        `typeof ${value} === 'number' && (${value} | 0) === ${value} && (${value} !== 0 || 1 / ${value} > 0)`,
        `u32[word + ${place}] = ${value}`,
      ]
    case 'string':
      return [
        `typeof ${value} === 'string'`,
        `u32[word + ${place}] = ${value}.length; text += ${value}`,
      ]
    case 'boolean':
      return [`typeof ${value} === 'boolean'`, `u32[word + ${place}] = ${value} ? 1 : 0`]
    case 'bigint':
      return [`isInt64(${value})`, `writer.i64[slot + ${place}] = ${value}`]
    case 'date':
      return [`isDate(${value})`, `f64[slot + ${place}] = ${value}.getTime()`]
    default:
      return [`typeof ${value} === 'number'`, `f64[slot + ${place}] = ${value}`]
  }
}

/** The fields of nested objects, in the order in which `encodeLines` numbers them. */
function nestedLists(fields: readonly PlacedField[]): readonly (readonly PlacedField[])[] {
  const lists: (readonly PlacedField[])[] = [fields]
  const collect = (list: readonly PlacedField[]): void => {
    for (const field of list) {
      if (field.fields === undefined) continue
      lists.push(field.fields)
      collect(field.fields)
    }
  }
  collect(fields)
  return lists
}

/** Two ways through a row: without any tag, as most rows are, and with a look at the tag of every field. */
function decoderSource({ fields, rowSlots, tagWords }: RowLayout): string {
  const tags = Array.from({ length: tagWords }, (_, word) => `t${word}`)
  const reads = tags.map((tag, word) => `const ${tag} = u32[word + ${FIRST_TAG_WORD + word}]`)
  return `
    return function decodeRows(reader, count, values, timestamps, at) {
      const f64 = reader.f64, u32 = reader.u32, i32 = reader.i32
      let slot = reader.slot
      for (let i = at; i < at + count; i++, slot += ${rowSlots}) {
        const word = slot * 2
        timestamps[i] = f64[slot]
        ${reads.join('\n')}
        if ((${tags.join(' | ') || '0'}) === 0) values[i] = ${literal(fields, false)}
        else values[i] = ${literal(fields, true)}
      }
      reader.slot = slot
    }`
}

function literal(fields: readonly PlacedField[], withTags: boolean): string {
  const parts = fields.map((field) => {
    const name = JSON.stringify(field.name)
    const value = decodeOfKind(field, withTags)
    return `${field.name === '__proto__' ? `[${name}]` : name}: ${value}`
  })
  return `{ ${parts.join(', ')} }`
}

function decodeOfKind(field: PlacedField, withTags: boolean): string {
  const value = readOfKind(field, withTags)
  if (!withTags) return value
  const tag = `(t${field.tagWord - FIRST_TAG_WORD} >>> ${field.tagShift} & 3)`
  return `${tag} === 0 ? ${value} : reader.other${tag}`
}

function readOfKind(field: PlacedField, withTags: boolean): string {
  switch (field.kind) {
    case 'int32':
      return `i32[word + ${field.place}]`
    case 'number':
      return `f64[slot + ${field.place}]`
    case 'string':
      return `reader.text(u32[word + ${field.place}])`
    case 'boolean':
      return `u32[word + ${field.place}] !== 0`
    case 'bigint':
      return `reader.i64[slot + ${field.place}]`
    case 'date':
      return `new Date(f64[slot + ${field.place}])`
    case 'object':
      return literal(field.fields!, withTags)
    default:
      return 'undefined'
  }
}
