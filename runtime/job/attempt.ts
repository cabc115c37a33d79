import { CheckpointCoordinator } from '../checkpoint/checkpoint-coordinator.ts'
import type { CheckpointSettings } from '../checkpoint/checkpoint-settings.ts'
import type { CheckpointStorage } from '../checkpoint/checkpoint-storage.ts'
import type { SegmentMerger } from '../checkpoint/segment-merger.ts'
import type { CheckpointManifest } from '../checkpoint/manifest.ts'
import type { SavepointQueue } from '../checkpoint/savepoint-queue.ts'
import { chainKey } from '../checkpoint/segment-chains.ts'
import type { Cancel, Clock } from '../clock.ts'
import { asError, fromErrorData } from '../errors.ts'
import type { FailpointHook } from '../failpoint.ts'
import type { JobPlan } from '../graph/job-plan.ts'
import type {
  Alignment,
  DeploySettings,
  PrepareOutput,
  RestoredSubtask,
  SlotCommand,
  SlotReport,
} from '../messages.ts'
import {
  AttemptFailure,
  deployTimeout,
  graphDiffers,
  slotLost,
  threadStuck,
  unfinishedWrite,
} from './attempt-failure.ts'
import type { CheckpointSummary, JobEvent } from './job-events.ts'
import type { JobFigures } from './job-figures.ts'
import { naturallyEnded } from './natural-end.ts'
import { planOperators, restoredSubtasks } from './restore-plan.ts'
import type { LaunchedSlots, SlotLauncher } from './slot-launcher.ts'
import { addSourcePositions } from './source-positions.ts'
import { buildManifestHeader, type ManifestFacts } from './manifest-header.ts'
import { SourceAlignment } from './source-alignment.ts'
import { type HeldSources, SourceRelease } from './source-release.ts'
import { STALL_MS, watchStalls } from './stall-watch.ts'

/** How long every slot may take to report that it has built its graph (R37). */
const DEPLOY_TIMEOUT_MS = 10_000
/** How long restoring state and opening functions may take before it is told that they do. */
const SLOW_OPENING_MS = 30_000
/** How long slots may take to close their files, and threads to end once they are terminated. */
const CLOSE_TIMEOUT_MS = 2_000
const TERMINATE_TIMEOUT_MS = 10_000
/** How long a write of the coordinator that is under way may take to end. */
const STORAGE_TIMEOUT_MS = 10_000

/** What an attempt goes on from. */
export interface RestoreBase {
  readonly manifest: CheckpointManifest
  /** A foreign snapshot is read from there, and nothing of it is named by the next checkpoint (R27). */
  readonly directory: string | undefined
}

export interface AttemptOptions {
  readonly attempt: number
  readonly plan: JobPlan
  readonly clock: Clock
  readonly launcher: SlotLauncher
  readonly storage: CheckpointStorage
  /** Of the files in it. */
  readonly merger: SegmentMerger
  readonly settings: Omit<DeploySettings, 'attempt' | 'slot'>
  readonly facts: ManifestFacts
  readonly output: PrepareOutput
  /** Called when no sink refuses its output: awaited before anything is taken back or put out. */
  readonly accepted: () => Promise<void>
  readonly restore: RestoreBase | undefined
  /** The checkpoint is a final one: commit what it has pending, and do nothing else (R34). */
  readonly isOver: boolean
  readonly lastId: number
  readonly keptIds: readonly number[]
  readonly checkpoints: CheckpointSettings
  /** Savepoints that are wanted of the run; default: none. */
  readonly savepoints?: SavepointQueue | undefined
  readonly pathOf: (checkpointId: number) => string
  readonly figures: JobFigures
  readonly onEvent: (event: JobEvent) => void
  readonly onDelivered: (uid: string, deliveryId: string, values: readonly unknown[]) => void
  /** Resolves when the runner has written the lines (N16). */
  readonly print: (uid: string, lines: string) => Promise<void> | undefined
  readonly failpoint: FailpointHook
}

/** How an attempt ended without a failure. */
export interface AttemptResult {
  readonly status: 'finished' | 'stopped'
  readonly lastCheckpoint: CheckpointSummary
}

