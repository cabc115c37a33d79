import { decodeKey, encodeKey } from '../key-encoding.ts'
import type { Key } from '../key.ts'

/** Strings up to this length have memory of their own (V8 makes no slices of them). */
const FLAT_LENGTH = 12

/**
 * The key in memory of its own: a piece of a string would keep the whole batch it came in, bytes belong to the caller.
 * −0 is 0.
 */
export function ownKey(key: Key): Key {
  if (typeof key === 'number') return key === 0 ? 0 : key
  if (typeof key === 'bigint') return key
  if (typeof key === 'string' && key.length <= FLAT_LENGTH) return key
  return decodeKey(encodeKey(key)).key
}
