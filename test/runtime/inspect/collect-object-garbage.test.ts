import { describe, expect, it } from 'vitest'
import { runCommand } from '../../../cli/command.ts'
import { placeIn } from '../../../runtime/checkpoint/object-files.ts'
import { collectObjectGarbage } from '../../../runtime/inspect/collect-object-garbage.ts'
import { HeadSession } from '../../../runtime/job/head-session.ts'
import { manifestOf, partOf, writeFile } from '../../harness/checkpoint-fixtures.ts'
import { MemoryObjectStore } from '../../harness/memory-object-store.ts'
import { jobPlace, LINEAGE, storageOf } from '../../harness/object-storage.ts'
import { FakeHost } from '../../cli/fake-host.ts'

const IN_LINEAGE = `fraud/checkpoints/${LINEAGE}`

/** Two checkpoints, the second of which needs a file of the first; leftovers in, between and behind them, and of a start. */
async function left() {
  const store = new MemoryObjectStore()
  const head = placeIn(jobPlace(store), 'job.json')
  const session = await HeadSession.takeOver(head, 'fraud', { run: 'old', holder: 'host of old' })
  const storage = storageOf(session, jobPlace(store))
  const first = await storage.reserveId(0)
  const shared = await writeFile(storage, first, 'shared')
  await storage.publish(manifestOf(first, { subtasks: [partOf(0, [shared])] }))
  await storage.reserveId(first)
  const third = await storage.reserveId(first)
  const own = await writeFile(storage, third, 'own')
  await storage.publish(manifestOf(third, { subtasks: [partOf(0, [shared, own])] }))
  const needed = [...store.objects.keys()].filter((key) => !key.includes('/chk-2/'))
  const leftOver = [
    (await writeFile(storage, first, 'fold')).file,
    (await writeFile(storage, 2, 'aborted')).file,
  ]
  await storage.reserveId(third)
  const last = await storage.reserveId(third)
  const running = [(await writeFile(storage, last, 'running')).file]
  await store.put('fraud/probe-1', Buffer.from('first'))
  await store.put(`${IN_LINEAGE}/notes.txt`, Buffer.from('mine'))
  await store.put('fraud/checkpoints/unknown/chk-1/a.seg', Buffer.from('?'))
  await store.createUpload(`${IN_LINEAGE}/chk-2/long.e1-old-9.seg`)
  return { store, storage, needed, leftOver, running }
}

const keysOf = (names: readonly string[]): string[] => names.map((name) => `${IN_LINEAGE}/${name}`)

describe('what crashes have left in an object store', () => {
  it('is told beside a run that may go on, which keeps the job', async () => {
    const { store, storage, leftOver } = await left()
    const before = [...store.objects.keys()]
    const garbage = await collectObjectGarbage(jobPlace(store), { takesOver: false })
    expect(garbage).toMatchObject({ isRemoved: false, holder: 'host of old', uploads: 1 })
    const paths = garbage!.files.map(({ path }) => path)
    const expected = keysOf([...leftOver, 'chk-2/reserved'])
    expect(paths.toSorted()).toEqual(expected.map((key) => `s3://bucket/${key}`).toSorted())
    expect([...store.objects.keys()]).toEqual(before)
    await storage.retain([await storage.readManifest(3)], [])
  })

  it('is removed once the job is taken over; what counts stays, and so does what is not known', async () => {
    const { store, storage, needed, leftOver, running } = await left()
    const garbage = await collectObjectGarbage(jobPlace(store), { takesOver: true })
    expect(garbage).toMatchObject({ isRemoved: true, holder: undefined, uploads: 1 })
    expect(garbage!.skipped).toEqual(['unknown: job.json does not know it'])
    expect(garbage!.files.reduce((sum, { bytes }) => sum + bytes, 0)).toBeGreaterThan(0)
    const gone = [
      ...keysOf([...leftOver, ...running, 'chk-2/reserved', 'chk-4/reserved']),
      'fraud/probe-1',
    ]
    const paths = garbage!.files.map(({ path }) => path.replace('s3://bucket/', ''))
    expect(paths.toSorted()).toEqual(gone.toSorted())
    const others = keysOf(['chk-5/reserved', 'notes.txt'])
    const stays = [...needed, ...others, 'fraud/checkpoints/unknown/chk-1/a.seg']
    expect([...store.objects.keys()].toSorted()).toEqual(stays.toSorted())
    expect(store.uploads.size).toBe(0)
    await expect(storage.reserveId(0)).rejects.toMatchObject({
      code: 'MR_JOB_FENCED',
      message: expect.stringContaining('"checkpoints gc" (process') as string,
    })
  })

  it('is left alone in a lineage of which a manifest cannot be read', async () => {
    const { store, needed } = await left()
    await store.put(`${IN_LINEAGE}/chk-1/manifest.json`, Buffer.from('torn'))
    const garbage = await collectObjectGarbage(jobPlace(store), { takesOver: true })
    expect(garbage!.files.map(({ path }) => path)).toEqual(['s3://bucket/fraud/probe-1'])
    expect(garbage!.skipped).toHaveLength(2)
    expect(needed.filter((key) => !store.objects.has(key))).toEqual([])
  })

  it('is not looked for where there is no job, which is not made by that', async () => {
    const store = new MemoryObjectStore()
    expect(await collectObjectGarbage(jobPlace(store), { takesOver: true })).toBeUndefined()
    expect(store.objects.size).toBe(0)
  })

  it('is not taken over from a folder, which has a lock', async () => {
    const host = new FakeHost()
    expect(await runCommand(['checkpoints', 'gc', '.', '--take-over'], host)).not.toBe(0)
    expect(host.stderr.text).toContain('MR_OPTION_INVALID')
  })
})