/**
 * One attempt of a job: deploy, run, take checkpoints, end; everything of it is gone when `run` settles (R37).
 *
 * ```
 *   launch ─▶ built ─▶ output checked ─▶ accepted ─▶ output prepared ─▶ opened ─▶ running
 *   running ─▶ all finished ─▶ final checkpoint ─▶ finished
 *      └─ stop ─▶ last checkpoint ─▶ stopped
 *   any step ── failure ─▶ cancel, destroy, reject
 * ```
 */
export class Attempt {
  readonly #options: AttemptOptions
  readonly #slots: number
  #launching: Promise<LaunchedSlots> | undefined
  #launched: LaunchedSlots | undefined
  #accepting: Promise<void> | undefined
  /** What the subtasks read back, once it has been sent to them. */
  #restored: readonly RestoredSubtask[] = []
  /** By slot: the subtasks that wait for barriers. */
  readonly #alignments: Map<number, readonly Alignment[]> = new Map()
  #coordinator: CheckpointCoordinator | undefined
  readonly #alignment: SourceAlignment
  readonly #release: SourceRelease
  #nodeNames: readonly string[] = []
  #settle!: { resolve: (result: AttemptResult) => void; reject: (failure: AttemptFailure) => void }
  #reported: Set<number> = new Set()
  #awaited: { type: SlotReport['type']; slots: number; resolve: () => void } | undefined
  #closedSlots: Set<number> = new Set()
  #onClosed: (() => void) | undefined
  #isRunning = false
  #isEnding = false
  #stopWanted = false
  #drainWanted = false
  #cancelDeployTimeout: Cancel | undefined
  #cancelStallWatch: Cancel | undefined
  #cancelOpenNote: Cancel | undefined
  #failure: AttemptFailure | undefined

  constructor(options: AttemptOptions) {
    this.#options = options
    this.#slots = Math.max(1, ...options.plan.vertices.map((vertex) => vertex.parallelism))
    const broadcast = (command: SlotCommand): void => this.#broadcast(command)
    this.#alignment = new SourceAlignment({ plan: options.plan, clock: options.clock, broadcast })
    this.#release = new SourceRelease(options.plan, broadcast)
  }

