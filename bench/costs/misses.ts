import { child } from '../fraud.ts'
import { inFolder } from '../temporary-folder.ts'

/** Fewer than the spill benchmark takes between two checkpoints. */
const UPDATES = 240_000
const CACHE_MB = 8
/** About 10,000 values of 90 characters fit into the cache. */
const MANY_KEYS = 100_000
const FEW_KEYS = 5_000
/** Of uniform updates of the many. */
const SHARE_OF_MISSES = 0.9

/**
 * A value that is not in memory: read from LevelDB and decoded, while another leaves for it, encoded and written; with what LevelDB
 * does in its own threads. The difference between updates of state of ten times the cache and of half of it, by the spill benchmark, of
 * which nine in ten miss; each run is a process of its own.
 */
export async function missCosts(rounds: number): Promise<Record<string, readonly number[]>> {
  const run = async (keys: number): Promise<number> => {
    const { cpuSeconds } = await inFolder((folder) =>
      child<{ cpuSeconds: number }>('spill-run.ts', [
        folder,
        'backend',
        'uniform',
        String(keys),
        String(UPDATES),
        String(CACHE_MB),
      ]),
    )
    return cpuSeconds * 1e9
  }
  const figures: number[] = []
  for (let round = 0; round < rounds; round++) {
    const few = await run(FEW_KEYS)
    figures.push(((await run(MANY_KEYS)) - few) / (UPDATES * SHARE_OF_MISSES))
  }
  return { 'state miss (LevelDB)': figures }
}
