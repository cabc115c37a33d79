/** What figures that were measured again and again come to. */
export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
}

export function spreadOf(values: readonly number[], digits = 3): Spread {
  const [min, median, max] = [0, 0.5, 1].map((share) =>
    Number(percentile(values, share).toFixed(digits)),
  ) as [number, number, number]
  return { min, median, max }
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
