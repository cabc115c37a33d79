import type { PendingCommit } from '../checkpoint/pending-commits.ts'
import type { FailpointHook } from '../failpoint.ts'
import type { Committer, Sink, SinkContext, SinkWriter } from '../sink.ts'
import type { SlotRoom } from './slot-room.ts'

/**
 * Runs the writer and the committer of one sink subtask (R33).
 *
 * ```
 *   write ─▶ prepareCommit(n) ─▶ pending [n] ─▶ checkpoint n published ─▶ commit ─▶ gone
 *                                   └──────── in every checkpoint until then ───────┘
 * ```
 */
export class SinkDriver {
  readonly writer: SinkWriter<unknown, unknown>
  readonly #committer: Committer<unknown> | undefined
  #pending: PendingCommit[]
  /** The last cut. A failed one fails all that follow, and the attempt with them. */
  #prepared: Promise<unknown> = Promise.resolve()
  /** Commits run one after another, in the order of checkpoints. */
  #committing: Promise<void> = Promise.resolve()

  readonly #failpoint: FailpointHook
  readonly #room: SlotRoom

  constructor(
    sink: Sink<unknown>,
    context: SinkContext,
    restored: readonly PendingCommit[],
    failpoint: FailpointHook,
    room: SlotRoom,
  ) {
    this.#room = room
    this.#failpoint = failpoint
    this.writer = sink.createWriter(context)
    this.#committer = sink.createCommitter?.(context)
    this.#pending = [...restored]
  }

  /** Commits what the restored checkpoint had pending, then opens the writer. */
  async open(): Promise<void> {
    await this.commitUpTo(Infinity)
    await this.writer.open?.()
  }

  processElement(value: unknown, timestamp: number): void {
    const { writer } = this
    writer.write(value, timestamp)
    if (!writer.isReady) this.#room.used()
  }

  /**
   * Cuts at once; resolves with all that is pending up to this checkpoint, durable. It waits for the cuts before it, those
   * of aborted checkpoints included: what they hold is part of this checkpoint.
   */
  prepareCommit(
    checkpointId: number,
    baseId = 0,
    isLast = false,
  ): Promise<readonly PendingCommit[]> {
    const cut = this.writer.prepareCommit(checkpointId, baseId, isLast)
    this.#room.used()
    const before = this.#prepared
    const run = Promise.all([before, cut]).then(([, committables]) => {
      if (committables.length > 0) this.#pending.push({ checkpointId, committables })
      return this.#pending.filter((pending) => pending.checkpointId <= checkpointId)
    })
    this.#prepared = run
    return run
  }

  /** Commits everything pending of checkpoints up to this one, in order; idempotent. */
  commitUpTo(checkpointId: number): Promise<void> {
    const run = this.#committing.then(() => this.#commit(checkpointId))
    this.#committing = run.catch(() => {
      // The caller gets the rejection; the next commit tries again.
    })
    return run
  }

  async #commit(checkpointId: number): Promise<void> {
    const due = this.#pending
      .filter((pending) => pending.checkpointId <= checkpointId)
      .sort((a, b) => a.checkpointId - b.checkpointId)
    for (const pending of due) {
      this.#failpoint('before-commit')
      await this.#committer?.commit(pending.committables)
      this.#failpoint('after-commit')
      this.#pending = this.#pending.filter((other) => other !== pending)
    }
  }

  async close(): Promise<void> {
    await this.#committing
    await this.writer.close?.()
    await this.#committer?.close?.()
  }
}
