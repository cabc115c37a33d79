import type { Cancel, Clock } from '../clock.ts'
import {
  type ErrorData,
  fromErrorData,
  RestartableError,
  StreamError,
  toErrorData,
} from '../errors.ts'
import type { FailpointHook } from '../failpoint.ts'
import type { Alignment, CheckpointKind, SlotCommand, SlotReport, SubtaskId } from '../messages.ts'
import type { CheckpointStorage } from './checkpoint-storage.ts'
import type { SegmentMerger } from './segment-merger.ts'
import { drainedFields } from './drained.ts'
import { type CheckpointSettings, nextCheckpointAt } from './checkpoint-settings.ts'
import type { CheckpointSummary } from './checkpoint-summary.ts'
import type { CheckpointManifest, ManifestSubtask, SegmentReference } from './manifest.ts'
import { partlyFinished } from './partly-finished.ts'
import { PendingCheckpoint, type SubtaskKey, subtaskKey } from './pending-checkpoint.ts'
import { SavepointQueue, type SavepointRequest } from './savepoint-queue.ts'
import { type ChainKey, chainKey, SegmentChains } from './segment-chains.ts'

/** What the coordinator needs to know of a subtask. */
export interface CoordinatedSubtask extends SubtaskId {
  readonly slot: number
  readonly vertexName: string
}

/** The parts of a manifest that do not change during an attempt. */
export type ManifestHeader = Omit<
  CheckpointManifest,
  'checkpointId' | 'kind' | 'createdAt' | 'subtasks' | 'enumerators'
>

export interface CheckpointCoordinatorOptions extends CheckpointSettings {
  readonly clock: Clock
  readonly storage: CheckpointStorage
  /** Of the files in it. */
  readonly merger: SegmentMerger
  readonly header: ManifestHeader
  readonly subtasks: readonly CoordinatedSubtask[]
  readonly slots: number
  readonly send: (slot: number, command: SlotCommand) => void
  /** The newest checkpoint; undefined begins with full snapshots. */
  readonly base: CheckpointManifest | undefined
  /** The chains that subtasks go on with; those without begin with a full snapshot. */
  readonly continuing: ReadonlyMap<ChainKey, readonly SegmentReference[]>
  /** No id at or below this one is given out (R1). */
  readonly lastId: number
  /** Ids of older checkpoints that still exist, ascending. */
  readonly keptIds: readonly number[]
  /** Savepoints that are wanted of the run; default: none. */
  readonly savepoints?: SavepointQueue
  readonly pathOf: (checkpointId: number) => string
  /** The subtasks to which a barrier has come by some of their inputs only, as far as is known; default: none is. */
  readonly alignments?: () => Iterable<Alignment>
  readonly onCompleted: (summary: CheckpointSummary) => void
  readonly onAborted: (checkpointId: number, error: ErrorData) => void
  /** A named point of the protocol has been reached; tests crash here. */
  readonly failpoint: FailpointHook
  readonly fail: (error: unknown) => void
}

/** The checkpoint under way. */
interface Pending {
  readonly checkpoint: PendingCheckpoint
  readonly kind: CheckpointKind
  readonly startedAt: number
  /** The savepoints that are made of it. */
  readonly savepoints: readonly SavepointRequest[]
  /** All parts are there: from now on nothing but the storage decides what becomes of it. */
  isPublishing: boolean
}

/** The last checkpoint of the attempt: wanted, then completed, then committed. */
interface Last {
  readonly kind: 'stop' | 'final'
  readonly resolve: (summary: CheckpointSummary) => void
  summary: CheckpointSummary | undefined
  readonly uncommitted: Set<SubtaskKey>
}

/**
 * Triggers checkpoints, collects their parts, publishes manifests and tells everyone; one checkpoint at a time.
 *
 * ```
 *   idle ─trigger─▶ reserving ─▶ pending ─all parts─▶ publishing ─▶ completed ─▶ idle (housekeeping goes on beside it)
 *                       │           └─ decline, timeout ─┐  │
 *                       └─ no room, no id ──────────────▶ aborted ─▶ idle, or the attempt fails
 * ```
 *
 * Parts that come after the end of their checkpoint count for nothing; their files go with the next housekeeping. Protocol
 * detail is elsewhere: `PendingCheckpoint` counts parts, `SegmentChains` knows files, the storage publishes.
 */
