/** Objects looked at for one estimate; what is beyond counts as the average of what was seen. */
const MAX_LOOKED_AT = 256
const OBJECT_BYTES = 32
const FIELD_BYTES = 16
const STRING_BYTES = 24
const COLLECTION_ENTRY_BYTES = 32
/** Strings up to this length have memory of their own (V8 makes no slices of them). */
const FLAT_LENGTH = 12

/** Where an estimate has got to. */
interface Tally {
  looked: number
  hasText: boolean
}

/** What a value is taken to cost in memory, and whether it holds strings that may be pieces of longer ones. */
export interface SizeEstimate {
  readonly bytes: number
  readonly hasText: boolean
}

/**
 * Estimates the memory of a value from its shape: 16 bytes a field, string lengths, 32 bytes an object.
 *
 * Looks at 256 objects and fields at most and takes the rest of an array or collection to be like its beginning, so the
 * cost is bounded. The true figure depends on the engine's representation and is usually within a factor of two.
 */
export function estimateSize(value: unknown): SizeEstimate {
  const tally: Tally = { looked: 0, hasText: false }
  const bytes = sizeOf(value, tally)
  return { bytes, hasText: tally.hasText }
}

function sizeOf(value: unknown, tally: Tally): number {
  tally.looked++
  switch (typeof value) {
    case 'string':
      if (value.length > FLAT_LENGTH) tally.hasText = true
      return STRING_BYTES + value.length
    case 'bigint':
      return STRING_BYTES
    case 'object':
      return value === null ? 0 : objectSize(value, tally)
    default:
      return 0
  }
}

function objectSize(value: object, tally: Tally): number {
  if (ArrayBuffer.isView(value)) return OBJECT_BYTES * 4 + value.byteLength
  if (Array.isArray(value)) return partsSize(value, value.length, 8, tally)
  if (value instanceof Set) return partsSize(value, value.size, COLLECTION_ENTRY_BYTES, tally)
  if (value instanceof Map) {
    const keys = partsSize(value.keys(), value.size, COLLECTION_ENTRY_BYTES, tally)
    return keys + partsSize(value.values(), value.size, 0, tally)
  }
  let bytes = OBJECT_BYTES
  for (const name in value) {
    bytes += FIELD_BYTES
    if (tally.looked < MAX_LOOKED_AT)
      bytes += sizeOf((value as Record<string, unknown>)[name], tally)
  }
  return bytes
}

/** `bytesEach` is what a place takes besides what is in it. */
function partsSize(
  parts: Iterable<unknown>,
  count: number,
  bytesEach: number,
  tally: Tally,
): number {
  let seen = 0
  let bytes = 0
  for (const part of parts) {
    if (tally.looked >= MAX_LOOKED_AT) break
    seen++
    bytes += sizeOf(part, tally)
  }
  const perPart = seen === 0 ? OBJECT_BYTES : bytes / seen
  return OBJECT_BYTES + Math.ceil(count * (bytesEach + perPart))
}
