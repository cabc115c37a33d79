import { cpuNs } from '../cpu-time.ts'

/** Work that is measured as a whole: so many records, timers or entries, all of them in each call. */
export type Work = () => Promise<void> | void

/**
 * What one thing costs, in ns of CPU time of the process: the difference between two works that differ by it, in turns, by the number
 * of things. One figure a round; a round before the first is for the compiler.
 */
export async function differences(
  rounds: number,
  things: number,
  { with: including, without }: { readonly with: Work; readonly without: Work },
): Promise<number[]> {
  const figures: number[] = []
  for (let round = 0; round <= rounds; round++) {
    const less = await nsOf(without)
    const more = await nsOf(including)
    if (round > 0) figures.push((more - less) / things)
  }
  return figures
}

/** Garbage of what came before is collected outside. */
async function nsOf(work: Work): Promise<number> {
  globalThis.gc?.()
  const before = cpuNs()
  await work()
  return cpuNs() - before
}
