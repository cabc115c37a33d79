import type { CheckpointSettings } from '../checkpoint/checkpoint-settings.ts'
import type { CheckpointStorage } from '../checkpoint/checkpoint-storage.ts'
import { HeadMoved } from '../checkpoint/head-moved.ts'
import type { SegmentMerger } from '../checkpoint/segment-merger.ts'
import type { CheckpointManifest } from '../checkpoint/manifest.ts'
import type { Clock, Random } from '../clock.ts'
import { asError, RestartableError, StreamError, toErrorData } from '../errors.ts'
import type { FailpointHook } from '../failpoint.ts'
import type { JobPlan } from '../graph/job-plan.ts'
import type { DeploySettings } from '../messages.ts'
import type { OutputPolicy } from '../sink.ts'
import { Attempt, type AttemptResult, type RestoreBase } from './attempt.ts'
import { AttemptFailure } from './attempt-failure.ts'
import { type SelectedBase, selectBase } from './base-selection.ts'
import type { Deliveries } from './deliveries.ts'
import { FailureJudge } from './failure-judge.ts'
import type { CheckpointSummary, JobEvent, JobMetrics, JobResult } from './job-events.ts'
import { JobFigures } from './job-figures.ts'
import type { ManifestFacts } from './manifest-header.ts'
import { renameNotes, renameUids } from './renamed-uids.ts'
import { type ResetWatermarks, resetWatermarks } from './reset-watermarks.ts'
import { checkEnded, checkRestore } from './restore-checks.ts'
import { numberStates, pendingCommits } from './restore-plan.ts'
import type { RestartStrategy } from './restart-strategy.ts'
import type { Savepoints } from './savepoints.ts'
import type { SlotLauncher } from './slot-launcher.ts'

export interface JobRunOptions {
  readonly plan: JobPlan
  readonly clock: Clock
  readonly random: Random
  readonly launcher: SlotLauncher
  readonly storage: CheckpointStorage
  /** Of the files in it. */
  readonly merger: SegmentMerger
  readonly facts: ManifestFacts
  /** The snapshot of another lineage that this one began from, until it has a checkpoint of its own (R2). */
  readonly foreign:
    { readonly manifest: CheckpointManifest; readonly directory: string } | undefined
  /** The same where the job takes it over: the checkpoint of its own that it will be when `started` has resolved. */
  readonly claimed?: CheckpointManifest | undefined
  readonly settings: Omit<
    DeploySettings,
    'attempt' | 'slot' | 'restoredCheckpointId' | 'states' | 'workDirectory'
  >
  /** A new folder for the working state of an attempt (R37). */
  readonly workDirectory: (attempt: number) => string
  readonly policy: OutputPolicy
  readonly restart: RestartStrategy
  readonly checkpoints: CheckpointSettings
  readonly progressIntervalMs: number
  readonly allowRewind: boolean
  readonly allowNonRestoredState: boolean
  /** Whether the watermarks of what the run begins from are dropped (R12); those of its own checkpoints are not. */
  readonly resetWatermarks: boolean
  readonly pathOf: (checkpointId: number) => string
  /** Checkpoints that earlier runs went back behind, and to note durably that this one does (R3). */
  readonly abandoned: readonly number[]
  readonly abandon: (checkpointIds: readonly number[]) => Promise<void>
  /** Whether the final checkpoint's commits are known to be done, and to note that they are (R34). */
  readonly isCommitted: (checkpointId: number) => Promise<boolean>
  readonly markCommitted: (checkpointId: number) => Promise<void>
  /** Before each attempt but the first: the job file must be the one that was planned (N18). */
  readonly checkUnchanged: () => Promise<void>
  /**
   * Called once, when it is known what the run goes on from and that it may, as far as its output is concerned too; awaited
   * before anything is taken back or put out. It may find that all was checked in vain: `HeadMoved`, which ends the run.
   */
  readonly started: (
    base: CheckpointManifest | undefined,
    notes: readonly string[],
  ) => void | Promise<void>
  /** Before `started`: whether the run is checked again, by another of these, so that its failure ends nothing. Default: no. */
  readonly isOutdated?: () => Promise<boolean>
  readonly deliveries: Deliveries
  /** Default: none can be taken. */
  readonly savepoints?: Savepoints
  readonly onEvent: (event: JobEvent) => void
  readonly print: (uid: string, lines: string) => Promise<void> | undefined
  readonly failpoint: FailpointHook
}

