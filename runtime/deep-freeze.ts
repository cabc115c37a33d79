/**
 * Freezes a record with all that is in it, so that a function that mutates its input is found (`--strict`). The bytes of an
 * array, the entries of a Map or Set and the time of a Date cannot be frozen; what a Map or Set holds is.
 */
export function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return
  if (ArrayBuffer.isView(value)) return
  Object.freeze(value)
  if (value instanceof Map) for (const key of value.keys()) deepFreeze(key)
  for (const inner of innersOf(value)) deepFreeze(inner)
}

/**
 * Freezes in a copy of a value what is frozen in the original, so that a value that was taken from a record, or went into one,
 * stays as unchangeable in state as it was (`--strict`). Returns whether anything is.
 */
export function freezeAlike(original: unknown, copy: unknown): boolean {
  if (typeof original !== 'object' || original === null || ArrayBuffer.isView(original))
    return false
  if (Object.isFrozen(original)) {
    deepFreeze(copy)
    return true
  }
  const inners = innersOf(original)
  const copies = innersOf(copy as object)
  return inners.map((inner, index) => freezeAlike(inner, copies[index])).includes(true)
}

function innersOf(value: object): unknown[] {
  const isCollection = value instanceof Map || value instanceof Set
  return isCollection ? [...value.values()] : Object.values(value)
}