export class CheckpointCoordinator {
  /** The last completed checkpoint, or the one that the attempt began from. */
  newest: CheckpointManifest | undefined
  readonly #options: CheckpointCoordinatorOptions
  readonly #chains: SegmentChains
  readonly #savepoints: SavepointQueue
  readonly #finished: Set<SubtaskKey> = new Set()
  /** From a drain on: the vertices that it does not end. */
  #undrained: ReadonlySet<number> | undefined
  /** Those whose input has ended, finished or not: no barrier reaches them. */
  readonly #ended: Set<SubtaskKey> = new Set()
  #isTriggering = false
  #pending: Pending | undefined
  #last: Last | undefined
  #timer: Cancel | undefined
  #timeout: Cancel | undefined
  #lastCompletedId: number
  #lastId: number
  #failures = 0
  /** When the last checkpoint began, or this did. */
  #beganAt: number
  #isClosed = false
  /** What is being done with the storage, housekeeping apart. */
  #storing: Promise<void> = Promise.resolve()

  constructor(options: CheckpointCoordinatorOptions) {
    this.#options = options
    this.newest = options.base
    this.#beganAt = options.clock.elapsed()
    this.#lastCompletedId = options.base?.checkpointId ?? 0
    this.#lastId = options.lastId
    this.#savepoints = options.savepoints ?? new SavepointQueue()
    this.#chains = new SegmentChains({
      storage: options.storage,
      merger: options.merger,
      base: options.base,
      continuing: options.continuing,
      keptIds: options.keptIds,
      retained: options.retained,
      pinnedFiles: () => this.#savepoints.pinnedFiles,
      onDamage: options.fail,
    })
  }

  /** Begins to trigger periodically, the first time after one interval, and removes what a killed run left. */
  start(): void {
    this.#beganAt = this.#options.clock.elapsed()
    void this.#chains.tidy()
    this.#savepoints.listen(() => this.#savepointWanted())
    if (this.#savepoints.isEmpty) this.#schedule()
    else this.#trigger()
  }

  /**
   * Ends all activity. A checkpoint under way is forgotten, but one that is being published is waited for: the next attempt
   * must see whether it exists, or it would go on from an older one.
   */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#timer?.()
    this.#timeout?.()
    this.#savepoints.listen(undefined)
    await Promise.all([this.#chains.close(), this.#storing])
    if (this.#pending !== undefined) this.#savepoints.putBack(this.#pending.savepoints)
  }

  /** Whether a subtask has said that its input has ended. */
  hasFinished(id: SubtaskId): boolean {
    return this.#finished.has(subtaskKey(id))
  }

  /** All input is ended now, but for vertices where it has ended by itself. */
  drain(endedVertices: ReadonlySet<number>): void {
    this.#undrained = endedVertices
  }

  get allFinished(): boolean {
    return this.#finished.size === this.#options.subtasks.length
  }

  /**
   * Takes the last checkpoint of a stop (R14) or the final one (R34); resolves when its commits are done, never once it has
   * been closed.
   */
  takeLast(kind: 'stop' | 'final'): Promise<CheckpointSummary> {
    return new Promise((resolve) => {
      const uncommitted = new Set(this.#options.subtasks.map(subtaskKey))
      this.#last = { kind, resolve, summary: undefined, uncommitted }
      if (this.#isClosed) return
      this.#timer?.()
      this.#chains.hurry()
      if (this.#pending === undefined && !this.#isTriggering) this.#trigger()
    })
  }

  receive(report: SlotReport): void {
    if (this.#isClosed) return
    switch (report.type) {
      case 'acknowledge':
        this.#pending?.checkpoint.acknowledge(report.checkpointId, report.subtask, report.part)
        this.#completeIfDone()
        break
      case 'enumerators':
        this.#pending?.checkpoint.enumerators(report.checkpointId, report.states)
        this.#completeIfDone()
        break
      case 'decline':
        if (this.#isCollecting(report.checkpointId)) this.#abort(this.#declined(report))
        break
      case 'input-ended':
        this.#inputEnded(report.subtask)
        break
      case 'subtask-finished':
        this.#finished.add(subtaskKey(report.subtask))
        this.#inputEnded(report.subtask)
        break
      case 'committed':
        this.#committed(report.checkpointId, report.subtask)
        break
      default:
        break
    }
  }

  // --- Triggering ---

  #schedule(): void {
    this.#timer?.()
    const now = this.#options.clock.elapsed()
    const at = nextCheckpointAt(this.#options, this.#beganAt, now)
    this.#timer = this.#options.clock.schedule(at - now, () => {
      if (!this.allFinished) this.#trigger()
    })
  }

  /** It waits for the checkpoint under way, and for nothing else (semantics 2.7). The last checkpoint serves it too. */
  #savepointWanted(): void {
    if (this.#isTriggering || this.#pending !== undefined || this.#last !== undefined) return
    this.#timer?.()
    this.#trigger()
  }

  #trigger(): void {
    this.#isTriggering = true
    this.#beganAt = this.#options.clock.elapsed()
    this.#options.failpoint('before-trigger')
    this.#store(async () => {
      let checkpointId: number
      try {
        await this.#chains.makeRoom()
        checkpointId = await this.#options.storage.reserveId(this.#lastId)
      } catch (error) {
        this.#isTriggering = false
        if (this.#isClosed) return
        this.#failed(this.#lastId + 1, error, {
          isLast: this.#last !== undefined,
          savepoints: this.#savepoints.takeAll(),
        })
        return
      }
      this.#isTriggering = false
      if (!this.#isClosed) this.#begin(checkpointId)
    })
  }

  #begin(checkpointId: number): void {
    const { clock, subtasks, timeoutMs, send, slots } = this.#options
    const kind = this.#last?.kind ?? 'checkpoint'
    if (checkpointId > this.#lastId + 1) this.#discard(checkpointId - 1)
    this.#lastId = checkpointId
    this.#pending = {
      checkpoint: new PendingCheckpoint(checkpointId, subtasks),
      kind,
      startedAt: clock.elapsed(),
      savepoints: this.#savepoints.takeAll(),
      isPublishing: false,
    }
    this.#timeout = clock.schedule(timeoutMs, () => this.#expire(checkpointId))
    const baseId = this.#lastCompletedId
    send(0, { type: 'trigger', checkpointId, baseId, kind: barrierKind(kind) })
    for (let slot = 0; slot < slots; slot++) {
      const ended = subtasks.filter((id) => id.slot === slot && this.#ended.has(subtaskKey(id)))
      if (ended.length > 0) this.#askEnded(slot, ended)
    }
    this.#options.failpoint('after-trigger')
  }

  #askEnded(slot: number, subtasks: readonly SubtaskId[]): void {
    const { checkpoint, kind } = this.#pending!
    this.#options.send(slot, {
      type: 'snapshot-ended',
      subtasks,
      checkpointId: checkpoint.checkpointId,
      baseId: this.#lastCompletedId,
      kind: barrierKind(kind),
    })
  }

  #inputEnded(id: SubtaskId): void {
    this.#ended.add(subtaskKey(id))
    const pending = this.#pending
    if (pending === undefined || pending.checkpoint.hasPart(id)) return
    // No barrier reaches it any more; all that came before it is in what it has now (R9).
    this.#askEnded(this.#subtaskOf(id).slot, [id])
  }

  #subtaskOf(id: SubtaskId): CoordinatedSubtask {
    return this.#options.subtasks.find((one) => subtaskKey(one) === subtaskKey(id))!
  }

  // --- Completion ---

  #completeIfDone(): void {
    const pending = this.#pending
    if (pending === undefined || pending.isPublishing || !pending.checkpoint.isComplete) return
    pending.isPublishing = true
    this.#timeout?.()
    this.#store(async () => {
      let summary: CheckpointSummary
      try {
        summary = await this.#publish(pending)
      } catch (error) {
        this.#abort(error)
        return
      }
      if (!this.#isClosed) this.#completed(summary, pending.savepoints)
    })
  }

  async #publish(pending: Pending): Promise<CheckpointSummary> {
    const { header, storage, clock, pathOf } = this.#options
    const { checkpoint, kind } = pending
    const { checkpointId } = checkpoint
    const subtasks = this.#parts(checkpoint)
    const problem = partlyFinished(subtasks, header.states, checkpointId)
    if (problem !== undefined) throw problem
    const manifest: CheckpointManifest = {
      ...header,
      checkpointId,
      kind,
      createdAt: clock.now(),
      subtasks,
      enumerators: checkpoint.enumeratorStates,
    }
    this.#options.failpoint('before-publish')
    const manifestBytes = await storage.publish(manifest)
    this.#options.failpoint('after-publish')
    this.#chains.adopt(manifest)
    this.newest = manifest
    return {
      lineage: header.lineage,
      checkpointId,
      kind,
      durationMs: clock.elapsed() - pending.startedAt,
      bytes: checkpoint.byteLength + manifestBytes,
      path: pathOf(checkpointId),
    }
  }

  #parts(checkpoint: PendingCheckpoint): ManifestSubtask[] {
    return this.#options.subtasks.map((id) => {
      const part = checkpoint.partOf(id)
      const subtask: ManifestSubtask = {
        vertex: id.vertexName,
        subtaskIndex: id.subtask,
        segments: this.#chains.extend(chainKey(id.vertexName, id.subtask), part.segment),
        operatorState: part.operatorState,
        watermarks: part.watermarks,
        isFinished: part.isFinished,
      }
      if (this.#undrained === undefined || this.#undrained.has(id.vertex)) return subtask
      return { ...subtask, ...drainedFields(subtask, part.beforeFinal, this.#options.base) }
    })
  }

  #completed(summary: CheckpointSummary, savepoints: readonly SavepointRequest[]): void {
    const { checkpointId, kind } = summary
    const { slots, send } = this.#options
    this.#pending = undefined
    this.#failures = 0
    this.#lastCompletedId = checkpointId
    if (this.#last?.kind === kind) this.#last.summary = summary
    for (let slot = 0; slot < slots; slot++)
      send(slot, { type: 'checkpoint-completed', checkpointId })
    this.#options.failpoint('after-notify')
    this.#options.onCompleted(summary)
    for (const savepoint of savepoints) this.#serve(savepoint)
    void this.#chains.tidy()
    this.#next()
  }

  /** Each has a manifest of its own, so that each is unpinned by itself. */
  #serve(savepoint: SavepointRequest): void {
    const manifest = { ...this.newest! }
    this.#savepoints.pin(manifest)
    savepoint.completed(manifest)
  }

  #next(): void {
    // A callback may have asked for the last one in the meantime.
    if (this.#isTriggering || this.#pending !== undefined) return
    if (this.#last !== undefined) {
      if (this.#last.summary === undefined) this.#trigger()
    } else if (this.#savepoints.isEmpty) this.#schedule()
    else this.#trigger()
  }

  #committed(checkpointId: number, id: SubtaskId): void {
    const last = this.#last
    if (last?.summary?.checkpointId !== checkpointId) return
    const { summary } = last
    last.uncommitted.delete(subtaskKey(id))
    if (last.uncommitted.size === 0) void this.#chains.conclude().then(() => last.resolve(summary))
  }

  // --- Failure ---

  /** Whether parts of this checkpoint are still awaited, so that it may be given up. */
  #isCollecting(checkpointId: number): boolean {
    const pending = this.#pending
    return pending?.checkpoint.checkpointId === checkpointId && !pending.isPublishing
  }

  #expire(checkpointId: number): void {
    if (!this.#isCollecting(checkpointId)) return
    const missing = this.#pending!.checkpoint.missing(this.#options.alignments?.() ?? [])
    this.#abort(
      new RestartableError(
        'MR_CHECKPOINT_TIMEOUT',
        `Checkpoint ${checkpointId} was not acknowledged within ${this.#options.timeoutMs} ms by ${missing.join(', ')}; it is aborted and its changes go into the next one.`,
        { checkpointId, missing },
      ),
    )
  }

  /** Why a subtask has no part of the checkpoint to give. */
  #declined({ subtask, error }: Extract<SlotReport, { type: 'decline' }>): Error {
    const declinedBy = `${this.#subtaskOf(subtask).vertexName}[${subtask.subtask}]`
    return fromErrorData({
      ...error,
      message: `${error.message} It is ${declinedBy} that could not give its part of the checkpoint.`,
      fields: { ...error.fields, declinedBy },
    })
  }

  /** Gives the pending checkpoint up: its changes go into the next one (R24), what it wrote is removed. */
  #abort(error: unknown): void {
    const { kind, checkpoint, savepoints } = this.#pending!
    const { checkpointId } = checkpoint
    this.#timeout?.()
    if (this.#isClosed) return
    this.#pending = undefined
    for (let slot = 0; slot < this.#options.slots; slot++) {
      this.#options.send(slot, { type: 'checkpoint-aborted', checkpointId })
    }
    this.#discard(checkpointId)
    this.#failed(checkpointId, error, { isLast: kind !== 'checkpoint', savepoints })
  }

  #failed(
    checkpointId: number,
    error: unknown,
    of: { readonly isLast: boolean; readonly savepoints: readonly SavepointRequest[] },
  ): void {
    // Nothing that comes after it can be published either.
    if (error instanceof StreamError && error.code === 'MR_JOB_FENCED') {
      for (const savepoint of of.savepoints) savepoint.failed(error)
      this.#options.fail(error)
      return
    }
    this.#options.onAborted(checkpointId, toErrorData(error))
    // A last checkpoint has nothing after it that could make up for it, but another attempt.
    if (of.isLast) {
      this.#savepoints.putBack(of.savepoints)
      this.#options.fail(error)
      return
    }
    for (const savepoint of of.savepoints) savepoint.failed(error)
    // Whoever wanted the savepoint has been told: the job goes on, and does not count it (semantics 2.7).
    if (of.savepoints.length === 0) this.#failures++
    if (this.#failures > this.#options.tolerableFailures) this.#options.fail(error)
    else this.#next()
  }

  /** Removes what aborted checkpoints, and attempts that were killed, have left up to this id. */
  #discard(upTo: number): void {
    this.#chains.discard(upTo)
    void this.#chains.tidy()
  }

  /** Does something with the storage that `close` waits for. */
  #store(work: () => Promise<void>): void {
    this.#storing = work().catch((error: unknown) => this.#options.fail(error))
  }
}

/** The last checkpoint of a job that has ended stops nobody. */
function barrierKind(kind: CheckpointKind): 'checkpoint' | 'stop' {
  return kind === 'stop' ? 'stop' : 'checkpoint'
}