/** What an attempt goes on from, and how the job differs from then. */
interface AttemptBase extends SelectedBase {
  readonly differences: readonly string[]
  readonly restore: RestoreBase | undefined
}

/** Runs a job to its end: attempt after attempt, each from the newest usable checkpoint, as the restart strategy allows. */
export class JobRun {
  readonly #options: JobRunOptions
  readonly #figures: JobFigures
  readonly #judge: FailureJudge = new FailureJudge()
  readonly #damaged: Map<number, Error> = new Map()
  readonly #abandoned: Set<number>
  readonly #startedAt: number
  #current: Attempt | undefined
  #hasStarted = false
  #isStopping = false
  #isDraining = false
  #aborted: Error | undefined
  #endDelay: (() => void) | undefined
  #checkpoints = 0
  #restarts = 0
  /** Of this lineage, 0 for none: the checkpoint that the run began from. */
  #beganFrom: number | undefined
  /** The newest checkpoint: of this run, or the one it goes on from. */
  #lastCheckpoint: CheckpointSummary | undefined
  #cancelProgress: (() => void) | undefined

  constructor(options: JobRunOptions) {
    this.#options = options
    this.#figures = new JobFigures(options.plan)
    this.#abandoned = new Set(options.abandoned)
    this.#startedAt = options.clock.elapsed()
  }

  /** The newest checkpoint: one completed in this run, else the one that it goes on from. */
  get lastCheckpoint(): CheckpointSummary | undefined {
    return this.#lastCheckpoint
  }

  /** Asks for a stop: a last checkpoint and its commits, then the end (R14). */
  stop(): void {
    this.#isStopping = true
    this.#current?.stop()
    this.#endDelay?.()
  }

  /** Ends the input: all windows and timers fire, and the job finishes, after failures too (R14). */
  drain(): void {
    this.#isDraining = true
    this.#current?.drain()
    this.#options.onEvent({ type: 'draining' })
  }

  /** Ends the run with this error as soon as its threads have ended; nothing is waited for. */
  abort(error: Error): void {
    this.#aborted ??= error
    this.#options.savepoints?.abort(this.#aborted)
    this.#current?.abort(this.#aborted)
    this.#endDelay?.()
  }

