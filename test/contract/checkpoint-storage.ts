import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CheckpointStorage } from '../../runtime/checkpoint/checkpoint-storage.ts'
import type { SegmentReference } from '../../runtime/checkpoint/manifest.ts'
import { manifestOf, partOf, writeFile } from '../harness/checkpoint-fixtures.ts'
import { slowStorageContract } from './slow-storage.ts'
import { storageDamageContract } from './storage-damage.ts'
import { storageFaultContract } from './storage-faults.ts'
import type { StorageUnderTest } from './storage-under-test.ts'

export interface CheckpointStorageContractOptions {
  readonly name: string
  readonly create: () => StorageUnderTest | Promise<StorageUnderTest>
  /** Its calls take real time, or it differs little from another: fewer faults and orders are tried. Default false. */
  readonly few?: boolean
  /** False where the same storage is tested with faults elsewhere, faster. Default true. */
  readonly faults?: boolean
  /** False where nothing can be pinned. Default true. */
  readonly pins?: boolean
}

/**
 * What every checkpoint storage must do, also when what lies below it fails, is slow, or has lost or damaged something. What
 * survives a power cut is tested where one can be had.
 */
export function checkpointStorageContract(options: CheckpointStorageContractOptions): void {
  describe(`checkpoint storage contract: ${options.name}`, () => {
    let place: StorageUnderTest
    let storage: CheckpointStorage

    beforeEach(async () => {
      place = await options.create()
      storage = place.open()
    })
    afterEach(() => place.remove?.())

    const { few = false, faults = true, pins = true } = options
    const create = async (): Promise<StorageUnderTest> => options.create()
    if (faults) storageFaultContract(create, { few, pins })
    storageDamageContract(create, { few })
    slowStorageContract(create, { few, pins })

    const reserve = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) await storage.reserveId(0)
    }
    const exists = async (name: string): Promise<boolean> => {
      return (await storage.stat(name)) !== undefined
    }

    describe('ids', () => {
      it('rise from what is given, and from every id given before, in any process (R1)', async () => {
        expect(await storage.reserveId(0)).toBe(1)
        expect(await storage.reserveId(0)).toBe(2)
        expect(await storage.reserveId(11)).toBe(12)
        expect(await place.open().reserveId(3)).toBe(13)
        expect(await storage.reserveId(13)).toBe(14)
      })

      it('are given once when two ask at the same time (R1)', async () => {
        const ids = await Promise.all([1, 2, 3, 4].map(() => storage.reserveId(0)))
        expect(new Set(ids).size).toBe(4)
      })

      it('stay taken when what had them is discarded or removed (R1)', async () => {
        await reserve(9)
        await storage.publish(manifestOf(8))
        await writeFile(storage, 9, 'left')
        await storage.discard(9)
        expect(await place.open().reserveId(0)).toBe(10)
        await storage.publish(manifestOf(10))
        await storage.retain([manifestOf(10)], [])
        expect(await place.open().reserveId(0)).toBe(11)
      })
    })

    describe('files', () => {
      it('are read in parts, with their length, by any process', async () => {
        await reserve(1)
        const writer = await storage.create(1, 'counts-0-1')
        await writer.write(Buffer.from('hello '))
        await writer.write(Buffer.from('world'))
        const file = await writer.finish()
        expect(file).toEqual({ name: writer.name, bytes: 11 })
        const other = place.open()
        expect(await other.stat(file.name)).toEqual(file)
        expect(Buffer.from(await other.read(file.name, 3, 5)).toString()).toBe('lo wo')
        expect((await other.read(file.name, 11, 0)).byteLength).toBe(0)
      })

      it('that are missing or too short are an error with their name (R27)', async () => {
        await reserve(1)
        const { file } = await writeFile(storage, 1, 'counts-0-1', 'short')
        const missing = file.replace('counts', 'count')
        expect(await storage.stat(missing)).toBeUndefined()
        for (const [name, length] of [
          [missing, 1],
          [file, 6],
        ] as const) {
          await expect(storage.read(name, 0, length)).rejects.toMatchObject({
            code: 'MR_CHECKPOINT_CORRUPT',
            message: expect.stringContaining(name) as string,
          })
        }
        await expect(storage.read(file, 4, 2)).rejects.toThrow(file)
        // A length from a damaged file must not take memory (N25).
        await expect(storage.read(file, 0, 2 ** 45)).rejects.toMatchObject({
          code: 'MR_CHECKPOINT_CORRUPT',
        })
      })

      it('get another name where theirs is taken', async () => {
        await reserve(2)
        const first = await writeFile(storage, 1, 'fold-counts-0', 'first')
        const second = await writeFile(place.open(), 1, 'fold-counts-0', 'second')
        const elsewhere = await writeFile(storage, 2, 'fold-counts-0', 'third')
        const files = [first, second, elsewhere]
        expect(new Set(files.map(({ file }) => file)).size).toBe(3)
        const texts = await Promise.all(
          files.map(({ file, bytes }) => storage.read(file, 0, bytes)),
        )
        expect(texts.map((text) => Buffer.from(text).toString())).toEqual([
          'first',
          'second',
          'third',
        ])
      })

      it('may be wished any name, and stay apart (N25)', async () => {
        await reserve(1)
        const wishes = [
          'a.b_c-D',
          '.hidden',
          '..',
          '../x',
          'a/b',
          'a%2fb',
          'käse',
          'con',
          'x'.repeat(300),
          '',
        ]
        const files: SegmentReference[] = []
        for (const wish of wishes) files.push(await writeFile(storage, 1, wish, wish))
        for (const [i, { file, bytes }] of files.entries()) {
          expect(Buffer.from(await storage.read(file, 0, bytes)).toString()).toBe(wishes[i])
        }
      })

      it('are gone when they are aborted', async () => {
        await reserve(1)
        const writer = await storage.create(1, 'counts-0-1')
        await writer.write(Buffer.from('half'))
        await writer.abort()
        expect(await exists(writer.name)).toBe(false)
      })
    })

    describe('manifests', () => {
      it('are found by any process as they were published, in the order of ids', async () => {
        await reserve(10)
        const segment = await writeFile(storage, 2, 'counts-0-1')
        const manifest = manifestOf(10, { subtasks: [partOf(0, [segment]), partOf(1, [])] })
        await storage.publish(manifest)
        await storage.publish(manifestOf(9))
        await storage.publish(manifestOf(2))
        expect(await place.open().list()).toEqual([2, 9, 10])
        expect(await place.open().readManifest(10)).toEqual(manifest)
      })

      it('are published once: a second one of that id changes nothing (R26)', async () => {
        await reserve(1)
        await storage.publish(manifestOf(1))
        await expect(storage.publish(manifestOf(1, { job: 'other' }))).rejects.toThrow()
        expect((await storage.readManifest(1)).job).toBe('fraud')
        expect(await storage.list()).toEqual([1])
      })

      it('that do not exist are an error with their id', async () => {
        await reserve(1)
        expect(await storage.list()).toEqual([])
        await expect(storage.readManifest(1)).rejects.toMatchObject({
          code: 'MR_CHECKPOINT_CORRUPT',
        })
      })

      it('may hold any names (N25)', async () => {
        await reserve(1)
        const names = ['__proto__', 'constructor', '', 'a b']
        const states = names.map((name, n) => [name, Uint8Array.of(n)] as const)
        await storage.publish(manifestOf(1, { enumerators: Object.fromEntries(states) }))
        const { enumerators, params } = await storage.readManifest(1)
        expect(Object.entries(enumerators)).toEqual(states)
        expect('constructor' in params).toBe(false)
      })
    })

    describe('retain', () => {
      /** Checkpoints 1 to 4, each with a file of its own; 3 and 4 name that of 1 as well. */
      const fill = async () => {
        await reserve(6)
        const files: SegmentReference[] = []
        for (let id = 1; id <= 5; id++) files.push(await writeFile(storage, id, 'counts-0-1'))
        const manifests = [1, 2, 3, 4].map((id) => {
          const own = files[id - 1]!
          return manifestOf(id, { subtasks: [partOf(0, id > 2 ? [files[0]!, own] : [own])] })
        })
        for (const manifest of manifests) await storage.publish(manifest)
        return { manifests, names: files.map(({ file }) => file) }
      }

      it('removes other manifests, and the files that nothing names', async () => {
        const { manifests, names } = await fill()
        await storage.retain(manifests.slice(2), [])
        expect(await storage.list()).toEqual([3, 4])
        expect(await Promise.all(names.map(exists))).toEqual([true, false, true, true, true])
        await storage.retain(manifests.slice(3), [])
        expect(await Promise.all(names.map(exists))).toEqual([true, false, false, true, true])
        expect(await place.open().readManifest(4)).toEqual(manifests[3])
      })

      it('spares files that the next manifest will name', async () => {
        const { manifests, names } = await fill()
        const { file } = await writeFile(storage, 4, 'fold-counts-0')
        await storage.retain(manifests.slice(3), [file, names[1]!])
        expect(await exists(file)).toBe(true)
        expect(await exists(names[1]!)).toBe(true)
        await storage.retain(manifests.slice(3), [])
        expect(await exists(file)).toBe(false)
        expect(await exists(names[1]!)).toBe(false)
      })

      it('touches nothing above the newest that is kept, and nothing at all without one', async () => {
        const { manifests, names } = await fill()
        await storage.retain([], [])
        expect(await storage.list()).toEqual([1, 2, 3, 4])
        await storage.retain([manifests[1]!], [])
        expect(await storage.list()).toEqual([2, 3, 4])
        expect(await Promise.all(names.map(exists))).toEqual([false, true, true, true, true])
      })

      it('removes what aborted checkpoints left, and may be repeated', async () => {
        const { manifests, names } = await fill()
        await storage.publish(manifestOf(6))
        for (let i = 0; i < 2; i++) await storage.retain([manifests[3]!, manifestOf(6)], [])
        expect(await exists(names[4]!)).toBe(false)
        expect(await storage.list()).toEqual([4, 6])
      })
    })

    describe('discard', () => {
      it('removes what checkpoints above all published ones left, up to an id', async () => {
        await reserve(4)
        const files: string[] = []
        for (let id = 1; id <= 4; id++)
          files.push((await writeFile(storage, id, 'counts-0-1')).file)
        await storage.publish(manifestOf(1))
        await storage.discard(3)
        expect(await Promise.all(files.map(exists))).toEqual([true, false, false, true])
        expect(await storage.list()).toEqual([1])
        const again = await writeFile(storage, 3, 'late')
        await storage.discard(3)
        expect(await exists(again.file)).toBe(false)
      })

      it('leaves what later manifests name although their own is gone', async () => {
        await reserve(4)
        const old = await writeFile(storage, 1, 'counts-0-1')
        const manifests = [1, 3].map((id) => manifestOf(id, { subtasks: [partOf(0, [old])] }))
        for (const manifest of manifests) await storage.publish(manifest)
        await storage.retain(manifests.slice(1), [])
        await storage.discard(4)
        expect(await exists(old.file)).toBe(true)
      })
    })
  })
}
