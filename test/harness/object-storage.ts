import { ObjectStorage } from '../../runtime/checkpoint/object-storage.ts'
import { type ObjectPlace, placeIn } from '../../runtime/checkpoint/object-files.ts'
import { RESERVED } from '../../runtime/checkpoint/object-names.ts'
import { HeadSession } from '../../runtime/job/head-session.ts'
import type { ObjectStore } from '../../runtime/object-store.ts'
import type { StorageUnderTest } from '../contract/storage-under-test.ts'
import { UnreliableObjectStore } from './unreliable-object-store.ts'

export const LINEAGE = '0123456789abcdef'

/** The place of a job in a store. */
export function jobPlace(store: ObjectStore): ObjectPlace {
  return placeIn({ store, prefix: '', url: 's3://bucket' }, 'fraud')
}

let writers = 0

/** The checkpoints of a run that has a job, as a process, or thread, that starts now sees them. */
export function storageOf(
  session: HeadSession,
  place: ObjectPlace,
  options: { readonly partBytes?: number } = {},
): ObjectStorage {
  return new ObjectStorage({
    place: placeIn(place, `checkpoints/${LINEAGE}`),
    published: session.published(LINEAGE),
    author: { epoch: session.epoch, writer: `w${++writers}` },
    ...options,
  })
}

/** An empty object storage, of a job that one run has taken over. */
export async function objectStorageUnderTest(
  store: ObjectStore,
  options: { readonly partBytes?: number } = {},
): Promise<StorageUnderTest> {
  const place = jobPlace(store)
  const by = { run: 'the-run', holder: 'host:1' }
  await HeadSession.takeOver(placeIn(place, 'job.json'), 'fraud', by)
  const open = (seen: ObjectStore) => {
    const at = { ...place, store: seen }
    return storageOf(HeadSession.join(placeIn(at, 'job.json'), by.run, 1), at, options)
  }
  const isContent = (key: string): boolean => !key.endsWith(`/${RESERVED}`)
  return {
    open: () => open(store),
    openFaulty: (faults) => open(new UnreliableObjectStore(store, faults)),
    objects: {
      names: async () => {
        const keys: string[] = []
        for await (const { key } of store.list('fraud/checkpoints/')) {
          if (isContent(key)) keys.push(key)
        }
        return keys
      },
      read: async (name) => (await store.get(name))!.body,
      write: async (name, bytes) => void (await store.put(name, bytes)),
      remove: (name) => store.delete([name]),
    },
  }
}
