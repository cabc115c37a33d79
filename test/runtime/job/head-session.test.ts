import { describe, expect, it } from 'vitest'
import { placeIn } from '../../../runtime/checkpoint/object-files.ts'
import { HeadMoved } from '../../../runtime/checkpoint/head-moved.ts'
import { HeadSession, readJobHead } from '../../../runtime/job/head-session.ts'
import { withRecord } from '../../../runtime/job/job-head.ts'
import type { JobRecord } from '../../../runtime/job/lineage.ts'
import { manifestOf, writeFile } from '../../harness/checkpoint-fixtures.ts'
import { MemoryObjectStore } from '../../harness/memory-object-store.ts'
import { jobPlace, LINEAGE, storageOf } from '../../harness/object-storage.ts'
import { UnreliableObjectStore } from '../../harness/unreliable-object-store.ts'

const place = (store: MemoryObjectStore) => placeIn(jobPlace(store), 'job.json')
const by = (run: string) => ({ run, holder: `host of ${run}` })
const FENCED = { code: 'MR_JOB_FENCED' }

/** A store whose calls of one kind wait, once they are awaited, until they are let go on. */
function held(store: MemoryObjectStore, kind: string) {
  const reached = Promise.withResolvers<void>()
  const free = Promise.withResolvers<void>()
  let isArmed = false
  const pace = async (call: { readonly kind: string }): Promise<void> => {
    if (!isArmed || call.kind !== kind) return
    reached.resolve()
    await free.promise
  }
  const arm = (): void => {
    isArmed = true
  }
  const view = new UnreliableObjectStore(store, { pace })
  return { view, arm, reached: reached.promise, go: free.resolve }
}

async function takeOver(store: MemoryObjectStore, run: string) {
  return storageOf(await HeadSession.takeOver(place(store), 'fraud', by(run)), jobPlace(store))
}

