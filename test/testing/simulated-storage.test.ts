import { describe, expect, it } from 'vitest'
import {
  SimulatedDisk,
  SimulatedStorage,
  type StorageWrite,
} from '../../testing/simulated-storage.ts'
import { checkpointStorageContract } from '../contract/checkpoint-storage.ts'
import type { StoredObjects } from '../contract/storage-under-test.ts'
import { manifestOf } from '../harness/checkpoint-fixtures.ts'
import { UnreliableStorage } from '../harness/unreliable-storage.ts'

checkpointStorageContract({
  name: 'simulated storage',
  create: () => {
    const disk = new SimulatedDisk()
    const open = (): SimulatedStorage => new SimulatedStorage({ disk, later: queueMicrotask })
    return {
      open,
      openFaulty: (faults) => new UnreliableStorage(open(), faults),
      objects: objectsOf(disk),
    }
  },
})

const MANIFEST = /^(\d+)\/manifest\.json$/

function objectsOf({ files, manifests }: SimulatedDisk): StoredObjects {
  const idOf = (name: string): number | undefined => {
    const found = MANIFEST.exec(name)
    return found === null ? undefined : Number(found[1])
  }
  return {
    names: async () =>
      [...files.keys(), ...[...manifests.keys()].map((id) => `${id}/manifest.json`)].sort(),
    read: async (name) => {
      const id = idOf(name)
      return id === undefined ? files.get(name)! : manifests.get(id)!
    },
    write: async (name, bytes) => {
      const id = idOf(name)
      if (id === undefined) files.set(name, bytes)
      else manifests.set(id, bytes)
    },
    remove: async (name) => {
      const id = idOf(name)
      if (id === undefined) files.delete(name)
      else manifests.delete(id)
    },
  }
}

/** A storage whose steps the test takes one by one. */
function stepwise(
  disk: SimulatedDisk,
  fault?: (write: StorageWrite) => 'before' | 'after' | undefined,
): { storage: SimulatedStorage; step: () => Promise<void> } {
  const tasks: (() => void)[] = []
  const storage = new SimulatedStorage({
    disk,
    later: (task) => tasks.push(task),
    ...(fault === undefined ? {} : { fault }),
  })
  return {
    storage,
    step: async () => {
      tasks.shift()?.()
      await Promise.resolve()
    },
  }
}

describe('SimulatedStorage', () => {
  it('has its effect in one step and tells of it in another, for a crash to fall between (R40)', async () => {
    const disk = new SimulatedDisk()
    const { storage, step } = stepwise(disk)
    let isTold = false
    void storage.publish(manifestOf(1)).then(() => (isTold = true))
    expect([disk.manifests.size, isTold]).toEqual([0, false])
    await step()
    expect([disk.manifests.size, isTold]).toEqual([1, false])
    await step()
    expect(isTold).toBe(true)
  })

  it('keeps nothing of a file that was not finished', async () => {
    const disk = new SimulatedDisk()
    const storage = new SimulatedStorage({ disk, later: queueMicrotask })
    await storage.reserveId(0)
    const writer = await storage.create(1, 'a')
    await writer.write(Buffer.from('lost'))
    expect(await new SimulatedStorage({ disk, later: queueMicrotask }).stat(writer.name)).toBe(
      undefined,
    )
  })

  it('fails a write before or after its effect, as it is told to', async () => {
    const disk = new SimulatedDisk()
    let fault: 'before' | 'after' = 'before'
    const storage = new SimulatedStorage({ disk, later: queueMicrotask, fault: () => fault })
    await expect(storage.publish(manifestOf(1))).rejects.toMatchObject({
      code: 'MR_CHECKPOINT_FAILED',
    })
    expect(disk.manifests.size).toBe(0)
    fault = 'after'
    await expect(storage.publish(manifestOf(1))).rejects.toThrow('did not answer')
    expect(disk.manifests.size).toBe(1)
  })
})
