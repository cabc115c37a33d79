/** How much the newest value counts in mean and variance. */
const WEIGHT = 0.02
const WARM_UP = 50
const DEVIATIONS = 6

/** What is usual of a sensor: mean and variance that forget. */
export interface Usual {
  readonly values: number
  readonly mean: number
  readonly variance: number
}

/** Whether a value is far from what was usual, and what is usual from now on; an outlier changes nothing. */
export function judge(
  usual: Usual | undefined,
  value: number,
): { readonly isOutlier: boolean; readonly usual: Usual } {
  if (usual === undefined)
    return { isOutlier: false, usual: { values: 1, mean: value, variance: 0 } }
  const { values, mean, variance } = usual
  const off = value - mean
  if (values >= WARM_UP && Math.abs(off) > DEVIATIONS * Math.sqrt(variance)) {
    return { isOutlier: true, usual }
  }
  const next = {
    mean: mean + WEIGHT * off,
    variance: (1 - WEIGHT) * (variance + WEIGHT * off ** 2),
  }
  return { isOutlier: false, usual: { values: values + 1, ...next } }
}