describe('HeadSession', () => {
  it('remembers what is written, for each run that takes the job over, in a higher epoch', async () => {
    const store = new MemoryObjectStore()
    const record: JobRecord = {
      job: 'fraud',
      current: LINEAGE,
      lineages: [
        { lineage: LINEAGE, ancestry: [], origin: undefined, committed: 3, abandoned: [2] },
      ],
    }
    const first = await HeadSession.takeOver(place(store), 'fraud', by('first'))
    await first.change((head) => withRecord(head, record))
    await first.published(LINEAGE).add(1)
    const second = await HeadSession.takeOver(place(store), 'fraud', by('second'))
    expect([first.epoch, second.epoch]).toEqual([1, 2])
    expect((await second.read()).record).toEqual(record)
    expect(await second.published(LINEAGE).list()).toEqual([1])
    expect(await second.published('another').list()).toEqual([])
    expect(await readJobHead(place(store))).toEqual(await second.read())
  })

  it('tells the older run who has taken over, and lets it change nothing (R4)', async () => {
    const store = new MemoryObjectStore()
    const first = await HeadSession.takeOver(place(store), 'fraud', by('first'))
    const second = await HeadSession.takeOver(place(store), 'fraud', by('second'))
    const before = await second.read()
    const published = first.published(LINEAGE)
    for (const call of [
      () => published.list(),
      () => published.add(1),
      () => published.keep([1]),
    ]) {
      await expect(call()).rejects.toMatchObject({
        ...FENCED,
        message: expect.stringContaining('host of second') as string,
      })
    }
    expect(await readJobHead(place(store))).toEqual(before)
  })

  it('changes nothing by a look, and takes over what was looked at only', async () => {
    const store = new MemoryObjectStore()
    const old = await HeadSession.takeOver(place(store), 'fraud', by('old'))
    await old.published(LINEAGE).add(1)
    const looking = await HeadSession.look(place(store), 'fraud', by('new'))
    expect(looking.epoch).toBe(2)
    expect(await looking.published(LINEAGE).list()).toEqual([1])
    expect(await looking.hasMoved()).toBe(false)
    await old.published(LINEAGE).add(2)
    expect(await looking.hasMoved()).toBe(true)
    await expect(looking.check()).rejects.toMatchObject({ wasReady: false })
    await expect(looking.take()).rejects.toMatchObject({ wasReady: true })
    // What is published may be read again, and that is taken over then.
    expect(await looking.published(LINEAGE).list()).toEqual([1, 2])
    expect(await looking.hasMoved()).toBe(false)
    await looking.take()
    await looking.take()
    expect(await looking.hasMoved()).toBe(false)
    expect(await looking.published(LINEAGE).list()).toEqual([1, 2])
    await expect(old.read()).rejects.toMatchObject(FENCED)
  })

  it('must be looked at anew where another run has it, or it remembers something else', async () => {
    const store = new MemoryObjectStore()
    const look = (run: string) => HeadSession.look(place(store), 'fraud', by(run))
    const early = await look('early')
    const old = await HeadSession.takeOver(place(store), 'fraud', by('old'))
    const isMoved = { name: 'HeadMoved', wasReady: false }
    await expect(early.read()).rejects.toMatchObject(isMoved)
    const beside = await look('beside')
    const lineages = [
      { lineage: LINEAGE, ancestry: [], origin: undefined, committed: undefined, abandoned: [] },
    ]
    await old.change((head) => withRecord(head, { job: 'fraud', current: LINEAGE, lineages }))
    await expect(beside.read()).rejects.toMatchObject(isMoved)
    const late = await look('late')
    await HeadSession.takeOver(place(store), 'fraud', by('new'))
    await expect(late.read()).rejects.toMatchObject(isMoved)
    // Nothing is wrong with the storage: a start must not be refused for it.
    await expect(storageOf(late, jobPlace(store)).list()).rejects.toMatchObject(isMoved)
    await expect(late.take()).rejects.toThrow(HeadMoved)
  })

  it('knows its own try to take over whose answer was lost', async () => {
    const store = new MemoryObjectStore()
    for (const kind of ['fails', 'unanswered'] as const) {
      let isLost = false
      const view = new UnreliableObjectStore(store, {
        fault: (call) => (call.kind === 'put' && isLost ? { kind, code: 'ETIMEDOUT' } : undefined),
      })
      const at = { ...place(store), store: view }
      const session = await HeadSession.look(at, 'fraud', by(kind))
      isLost = true
      await expect(session.take()).rejects.toMatchObject({ code: 'MR_CHECKPOINT_FAILED' })
      expect(await session.hasMoved()).toBe(false)
      isLost = false
      await session.take()
      expect((await readJobHead(place(store)))?.run).toBe(kind)
      await session.published(LINEAGE).add(1)
    }
  })

  it('is lost where the head has been removed', async () => {
    const store = new MemoryObjectStore()
    const session = await HeadSession.takeOver(place(store), 'fraud', by('first'))
    await store.delete(['fraud/job.json'])
    await expect(session.read()).rejects.toMatchObject(FENCED)
    await expect(session.change((head) => head)).rejects.toMatchObject(FENCED)
  })

  it('refuses a head that is damaged anywhere, or of another job', async () => {
    const store = new MemoryObjectStore()
    await HeadSession.takeOver(place(store), 'fraud', by('first'))
    const other = HeadSession.takeOver(place(store), 'other', by('second'))
    const code = 'MR_DIRECTORY_UNUSABLE'
    await expect(other).rejects.toMatchObject({ code })
    const { body } = (await store.get('fraud/job.json'))!
    for (let at = 0; at < body.length - 1; at += 7) {
      await store.put('fraud/job.json', body.slice(0, at))
      await expect(readJobHead(place(store))).rejects.toMatchObject({ code })
      const flipped = body.slice()
      flipped[at]! ^= 1
      await store.put('fraud/job.json', flipped)
      const found = await readJobHead(place(store)).catch((error: unknown) => error)
      // White space between values means nothing.
      if (/\s/.test(String.fromCharCode(body[at]!))) continue
      expect(found).toMatchObject({ code })
    }
  })
})

