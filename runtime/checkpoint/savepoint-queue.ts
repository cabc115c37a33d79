import type { CheckpointManifest } from './manifest.ts'

/** Someone wants a savepoint; exactly one of the two is called, once. */
export interface SavepointRequest {
  /**
   * The checkpoint is complete that becomes the savepoint. Its files stay until `SavepointQueue.unpin` is called with this
   * manifest.
   */
  readonly completed: (manifest: CheckpointManifest) => void
  readonly failed: (error: unknown) => void
}

/**
 * The savepoints that are wanted of a run, from one attempt to the next, and the checkpoints that are being copied to them.
 *
 * A savepoint begins as an ordinary checkpoint: the next one that is triggered serves all that wait.
 */
export class SavepointQueue {
  readonly #pinned: Set<CheckpointManifest> = new Set()
  #waiting: SavepointRequest[] = []
  #onWanted: (() => void) | undefined

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  add(request: SavepointRequest): void {
    this.#waiting.push(request)
    this.#onWanted?.()
  }

  /** Whoever triggers checkpoints is called back with each wish from now on. */
  listen(onWanted: (() => void) | undefined): void {
    this.#onWanted = onWanted
  }

  /** A checkpoint begins, and serves all that wait. */
  takeAll(): readonly SavepointRequest[] {
    return this.#waiting.splice(0)
  }

  /** The attempt has ended before their checkpoint was complete: the next one tries again. */
  putBack(requests: readonly SavepointRequest[]): void {
    this.#waiting.unshift(...requests)
  }

  /** The files that a checkpoint names stay until it is unpinned, whatever is removed meanwhile. */
  pin(manifest: CheckpointManifest): void {
    this.#pinned.add(manifest)
  }

  unpin(manifest: CheckpointManifest): void {
    this.#pinned.delete(manifest)
  }

  /** Names of the files that must stay. */
  get pinnedFiles(): readonly string[] {
    return [...this.#pinned].flatMap(({ subtasks }) =>
      subtasks.flatMap(({ segments }) => segments.map(({ file }) => file)),
    )
  }
}
