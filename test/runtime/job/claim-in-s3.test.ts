import { beforeEach, describe, expect, it } from 'vitest'
import { ObjectFiles, placeIn } from '../../../runtime/checkpoint/object-files.ts'
import { Claim } from '../../../runtime/job/claim.ts'
import { ObjectClaim } from '../../../runtime/job/claim-target.ts'
import { readSnapshot } from '../../../runtime/job/from-snapshot.ts'
import { HeadSession } from '../../../runtime/job/head-session.ts'
import type { ObjectStore } from '../../../runtime/object-store.ts'
import { FaultFileSystem } from '../../harness/fault-file-system.ts'
import type { Fault } from '../../harness/faults.ts'
import { MemoryObjectStore } from '../../harness/memory-object-store.ts'
import { jobPlace, LINEAGE as NEW, storageOf } from '../../harness/object-storage.ts'
import { UnreliableObjectStore } from '../../harness/unreliable-object-store.ts'
import {
  CONTENT,
  contentAt,
  contentIn,
  LINEAGE,
  takeCheckpoint,
  takeSavepoint,
} from './snapshot-kit.ts'

const SAVEPOINT = '/backup/one'

let files: FaultFileSystem
let memory: MemoryObjectStore
let runs = 0

beforeEach(async () => {
  files = new FaultFileSystem([LINEAGE, '/backup'])
  memory = new MemoryObjectStore()
  await takeSavepoint(files, await takeCheckpoint(files), SAVEPOINT)
})

/** As a run that has the job now sees it. */
async function takeJob(store: ObjectStore = memory) {
  const by = { run: `run-${++runs}`, holder: 'host' }
  const session = await HeadSession.takeOver(placeIn(jobPlace(memory), 'job.json'), 'fraud', by)
  const place = { ...jobPlace(memory), store }
  const seen = HeadSession.join(placeIn(place, 'job.json'), by.run, session.epoch)
  return { storage: storageOf(seen, place), lineage: placeIn(place, `checkpoints/${NEW}`) }
}

async function claimOf({ storage, lineage }: Awaited<ReturnType<typeof takeJob>>): Promise<Claim> {
  return new Claim({
    snapshot: await readSnapshot(SAVEPOINT, files),
    lineage: NEW,
    ancestry: [{ lineage: 'one', checkpointId: 3 }],
    directory: lineage.url,
    target: new ObjectClaim(lineage, storage),
    fileSystem: files,
    failpoint: () => {},
  })
}

/** The content of the one checkpoint of the lineage. */
async function taken(): Promise<string[]> {
  const { storage, lineage } = await takeJob()
  expect(await storage.list()).toEqual([3])
  return contentIn(await storage.readManifest(3), new ObjectFiles(lineage))
}

describe('a snapshot that is taken over into an object store', () => {
  it('becomes the first checkpoint of the lineage, and is gone afterwards (R2, R28)', async () => {
    const job = await takeJob()
    const claim = await claimOf(job)
    await claim.take()
    expect(await claim.release()).toBeUndefined()
    expect(await job.storage.readManifest(3)).toEqual(claim.manifest)
    expect(await job.storage.reserveId(3)).toBe(4)
    expect(await contentAt(SAVEPOINT, files)).toBeUndefined()
    expect(await taken()).toEqual(CONTENT)
  })

  it('is whole in the old place or in the new one wherever a run ends, and the next one takes it over (R26)', async () => {
    const counted = new UnreliableObjectStore(memory, {})
    await (await claimOf(await takeJob(counted))).take()
    const calls = counted.calls.length
    expect(calls).toBeGreaterThan(5)
    for (const kind of ['fails', 'unanswered'] as const) {
      for (let at = 0; at < calls; at++) {
        memory.objects.clear()
        const fault = ({ index }: { readonly index: number }): Fault | undefined =>
          index >= at ? { kind, code: 'ECONNRESET' } : undefined
        const broken = await takeJob(new UnreliableObjectStore(memory, { fault }))
        const failed = (await claimOf(broken)).take()
        await expect(failed).rejects.toMatchObject({
          code: expect.stringMatching(/^MR_CHECKPOINT_/),
        })
        expect(await contentAt(SAVEPOINT, files)).toEqual(CONTENT)
        await (await claimOf(await takeJob())).take()
        expect(await taken()).toEqual(CONTENT)
      }
    }
  })

  it('is taken over by one of two runs, and the one that is fenced harms nothing', async () => {
    const old = await takeJob()
    const slow = await claimOf(old)
    await old.storage.list()
    const claim = await claimOf(await takeJob())
    await claim.take()
    await expect(slow.take()).rejects.toMatchObject({ code: 'MR_JOB_FENCED' })
    expect(await taken()).toEqual(CONTENT)
  })

  it('ends uploads that a run before has begun', async () => {
    const { lineage, storage } = await takeJob()
    await memory.createUpload(`${lineage.prefix}/chk-3/0-counts.seg`)
    await (await claimOf({ lineage, storage })).take()
    expect(await memory.listUploads('')).toEqual([])
  })
})
