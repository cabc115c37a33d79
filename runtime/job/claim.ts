import { basename, join } from 'node:path'
import { FileStorageWriter } from '../checkpoint/file-storage-writer.ts'
import { checkpointFolder, MANIFEST } from '../checkpoint/file-names.ts'
import type { CheckpointManifest } from '../checkpoint/manifest.ts'
import { MANIFEST_ASIDE, publishManifest, removeFile } from '../checkpoint/manifest-file.ts'
import { INCOMPLETE } from '../checkpoint/savepoint-target.ts'
import { isSystemError, storageFailure } from '../checkpoint/storage-errors.ts'
import { makeDurable } from '../durable-folder.ts'
import type { FailpointHook } from '../failpoint.ts'
import type { FileSystem } from '../file-system.ts'
import type { LineagePoint } from '../sink.ts'
import type { Snapshot } from './from-snapshot.ts'

/** Bytes of a file that are copied at once, where it cannot have a second name. */
const COPY_BYTES = 4 * 1_024 * 1_024

export interface ClaimOptions {
  readonly snapshot: Snapshot
  /** The lineage that begins with it. */
  readonly lineage: string
  readonly ancestry: readonly LineagePoint[]
  /** The folder of that lineage's checkpoints. */
  readonly directory: string
  readonly fileSystem: FileSystem
  readonly failpoint: FailpointHook
}

/**
 * A snapshot that a job takes over (`--claim`): it becomes the first checkpoint of the lineage that begins with it, whose
 * chains go on with its files and which goes when it is no longer needed, as any other.
 *
 * ```
 *   (the lineage is recorded) ─▶ folder ─▶ files, by a second name or copied ─▶ manifest ─▶ the savepoint is removed
 * ```
 *
 * A crash before the manifest is there leaves the snapshot as it was, and the next run takes it over. A checkpoint stays where it is: it is part of a
 * lineage, which looks after it.
 */
export class Claim {
  /** What the checkpoint will be, once it is taken over. */
  readonly manifest: CheckpointManifest
  readonly #options: ClaimOptions
  /** Names in the snapshot, and in the lineage. */
  readonly #names: ReadonlyMap<string, string>

  constructor(options: ClaimOptions) {
    const { snapshot, lineage, ancestry } = options
    const { checkpointId, subtasks } = snapshot.manifest
    this.#options = options
    const files = new Set(subtasks.flatMap(({ segments }) => segments.map(({ file }) => file)))
    const folder = checkpointFolder(checkpointId)
    // Files of one name may come from several folders.
    const named = [...files].map((file, i): [string, string] => {
      return [file, `${folder}/${i}-${basename(file)}`]
    })
    this.#names = new Map(named)
    this.manifest = {
      ...snapshot.manifest,
      lineage,
      ancestry,
      kind: 'checkpoint',
      subtasks: subtasks.map((part) => ({
        ...part,
        segments: part.segments.map((segment) => ({
          ...segment,
          file: this.#names.get(segment.file)!,
        })),
      })),
    }
  }

  /** Makes the checkpoint exist, durably; may be repeated. Fails with `MR_CHECKPOINT_FAILED` or `MR_DIRECTORY_UNUSABLE`. */
  async take(): Promise<void> {
    const { directory, fileSystem, failpoint, snapshot } = this.#options
    const { checkpointId } = this.manifest
    const folder = join(directory, checkpointFolder(checkpointId))
    const what = `Checkpoint ${checkpointId}`
    try {
      await makeDurable(fileSystem, folder)
      const names = await fileSystem.list(folder)
      if (names.includes(MANIFEST)) return
      for (const name of names) await fileSystem.unlink(join(folder, name))
      failpoint('claim-begun')
      for (const [from, to] of this.#names) {
        await this.#link(join(snapshot.directory, from), join(directory, to))
      }
      await fileSystem.syncDirectory(folder)
    } catch (error) {
      throw storageFailure(error, { path: folder, what, verb: 'taken over' })
    }
    failpoint('claim-copied')
    await publishManifest(fileSystem, this.manifest, { folder, what })
    failpoint('claim-published')
  }

  /**
   * The lineage goes on without the snapshot: removes it, if it is a savepoint. Resolves with what has kept it from being
   * removed, undefined if nothing has.
   */
  async release(): Promise<string | undefined> {
    const { snapshot, fileSystem } = this.#options
    const { manifest, directory } = snapshot
    if (manifest.kind !== 'savepoint') return undefined
    try {
      // First, so that nobody takes what is left for a snapshot.
      await removeFile(fileSystem, join(directory, MANIFEST))
      await fileSystem.syncDirectory(directory)
      for (const name of [...this.#names.keys(), MANIFEST_ASIDE, INCOMPLETE]) {
        await removeFile(fileSystem, join(directory, name))
      }
      await fileSystem.removeDirectory(directory)
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }

  async #link(from: string, to: string): Promise<void> {
    const { fileSystem } = this.#options
    try {
      await fileSystem.link(from, to)
    } catch (error) {
      if (!isSystemError(error, 'EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS')) {
        throw error
      }
      await copyFile(fileSystem, from, to)
    }
  }
}

async function copyFile(fileSystem: FileSystem, from: string, to: string): Promise<void> {
  const bytes = (await fileSystem.size(from)) ?? 0
  const file = await fileSystem.create(to)
  const writer = new FileStorageWriter({
    fileSystem,
    file,
    path: to,
    name: basename(to),
    what: 'A snapshot that is taken over',
  })
  for (let offset = 0; offset < bytes; offset += COPY_BYTES) {
    await writer.write(await fileSystem.read(from, offset, Math.min(COPY_BYTES, bytes - offset)))
  }
  await writer.finishContent()
}
