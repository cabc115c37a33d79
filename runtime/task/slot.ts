import type { Port } from '../channel/port.ts'
import type { RemoteChannel } from '../channel/remote-channel.ts'
import type { RemoteInput } from '../channel/remote-input.ts'
import { invariant, toErrorData } from '../errors.ts'
import { buildExecutionGraph, type ExecutionGraph } from '../graph/execution-graph.ts'
import { buildJobGraph } from '../graph/job-graph.ts'
import type { JobGraph } from '../graph/job-graph-types.ts'
import { heldVertices } from '../graph/read-first.ts'
import type { LinkMessage, SlotCommand, SlotReport, SubtaskId } from '../messages.ts'
import { RecordOrigin } from './record-origin.ts'
import { RunningNode } from './running-node.ts'
import { eachSinkOutput } from './sink-outputs.ts'
import { SlotAlignment } from './slot-alignment.ts'
import type { SlotEnvironment } from './slot-environment.ts'
import { SlotFigures } from './slot-figures.ts'
import { SlotLogs } from './slot-log.ts'
import { SlotRoom } from './slot-room.ts'
import { SlotSources } from './slot-sources.ts'
import type { SlotChannels } from './slot-wiring.ts'
import type { Subtask, SubtaskListener } from './subtask.ts'
import { type BuiltSubtask, buildSubtask } from './subtask-builder.ts'

/** How often figures go to the coordinator. */
const FIGURES_INTERVAL_MS = 250

/** What housekeeping of a subtask's state gets in each turn, even when records have used up the slice. */
const HOUSEKEEPING_MS = 1

type ReportBody = SlotReport extends infer R
  ? R extends { attempt: number; slot: number }
    ? Omit<R, 'attempt' | 'slot'>
    : never
  : never

/**
 * One slot: the subtasks that share a thread, and the loop that gives each its turn.
 *
 * A turn lasts at most `sliceMs`, then the event loop gets a macrotask turn, with input waiting too (N11). Without work it
 * sleeps until a message, a completion or the next due timer. Nothing here is asynchronous per record.
 */
export class Slot {
  readonly #environment: SlotEnvironment
  readonly #graph: JobGraph
  readonly #execution: ExecutionGraph
  readonly #heldVertices: ReadonlySet<number>
  readonly #channels: SlotChannels = { remoteOutputs: new Map(), remoteInputs: new Map() }
  /** By vertex; built last to first, since direct channels need their targets. */
  readonly #built: (BuiltSubtask | undefined)[] = []
  readonly #logs: SlotLogs
  readonly #room: SlotRoom = new SlotRoom()
  readonly #origin: RecordOrigin = new RecordOrigin()
  readonly #running: RunningNode
  readonly #figures: SlotFigures
  readonly #sources: SlotSources
  #alignment: SlotAlignment = new SlotAlignment([], () => {})
  /** Settles when nothing is being opened any more. */
  #opening: Promise<unknown> = Promise.resolve()
  #isClosing = false
  /** Bytes that the runner has not written yet, by sink: one that waits for its own lines must not wait for others' (N16). */
  readonly #printBacklogs: Map<string, number> = new Map()
  #isRunning = false
  #hasFailed = false
  #isScheduled = false
  #deadline = 0
  #nextTick = -Infinity
  #nextFigures = -Infinity
  #cancelTimer: (() => void) | undefined
  #closed!: () => void
  /** Settles when the slot has been cancelled and closed everything. */
  readonly closed: Promise<void> = new Promise((resolve) => {
    this.#closed = resolve
  })

