/*
 * Hashes of bytes for Bloom filters, also those that stand in segments: these numbers must never change.
 */

/** FNV-1a over the bytes from `start` to `end`, mixed, so that all 32 bits depend on all of them. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  return mix(hashOn(NO_BYTES_HASH, bytes, start, end))
}

/** What `hashOn` begins with. */
export const NO_BYTES_HASH: number = 0x811c9dc5 | 0

/** Takes the bytes from `start` to `end` into a hash that is not mixed yet: piece by piece comes to the same as all at once. */
export function hashOn(hash: number, bytes: Uint8Array, start: number, end: number): number {
  let next = hash
  for (let i = start; i < end; i++) next = Math.imul(next ^ bytes[i]!, 0x01000193)
  return next
}

/** What to add to a hash for each next probe: odd, so that the probes are different bits. */
export function probeStep(hash: number): number {
  return mix(hash ^ 0x9e3779b9) | 1
}

/** The bit of a filter of so many that a probe looks at: spreads 32 bits over a number that need not be a power of two. */
export function bitOf(probe: number, bits: number): number {
  return Math.floor((probe >>> 0) * (bits / 0x1_0000_0000))
}

/** A hash whose 32 bits each depend on all of another one, as murmur3 ends: what `hashBytes` makes of the bytes taken in. */
export function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
