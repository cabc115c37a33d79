import { describe, expect, it } from 'vitest'
import type { CheckpointStorage } from '../../../runtime/checkpoint/checkpoint-storage.ts'
import { createFileStorage } from '../../../runtime/checkpoint/file-storage.ts'
import type { CheckpointManifest, SegmentReference } from '../../../runtime/checkpoint/manifest.ts'
import { validateManifestFiles } from '../../../runtime/checkpoint/manifest-codec.ts'
import { openSegment } from '../../../runtime/checkpoint/segment-reader.ts'
import { writeSegment } from '../../../runtime/checkpoint/segment-writer.ts'
import { SeededRandom } from '../../../runtime/clock.ts'
import { manifestOf, partOf, put, show } from '../../harness/checkpoint-fixtures.ts'
import { expectWhole, setUp } from '../../contract/storage-play.ts'
import { FaultFileSystem, type Operation } from '../../harness/fault-file-system.ts'
import { randomFaults } from '../../harness/faults.ts'
import { UnreliableFileSystem } from '../../harness/unreliable-file-system.ts'

/** What the sequence was told, and may rely on after a crash. */
interface Promised {
  /** Ids that `reserveId` gave out. */
  readonly ids: number[]
  /** Checkpoints that `publish` or `readManifest` resolved for, and that nothing was allowed to remove since. */
  published: CheckpointManifest[]
  /** Segments that were finished, and that nothing was allowed to remove since. */
  readonly finished: Map<string, SegmentReference>
  /** What each segment holds, as it was written. */
  readonly contents: Map<string, string[]>
}

const openOn = (fileSystem: FaultFileSystem): CheckpointStorage =>
  createFileStorage({ directory: '/storage', fileSystem })

async function segmentOf(
  storage: CheckpointStorage,
  promised: Promised,
  id: number,
  name: string,
): Promise<SegmentReference> {
  const entries = ['a', 'b', 'c'].map((letter) => put(1, `${letter}-${id}-${name}`))
  const reference = (await writeSegment(storage, id, name, entries))!
  promised.finished.set(reference.file, reference)
  promised.contents.set(reference.file, entries.map(show))
  return reference
}

/**
 * A job in short: six checkpoints of two subtasks, one of them given up, folds that the next ones use, retention of the
 * newest two. The process is killed after the third while it publishes, and started again.
 */
async function runJob(fileSystem: FaultFileSystem, promised: Promised): Promise<void> {
  let storage = openOn(fileSystem)
  const chains: SegmentReference[][] = [[], []]
  const reserve = async (above: number): Promise<number> => {
    const id = await storage.reserveId(above)
    if (promised.ids.includes(id)) throw new Error(`id ${id} is given out twice`)
    promised.ids.push(id)
    return id
  }
  const publish = async (id: number): Promise<CheckpointManifest> => {
    const subtasks = chains.map((chain, i) => partOf(i, [...chain]))
    const manifest = manifestOf(id, { subtasks })
    await storage.publish(manifest)
    promised.published.push(manifest)
    return manifest
  }
  const extend = async (id: number): Promise<void> => {
    for (const [i, chain] of chains.entries()) {
      chain.push(await segmentOf(storage, promised, id, `counts-${i}-1`))
    }
  }
  const fold = async (id: number, chain: number): Promise<void> => {
    chains[chain] = [await segmentOf(storage, promised, id, `fold-counts-${chain}-2`)]
  }
  const retain = async (kept: CheckpointManifest[]): Promise<void> => {
    const named = new Set(
      kept
        .flatMap(({ subtasks }) => subtasks)
        .flatMap(({ segments }) => segments.map(({ file }) => file)),
    )
    for (const file of promised.finished.keys())
      if (!named.has(file)) promised.finished.delete(file)
    promised.published = kept
    await storage.retain(kept, [])
  }

  const first = await reserve(0)
  await extend(first)
  await publish(first)

  const given = await reserve(first)
  const { file } = await segmentOf(storage, promised, given, 'counts-0-1')
  const second = await reserve(given)
  promised.finished.delete(file)
  await storage.discard(given)
  await extend(second)
  await publish(second)
  await fold(second, 0)

  const third = await reserve(second)
  await extend(third)
  await killWhilePublishing(fileSystem, () => publish(third))
  storage = openOn(fileSystem)
  const resumed = await storage.readManifest((await storage.list()).at(-1)!)
  promised.published.push(resumed)

  const fourth = await reserve(third)
  await extend(fourth)
  await retain([resumed, await publish(fourth)])
  await fold(fourth, 1)

  const fifth = await reserve(fourth)
  await extend(fifth)
  await retain([promised.published[1]!, await publish(fifth)])
  const sixth = await reserve(fifth)
  await extend(sixth)
  await retain([promised.published[1]!, await publish(sixth)])
}

/** Ends the process right after the manifest has got its name, before that is durable; the machine goes on. */
async function killWhilePublishing(
  fileSystem: FaultFileSystem,
  publish: () => Promise<unknown>,
): Promise<void> {
  const { faults } = fileSystem
  let isLinked = false
  fileSystem.faults = {
    ...faults,
    fails: (operation) => {
      if (isLinked) return 'EIO'
      isLinked = operation.kind === 'link'
      return undefined
    },
  }
  await expect(publish()).rejects.toThrow()
  fileSystem.faults = faults
  // The machine itself may have stopped meanwhile.
  await fileSystem.size('/storage')
}

