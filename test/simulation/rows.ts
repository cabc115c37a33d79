import type { Random } from '../../runtime/clock.ts'

/** The one record type of all simulated streams. */
export interface Row {
  readonly id: string
  readonly key: string
  readonly n: number
  /** Event time in ms. */
  readonly t: number
}

/** Where event time begins. */
export const EPOCH = 1_700_000_000_000

/** How far records of a split may be out of order in event time. */
export const DISORDER_MS = 40

export function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[Math.floor(random.next() * choices.length)]!
}

/** A random integer from 0 to below `limit`. */
export function below(random: Random, limit: number): number {
  return Math.floor(random.next() * limit)
}

/**
 * The splits of a source: all rows of a key are in one of them, in their order; event time rises but for bounded disorder.
 */
export function randomSplits(random: Random, name: string): Row[][] {
  const splits = Array.from({ length: 1 + below(random, 4) }, (): Row[] => [])
  const keys = 1 + below(random, 6)
  for (const [index, rows] of splits.entries()) {
    const count = below(random, 80)
    let t = EPOCH + below(random, 200)
    for (let i = 0; i < count; i++) {
      t += below(random, 30)
      rows.push({
        id: `${name}${index}.${i}`,
        key: `${name}${index}k${below(random, keys)}`,
        n: below(random, 100),
        t: t - below(random, DISORDER_MS),
      })
    }
  }
  return splits
}
