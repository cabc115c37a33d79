import { compareRanges } from '../bytes.ts'

/** Order of keys, bytewise, a shorter one before those that begin with it: negative, 0 or positive. */
export function compareKeys(a: Uint8Array, b: Uint8Array): number {
  return compareWithin(a, 0, a.length, b)
}

/** As `compareKeys`, for the key that stands in `bytes` from `start` to `end`. */
export function compareWithin(
  bytes: Uint8Array,
  start: number,
  end: number,
  key: Uint8Array,
): number {
  return compareRanges(bytes, start, end, key, 0, key.length)
}

export function startsWith(key: Uint8Array, prefix: Uint8Array): boolean {
  if (key.length < prefix.length) return false
  for (let i = 0; i < prefix.length; i++) if (key[i] !== prefix[i]) return false
  return true
}

/** The key group that a key begins with, which itself begins at `start`. */
export function keyGroupAt(key: Uint8Array, start = 0): number {
  return key[start]! * 256 + key[start + 1]!
}
