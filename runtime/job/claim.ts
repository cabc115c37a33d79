import { basename } from 'node:path'
import { isS3Url } from '../aws/s3-url.ts'
import { checkpointFolder } from '../checkpoint/file-names.ts'
import type { CheckpointManifest } from '../checkpoint/manifest.ts'
import { storageFailure } from '../checkpoint/storage-errors.ts'
import type { FailpointHook } from '../failpoint.ts'
import type { FileSystem } from '../file-system.ts'
import type { LineagePoint } from '../sink.ts'
import type { ClaimTarget } from './claim-target.ts'
import type { Snapshot } from './from-snapshot.ts'
import { joinPlace } from './place-names.ts'
import { placesOf } from './snapshot-places.ts'

export interface ClaimOptions {
  readonly snapshot: Snapshot
  /** The lineage that begins with it. */
  readonly lineage: string
  readonly ancestry: readonly LineagePoint[]
  /** The place of that lineage's checkpoints, for messages. */
  readonly directory: string
  readonly target: ClaimTarget
  /** Of the snapshot, where it is in a folder. */
  readonly fileSystem: FileSystem
  readonly failpoint: FailpointHook
}

/**
 * A snapshot that a job takes over (`--claim`): it becomes the first checkpoint of the lineage that begins with it, whose
 * chains go on with its files and which goes when it is no longer needed, as any other.
 *
 * ```
 *   (the lineage is recorded) ─▶ place ─▶ files, by a second name or copied ─▶ manifest ─▶ the savepoint is removed
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
    const { directory, target, failpoint, snapshot, fileSystem } = this.#options
    const { checkpointId } = this.manifest
    const files = placesOf(snapshot.directory, fileSystem).files(snapshot.directory)
    const isLocal = !isS3Url(snapshot.directory)
    try {
      if (!(await target.begin(checkpointId))) return
      failpoint('claim-begun')
      for (const [name, bytes] of this.#sizes()) {
        const path = isLocal ? joinPlace(snapshot.directory, name) : undefined
        await target.add({ name, bytes, files, path }, this.#names.get(name)!)
      }
    } catch (error) {
      const path = joinPlace(directory, checkpointFolder(checkpointId))
      throw storageFailure(error, { path, what: `Checkpoint ${checkpointId}`, verb: 'taken over' })
    }
    failpoint('claim-copied')
    await target.publish(this.manifest)
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
      await placesOf(directory, fileSystem).removeSavepoint(directory, [...this.#names.keys()])
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }

  /** Bytes of each file of the snapshot. */
  #sizes(): Map<string, number> {
    const segments = this.#options.snapshot.manifest.subtasks.flatMap((part) => part.segments)
    return new Map(segments.map(({ file, bytes }) => [file, bytes]))
  }
}