  /** Runs to the end; rejects with an `AttemptFailure`. All threads have ended when it settles. */
  async run(): Promise<AttemptResult> {
    const outcome = new Promise<AttemptResult>((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    outcome.catch(() => {})
    try {
      await Promise.race([this.#deploy(), outcome])
      return await outcome
    } catch (thrown) {
      if (thrown instanceof AttemptFailure) throw thrown
      throw new AttemptFailure(asError(thrown), undefined)
    } finally {
      await this.#tearDown()
    }
  }

  /** Asks for a stop: the last checkpoint, its commits, and no further input (R14). */
  stop(): void {
    this.#stopWanted = true
    if (this.#isRunning && !this.#isEnding) this.#takeLast('stop')
  }

  /** Ends the input of all sources, as if they were bounded and at their end (R14). */
  drain(): void {
    this.#drainWanted = true
    if (!this.#isRunning || this.#isEnding) return
    this.#coordinator!.drain(this.#naturallyEnded())
    this.#broadcast({ type: 'drain' })
  }

  #naturallyEnded(): ReadonlySet<number> {
    const { plan, restore } = this.#options
    const coordinator = this.#coordinator!
    // What has ended before this attempt may not have said so yet, and an earlier drain may have ended it.
    const before = (restore?.manifest.subtasks ?? []).filter((part) => part.isFinished)
    return naturallyEnded(plan, (vertex, subtask) => {
      const { name } = plan.vertices[vertex]!
      const part = before.find((one) => one.vertex === name && one.subtaskIndex === subtask)
      if (part !== undefined) return part.isDrained !== true
      return coordinator.hasFinished({ vertex, subtask })
    })
  }

  /** The sources that are not read yet; undefined where there is none. */
  get heldSources(): HeldSources | undefined {
    return this.#isRunning ? this.#release.held : undefined
  }

  /** Ends it with this error, waiting for nothing but its threads. */
  abort(error: Error): void {
    this.#fail(error, undefined)
  }

  // --- Deployment ---

  async #deploy(): Promise<void> {
    const options = this.#options
    const deployments = Array.from({ length: this.#slots }, (_, slot) => ({
      settings: { ...options.settings, attempt: options.attempt, slot },
    }))
    const built = this.#await('built', this.#slots)
    this.#launching = options.launcher.launch(deployments)
    const launched = await this.#launching
    this.#launched = launched
    for (const [slot, control] of launched.controls.entries()) {
      control.onMessage((report) => this.#receive(slot, report))
    }
    launched.onLost((slot, error) => this.#lost(slot, error))
    this.#checkAlive()
    if (launched.pulses === true) this.#watchStalls(launched)
    await this.#within(DEPLOY_TIMEOUT_MS, built)
    this.#checkAlive()
    const checked = this.#await('output-checked', 1)
    this.#send(0, { type: 'check-output', output: options.output })
    await checked
    this.#checkAlive()
    this.#accepting = options.accepted()
    await this.#accepting
    this.#checkAlive()
    options.failpoint('before-prepare-output')
    const prepared = this.#await('output-prepared', 1)
    this.#send(0, { type: 'prepare-output', output: options.output })
    await prepared
    this.#checkAlive()
    options.failpoint('after-prepare-output')
    const opened = this.#await('opened', this.#slots)
    this.#open()
    this.#cancelOpenNote = options.clock.schedule(SLOW_OPENING_MS, () => this.#noteSlowOpening())
    await opened
    this.#cancelOpenNote()
    this.#checkAlive()
    if (options.isOver) this.#settle.resolve(this.#overResult())
    else this.#start()
  }

  /** A deployment does not go on once the attempt has failed: its slots are being ended. */
  #checkAlive(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  #open(): void {
    const { restore, plan } = this.#options
    if (restore !== undefined) {
      this.#restored = restoredSubtasks(restore.manifest, plan, restore.directory === undefined)
    }
    for (let slot = 0; slot < this.#slots; slot++) {
      this.#send(slot, {
        type: 'open',
        restored: this.#restored.filter((part) => part.subtask === slot),
        restoreDirectory: restore?.directory,
        enumerators: restore?.manifest.enumerators ?? {},
      })
    }
  }

  #start(): void {
    const options = this.#options
    const { restore, plan } = options
    const own = restore !== undefined && restore.directory === undefined ? restore : undefined
    const continuing = new Map(
      this.#restored
        .filter((part) => part.continuesChain)
        .map(({ vertex, subtask, chains }) => [
          chainKey(plan.vertices[vertex]!.name, subtask),
          chains.flat(),
        ]),
    )
    this.#coordinator = new CheckpointCoordinator({
      clock: options.clock,
      storage: options.storage,
      merger: options.merger,
      header: buildManifestHeader(plan, options.facts, options.settings.states),
      subtasks: plan.vertices.flatMap((vertex) =>
        Array.from({ length: vertex.parallelism }, (_, subtask) => ({
          vertex: vertex.index,
          subtask,
          slot: subtask,
          vertexName: vertex.name,
        })),
      ),
      slots: this.#slots,
      send: (slot, command) => this.#send(slot, command),
      ...options.checkpoints,
      base: own?.manifest,
      continuing,
      lastId: options.lastId,
      keptIds: options.keptIds,
      ...(options.savepoints === undefined ? {} : { savepoints: options.savepoints }),
      pathOf: options.pathOf,
      alignments: () => [...this.#alignments.values()].flat(),
      onCompleted: (summary) => options.onEvent({ type: 'checkpoint', ...summary }),
      onAborted: (checkpointId, error) =>
        options.onEvent({ type: 'checkpoint-failed', checkpointId, error }),
      failpoint: options.failpoint,
      fail: (error) => this.#fail(error, undefined),
    })
    this.#isRunning = true
    this.#broadcast({ type: 'run' })
    this.#coordinator.start()
    if (this.#launched!.pulses !== true) this.#watchStalls(this.#launched!)
    options.onEvent({ type: 'running', attempt: options.attempt })
    if (this.#stopWanted) this.#takeLast('stop')
    if (this.#drainWanted) this.drain()
  }

  #overResult(): AttemptResult {
    const manifest = this.#options.restore!.manifest
    const { checkpointId, kind, lineage } = manifest
    const path = this.#options.pathOf(checkpointId)
    const lastCheckpoint = { lineage, checkpointId, kind, durationMs: 0, bytes: 0, path }
    return { status: 'finished', lastCheckpoint }
  }

  #await(type: SlotReport['type'], slots: number): Promise<void> {
    this.#reported = new Set()
    return new Promise((resolve) => {
      this.#awaited = { type, slots, resolve }
    })
  }

  /** There is no limit, as a large state takes its time; but an `open` that never ends must not look like that. */
  #noteSlowOpening(): void {
    const message = `slots ${this.#missing().join(', ')} have not opened after ${SLOW_OPENING_MS / 1000} s; they wait for state to be restored, or for open() of a function to end`
    this.#options.onEvent({ type: 'note', message })
  }

