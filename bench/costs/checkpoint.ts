import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createFileStorage } from '../../runtime/checkpoint/file-storage.ts'
import { writeSnapshot } from '../../runtime/checkpoint/segment-writer.ts'
import { nodeFileSystem } from '../../runtime/file-system.ts'
import { keyGroupOf } from '../../runtime/key-group.ts'
import { valueState } from '../../runtime/state/state.ts'
import { openBackend, rest } from '../spilling-backend.ts'
import { inFolder } from '../temporary-folder.ts'
import { differences } from './in-turns.ts'

const KEYS = 100_000
const MAX_PARALLELISM = 1_024

interface Total {
  count: number
  cents: number
}

/**
 * A changed entry in a checkpoint: noted when it changes first, encoded, merged, written to a segment and synced. The difference between
 * a checkpoint of 100,000 keys followed by an update of each, and the same updates alone, of entries that have changed already.
 */
export async function checkpointCosts(rounds: number): Promise<Record<string, readonly number[]>> {
  return inFolder(async (folder) => {
    const maxParallelism = MAX_PARALLELISM
    const backend = openBackend({ directory: join(folder, 'state'), cacheMb: 256, maxParallelism })
    const state = backend.register(1, 'measured', { ...valueState<Total>(), name: 'total' })
    await backend.restore([])
    const directory = join(folder, 'checkpoints')
    mkdirSync(directory)
    const storage = createFileStorage({ directory, fileSystem: nodeFileSystem })
    const groups = Array.from({ length: KEYS }, (_, key) => keyGroupOf(key, MAX_PARALLELISM))
    const update = async (): Promise<void> => {
      for (let i = 0; i < KEYS; i++) {
        const key = (i * 7_919) % KEYS
        backend.setCurrentKey(key, groups[key])
        const total = state.value() ?? { count: 0, cents: 0 }
        total.count++
        total.cents += i
        state.update(total)
        backend.clearCurrent()
        if (i % 1_024 === 0) await rest(backend)
      }
    }
    let completed = 0
    const checkpoint = async (): Promise<void> => {
      const id = await storage.reserveId(completed)
      const snapshot = backend.beginSnapshot(id, completed)
      while (!snapshot.isEncoded) await rest(backend)
      const segment = await writeSnapshot(storage, id, 'measured', snapshot.entries())
      if (segment?.entries !== KEYS) throw new Error(`${segment?.entries} entries, not ${KEYS}`)
      backend.checkpointCompleted(id)
      completed = id
    }
    await update()
    const works = {
      without: update,
      // Leaves everything changed, as it has found it.
      with: async () => {
        await checkpoint()
        await update()
      },
    }
    const costs = await differences(rounds, KEYS, works)
    await backend.close()
    return { 'checkpoint entry': costs }
  })
}
