/**
 * The largest limit for which all sizes up to it fit a budget together; whole numbers. Without bound where all of them fit.
 *
 * So the largest are left out first: where many objects share a budget, each gets about its part. Pure.
 */
export function limitWithin(sizes: readonly number[], budget: number): number {
  let sum = 0
  for (const size of [...sizes].sort((a, b) => a - b)) {
    sum += size
    if (sum > budget) return size - 1
  }
  return Infinity
}
