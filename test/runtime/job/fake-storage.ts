import type { CheckpointStorage } from '../../../runtime/checkpoint/checkpoint-storage.ts'
import type { CheckpointManifest } from '../../../runtime/checkpoint/manifest.ts'
import { RestartableError } from '../../../runtime/errors.ts'

/** Manifests in memory; segments are never written. */
export class FakeStorage implements CheckpointStorage {
  readonly manifests: Map<number, CheckpointManifest> = new Map()
  /** Ids whose manifests cannot be read. */
  readonly damaged: Set<number> = new Set()
  /** Publications that fail before one works. */
  failures = 0
  /** What the next calls of `list` fail with. */
  readonly listFailures: Error[] = []
  #lastId = 0

  async reserveId(above: number): Promise<number> {
    this.#lastId = Math.max(this.#lastId, above) + 1
    return this.#lastId
  }

  async publish(manifest: CheckpointManifest): Promise<number> {
    if (this.failures-- > 0) throw new RestartableError('MR_CHECKPOINT_FAILED', 'The disk is full.')
    this.manifests.set(manifest.checkpointId, manifest)
    return 0
  }

  async list(): Promise<number[]> {
    const failure = this.listFailures.shift()
    if (failure !== undefined) throw failure
    return [...this.manifests.keys()].sort((a, b) => a - b)
  }

  async readManifest(id: number): Promise<CheckpointManifest> {
    const manifest = this.manifests.get(id)
    if (manifest !== undefined && !this.damaged.has(id)) return manifest
    throw new RestartableError('MR_CHECKPOINT_CORRUPT', `Manifest ${id} is damaged.`)
  }

  async retain(kept: readonly CheckpointManifest[]): Promise<void> {
    const newest = Math.max(...kept.map((one) => one.checkpointId))
    const ids = kept.map((one) => one.checkpointId)
    for (const id of this.manifests.keys())
      if (id < newest && !ids.includes(id)) this.manifests.delete(id)
  }

  async discard(): Promise<void> {
    // Nothing but manifests is kept here.
  }

  async stat(): Promise<undefined> {
    return undefined
  }

  create(): never {
    throw new Error('no segments here')
  }

  read(): never {
    throw new Error('no segments here')
  }
}