  /**
   * Resolves when the job has finished or stopped; rejects when it has failed for good. No savepoint is being written when it
   * settles.
   */
  async run(): Promise<JobResult> {
    const { savepoints } = this.#options
    try {
      const result = await this.#attempts()
      savepoints?.end()
      return result
    } catch (error) {
      if (!(await this.#isOutdated())) savepoints?.end(asError(error))
      throw error
    } finally {
      this.#cancelProgress?.()
      await savepoints?.settled()
    }
  }

  async #isOutdated(): Promise<boolean> {
    const { isOutdated } = this.#options
    return !this.#hasStarted && isOutdated !== undefined && (await isOutdated())
  }

  async #attempts(): Promise<JobResult> {
    let wasOver = false
    for (let attempt = 1; ; attempt++) {
      if (this.#aborted !== undefined) throw this.#aborted
      if (this.#isStopping && !this.#isSavepointWanted) return this.#result('stopped')
      const base = await this.#baseOrFailure(attempt)
      if (base === undefined) continue
      if (this.#aborted !== undefined) throw this.#aborted
      if (attempt === 1) wasOver = base.manifest?.kind === 'final'
      if (await this.#hasEnded(base.manifest)) {
        await this.#begin(base)
        if (this.#aborted !== undefined) throw this.#aborted
        return this.#result('already-finished')
      }
      try {
        const result = await this.#attempt(attempt, base)
        this.#lastCheckpoint = result.lastCheckpoint
        if (result.status === 'finished') {
          await this.#options.markCommitted(result.lastCheckpoint.checkpointId)
        }
        return this.#result(wasOver ? 'already-finished' : result.status)
      } catch (thrown) {
        if (!(thrown instanceof AttemptFailure)) throw thrown
        await this.#afterFailure(thrown, attempt, base)
      }
    }
  }

  /** A stop between two attempts has no checkpoint of its own: where it is to leave a savepoint, one more attempt takes it. */
  get #isSavepointWanted(): boolean {
    return this.#options.savepoints?.queue.isEmpty === false
  }

  /** Undefined where the storage has failed in a job that was running, which may pass as any failure of it may (R38). */
  async #baseOrFailure(attempt: number): Promise<AttemptBase | undefined> {
    try {
      return await this.#base(attempt)
    } catch (error) {
      if (attempt === 1 || !(error instanceof RestartableError)) throw error
      await this.#restart(error, undefined, attempt)
      return undefined
    }
  }

  async #base(attempt: number): Promise<AttemptBase> {
    const { storage, plan, allowRewind, allowNonRestoredState } = this.#options
    if (attempt > 1) await this.#options.checkUnchanged()
    const selected = await selectBase({
      storage,
      plan,
      damaged: this.#damaged,
      abandoned: this.#abandoned,
      allowRewind,
      pathOf: this.#options.pathOf,
    })
    const found = selected.ids.length === 0 ? this.#claimed(selected) : selected
    const base = { ...found, manifest: found.manifest && this.#renamed(found.manifest) }
    const stored = this.#restoreOf(base.manifest)
    const reset = stored && this.#withTime(stored.manifest, base.manifest)
    const restore = stored && { ...stored, manifest: reset!.manifest }
    const manifest = restore?.manifest
    const hasEnded = await this.#hasEnded(base.manifest)
    const before = found.manifest ?? this.#options.foreign?.manifest
    const differences = before === undefined ? [] : renameNotes(before, plan.renamedUids)
    if (manifest !== undefined) {
      const other = hasEnded
        ? checkEnded(manifest, plan)
        : checkRestore(manifest, plan, { nonRestoredState: allowNonRestoredState })
      differences.push(...other, ...(hasEnded ? [] : reset!.notes))
    }
    this.#lastCheckpoint = base.manifest && this.#summaryOf(base.manifest)
    return { ...base, differences, restore }
  }

  /** Under the uids that the job has now. */
  #renamed(manifest: CheckpointManifest): CheckpointManifest {
    return renameUids(manifest, this.#options.plan.renamedUids)
  }

  #restoreOf(own: CheckpointManifest | undefined): RestoreBase | undefined {
    if (own !== undefined) return { manifest: own, directory: undefined }
    const { foreign } = this.#options
    return foreign && { ...foreign, manifest: this.#renamed(foreign.manifest) }
  }

  /** A snapshot with the watermarks that it is restored with. */
  #withTime(stored: CheckpointManifest, own: CheckpointManifest | undefined): ResetWatermarks {
    const id = own?.checkpointId ?? 0
    this.#beganFrom ??= id
    const isWanted = this.#options.resetWatermarks && id <= this.#beganFrom
    return resetWatermarks(stored, this.#options.plan, isWanted)
  }

  /** What is taken over is there only once nothing refuses to go on from it. */
  #claimed(selected: SelectedBase): SelectedBase {
    const { claimed } = this.#options
    if (claimed === undefined) return selected
    return { ...selected, manifest: claimed, ids: [claimed.checkpointId] }
  }

  /** Nothing refuses to go on from there: it is told, and remembered. */
  async #begin(base: AttemptBase): Promise<void> {
    if (!this.#hasStarted) {
      await this.#options.started(base.manifest, [...base.notes, ...base.differences])
      this.#hasStarted = true
      this.#reportProgress()
    } else {
      for (const message of base.notes) this.#options.onEvent({ type: 'note', message })
    }
    // Durable before anything is taken back: what has been taken back must not be counted on again.
    if (base.abandoned.length > 0) {
      for (const id of base.abandoned) this.#abandoned.add(id)
      await this.#options.abandon(base.abandoned)
    }
  }