describe('a run that has been taken over from', () => {
  it('removes nothing that a later one has written beside its checkpoint', async () => {
    const store = new MemoryObjectStore()
    const { view, arm, reached, go } = held(store, 'list')
    const session = await HeadSession.takeOver(place(store), 'fraud', by('old'))
    const old = storageOf(session, { ...jobPlace(store), store: view })
    const manifest = manifestOf(await old.reserveId(0))
    await old.publish(manifest)
    const own = await writeFile(old, 1, 'fold')
    arm()
    const retaining = old.retain([manifest], [])
    await reached
    const later = await takeOver(store, 'new')
    const folded = await writeFile(later, 1, 'fold')
    go()
    await retaining
    expect(await later.stat(folded.file)).toBeDefined()
    expect(await later.stat(own.file)).toBeUndefined()
    // What is removed is none that counts: it could not have begun otherwise.
    await expect(old.retain([manifest], [])).rejects.toMatchObject(FENCED)
    await expect(old.discard(5)).rejects.toMatchObject(FENCED)
    await expect(old.reserveId(0)).rejects.toMatchObject(FENCED)
  })

  it('does not take for damage what a later one has removed', async () => {
    const store = new MemoryObjectStore()
    const { view, arm, reached, go } = held(store, 'head')
    const session = await HeadSession.takeOver(place(store), 'fraud', by('old'))
    const old = storageOf(session, { ...jobPlace(store), store: view })
    await old.publish(manifestOf(await old.reserveId(0)))
    arm()
    const listing = old.list()
    const failure = expect(listing).rejects.toMatchObject(FENCED)
    await reached
    const later = await takeOver(store, 'new')
    const next = manifestOf(await later.reserveId(0))
    await later.publish(next)
    await later.retain([next], [])
    go()
    await failure
    await expect(old.readManifest(1)).rejects.toMatchObject(FENCED)
  })

  it('publishes nothing, and what it wrote of it does not count, and is removed', async () => {
    const store = new MemoryObjectStore()
    const old = await takeOver(store, 'old')
    const id = await old.reserveId(0)
    const later = await takeOver(store, 'new')
    await expect(old.publish(manifestOf(id))).rejects.toMatchObject(FENCED)
    expect(await later.list()).toEqual([])
    const next = manifestOf(await later.reserveId(0))
    expect(next.checkpointId).toBe(2)
    await later.publish(next)
    await later.retain([next], [])
    const keys: string[] = []
    for await (const { key } of store.list('')) keys.push(key.replace('fraud/', ''))
    const folder = `checkpoints/${LINEAGE}/chk-2`
    expect(keys).toEqual([`${folder}/manifest.json`, `${folder}/reserved`, 'job.json'])
  })
})

describe('retain', () => {
  it('lets the head name what is kept before anything is removed, and ends uploads that killed runs left', async () => {
    const store = new MemoryObjectStore()
    const session = await HeadSession.takeOver(place(store), 'fraud', by('run'))
    const storage = storageOf(session, jobPlace(store), { partBytes: 4 })
    for (let id = 1; id <= 3; id++) await storage.publish(manifestOf(await storage.reserveId(0)))
    const killed = await storage.create(2, 'counts-0-1')
    await killed.write(Buffer.from('half of it'))
    const later = await storage.create(4, 'counts-0-1')
    await later.write(Buffer.from('half of it'))
    expect(await store.listUploads('')).toHaveLength(2)
    await storage.retain([manifestOf(2), manifestOf(3)], [])
    expect(await session.published(LINEAGE).list()).toEqual([2, 3])
    expect((await store.listUploads('')).map(({ key }) => key)).toEqual([
      `fraud/checkpoints/${LINEAGE}/${later.name}`,
    ])
  })
})
