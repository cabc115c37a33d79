import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { StoredFile } from '../../../runtime/checkpoint/checkpoint-storage.ts'
import { RestartableError } from '../../../runtime/errors.ts'
import { selectBase } from '../../../runtime/job/base-selection.ts'
import { FakeStorage } from './fake-storage.ts'
import { manifestOf, operatorOf, planOf, sink, source } from './plans.ts'

const plan = planOf()
const queue = operatorOf('queue', { type: 'sink', operatorKind: 'kafka' })
const stuckPlan = planOf({ chains: [[source], [sink, queue]] })

function storageOf(...ids: number[]): FakeStorage {
  const storage = new FakeStorage()
  for (const id of ids) storage.manifests.set(id, manifestOf(plan, id))
  return storage
}

const base = {
  plan,
  damaged: new Map<number, Error>(),
  abandoned: new Set<number>(),
  allowRewind: false,
  pathOf: (id: number) => `/state/lineage/chk-${id}/manifest.json`,
}

describe('choosing what to go on from', () => {
  it('takes the newest checkpoint by manifest (R1)', async () => {
    const selected = await selectBase({ ...base, storage: storageOf(2, 10, 9) })
    expect(selected).toMatchObject({
      manifest: { checkpointId: 10 },
      ids: [2, 9, 10],
      abandoned: [],
      notes: [],
    })
  })

  it('starts from the beginning only where there is no checkpoint at all', async () => {
    expect((await selectBase({ ...base, storage: storageOf() })).manifest).toBeUndefined()
  })

  it('goes back behind damaged ones where all output can be taken back, and says so (R3)', async () => {
    const storage = storageOf(1, 2, 3, 4)
    storage.damaged.add(4)
    const damaged = new Map([[3, new RestartableError('MR_CHECKPOINT_CORRUPT', 'Block 7 is bad.')]])
    const selected = await selectBase({ ...base, storage, damaged })
    expect(selected).toMatchObject({ manifest: { checkpointId: 2 }, abandoned: [4, 3] })
    expect(selected.notes).toEqual([
      'checkpoint 4 is damaged (Manifest 4 is damaged.); going back to checkpoint 2, output committed since is taken back',
    ])
  })

  it('finds a checkpoint damaged of which a file is missing or too short (R27)', async () => {
    const storage = storageOf(1)
    const manifest = manifestOf(plan, 2)
    const segment = { file: 'chk-2/a.seg', bytes: 10, entries: 1, range: { first: 0, last: 127 } }
    const subtasks = [{ ...manifest.subtasks[0]!, segments: [segment] }]
    storage.manifests.set(2, { ...manifest, subtasks })
    for (const found of [undefined, { name: 'chk-2/a.seg', bytes: 9 }]) {
      const stat = async (): Promise<StoredFile | undefined> => found
      const selected = await selectBase({ ...base, storage: Object.assign(storage, { stat }) })
      expect(selected.manifest?.checkpointId).toBe(1)
    }
    const stat = async (): Promise<StoredFile> => ({ name: 'chk-2/a.seg', bytes: 10 })
    const selected = await selectBase({ ...base, storage: Object.assign(storage, { stat }) })
    expect(selected.manifest?.checkpointId).toBe(2)
  })

  it('takes a file that was found damaged for damage of all that name it, and gives none of them up (R3)', async () => {
    const storage = storageOf(1)
    const segment = { file: 'chk-2/a.seg', bytes: 10, entries: 1, range: { first: 0, last: 127 } }
    for (const id of [2, 3, 4]) {
      const manifest = manifestOf(plan, id)
      const subtasks = [{ ...manifest.subtasks[0]!, segments: [segment] }]
      storage.manifests.set(id, { ...manifest, subtasks })
    }
    Object.assign(storage, { stat: async () => ({ name: 'chk-2/a.seg', bytes: 10 }) })
    const bad = new RestartableError('MR_CHECKPOINT_CORRUPT', 'Block 7 is bad.', {
      file: 'chk-2/a.seg',
    })
    const damaged = new Map([[4, bad]])
    const selected = await selectBase({ ...base, storage, damaged })
    expect(selected).toMatchObject({ manifest: { checkpointId: 1 }, abandoned: [4, 3, 2] })
    storage.manifests.delete(1)
    await expect(selectBase({ ...base, storage, damaged })).rejects.toMatchObject({
      code: 'MR_CHECKPOINT_UNUSABLE',
      message: expect.stringContaining('(4, 3, 2: Block 7 is bad.)'),
    })
  })

  it('refuses to double output of a sink that cannot take it back, naming the way out (R3)', async () => {
    const storage = storageOf(1, 2)
    storage.damaged.add(2)
    const options = { ...base, plan: stuckPlan, storage }
    await expect(selectBase(options)).rejects.toMatchObject({
      code: 'MR_FALLBACK_REFUSED',
      message: expect.stringMatching(/"queue" \(kafka\).*--allow-rewind/),
      fields: { damaged: 2, usable: 1, sinks: ['queue'] },
    })
    const selected = await selectBase({ ...options, allowRewind: true })
    expect(selected.notes[0]).toMatch(/taken back where it can be$/)
  })

  it('refuses when none can be restored, rather than start over (R3)', async () => {
    const storage = storageOf(1, 2)
    for (const id of [1, 2]) storage.damaged.add(id)
    await expect(selectBase({ ...base, storage })).rejects.toMatchObject({
      code: 'MR_CHECKPOINT_UNUSABLE',
      message: expect.stringMatching(
        /^None of the 2 checkpoints in \/state\/lineage can be restored \(.*\);.*--from.*--fresh\.$/,
      ),
      fields: { checkpoints: [1, 2] },
    })
  })

  it('passes over what it went back behind before, without asking again (R3)', async () => {
    const options = {
      ...base,
      plan: stuckPlan,
      storage: storageOf(1, 2, 3),
      abandoned: new Set([3]),
    }
    expect(await selectBase(options)).toMatchObject({
      manifest: { checkpointId: 2 },
      abandoned: [],
      notes: [],
    })
    const all = { ...options, abandoned: new Set([1, 2, 3]) }
    await expect(selectBase(all)).rejects.toMatchObject({ code: 'MR_CHECKPOINT_UNUSABLE' })
  })

  it('does not take a failure to read for damage', async () => {
    const storage = Object.assign(storageOf(1), {
      readManifest: () =>
        Promise.reject(new RestartableError('MR_CHECKPOINT_VERSION', 'From the future.')),
    })
    await expect(selectBase({ ...base, storage })).rejects.toMatchObject({
      code: 'MR_CHECKPOINT_VERSION',
    })
  })

  it('takes the newest that is neither damaged nor abandoned, whatever those are (R3)', async () => {
    const ids = fc.uniqueArray(fc.integer({ min: 1, max: 9 }))
    await fc.assert(
      fc.asyncProperty(ids, ids, ids, async (there, damaged, abandoned) => {
        const storage = storageOf(...there)
        for (const id of damaged) storage.damaged.add(id)
        const usable = there.filter((id) => !damaged.includes(id) && !abandoned.includes(id))
        const options = { ...base, storage, abandoned: new Set(abandoned) }
        if (usable.length === 0 && there.length > 0) {
          await expect(selectBase(options)).rejects.toMatchObject({
            code: 'MR_CHECKPOINT_UNUSABLE',
          })
          return
        }
        const selected = await selectBase(options)
        const newest = usable.length === 0 ? undefined : Math.max(...usable)
        expect(selected.manifest?.checkpointId).toBe(newest)
        expect(selected.abandoned.every((id) => id > newest!)).toBe(true)
      }),
    )
  })
})
