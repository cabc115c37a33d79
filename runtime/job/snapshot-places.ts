import { basename, dirname } from 'node:path'
import { isS3Url } from '../aws/s3-url.ts'
import type { CheckpointStorage, SnapshotFiles } from '../checkpoint/checkpoint-storage.ts'
import { checkpointIdOf, MANIFEST } from '../checkpoint/file-names.ts'
import { createFileStorage } from '../checkpoint/file-storage.ts'
import { FolderFiles } from '../checkpoint/folder-files.ts'
import type { CheckpointManifest } from '../checkpoint/manifest.ts'
import { decodeManifest } from '../checkpoint/manifest-codec.ts'
import { MANIFEST_ASIDE, readManifestFile, removeFile } from '../checkpoint/manifest-file.ts'
import { placeIn } from '../checkpoint/object-files.ts'
import { ObjectStorage } from '../checkpoint/object-storage.ts'
import type { PublishedCheckpoints } from '../checkpoint/published-checkpoints.ts'
import { INCOMPLETE } from '../checkpoint/savepoint-target.ts'
import { readFailure, unreadable } from '../checkpoint/storage-errors.ts'
import { invariant } from '../errors.ts'
import type { FileSystem } from '../file-system.ts'
import { readJobHead } from './head-session.ts'
import { knowsLineage, publishedIn } from './job-head.ts'
import { joinPlace } from './place-names.ts'
import { openS3Place } from './s3-places.ts'
import { s3FilesAt } from './s3-worker-storage.ts'

/** Reads what lies where snapshots are, which is a folder or a prefix in S3: by paths as `resolvePlace` has them. */
export interface SnapshotPlaces {
  /** Names of files and folders in it, sorted; none where there is no such place. */
  names(place: string): Promise<readonly string[]>
  /** Reads and verifies the manifest there: `MR_CHECKPOINT_CORRUPT` or `MR_CHECKPOINT_VERSION`. */
  readManifest(place: string): Promise<CheckpointManifest>
  hasManifest(place: string): Promise<boolean>
  /** The files that names in the manifests of a savepoint, or of a lineage, mean. */
  files(place: string): SnapshotFiles
  /** The checkpoints of a lineage, to be read only. */
  lineage(place: string): CheckpointStorage
  /** Removes a savepoint, whose manifest names these files: first of all that, so that nobody takes what is left for a snapshot. */
  removeSavepoint(place: string, files: readonly string[]): Promise<void>
}

/** How to read what is at a path. */
export function placesOf(path: string, fileSystem: FileSystem): SnapshotPlaces {
  return isS3Url(path) ? s3Places : folderPlaces(fileSystem)
}

/** The files of a snapshot that are read from there. */
export function filesAt(place: string, fileSystem: FileSystem): SnapshotFiles {
  return placesOf(place, fileSystem).files(place)
}

function folderPlaces(fileSystem: FileSystem): SnapshotPlaces {
  return {
    names: (place) => fileSystem.list(place),
    readManifest: (place) => readManifestFile(fileSystem, place),
    hasManifest: async (place) => (await fileSystem.size(joinPlace(place, MANIFEST))) !== undefined,
    files: (place) => new FolderFiles(place, fileSystem),
    lineage: (place) => createFileStorage({ directory: place, fileSystem }),
    async removeSavepoint(place, files) {
      await removeFile(fileSystem, joinPlace(place, MANIFEST))
      await fileSystem.syncDirectory(place)
      for (const name of [...files, MANIFEST_ASIDE, INCOMPLETE]) {
        await removeFile(fileSystem, joinPlace(place, name))
      }
      await fileSystem.removeDirectory(place)
    },
  }
}

const s3Places: SnapshotPlaces = {
  async names(place) {
    const { prefix, store } = openS3Place(place)
    const begin = prefix === '' ? '' : `${prefix}/`
    const { objects, folders } = await store.listLevel(begin)
    const names = objects.map(({ key }) => key.slice(begin.length))
    return [...new Set([...folders, ...names])].toSorted()
  },
  async readManifest(place) {
    const { prefix, store, url } = placeIn(openS3Place(place), MANIFEST)
    const name = `${basename(place)}/${MANIFEST}`
    try {
      const found = await store.get(prefix)
      if (found === undefined) throw unreadable(name, 'is missing')
      return decodeManifest(found.body, url)
    } catch (error) {
      throw readFailure(error, name, url)
    }
  },
  async hasManifest(place) {
    const { prefix, store } = placeIn(openS3Place(place), MANIFEST)
    return (await store.head(prefix)) !== undefined
  },
  files: s3FilesAt,
  lineage: (place) =>
    new ObjectStorage({
      place: openS3Place(place),
      published: publishedAt(place),
      author: { epoch: 0, writer: 'reader' },
    }),
  async removeSavepoint(place, files) {
    const { prefix, store } = openS3Place(place)
    await store.delete([`${prefix}/${MANIFEST}`])
    await store.delete([...files, INCOMPLETE].map((name) => `${prefix}/${name}`))
  },
}

/** What the head of its job says of a lineage; of one that it does not know, or that was copied to elsewhere, each manifest counts. */
function publishedAt(place: string): PublishedCheckpoints {
  const readOnly = (): Promise<never> => {
    invariant(false, 'a lineage that is looked into is not changed')
  }
  return {
    async list() {
      const job = dirname(dirname(place))
      const head = await readJobHead(placeIn(openS3Place(job), 'job.json'))
      if (head !== undefined && knowsLineage(head, basename(place))) {
        return publishedIn(head, basename(place))
      }
      const ids = (await s3Places.names(place)).map(checkpointIdOf)
      return ids.filter((id) => id !== undefined).toSorted((a, b) => a - b)
    },
    check: async () => {},
    add: readOnly,
    keep: readOnly,
  }
}