  #summaryOf(manifest: CheckpointManifest): CheckpointSummary {
    const { lineage, checkpointId, kind } = manifest
    // What it cost is known only to the run that took it, unless that is this one.
    const known = this.#lastCheckpoint
    if (known?.lineage === lineage && known.checkpointId === checkpointId) return known
    const path = this.#options.pathOf(checkpointId)
    return { lineage, checkpointId, kind, durationMs: 0, bytes: 0, path }
  }

  /** Whether a final checkpoint is there whose commits are known to be done. */
  async #hasEnded(manifest: CheckpointManifest | undefined): Promise<boolean> {
    if (manifest?.kind !== 'final') return false
    return this.#options.isCommitted(manifest.checkpointId)
  }

  async #attempt(number: number, base: AttemptBase): Promise<AttemptResult> {
    const options = this.#options
    const { restore } = base
    const lineage = options.facts.lineage
    const own = base.manifest?.checkpointId ?? 0
    const attempt = new Attempt({
      attempt: number,
      plan: options.plan,
      clock: options.clock,
      launcher: options.launcher,
      storage: options.storage,
      merger: options.merger,
      settings: {
        ...options.settings,
        restoredCheckpointId: own,
        workDirectory: options.workDirectory(number),
        states: numberStates(options.plan, restore?.manifest),
      },
      facts: options.facts,
      output: {
        current: { lineage, checkpointId: own },
        ancestry: options.facts.ancestry,
        policy: options.policy,
        pending: pendingCommits(restore?.manifest, options.plan),
      },
      accepted: () => this.#begin(base),
      restore,
      isOver: base.manifest?.kind === 'final',
      lastId: Math.max(own, ...base.ids),
      keptIds: base.ids.filter((id) => id < own),
      checkpoints: options.checkpoints,
      savepoints: options.savepoints?.queue,
      pathOf: options.pathOf,
      figures: this.#figures,
      onEvent: (event) => this.#attemptEvent(event),
      onDelivered: (uid, id, values) => options.deliveries.deliver(uid, id, values),
      print: options.print,
      failpoint: options.failpoint,
    })
    this.#current = attempt
    if (this.#isStopping) attempt.stop()
    if (this.#isDraining) attempt.drain()
    try {
      return await attempt.run()
    } finally {
      this.#current = undefined
      this.#figures.endAttempt()
    }
  }

  #attemptEvent(event: JobEvent): void {
    if (event.type === 'checkpoint') {
      this.#checkpoints++
      this.#lastCheckpoint = event
      this.#judge.checkpointCompleted()
    }
    this.#options.onEvent(event)
  }

  /** Decides whether to go on (R38); throws the failure when not. */
  async #afterFailure(failure: AttemptFailure, attempt: number, base: SelectedBase): Promise<void> {
    const { error, operator } = failure
    if (this.#aborted !== undefined) throw this.#aborted
    if (error instanceof HeadMoved) throw error
    if (error instanceof StreamError && error.code === 'MR_CHECKPOINT_CORRUPT') {
      // The next attempt looks for an older one, where that doubles nothing (R3).
      if (base.manifest === undefined) throw error
      this.#damaged.set(base.manifest.checkpointId, error)
      return
    }
    await this.#restart(error, operator, attempt)
  }

  /** Waits for the next attempt; throws where there is none. */
  async #restart(error: Error, operator: string | undefined, attempt: number): Promise<void> {
    const { clock, random, restart, onEvent } = this.#options
    const verdict = this.#judge.judge(error, operator, this.#lastCheckpoint?.checkpointId)
    if (!verdict.restart) throw verdict.error
    const decision = restart.onFailure(clock.now(), random)
    if (!decision.restart || this.#isStopping) throw error
    this.#restarts++
    onEvent({
      type: 'restarting',
      attempt: attempt + 1,
      delayMs: decision.delayMs,
      error: toErrorData(error),
    })
    await this.#wait(decision.delayMs)
  }

  /** Waits for the next attempt; a stop or an abort ends the wait. */
  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.schedule(delayMs, resolve)
      this.#endDelay = () => {
        cancel()
        resolve()
      }
    })
  }

  #reportProgress(): void {
    const { clock, progressIntervalMs, onEvent } = this.#options
    if (progressIntervalMs <= 0) return
    let before = { at: clock.elapsed(), read: 0 }
    const report = (): void => {
      const sums = this.#figures.sums
      const at = clock.elapsed()
      const seconds = Math.max(1e-3, (at - before.at) / 1_000)
      onEvent({
        type: 'progress',
        elapsedMs: at - this.#startedAt,
        ...sums,
        recordsPerSecond: Math.max(0, (sums.recordsRead - before.read) / seconds),
        watermark: this.#figures.sourceWatermark,
        watermarkLagMs: this.#figures.watermarkLagMs,
        eventTime: this.#figures.eventTime(at),
        lastCheckpoint: this.#lastCheckpoint,
        held: this.#current?.heldSources,
        loadedShare: this.#figures.loadedShare,
      })
      before = { at, read: sums.recordsRead }
      this.#cancelProgress = clock.schedule(progressIntervalMs, report)
    }
    this.#cancelProgress = clock.schedule(progressIntervalMs, report)
  }

  get metrics(): JobMetrics {
    return {
      ...this.#figures.sums,
      checkpoints: this.#checkpoints,
      restarts: this.#restarts,
      durationMs: this.#options.clock.elapsed() - this.#startedAt,
    }
  }

  #result(status: JobResult['status']): JobResult {
    const collected = this.#options.deliveries.values
    return { status, lastCheckpoint: this.#lastCheckpoint, metrics: this.metrics, collected }
  }
}
