import { corrupt } from '../bytes.ts'
import { type FieldKind, hasFields, isFieldKind, kindOfValue, refines } from './field-kind.ts'

/** The shape of a plain object: its fields in their order, nested plain objects with them. */
export interface RecordShape {
  readonly fields: readonly ShapeField[]
}

export interface ShapeField {
  readonly name: string
  readonly kind: FieldKind
  /** Of kind `object` only: the shape of the nested object. */
  readonly shape: RecordShape | undefined
}

/** Records with more fields are left to the value codec; nested objects that would make it more, too. */
const MAX_FIELDS = 96
/** Objects nested deeper are left to the value codec. */
const MAX_NESTING = 4

/** The shape of a plain object; undefined where it has too many fields for a row. */
export function shapeOf(record: object): RecordShape | undefined {
  const count = Object.keys(record).length
  return count > MAX_FIELDS ? undefined : describe(record, 0, { fields: MAX_FIELDS - count })
}

/** Fields of a shape, nested ones counted. */
export function countFields(shape: RecordShape): number {
  let count = shape.fields.length
  for (const field of shape.fields) if (field.shape !== undefined) count += countFields(field.shape)
  return count
}

/**
 * A shape with what a later record, of the same names, shows about fields that were `unknown`, or `int32` so far. All that it
 * shows is taken up at once, and the record has the shape that results.
 */
export function refine(known: RecordShape, record: object): RecordShape {
  return refineAt(known, record, 0, { fields: MAX_FIELDS - countFields(known) })
}

/** The shape with `number` for each `int32`, which no number can refine any more. */
export function withoutInt32(shape: RecordShape): RecordShape {
  return {
    fields: shape.fields.map((field) => {
      if (field.shape !== undefined) return { ...field, shape: withoutInt32(field.shape) }
      return field.kind === 'int32' ? { ...field, kind: 'number' } : field
    }),
  }
}

/** A shape as a value of the type table, for its announcement in a batch. */
export function shapeToValue(shape: RecordShape): unknown[] {
  return shape.fields.flatMap(({ name, kind, shape: nested }) => [
    name,
    kind,
    nested === undefined ? null : shapeToValue(nested),
  ])
}

/** Reads an announcement back; anything else is refused, as the shape decides on code that is generated (N25, N26). */
export function shapeFromValue(value: unknown): RecordShape {
  const shape = parse(value, 0)
  if (countFields(shape) > MAX_FIELDS) throw corrupt('a shape has too many fields')
  return shape
}

/** How many more fields a shape may take up. */
interface Budget {
  fields: number
}

function describe(record: object, depth: number, budget: Budget): RecordShape {
  return {
    fields: Object.entries(record).map(([name, value]: [string, unknown]) =>
      describeField(name, value, depth, budget),
    ),
  }
}

function describeField(name: string, value: unknown, depth: number, budget: Budget): ShapeField {
  const kind = kindOfValue(value)
  if (kind !== 'object') return { name, kind, shape: undefined }
  const count = Object.keys(value as object).length
  if (depth >= MAX_NESTING || count > budget.fields) return { name, kind: 'any', shape: undefined }
  budget.fields -= count
  return { name, kind, shape: describe(value as object, depth + 1, budget) }
}

function refineAt(known: RecordShape, record: object, depth: number, budget: Budget): RecordShape {
  return {
    fields: known.fields.map((field) => {
      const { name, kind, shape } = field
      const value = (record as Record<string, unknown>)[name]
      if (refines(kind, value)) {
        if (kind === 'int32') return { ...field, kind: 'number' }
        return describeField(name, value, depth, budget)
      }
      if (shape === undefined || !hasFields(value, shape.fields)) return field
      return { ...field, shape: refineAt(shape, value as object, depth + 1, budget) }
    }),
  }
}

function parse(value: unknown, depth: number): RecordShape {
  if (!Array.isArray(value) || value.length % 3 !== 0 || depth > MAX_NESTING) {
    throw corrupt('a shape is no list of fields')
  }
  const fields: ShapeField[] = []
  for (let i = 0; i < value.length; i += 3) {
    const [name, kind, nested] = value.slice(i, i + 3) as unknown[]
    if (typeof name !== 'string' || !isFieldKind(kind)) {
      throw corrupt('a shape has a field without a name or kind')
    }
    const shape = kind === 'object' ? parse(nested, depth + 1) : undefined
    fields.push({ name, kind, shape })
  }
  return { fields }
}
