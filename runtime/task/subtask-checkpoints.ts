import type { CheckpointStorage } from '../checkpoint/checkpoint-storage.ts'
import type { CheckpointBarrier } from '../element.ts'
import { type ErrorData, toErrorData } from '../errors.ts'
import type { FailpointHook } from '../failpoint.ts'
import type { Vertex } from '../graph/job-graph-types.ts'
import type { SnapshotPart } from '../messages.ts'
import type { KeyedStateBackend } from '../state/state-backend.ts'
import type { NodeRuntime } from './chain-node.ts'
import { beginSubtaskSnapshot, type RunningSnapshot } from './subtask-snapshot.ts'

/** Whom a subtask tells what becomes of its part of a checkpoint. */
export interface CheckpointListener {
  acknowledged(checkpointId: number, part: SnapshotPart): void
  declined(checkpointId: number, error: ErrorData): void
  committed(checkpointId: number): void
  failed(error: unknown): void
}

export interface SubtaskCheckpointsOptions {
  readonly vertex: Vertex
  readonly subtaskIndex: number
  readonly attempt: number
  readonly nodes: readonly NodeRuntime[]
  readonly backend: KeyedStateBackend | undefined
  readonly storage: CheckpointStorage
  readonly failpoint: FailpointHook
  readonly listener: CheckpointListener
}

/** The checkpoints of one subtask: takes its part of each, and tells state, sinks and readers what became of it. */
export class SubtaskCheckpoints {
  readonly #options: SubtaskCheckpointsOptions
  /** The last one taken, until it is known what became of its checkpoint. */
  #snapshot: RunningSnapshot | undefined
  /** No checkpoint up to this one is going on any more. */
  #abortedUpTo = 0

  constructor(options: SubtaskCheckpointsOptions) {
    this.#options = options
  }

  isOver(checkpointId: number): boolean {
    return checkpointId <= this.#abortedUpTo
  }

  /** Whether the part of that checkpoint, or of a later one, has been taken. */
  hasTaken(checkpointId: number): boolean {
    return this.#snapshot !== undefined && this.#snapshot.checkpointId >= checkpointId
  }

  /**
   * The barrier may come before the word about the checkpoint before it, which travels on another port; its base tells how
   * that one ended (R24).
   */
  beforeBarrier(barrier: CheckpointBarrier): void {
    const before = this.#snapshot
    if (before === undefined) return
    this.#snapshot = undefined
    const { backend } = this.#options
    if (before.checkpointId <= barrier.baseId) backend?.checkpointCompleted(before.checkpointId)
    else backend?.checkpointAborted(before.checkpointId)
  }

  /** Cuts state and sinks at once; what follows goes on between records. */
  take(barrier: CheckpointBarrier, isFinished: boolean): void {
    const { vertex, subtaskIndex, attempt, nodes, backend, storage, failpoint } = this.#options
    const snapshot = beginSubtaskSnapshot({
      nodes,
      backend,
      storage,
      failpoint,
      segmentName: `${vertex.name}-${subtaskIndex}-${attempt}`,
      barrier,
      isFinished,
    })
    this.#snapshot = snapshot
    this.#follow(snapshot)
  }

  #follow(snapshot: RunningSnapshot): void {
    const { listener } = this.#options
    const { checkpointId } = snapshot
    // Output that could not be made durable is lost with this attempt's memory: only a restart brings it back.
    snapshot.sinks.catch((error: unknown) => listener.failed(error))
    snapshot.part.then(
      (part) => {
        if (this.#snapshot === snapshot) listener.acknowledged(checkpointId, part)
      },
      (error: unknown) => {
        if (this.#snapshot === snapshot) listener.declined(checkpointId, toErrorData(error))
      },
    )
  }

  /** The checkpoint has been published: sinks commit. */
  completed(checkpointId: number): void {
    const { nodes, backend, listener } = this.#options
    if (this.#snapshot?.checkpointId === checkpointId) {
      this.#snapshot = undefined
      backend?.checkpointCompleted(checkpointId)
    }
    const commits: Promise<void>[] = []
    for (const { body } of nodes) {
      if (body.kind === 'source') body.source.reader.checkpointCompleted?.(checkpointId)
      else if (body.kind === 'operator') body.operator.checkpointCompleted?.(checkpointId)
      else commits.push(body.sink.commitUpTo(checkpointId))
    }
    Promise.all(commits).then(
      () => listener.committed(checkpointId),
      (error: unknown) => listener.failed(error),
    )
  }

  /** The checkpoint will not be published. */
  aborted(checkpointId: number): void {
    this.#abortedUpTo = Math.max(this.#abortedUpTo, checkpointId)
    if (this.#snapshot?.checkpointId !== checkpointId) return
    this.#snapshot = undefined
    this.#options.backend?.checkpointAborted(checkpointId)
  }
}
