import { beforeEach, describe, expect, it } from 'vitest'
import {
  type ObjectStore,
  type StoredObject,
  UploadGone,
  WriteConflict,
} from '../../runtime/object-store.ts'

const MIB = 1024 * 1024

export interface ObjectStoreContractOptions {
  readonly name: string
  /** A store over a place that is empty. */
  readonly create: () => Promise<ObjectStore>
  /** False where conditions of writes are not looked at. Default true. */
  readonly hasConditions?: boolean
  /** False where it fails to say that an aborted upload is gone when it is to be completed. Default true. */
  readonly tellsAborted?: boolean
}

const text = (body: Uint8Array | undefined): string | undefined =>
  body === undefined ? undefined : Buffer.from(body).toString()
const bytes = (given: string): Uint8Array => Buffer.from(given)

/** What every object store must do. */
export function objectStoreContract(options: ObjectStoreContractOptions): void {
  describe(`object store contract: ${options.name}`, () => {
    let store: ObjectStore
    beforeEach(async () => {
      store = await options.create()
    })

    const keysOf = async (prefix: string, after?: string): Promise<string[]> => {
      const keys: string[] = []
      for await (const { key } of store.list(prefix, after)) keys.push(key)
      return keys
    }

    it('hands out what was written last, whole and in parts, with what was said of it', async () => {
      await store.put('a/b', bytes('first'))
      const etag = await store.put('a/b', bytes('hello world'), { metadata: { made: 'by-test' } })
      const found = await store.get('a/b')
      expect([text(found?.body), found?.etag]).toEqual(['hello world', etag])
      expect(text(await store.read('a/b', 3, 5))).toBe('lo wo')
      expect(text(await store.read('a/b', 6, 100))).toBe('world')
      expect(text(await store.read('a/b', 11, 5))).toBe('')
      expect(text(await store.read('a/b', 0, 0))).toBe('')
      const head = await store.head('a/b')
      expect(head).toMatchObject({ key: 'a/b', bytes: 11, etag, metadata: { made: 'by-test' } })
      expect(Math.abs(head!.modifiedAt - Date.now())).toBeLessThan(120_000)
    })

    it('has empty objects, and keys with any characters', async () => {
      const keys = ['empty', 'dt=2026-11-22/käse und Brot.json', 'a+b&c%20d', "it's?"]
      for (const key of keys) await store.put(key, new Uint8Array(0))
      for (const key of keys) expect((await store.get(key))?.body.byteLength).toBe(0)
      expect((await keysOf('')).toSorted()).toEqual(keys.toSorted())
    })

    it('says that something is not there', async () => {
      expect(await store.get('no')).toBeUndefined()
      expect(await store.read('no', 0, 5)).toBeUndefined()
      expect(await store.read('no', 0, 0)).toBeUndefined()
      expect(await store.head('no')).toBeUndefined()
      expect(await keysOf('no')).toEqual([])
      expect(await store.listLevel('no/')).toEqual({ objects: [], folders: [] })
    })

    it('lists by prefix and behind a key, in order, and folders once', async () => {
      for (const key of ['p/b', 'p/a/2', 'p/a/1', 'p/c/x/y', 'q']) await store.put(key, bytes(key))
      expect(await keysOf('p/')).toEqual(['p/a/1', 'p/a/2', 'p/b', 'p/c/x/y'])
      expect(await keysOf('p/', 'p/a/2')).toEqual(['p/b', 'p/c/x/y'])
      const level = await store.listLevel('p/')
      expect(level.folders).toEqual(['a', 'c'])
      expect(level.objects.map(({ key, bytes: size }) => [key, size])).toEqual([['p/b', 3]])
      const listed: StoredObject[] = []
      for await (const one of store.list('q')) listed.push(one)
      const { etag, bytes: size } = (await store.head('q'))!
      expect(listed).toMatchObject([{ key: 'q', etag, bytes: size }])
    })

    it('lists more than fits one answer', async () => {
      const keys = Array.from({ length: 1_100 }, (_, i) => `many/${String(i).padStart(5, '0')}`)
      for (let at = 0; at < keys.length; at += 100) {
        const some = keys.slice(at, at + 100)
        await Promise.all(some.map((key) => store.put(key, bytes('x'))))
      }
      expect(await keysOf('many/')).toEqual(keys)
      await store.delete(keys)
      expect(await keysOf('many/')).toEqual([])
    }, 120_000)

    it('removes what is there, and takes what is not for removed', async () => {
      await store.put('one', bytes('1'))
      await store.delete(['one', 'two'])
      await store.delete([])
      expect(await keysOf('')).toEqual([])
    })

    it.skipIf(options.hasConditions === false)(
      'writes only where nothing is, or what was seen, if told so',
      async () => {
        const first = await store.put('k', bytes('1'), { condition: { ifAbsent: true } })
        const again = store.put('k', bytes('2'), { condition: { ifAbsent: true } })
        await expect(again).rejects.toThrow(WriteConflict)
        const second = await store.put('k', bytes('2'), { condition: { ifEtag: first } })
        const stale = store.put('k', bytes('3'), { condition: { ifEtag: first } })
        await expect(stale).rejects.toThrow(WriteConflict)
        const gone = store.put('gone', bytes('3'), { condition: { ifEtag: second } })
        await expect(gone).rejects.toThrow(WriteConflict)
        expect(text((await store.get('k'))?.body)).toBe('2')
        expect(await store.get('gone')).toBeUndefined()
      },
    )

    it.skipIf(options.hasConditions === false)(
      'lets one of many have a key that is free',
      async () => {
        const tries = Array.from({ length: 8 }, async (_, i) => {
          await store.put('race', bytes(`${i}`), { condition: { ifAbsent: true } })
          return i
        })
        const won = (await Promise.allSettled(tries)).filter(({ status }) => status === 'fulfilled')
        expect(won).toHaveLength(1)
        const [{ value }] = won as [PromiseFulfilledResult<number>]
        expect(text((await store.get('race'))?.body)).toBe(`${value}`)
      },
    )

    it('makes an object of parts, of which nothing is seen before', async () => {
      const key = 'parts'
      const uploadId = await store.createUpload(key, { metadata: { upload: 'mine' } })
      const upload = { key, uploadId }
      const large = Buffer.alloc(5 * MIB, 'a')
      const parts = [
        { partNumber: 2, etag: await store.uploadPart(upload, 2, bytes('end')) },
        { partNumber: 1, etag: await store.uploadPart(upload, 1, bytes('replaced')) },
      ]
      parts[1] = { partNumber: 1, etag: await store.uploadPart(upload, 1, large) }
      expect(await store.get(key)).toBeUndefined()
      expect(await keysOf('')).toEqual([])
      await store.completeUpload(upload, parts.toReversed())
      const found = await store.get(key)
      expect(found?.body.byteLength).toBe(5 * MIB + 3)
      expect(text(await store.read(key, 5 * MIB - 1, 10))).toBe('aend')
      expect((await store.head(key))?.metadata).toEqual({ upload: 'mine' })
    })

    it('ends uploads that are not wanted, and says that they are gone', async () => {
      const key = 'uploads/given-up'
      const upload = { key, uploadId: await store.createUpload(key) }
      const etag = await store.uploadPart(upload, 1, bytes('x'))
      await store.abortUpload(upload)
      await store.abortUpload(upload)
      if (options.tellsAborted !== false) {
        await expect(store.uploadPart(upload, 2, bytes('y'))).rejects.toThrow(UploadGone)
        const completed = store.completeUpload(upload, [{ partNumber: 1, etag }])
        await expect(completed).rejects.toThrow(UploadGone)
      }
      expect(await store.get(key)).toBeUndefined()
      expect(await store.listUploads('uploads/')).toEqual([])
    })
  })
}
