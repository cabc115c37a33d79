/** Buckets of an octave: a bucket is at most 1/64 of its values wide. */
const PER_OCTAVE = 64
const OCTAVE_BITS = 6
/** Up to 2^31 µs, which is 36 minutes; what is above counts as that. */
const HIGHEST = 2 ** 31 - 1

/** Counts of values in whole microseconds, by buckets as wide as 1.6 % of the value at most. A value costs a few operations. */
export class LatencyHistogram {
  readonly #counts: number[] = Array.from({ length: bucketOf(HIGHEST) + 1 }, () => 0)
  #max = 0

  add(micros: number): void {
    const value = Math.min(HIGHEST, Math.max(0, Math.round(micros)))
    this.#counts[bucketOf(value)]!++
    if (value > this.#max) this.#max = value
  }

  /** What `toJSON` of another one gave. */
  merge({ buckets, max }: HistogramData): void {
    for (const [bucket, count] of buckets) this.#counts[bucket]! += count
    this.#max = Math.max(this.#max, max)
  }

  get size(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0)
  }

  /** Exact. */
  get max(): number {
    return this.#max
  }

  /** A value that so many percent of all are not above, too high by 1.6 % at most; 0 where there are none. */
  percentile(percent: number): number {
    const rank = Math.ceil((this.size * percent) / 100)
    let seen = 0
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count
      if (count > 0 && seen >= rank) return Math.min(this.#max, upperBound(bucket))
    }
    return 0
  }

  toJSON(): HistogramData {
    const buckets = [...this.#counts.entries()].filter(([, count]) => count > 0)
    return { buckets, max: this.#max }
  }
}

/** The counts of the buckets that have any. */
export interface HistogramData {
  readonly buckets: readonly (readonly [bucket: number, count: number])[]
  readonly max: number
}

function bucketOf(value: number): number {
  if (value < PER_OCTAVE) return value
  const shift = 31 - Math.clz32(value) - OCTAVE_BITS
  return (shift + 1) * PER_OCTAVE + (value >> shift) - PER_OCTAVE
}

/** The highest value of a bucket. */
function upperBound(bucket: number): number {
  if (bucket < PER_OCTAVE) return bucket
  const shift = Math.floor(bucket / PER_OCTAVE) - 1
  return ((bucket % PER_OCTAVE) + PER_OCTAVE + 1) * 2 ** shift - 1
}