/** What is wrong after a crash, in words; undefined if all promises are kept. */
async function findBreach(
  fileSystem: FaultFileSystem,
  promised: Promised,
): Promise<string | undefined> {
  const storage = openOn(fileSystem)
  const ids = await storage.list()
  for (const { checkpointId } of promised.published) {
    if (!ids.includes(checkpointId)) return `checkpoint ${checkpointId} was published and is gone`
  }
  for (const id of ids) {
    try {
      const manifest = await storage.readManifest(id)
      await validateManifestFiles(storage, manifest)
      for (const { segments } of manifest.subtasks) {
        for (const segment of segments) await checkContent(storage, promised, segment)
      }
    } catch (error) {
      return `checkpoint ${id} is listed, but ${(error as Error).message}`
    }
  }
  try {
    for (const segment of promised.finished.values()) await checkContent(storage, promised, segment)
  } catch (error) {
    return `a segment was finished, but ${(error as Error).message}`
  }
  const next = await storage.reserveId(0)
  if (promised.ids.includes(next)) return `id ${next} is given out again`
  return undefined
}

async function checkContent(
  storage: CheckpointStorage,
  promised: Promised,
  segment: SegmentReference,
): Promise<void> {
  const lines: string[] = []
  const reader = await openSegment(storage, segment)
  for await (const block of reader.blocks(segment.range)) lines.push(...block.map(show))
  const expected = promised.contents.get(segment.file)
  if (lines.join() !== expected?.join()) throw new Error(`${segment.file} holds something else`)
}

/** Runs the job until it stops before operation `stopAt`, cuts the power, and looks. */
async function crashAt(
  stopAt: number | undefined,
  seed: number | undefined,
  skips?: (operation: Operation) => boolean,
): Promise<{ breach: string | undefined; operations: readonly Operation[] }> {
  const fileSystem = new FaultFileSystem(['/storage'])
  fileSystem.faults = {
    ...(stopAt === undefined ? {} : { stopAt }),
    ...(skips === undefined ? {} : { skips }),
  }
  const promised: Promised = { ids: [], published: [], finished: new Map(), contents: new Map() }
  try {
    await runJob(fileSystem, promised)
  } catch (error) {
    if (!fileSystem.isStopped) throw error
  }
  const operations = [...fileSystem.operations]
  fileSystem.powerCut(seed === undefined ? undefined : new SeededRandom(seed))
  return { breach: await findBreach(fileSystem, promised), operations }
}

/** Luck at the power cut: nothing that was not synced survives, or any part of it. */
const LUCK = [undefined, ...Array.from({ length: 6 }, (_, seed) => seed)]

describe('file storage on a machine that loses power (R26)', { timeout: 60_000 }, () => {
  it('keeps every promise, wherever it stops and whatever survives', async () => {
    const { operations, breach } = await crashAt(undefined, undefined)
    expect(breach).toBeUndefined()
    expect(operations.length).toBeGreaterThan(100)
    for (let stopAt = 0; stopAt <= operations.at(-1)!.index + 1; stopAt++) {
      for (const seed of LUCK) {
        const { breach: found } = await crashAt(stopAt, seed)
        expect(found, `stopped before operation ${stopAt}, luck ${seed}`).toBeUndefined()
      }
    }
  })

  it('breaks one when any one sync is left out: the test above can fail', async () => {
    const { operations } = await crashAt(undefined, undefined)
    const syncs = operations.filter(({ kind }) => kind === 'sync' || kind === 'syncDirectory')
    const unneeded: Operation[] = []
    for (const sync of syncs) {
      if (!(await isBreach(sync, operations.at(-1)!.index + 1))) unneeded.push(sync)
    }
    expect(unneeded).toEqual([])
    expect(syncs.length).toBeGreaterThan(30)
  })
})

describe('file storage on a disk that does not sync when it says so (R27)', () => {
  /** How many of three checkpoints are found damaged after a power cut. */
  const damagedAfter = async (seed: number): Promise<number> => {
    const random = new SeededRandom(seed)
    const memory = new FaultFileSystem(['/storage'])
    const lying = new UnreliableFileSystem(memory, {
      fault: randomFaults(random, { probability: 0.3, faults: [{ kind: 'lost' }] }),
    })
    const storage = createFileStorage({ directory: '/storage', fileSystem: lying })
    const play = await setUp(storage)
    await storage.publish(play.manifests[2])
    memory.powerCut(random)
    const after = openOn(memory)
    let damaged = 0
    for (const id of await after.list()) {
      const error = await expectWhole(after, play, id).catch((failure: unknown) => failure)
      if (error === undefined) continue
      expect(error, `seed ${seed}`).toMatchObject({ code: 'MR_CHECKPOINT_CORRUPT' })
      damaged++
    }
    return damaged
  }

  it('takes no checkpoint for whole of which something is lost', async () => {
    let damaged = 0
    for (let seed = 0; seed < 300; seed++) damaged += await damagedAfter(seed)
    expect(damaged).toBeGreaterThan(100)
  })
})

/** Whether leaving out that sync breaks a promise for some crash. */
async function isBreach(sync: Operation, end: number): Promise<boolean> {
  for (let stopAt = sync.index; stopAt <= end; stopAt++) {
    for (const seed of LUCK) {
      const { breach } = await crashAt(stopAt, seed, ({ index }) => index === sync.index)
      if (breach !== undefined) return true
    }
  }
  return false
}