  constructor(environment: SlotEnvironment) {
    this.#environment = environment
    const { parallelism, maxParallelism } = environment.settings
    this.#graph = buildJobGraph(environment.graph, { parallelism, maxParallelism })
    this.#execution = buildExecutionGraph(this.#graph)
    this.#figures = new SlotFigures(this.#graph, this.#execution, environment.settings.slot)
    this.#heldVertices = heldVertices(
      this.#graph.vertices.map(({ chain }) => chain[0]!.node),
      this.#graph.edges,
    )
    this.#sources = new SlotSources({
      environment,
      graph: this.#graph,
      subtasks: () => this.#subtasks(),
      subtaskOf: (vertex) => this.#subtask(vertex),
      log: (uid, message) => this.#logLine(uid, undefined, message),
    })
    this.#logs = new SlotLogs(
      () => environment.clock.elapsed(),
      (uid, subtask, line) => this.#logLine(uid, subtask, line),
    )
    this.#running = new RunningNode(environment.graph.nodes.map((node) => node.name))
    environment.control.onMessage((command) => this.#command(command))
    for (const port of environment.links) if (port !== undefined) this.#listen(port)
    const nodeNames = environment.graph.nodes.map((node) => node.name)
    this.#report({ type: 'built', structuralHash: environment.structuralHash, nodeNames })
  }

  #report(body: ReportBody, transfer?: readonly ArrayBuffer[]): void {
    const { attempt, slot } = this.#environment.settings
    this.#environment.control.post({ ...body, attempt, slot } as SlotReport, transfer)
  }

  // --- Messages ---

  #command(command: SlotCommand): void {
    try {
      this.#obey(command)
    } catch (error) {
      this.#fail(error)
    }
  }

  #obey(command: SlotCommand): void {
    const { nodes } = this.#environment.graph
    const log = (uid: string, message: string): void => this.#logLine(uid, undefined, message)
    switch (command.type) {
      case 'check-output':
        this.#open(
          eachSinkOutput(nodes, command.output, log, (sink, context) =>
            sink.checkOutput?.(context),
          ),
          { type: 'output-checked' },
        )
        break
      case 'prepare-output':
        this.#open(
          eachSinkOutput(nodes, command.output, log, (sink, context) =>
            sink.prepareOutput?.(context),
          ),
          { type: 'output-prepared' },
        )
        break
      case 'open':
        this.#open(this.#openAll(command), { type: 'opened' })
        break
      case 'run':
        this.#run()
        break
      case 'drain':
        for (const subtask of this.#subtasks()) subtask.drain()
        break
      case 'trigger':
        this.#sources.started
          .then(
            () => this.#trigger(command),
            // Reported where the start is awaited; the checkpoint ends with the attempt.
            () => {},
          )
          .catch((error: unknown) => this.#fail(error))
        break
      case 'snapshot-ended':
        for (const id of command.subtasks) this.#subtask(id.vertex)?.snapshotEnded(command)
        break
      case 'checkpoint-completed':
        for (const subtask of this.#subtasks()) subtask.checkpointCompleted(command.checkpointId)
        break
      case 'checkpoint-aborted':
        for (const subtask of this.#subtasks()) subtask.checkpointAborted(command.checkpointId)
        break
      case 'printed':
        this.#addToBacklog(command.uid, -command.bytes)
        this.wake()
        break
      case 'release-sources':
        for (const subtask of this.#subtasks()) subtask.release()
        break
      case 'reader-event':
        this.#sources.readerEvent(command)
        break
      case 'align':
        this.#alignment.align(command.groups)
        break
      case 'cancel':
        void this.#close()
        break
    }
  }

  #open(work: Promise<void>, done: ReportBody): void {
    this.#opening = work.then(
      () => this.#report(done),
      (error: unknown) => this.#fail(error),
    )
  }

  #listen(port: Port<LinkMessage, LinkMessage>): void {
    port.onMessage((message) => {
      try {
        this.#receive(message)
      } catch (error) {
        this.#fail(error)
      }
    })
  }

  #receive(message: LinkMessage): void {
    switch (message.type) {
      case 'batch':
        this.#inputOf(message.channel).push(message.buffer, message.length)
        this.wake()
        break
      case 'credit':
        this.#outputOf(message.channel).restoreCredit(message.bytes, message.buffer)
        break
      default:
        this.#sources.receive(message)
    }
  }

  #inputOf(channel: number): RemoteInput {
    const input = this.#channels.remoteInputs.get(channel)
    invariant(input !== undefined, `a batch comes over channel ${channel}, which does not end here`)
    return input
  }

  #outputOf(channel: number): RemoteChannel {
    const output = this.#channels.remoteOutputs.get(channel)
    invariant(
      output !== undefined,
      `a credit comes for channel ${channel}, which does not begin here`,
    )
    return output
  }

  // --- Deployment ---

  async #openAll(command: Extract<SlotCommand, { type: 'open' }>): Promise<void> {
    const environment = this.#environment
    const { slot } = environment.settings
    // Before any reader is opened anywhere, and so may tell its enumerator something.
    if (slot === 0) this.#sources.host(command.enumerators)
    const directory = command.restoreDirectory
    const restoreStorage =
      directory === undefined ? environment.storage : environment.openSnapshot(directory)
    for (const vertex of [...this.#graph.vertices].reverse()) {
      if (vertex.parallelism <= slot) continue
      this.#built[vertex.index] = buildSubtask(vertex, {
        environment,
        graph: this.#graph,
        execution: this.#execution,
        channels: this.#channels,
        restored: command.restored.find(
          (part) => part.vertex === vertex.index && part.subtask === slot,
        ),
        restoreStorage,
        nodeNumber: (name) => this.#running.numberOf(name),
        subtaskOf: (index) => this.#built[index]!.subtask,
        room: this.#room,
        origin: this.#origin,
        heldVertices: this.#heldVertices,
        deadline: () => this.#deadline,
        wake: () => this.wake(),
        listener: this.#listener(vertex.index),
        tellEnumerator: (event) =>
          this.#report({ type: 'reader-event', vertex: vertex.index, subtask: slot, event }),
        log: (uid, subtask, values) => this.#logs.log(uid, subtask, values),
        print: (uid, lines) => {
          this.#addToBacklog(uid, Buffer.byteLength(lines))
          this.#report({ type: 'print', uid, lines })
        },
        printBacklog: (uid) => this.#printBacklogs.get(uid) ?? 0,
        deliver: (uid, deliveryId, values) =>
          this.#report({ type: 'deliver', uid, deliveryId, values }),
      })
    }
    environment.failpoint('before-restore')
    for (const built of [...this.#built].reverse()) {
      if (this.#isClosing) return
      await built?.open()
    }
    environment.failpoint('after-restore')
  }

  #addToBacklog(uid: string, bytes: number): void {
    this.#printBacklogs.set(uid, (this.#printBacklogs.get(uid) ?? 0) + bytes)
  }

  #listener(vertex: number): SubtaskListener {
    const subtask: SubtaskId = { vertex, subtask: this.#environment.settings.slot }
    return {
      wake: () => this.wake(),
      acknowledged: (checkpointId, part) =>
        this.#report(
          { type: 'acknowledge', checkpointId, subtask, part },
          // What a sink has pending may be large.
          Object.values(part.operatorState).map(({ buffer }) => buffer as ArrayBuffer),
        ),
      declined: (checkpointId, error) =>
        this.#report({ type: 'decline', checkpointId, subtask, error }),
      committed: (checkpointId) => this.#report({ type: 'committed', checkpointId, subtask }),
      inputEnded: () => this.#report({ type: 'input-ended', subtask }),
      finished: () => this.#report({ type: 'subtask-finished', subtask }),
      hasReadFirst: () => this.#report({ type: 'has-read-first', subtask }),
      failed: (error) => this.#fail(error),
    }
  }

  #run(): void {
    this.#isRunning = true
    const aligned = this.#subtasks().flatMap((subtask) => subtask.alignedSource ?? [])
    this.#alignment = new SlotAlignment(aligned, (sources) =>
      this.#report({ type: 'source-watermarks', sources }),
    )
    for (const subtask of this.#subtasks().reverse()) subtask.start()
    this.#sources.start().catch((error: unknown) => this.#fail(error))
    this.wake()
  }

  #trigger(command: Extract<SlotCommand, { type: 'trigger' }>): void {
    const { checkpointId } = command
    const states = this.#sources.snapshotState(checkpointId)
    this.#report({ type: 'enumerators', checkpointId, states })
    this.#sources.trigger(command)
  }

  // --- The loop ---

  /** There may be something to do; cheap, callable from anywhere. */
  wake(): void {
    if (this.#isScheduled || !this.#isRunning || this.#hasFailed) return
    this.#isScheduled = true
    this.#environment.clock.nextTurn(() => {
      this.#isScheduled = false
      if (this.#isRunning && !this.#hasFailed) this.#turn()
    })
  }

  #turn(): void {
    try {
      const hasMore = this.#work()
      if (hasMore) this.wake()
      else this.#sleep()
    } catch (error) {
      this.#fail(error)
    }
  }

  #work(): boolean {
    const { clock, heartbeat, sliceMs, quantum, roundsPerTurn, settings } = this.#environment
    const start = clock.elapsed()
    this.#deadline = start + sliceMs
    heartbeat[1] = (heartbeat[1]! + 1) | 0
    heartbeat[0] = 0
    const subtasks = this.#subtasks()
    let worked = this.#timeWork(subtasks)
    for (let round = 0; round < roundsPerTurn; round++) {
      let progress = false
      // Downstream first: what is on its way leaves before more comes in.
      for (let i = subtasks.length - 1; i >= 0; i--) {
        if (subtasks[i]!.run(this.#deadline, quantum)) progress = true
      }
      worked ||= progress
      if (!progress || clock.elapsed() >= this.#deadline) break
    }
    for (const subtask of subtasks) {
      if (subtask.work(clock.elapsed() + HOUSEKEEPING_MS)) worked = true
      subtask.flush(worked ? clock.elapsed() - settings.bufferTimeoutMs : Infinity, start)
    }
    return worked
  }

  /** Watermark ticks, processing-time timers, figures. */
  #timeWork(subtasks: readonly Subtask[]): boolean {
    const { clock, settings } = this.#environment
    const elapsed = clock.elapsed()
    let worked = false
    if (elapsed >= this.#nextTick) {
      this.#nextTick = elapsed + settings.autoWatermarkIntervalMs
      for (const subtask of subtasks) subtask.tick()
    }
    this.#alignment.work(elapsed)
    if (elapsed >= this.#nextFigures) {
      this.#nextFigures = elapsed + FIGURES_INTERVAL_MS
      this.#reportFigures()
    }
    const now = clock.now()
    for (const subtask of subtasks) {
      if (subtask.fireProcessingTime(now, this.#deadline)) worked = true
    }
    return worked
  }

  #sleep(): void {
    const { clock } = this.#environment
    this.#cancelTimer?.()
    const next = Math.min(this.#nextTick, this.#nextFigures, this.#alignment.nextReport)
    let delayMs = Math.max(0, next - clock.elapsed())
    const now = clock.now()
    for (const subtask of this.#subtasks()) {
      const due = subtask.nextProcessingTime
      if (due !== Infinity) delayMs = Math.min(delayMs, Math.max(0, due - now + 1))
    }
    this.#cancelTimer = clock.schedule(Math.ceil(delayMs), () => this.wake())
  }

  #subtasks(): Subtask[] {
    return this.#built.flatMap((built) => (built === undefined ? [] : [built.subtask]))
  }

  #subtask(vertex: number): Subtask | undefined {
    return this.#built[vertex]?.subtask
  }

  // --- Reports ---

  #reportFigures(): void {
    const subtasks = this.#subtasks()
    const shares = subtasks.flatMap(({ loadedShare }) => loadedShare ?? [])
    const loadedShare = shares.length === 0 ? undefined : Math.min(...shares)
    this.#report({
      type: 'figures',
      operators: this.#figures.of(subtasks),
      alignments: this.#figures.alignments(subtasks),
      loadedShare,
    })
    this.#logs.roll()
  }

  #logLine(uid: string | undefined, subtaskIndex: number | undefined, line: string): void {
    this.#report({ type: 'log', uid, subtaskIndex, line })
  }

  #fail(error: unknown): void {
    if (this.#hasFailed) return
    this.#hasFailed = true
    const data = toErrorData(error)
    const named = data.fields['operator']
    const operator = typeof named === 'string' ? named : this.#running.nameOf(this.#environment)
    this.#report({ type: 'failed', error: data, operator })
  }

  async #close(): Promise<void> {
    if (this.#isClosing) return
    this.#isClosing = true
    if (this.#isRunning) this.#reportFigures()
    this.#isRunning = false
    this.#cancelTimer?.()
    // What is still being opened could not be closed.
    await this.#opening
    const closing = this.#built.map((built) => built?.close())
    const results = await Promise.allSettled([...closing, this.#sources.close()])
    for (const result of results) {
      if (result.status === 'rejected') {
        this.#logLine(undefined, undefined, `close failed: ${String(result.reason)}`)
      }
    }
    this.#logs.end()
    this.#report({ type: 'closed' })
    this.#closed()
  }
}
