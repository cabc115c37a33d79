import { givenText, StreamError } from '../../runtime/errors.ts'

/*
 * HyperLogLog: how many different values there are, from the longest runs of zeros in their hashes.
 *
 *   hash      64 bits, in two halves; precision p, m = 2^p registers of one byte
 *   register  the first p bits of the high half choose one; it holds the highest rank seen there
 *   rank      1 + the number of leading zeros of the low half: 1 to q + 1, with q = 32
 *
 * Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog: the analysis of a near-optimal cardinality estimation algorithm" (2007);
 * the estimate is that of Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (arXiv:1702.01284, 2017),
 * algorithm 6, which needs no other formula for small numbers and no table of corrections:
 *
 *   n ≈ m² / (2 ln 2 · (m·σ(C0/m) + Σ k=1..q  Ck·2^−k + m·τ(1 − Cq+1/m)·2^−q))     Ck: registers that hold k
 *   σ(x) = x + Σ k≥1  x^(2^k)·2^(k−1)            τ(x) = (1 − x − Σ k≥1  (1 − x^(2^−k))²·2^−k) / 3
 */

/** Bits of a hash that the rank is taken of. */
const RANK_BITS = 32

const MIN_PRECISION = 4
const MAX_PRECISION = 16

/** A hash in two halves of 32 bits. One object, used again for each value. */
export interface Hash64 {
  high: number
  low: number
}

/** Fails with `MR_OPTION_INVALID` unless a precision is an integer from 4 to 16. */
export function checkPrecision(precision: number): number {
  if (Number.isInteger(precision) && precision >= MIN_PRECISION && precision <= MAX_PRECISION) {
    return precision
  }
  throw new StreamError(
    'MR_OPTION_INVALID',
    `approximateCountDistinct() has a precision of ${givenText(precision)} (${typeof precision}); there is no sketch of 2 to the power of that many bytes; give an integer from ${MIN_PRECISION} to ${MAX_PRECISION}.`,
    { precision },
  )
}

/** A sketch of nothing: 2^precision registers. */
export function emptySketch(precision: number): Uint8Array {
  return new Uint8Array(2 ** precision)
}

const hash: Hash64 = { high: 0, low: 0 }

/**
 * Hashes bytes; what it returns is overwritten by the next call.
 *
 * Two lanes of multiply and rotate, mixed with each other in the end as MurmurHash3 does it. Part of what is stored: sketches
 * can only be merged when they were made with the same hash, so it never changes.
 */
export function hashOf(bytes: Uint8Array): Hash64 {
  let high = 0x9e3779b9 ^ bytes.length
  let low = 0x85ebca6b
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    high = Math.imul(high ^ byte, 0xcc9e2d51)
    high = (high << 13) | (high >>> 19)
    low = Math.imul(low ^ byte, 0x1b873593)
    low = (low << 17) | (low >>> 15)
  }
  hash.high = mixed(high ^ Math.imul(low, 0x38b34ae5)) >>> 0
  hash.low = mixed(low ^ Math.imul(high, 0xa1e38b93)) >>> 0
  return hash
}

/** Each bit of the input changes half of those that come out. */
function mixed(value: number): number {
  let h = value
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** Adds a hash to a sketch, in place. */
export function addHash(sketch: Uint8Array, { high, low }: Hash64): void {
  const register = high >>> (Math.clz32(sketch.length) + 1)
  const rank = Math.clz32(low) + 1
  if (rank > sketch[register]!) sketch[register] = rank
}

/** The sketch of what is in either of two, of the lower precision if they differ; both stay as they are. */
export function mergeSketches(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length < b.length) return mergeSketches(b, a)
  const merged = new Uint8Array(b)
  // Ranks do not depend on the precision, and a register of the lower one covers several that lie side by side.
  const shift = Math.clz32(b.length) - Math.clz32(a.length)
  for (let i = 0; i < a.length; i++) {
    const register = i >>> shift
    if (a[i]! > merged[register]!) merged[register] = a[i]!
  }
  return merged
}

/** How many different values a sketch has seen, about. */
export function estimateOf(sketch: Uint8Array): number {
  const m = sketch.length
  const counts = new Float64Array(RANK_BITS + 2)
  for (const rank of sketch) counts[rank]!++
  let z = m * tau(1 - counts[RANK_BITS + 1]! / m)
  for (let k = RANK_BITS; k >= 1; k--) z = 0.5 * (z + counts[k]!)
  z += m * sigma(counts[0]! / m)
  return (m * m) / (2 * Math.LN2 * z)
}

function sigma(share: number): number {
  if (share === 1) return Infinity
  let x = share
  let weight = 1
  let sum = x
  for (;;) {
    x *= x
    const before = sum
    sum += x * weight
    weight += weight
    if (sum === before) return sum
  }
}

function tau(share: number): number {
  if (share === 0 || share === 1) return 0
  let x = share
  let weight = 1
  let sum = 1 - x
  for (;;) {
    x = Math.sqrt(x)
    const before = sum
    weight *= 0.5
    sum -= (1 - x) ** 2 * weight
    if (sum === before) return sum / 3
  }
}
