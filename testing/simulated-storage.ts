import type {
  CheckpointStorage,
  PinnedFile,
  StorageWriter,
  StoredFile,
} from '../runtime/checkpoint/checkpoint-storage.ts'
import type { CheckpointManifest } from '../runtime/checkpoint/manifest.ts'
import { damaged, decodeManifest, encodeManifest } from '../runtime/checkpoint/manifest-codec.ts'
import { unreadable } from '../runtime/checkpoint/storage-errors.ts'
import { RestartableError } from '../runtime/errors.ts'

/** What is on a simulated disk: survives crashes, holds finished files and published manifests only. */
export class SimulatedDisk {
  /** Finished files by name. */
  readonly files: Map<string, Uint8Array> = new Map()
  /** Published manifests by checkpoint id, as they would stand in a file. */
  readonly manifests: Map<number, Uint8Array> = new Map()
  readonly reservedIds: Set<number> = new Set()
  /** Names of files that have been begun. */
  readonly names: Set<string> = new Set()
  /** Final checkpoints whose commits are known to be done (R34). */
  readonly committedIds: Set<number> = new Set()
  /** Checkpoints that a run went back behind (R3). */
  readonly abandonedIds: Set<number> = new Set()

  /** The storage on this disk as a thread of a process sees it. */
  open(access: StorageAccess): CheckpointStorage {
    return new SimulatedStorage({ disk: this, ...access })
  }
}

/** What a storage can be asked to do; reading never fails by itself. */
export type StorageWrite = 'reserve' | 'create' | 'write' | 'finish' | 'publish'

/** How a thread reaches a disk. */
export interface StorageAccess {
  /** The number of its process, from 1: those before it have ended. */
  readonly process?: number
  /** Runs a task later; its order among other tasks is the scheduler's choice. A dead process drops it. */
  readonly later: (task: () => void) => void
  /** Whether a write fails: before its effect, after it (the caller then cannot know), or not. Default: never. */
  readonly fault?: (write: StorageWrite) => 'before' | 'after' | undefined
}

export interface SimulatedStorageOptions extends StorageAccess {
  readonly disk: SimulatedDisk
}

/**
 * Checkpoint storage in memory whose effects and completions the scheduler orders (R40).
 *
 * An operation has its effect in one step and tells its caller in another, so that a crash can fall between the two.
 */
export class SimulatedStorage implements CheckpointStorage {
  readonly #disk: SimulatedDisk
  readonly #later: (task: () => void) => void
  readonly #fault: (write: StorageWrite) => 'before' | 'after' | undefined

  constructor(options: SimulatedStorageOptions) {
    this.#disk = options.disk
    this.#later = options.later
    this.#fault = options.fault ?? (() => undefined)
  }