  /** The slots that have not reported what is awaited. */
  #missing(): number[] {
    return Array.from({ length: this.#slots }, (_, slot) => slot).filter(
      (slot) => !this.#reported.has(slot),
    )
  }

  #within(timeoutMs: number, work: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#options.clock.schedule(timeoutMs, () => {
        reject(deployTimeout(this.#missing(), this.#slots, timeoutMs))
      })
      this.#cancelDeployTimeout = cancel
      work.then(() => {
        cancel()
        resolve()
      }, reject)
    })
  }

  #broadcast(command: SlotCommand): void {
    for (let slot = 0; slot < this.#slots; slot++) this.#send(slot, command)
  }

  #send(slot: number, command: SlotCommand): void {
    this.#launched?.controls[slot]?.post(command)
  }

  // --- Reports ---

  #receive(slot: number, report: SlotReport): void {
    // A message of an earlier attempt counts for nothing (R37).
    if (report.attempt !== this.#options.attempt) return
    const { onEvent, figures } = this.#options
    switch (report.type) {
      case 'failed':
        this.#fail(this.#located(fromErrorData(report.error)), report.operator)
        return
      case 'closed':
        this.#slotClosed(slot)
        return
      case 'source-watermarks':
        this.#alignment.receive(slot, report.sources)
        return
      case 'reader-event': {
        const { vertex, subtask, event } = report
        this.#send(0, { type: 'reader-event', vertex, subtask, event })
        return
      }
      case 'has-read-first':
        this.#release.passed(report.subtask)
        return
      case 'figures':
        this.#alignments.set(slot, report.alignments)
        figures.setLoadedShare(slot, report.loadedShare)
        for (const news of figures.update(slot, report.operators, this.#options.clock.elapsed())) {
          onEvent(news)
        }
        return
      case 'print':
        this.#print(slot, report.uid, report.lines)
        return
      case 'log':
        onEvent({
          type: 'log',
          uid: report.uid,
          subtaskIndex: report.subtaskIndex,
          line: report.line,
        })
        return
      case 'deliver':
        this.#options.onDelivered(report.uid, report.deliveryId, report.values)
        return
      case 'built':
        this.#checkGraph(slot, report)
        break
      default:
        break
    }
    this.#count(slot, report.type)
    this.#coordinator?.receive(report)
    if (report.type !== 'subtask-finished') return
    this.#release.passed(report.subtask)
    this.#endIfFinished()
  }

  #located(error: Error): Error {
    const { restore, plan } = this.#options
    return addSourcePositions(error, this.#coordinator?.newest ?? restore?.manifest, plan)
  }

  #count(slot: number, type: SlotReport['type']): void {
    const awaited = this.#awaited
    if (awaited?.type !== type) return
    this.#reported.add(slot)
    if (this.#reported.size < awaited.slots) return
    this.#awaited = undefined
    awaited.resolve()
  }

  #checkGraph(slot: number, report: Extract<SlotReport, { type: 'built' }>): void {
    this.#nodeNames = report.nodeNames
    if (report.structuralHash === this.#options.plan.structuralHash) return
    const planned = planOperators(this.#options.plan).map((operator) => operator.name)
    this.#fail(graphDiffers(slot, planned, report.nodeNames), undefined)
  }

  #print(slot: number, uid: string, lines: string): void {
    const printed = (): void =>
      this.#send(slot, { type: 'printed', uid, bytes: Buffer.byteLength(lines) })
    const writing = this.#options.print(uid, lines)
    // In the next turn: else what prints fast keeps this thread busy with its messages, and signals and timers wait.
    if (writing === undefined) this.#options.clock.nextTurn(printed)
    else writing.then(printed, (error: unknown) => this.#fail(error, uid))
  }

  // --- Ends ---

  #endIfFinished(): void {
    if (!this.#isEnding && this.#coordinator?.allFinished === true) this.#takeLast('final')
  }

  #takeLast(kind: 'stop' | 'final'): void {
    if (this.#isEnding) return
    this.#isEnding = true
    if (kind === 'stop') this.#options.onEvent({ type: 'stopping' })
    const status = kind === 'stop' ? 'stopped' : 'finished'
    void this.#coordinator!.takeLast(kind).then((lastCheckpoint) => {
      this.#settle.resolve({ status, lastCheckpoint })
    })
  }

  #slotClosed(slot: number): void {
    this.#closedSlots.add(slot)
    if (this.#closedSlots.size === this.#slots) this.#onClosed?.()
  }

  #lost(slot: number, error: unknown): void {
    if (this.#closedSlots.has(slot)) return
    // Its thread is gone: there is no close to wait for.
    this.#slotClosed(slot)
    const running = this.#runningNode(slot)
    this.#fail(slotLost(slot, running, error), running)
  }

  #fail(error: unknown, operator: string | undefined): void {
    this.#failure ??= new AttemptFailure(asError(error), operator)
    this.#settle.reject(this.#failure)
  }

  #runningNode(slot: number): string | undefined {
    const heartbeat = this.#launched?.heartbeats[slot]
    return heartbeat === undefined ? undefined : this.#nodeNames[heartbeat[0]! - 1]
  }

  #watchStalls({ heartbeats }: LaunchedSlots): void {
    const { clock } = this.#options
    this.#cancelStallWatch = watchStalls(clock, heartbeats, (slot) => this.#stalled(slot))
  }

  #stalled(slot: number): void {
    const node = this.#runningNode(slot)
    const where = node === undefined ? 'the job module or the runtime' : `"${node}"`
    this.#options.onEvent({
      type: 'note',
      message: `slot ${slot} has not turned for ${STALL_MS / 1000} s; it is in ${where}; a function that does not return holds up the whole slot`,
    })
  }

  // --- Clean-up ---

  async #tearDown(): Promise<void> {
    this.#alignment.close()
    const isQuiet = await this.#settled(
      this.#coordinator?.close() ?? Promise.resolve(),
      STORAGE_TIMEOUT_MS,
    )
    // A deployment that was cut short may still bring slots to life: they are ended too.
    const launched = await this.#launching?.catch(() => undefined)
    this.#cancelDeployTimeout?.()
    this.#cancelStallWatch?.()
    this.#cancelOpenNote?.()
    // What is being written to the job's directory must not go on without its lock.
    await this.#accepting?.catch(() => {})
    if (launched !== undefined) {
      await this.#closeSlots(launched)
      await this.#destroy(launched)
    }
    if (!isQuiet)
      throw new AttemptFailure(unfinishedWrite(STORAGE_TIMEOUT_MS, this.#failure?.error), undefined)
  }

  /** Lets slots close their files; one that does not answer in time is ended with its thread. */
  async #closeSlots(launched: LaunchedSlots): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#onClosed = resolve
    })
    for (const control of launched.controls) control.post({ type: 'cancel' })
    if (this.#closedSlots.size < this.#slots) await this.#settled(closed, CLOSE_TIMEOUT_MS)
  }

  /** Ends the threads; the next attempt must not start beside one that goes on (R37). */
  async #destroy(launched: LaunchedSlots): Promise<void> {
    if (await this.#settled(launched.destroy(), TERMINATE_TIMEOUT_MS)) return
    throw new AttemptFailure(threadStuck(TERMINATE_TIMEOUT_MS, this.#failure?.error), undefined)
  }

  /** Whether it has settled within the time. */
  #settled(work: Promise<void>, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const cancel = this.#options.clock.schedule(timeoutMs, () => resolve(false))
      work.then(
        () => {
          cancel()
          resolve(true)
        },
        (error: unknown) => {
          cancel()
          reject(error)
        },
      )
    })
  }
}
