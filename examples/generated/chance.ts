/** A number in [0, 1) that looks random and is the same for the same numbers, so that a source may make its records anew. */
export function chance(...numbers: readonly number[]): number {
  let hash = 0x811c9dc5
  for (const number of numbers) {
    hash = Math.imul(hash ^ number, 0x01000193)
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  }
  hash ^= hash >>> 13
  return (hash >>> 0) / 4_294_967_296
}

/** When the generated records begin: 2026-11-22 12:00 UTC. */
export const START: number = Date.UTC(2026, 10, 22, 12)