  reserveId(above: number): Promise<number> {
    return this.#write('reserve', () => {
      let id = above + 1
      for (const taken of this.#disk.reservedIds) id = Math.max(id, taken + 1)
      this.#disk.reservedIds.add(id)
      return id
    })
  }

  create(checkpointId: number, name: string): Promise<StorageWriter> {
    return this.#write('create', () => this.#begin(checkpointId, name))
  }

  /** Names are never given twice, whatever became of the file. */
  #begin(checkpointId: number, name: string): StorageWriter {
    let path = `${checkpointId}/${name}`
    for (let take = 1; this.#disk.names.has(path); take++) path = `${checkpointId}/${name}-${take}`
    this.#disk.names.add(path)
    const chunks: Uint8Array[] = []
    const writer: StorageWriter = {
      name: path,
      write: (chunk) => {
        const copy = chunk.slice()
        return this.#write('write', () => {
          chunks.push(copy)
        })
      },
      finish: () =>
        this.#write('finish', () => {
          const bytes = new Uint8Array(Buffer.concat(chunks))
          this.#disk.files.set(path, bytes)
          return { name: path, bytes: bytes.byteLength }
        }),
      abort: () => this.#run(() => chunks.splice(0)).then(() => {}),
    }
    return writer
  }

  read(name: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#run(() => sliceOf(this.#file(name), { name, offset, length }))
  }

  pin(name: string): Promise<PinnedFile> {
    return this.#run(() => {
      const file = this.#file(name)
      return {
        read: (offset, length) => this.#run(() => sliceOf(file, { name, offset, length })),
        readSync: (offset, target) =>
          target.set(sliceOf(file, { name, offset, length: target.length })),
        close: () => Promise.resolve(),
      }
    })
  }

  #file(name: string): Uint8Array {
    const file = this.#disk.files.get(name)
    if (file === undefined) throw unreadable(name, 'is missing')
    return file
  }

  stat(name: string): Promise<StoredFile | undefined> {
    return this.#run(() => {
      const file = this.#disk.files.get(name)
      return file === undefined ? undefined : { name, bytes: file.byteLength }
    })
  }

  publish(manifest: CheckpointManifest): Promise<number> {
    const { checkpointId } = manifest
    const bytes = encodeManifest(manifest)
    return this.#write('publish', () => {
      if (this.#disk.manifests.has(checkpointId)) {
        throw failed(`checkpoint ${checkpointId} is published already`)
      }
      this.#disk.manifests.set(checkpointId, bytes)
      return bytes.byteLength
    })
  }

  list(): Promise<readonly number[]> {
    return this.#run(() => [...this.#disk.manifests.keys()].sort((a, b) => a - b))
  }

  readManifest(checkpointId: number): Promise<CheckpointManifest> {
    return this.#run(() => {
      const bytes = this.#disk.manifests.get(checkpointId)
      const name = `${checkpointId}/manifest`
      if (bytes === undefined) throw unreadable(name, 'is missing')
      const manifest = decodeManifest(bytes, name)
      if (manifest.checkpointId === checkpointId) return manifest
      throw damaged(name, `it is that of checkpoint ${manifest.checkpointId}`)
    })
  }

  retain(kept: readonly CheckpointManifest[], spared: readonly string[]): Promise<void> {
    const ids = new Set(kept.map((manifest) => manifest.checkpointId))
    const newest = Math.max(0, ...ids)
    const parts = kept.flatMap(({ subtasks }) => subtasks)
    const named = new Set(spared)
    for (const { segments } of parts) for (const { file } of segments) named.add(file)
    return this.#run(() => {
      for (const id of [...this.#disk.manifests.keys()]) {
        if (id <= newest && !ids.has(id)) this.#disk.manifests.delete(id)
      }
      for (const name of [...this.#disk.files.keys()]) {
        if (checkpointOf(name) <= newest && !named.has(name)) this.#disk.files.delete(name)
      }
    })
  }

  discard(upTo: number): Promise<void> {
    return this.#run(() => {
      const newest = Math.max(0, ...this.#disk.manifests.keys())
      for (const name of [...this.#disk.files.keys()]) {
        const id = checkpointOf(name)
        if (id > newest && id <= upTo) this.#disk.files.delete(name)
      }
    })
  }

  #write<T>(write: StorageWrite, effect: () => T): Promise<T> {
    return this.#run(effect, this.#fault(write))
  }

  #run<T>(effect: () => T, fault?: 'before' | 'after'): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#later(() => {
        try {
          if (fault === 'before') throw failed('the simulated disk is full')
          const result = effect()
          if (fault === 'after') throw failed('the simulated disk did not answer')
          this.#later(() => resolve(result))
        } catch (error) {
          this.#later(() => reject(error as Error))
        }
      })
    })
  }
}

function sliceOf(
  file: Uint8Array,
  { name, offset, length }: { name: string; offset: number; length: number },
): Uint8Array {
  const end = offset + length
  if (end <= file.byteLength) return file.slice(offset, end)
  throw unreadable(name, `ends at byte ${file.byteLength} where ${end} are expected`)
}

/** Names begin with the id of the checkpoint. */
function checkpointOf(name: string): number {
  return Number.parseInt(name, 10)
}

function failed(what: string): RestartableError {
  return new RestartableError(
    'MR_CHECKPOINT_FAILED',
    `Simulated storage: ${what}; the checkpoint cannot be completed; its changes go into the next one.`,
  )
}
