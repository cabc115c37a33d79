/**
 * A value of the type table as text, such that two values have the same text exactly when no program could tell them
 * apart: −0, lone surrogates, order of fields, undefined against missing, and prototypes count. For comparisons in tests.
 */
export function exactly(value: unknown): string {
  switch (typeof value) {
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value)
    case 'bigint':
      return `${value}n`
    case 'string':
      return JSON.stringify(value)
    case 'object':
      return value === null ? 'null' : ofObject(value)
    default:
      return String(value)
  }
}

function ofObject(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Array.prototype) {
    const array = value as unknown[]
    return `[${Array.from({ length: array.length }, (_, i) => (i in array ? exactly(array[i]) : 'hole')).join(', ')}]`
  }
  if (prototype === Map.prototype) {
    const entries = [...(value as Map<unknown, unknown>)]
    return `Map{${entries.map(([key, element]) => `${exactly(key)} => ${exactly(element)}`).join(', ')}}`
  }
  if (prototype === Set.prototype)
    return `Set{${[...(value as Set<unknown>)].map(exactly).join(', ')}}`
  if (prototype === Date.prototype) return `Date(${(value as Date).getTime()})`
  if (prototype === Uint8Array.prototype) return `bytes(${(value as Uint8Array).join(' ')})`
  const fields = Reflect.ownKeys(value).map((name) => {
    const property = Object.getOwnPropertyDescriptor(value, name)!
    const flags = `${property.enumerable}${property.writable}${property.configurable}`
    const hidden = flags === 'truetruetrue' ? '' : `(${flags})`
    return `${JSON.stringify(String(name))}${hidden}: ${exactly(property.value)}`
  })
  const kind = prototype === Object.prototype ? '' : prototype === null ? 'bare' : 'other'
  return `${kind}{${fields.join(', ')}}`
}
