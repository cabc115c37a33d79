import type { MergingAggregateFunction } from 'millrace'

/** The records with the highest score, all of them on a tie. */
export function highest<T>(
  scoreOf: (value: T) => number,
): MergingAggregateFunction<T, readonly T[], readonly T[]> {
  const better = (best: readonly T[], value: T): readonly T[] => {
    const difference = best.length === 0 ? 1 : scoreOf(value) - scoreOf(best[0]!)
    if (difference < 0) return best
    return difference > 0 ? [value] : [...best, value]
  }
  return {
    create: () => [],
    add: better,
    result: (best) => best,
    merge: (a, b) => b.reduce(better, a),
  }
}
