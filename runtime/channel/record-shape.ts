import { corrupt } from '../bytes.ts'

/**
 * What a field holds in most records. `any` goes through the value codec; `unknown` has been null or undefined so far.
 */
export type FieldKind =
  'number' | 'string' | 'boolean' | 'bigint' | 'date' | 'object' | 'any' | 'unknown'

const KINDS: readonly string[] = [
  'number',
  'string',
  'boolean',
  'bigint',
  'date',
  'object',
  'any',
  'unknown',
] satisfies FieldKind[]

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

/** Whether two shapes have the same names in the same order, at the top. */
export function hasSameNames(one: RecordShape, other: RecordShape): boolean {
  const { fields } = other
  return (
    one.fields.length === fields.length &&
    one.fields.every((field, index) => field.name === fields[index]!.name)
  )
}

/** A shape with what a later record shows about fields that were `unknown`; the same names as both. */
export function refine(known: RecordShape, later: RecordShape): RecordShape {
  return {
    fields: known.fields.map((field, index) => {
      const other = later.fields[index]!
      if (field.kind === 'unknown') return other
      if (field.shape === undefined || other.shape === undefined) return field
      if (!hasSameNames(field.shape, other.shape)) return field
      return { ...field, shape: refine(field.shape, other.shape) }
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
    fields: Object.entries(record).map(([name, value]: [string, unknown]) => {
      const kind = kindOf(value, depth, budget)
      const nested = kind === 'object' ? describe(value as object, depth + 1, budget) : undefined
      return { name, kind, shape: nested }
    }),
  }
}

function kindOf(value: unknown, depth: number, budget: Budget): FieldKind {
  if (value === null || value === undefined) return 'unknown'
  if (typeof value !== 'object') {
    const kind = typeof value
    return KINDS.includes(kind) ? (kind as FieldKind) : 'any'
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Date.prototype) return 'date'
  if (prototype !== Object.prototype || depth >= MAX_NESTING) return 'any'
  const count = Object.keys(value).length
  if (count > budget.fields) return 'any'
  budget.fields -= count
  return 'object'
}

function parse(value: unknown, depth: number): RecordShape {
  if (!Array.isArray(value) || value.length % 3 !== 0 || depth > MAX_NESTING) {
    throw corrupt('a shape is no list of fields')
  }
  const fields: ShapeField[] = []
  for (let i = 0; i < value.length; i += 3) {
    const [name, kind, nested] = value.slice(i, i + 3) as unknown[]
    if (typeof name !== 'string' || !KINDS.includes(kind as string)) {
      throw corrupt('a shape has a field without a name or kind')
    }
    const shape = kind === 'object' ? parse(nested, depth + 1) : undefined
    fields.push({ name, kind: kind as FieldKind, shape })
  }
  return { fields }
}
