import { SystemClock } from '../runtime/clock.ts'
import { LevelDbBackend } from '../runtime/state/leveldb-backend.ts'

const MIB = 1_024 * 1_024

export const clock = new SystemClock()

/** A backend with a small cache over LevelDB, for all key groups and nothing around it. */
export function openBackend(options: {
  readonly directory: string
  readonly cacheMb: number
  readonly maxParallelism: number
  readonly wake?: () => void
}): LevelDbBackend {
  const { directory, cacheMb, maxParallelism, wake = () => {} } = options
  return new LevelDbBackend({
    range: { first: 0, last: maxParallelism - 1 },
    maxParallelism,
    clock,
    cacheBytes: cacheMb * MIB,
    directory,
    strict: false,
    wake,
    fail(error) {
      throw error
    },
  })
}

/** As a slot does: works, then lets the event loop have its turn, until input may be taken. */
export async function rest(backend: LevelDbBackend): Promise<void> {
  do {
    backend.work(clock.elapsed() + 5)
    await new Promise<void>((resolve) => clock.nextTurn(resolve))
  } while (backend.isSuspended)
}
