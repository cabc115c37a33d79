/** What figures that were measured again and again come to. */
export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
}

export function spreadOf(values: readonly number[], digits = 3): Spread {
  const rounded = (value: number): number => Number(value.toFixed(digits))
  return {
    min: rounded(percentile(values, 0)),
    median: rounded(median(values)),
    max: rounded(percentile(values, 1)),
  }
}

/** The middle one, or what lies between the two in the middle; 0 where there are none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const upper = sorted[sorted.length >> 1] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[sorted.length / 2 - 1] ?? 0) + upper) / 2
}

/** As it stands in tables and lines: the median, and least and largest behind it. */
export function showSpread({ min, median, max }: Spread, digits = 2): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`
}

/** The figure that a share of all are below, from 0, the least, to 1, the largest; 0 where there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
