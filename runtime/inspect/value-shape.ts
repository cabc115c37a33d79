/** Fields, elements and alternatives that are told at most; what is nested deeper is only named. */
const MAX_FIELDS = 12
const MAX_ELEMENTS = 20
const MAX_ALTERNATIVES = 4
const MAX_DEPTH = 3

/**
 * What values look like, as a type that people read: `{ cents: number, currency?: string }`. Alternatives are joined with `|`,
 * fields that some of the values have not are marked. Of a long list, or a large map, the first elements count. Pure.
 */
export function shapeOfValues(values: readonly unknown[]): string {
  return shapeOf(values, MAX_DEPTH)
}

function shapeOf(values: readonly unknown[], depth: number): string {
  const byKind = Map.groupBy(values, kindOf)
  const shapes = [...byKind].map(([kind, alike]) => shapeOfAlike(kind, alike, depth)).sort()
  const told = shapes.slice(0, MAX_ALTERNATIVES)
  return [...told, ...(shapes.length > told.length ? ['…'] : [])].join(' | ')
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value !== 'object') return typeof value
  if (Array.isArray(value)) return 'Array'
  if (value instanceof Date || value instanceof Map || value instanceof Set) {
    return value.constructor.name
  }
  return value instanceof Uint8Array ? 'Uint8Array' : 'object'
}

function shapeOfAlike(kind: string, values: readonly unknown[], depth: number): string {
  const within = (parts: readonly unknown[]): string =>
    parts.length === 0 ? 'never' : depth === 0 ? '…' : shapeOf(parts, depth - 1)
  const elements = (): unknown[] =>
    (values as Iterable<unknown>[]).flatMap((one) => [...firstOf(one, MAX_ELEMENTS)])
  switch (kind) {
    case 'Array':
      return `Array<${within(elements())}>`
    case 'Set':
      return `Set<${within(elements())}>`
    case 'Map': {
      const entries = elements() as [unknown, unknown][]
      return `Map<${within(entries.map(([key]) => key))}, ${within(entries.map(([, value]) => value))}>`
    }
    case 'object':
      return depth === 0
        ? '{…}'
        : shapeOfObjects(values as Readonly<Record<string, unknown>>[], depth)
    default:
      return kind
  }
}

function shapeOfObjects(
  objects: readonly Readonly<Record<string, unknown>>[],
  depth: number,
): string {
  const names = [...new Set(objects.flatMap((one) => Object.keys(one)))].sort()
  const fields = names.slice(0, MAX_FIELDS).map((name) => {
    const having = objects.filter((one) => Object.hasOwn(one, name))
    const mark = having.length < objects.length ? '?' : ''
    const shown = /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)
    return `${shown}${mark}: ${shapeOf(
      having.map((one) => one[name]),
      depth - 1,
    )}`
  })
  if (names.length > fields.length) fields.push('…')
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`
}

function* firstOf<T>(values: Iterable<T>, count: number): Generator<T> {
  let taken = 0
  for (const value of values) {
    if (taken++ === count) return
    yield value
  }
}
