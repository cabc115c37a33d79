import type { CheckpointStorage } from '../runtime/checkpoint/checkpoint-storage.ts'
import type { ManifestState, SegmentReference } from '../runtime/checkpoint/manifest.ts'
import { SeededRandom, SystemClock } from '../runtime/clock.ts'
import { fromErrorData } from '../runtime/errors.ts'
import type { StreamGraph } from '../runtime/graph/stream-graph.ts'
import type { RestoredSubtask, SlotCommand, SlotReport, SnapshotPart } from '../runtime/messages.ts'
import { MemoryBackend } from '../runtime/state/memory-backend.ts'
import type { KeyedStateBackend, TimeDomain, TimerQueue } from '../runtime/state/state-backend.ts'
import { Slot } from '../runtime/task/slot.ts'
import type { ManualClock } from './manual-clock.ts'
import { SimulatedDisk, SimulatedStorage } from './simulated-storage.ts'

/** Turns after which a checkpoint by hand is taken to be stuck. */
const MAX_TURNS = 1_000

export interface HandDrivenSlotOptions {
  readonly graph: StreamGraph
  readonly states: readonly ManifestState[]
  /** Number of vertices, each of which contributes to a checkpoint. */
  readonly vertices: number
  readonly maxParallelism: number
  readonly clock: ManualClock
  readonly restored: SlotSnapshot | undefined
}

/** A checkpoint of a slot: what each subtask contributed, and the disk on which its segments are. */
export interface SlotSnapshot {
  readonly checkpointId: number
  readonly disk: SimulatedDisk
  readonly subtasks: readonly RestoredSubtask[]
}

/**
 * The one slot of a job at parallelism 1, driven turn by turn: all its subtasks call each other directly, so what is handed
 * to it has run through when `turn` returns.
 */
export class HandDrivenSlot {
  readonly #options: HandDrivenSlotOptions
  readonly #disk: SimulatedDisk
  readonly #storage: CheckpointStorage
  readonly #system: SystemClock = new SystemClock()
  readonly #backends: KeyedStateBackend[] = []
  readonly #timers: TimerQueue[] = []
  readonly #slot: Slot
  #command!: (command: SlotCommand) => void
  #parts: Map<number, SnapshotPart> = new Map()
  #restored: readonly RestoredSubtask[]
  #checkpointId: number
  #reported: Set<SlotReport['type']> = new Set()
  #failure: Error | undefined

  constructor(options: HandDrivenSlotOptions) {
    this.#options = options
    this.#disk = options.restored?.disk ?? new SimulatedDisk()
    this.#storage = new SimulatedStorage({ disk: this.#disk, later: queueMicrotask })
    this.#restored = options.restored?.subtasks ?? []
    this.#checkpointId = Math.max(0, ...this.#disk.reservedIds)
    this.#slot = this.#build()
  }

  #build(): Slot {
    const { graph, states, maxParallelism, clock } = this.#options
    return new Slot({
      settings: {
        attempt: 1,
        slot: 0,
        parallelism: 1,
        maxParallelism,
        lineage: 'harness',
        strict: true,
        allow: [],
        cacheBytesPerSlot: 1_000_000,
        channelBytes: 65_536,
        bufferTimeoutMs: 0,
        autoWatermarkIntervalMs: 0,
        workDirectory: '/harness',
        states,
      },
      graph,
      structuralHash: '',
      clock,
      random: new SeededRandom(1),
      control: {
        post: (report) => this.#receive(report),
        onMessage: (receive) => {
          this.#command = receive
        },
        close() {},
      },
      links: [undefined],
      storage: this.#storage,
      openStorage: () => this.#storage,
      createBackend: (context) => this.#observed(new MemoryBackend(context)),
      heartbeat: new Int32Array(2),
      sliceMs: Infinity,
      quantum: 1_024,
      roundsPerTurn: Infinity,
      failpoint: () => {},
    })
  }

  #observed(backend: KeyedStateBackend): KeyedStateBackend {
    this.#backends.push(backend)
    const timers = backend.timers.bind(backend)
    backend.timers = (...ids) => {
      const queue = timers(...ids)
      this.#timers.push(queue)
      return queue
    }
    return backend
  }

  #receive(report: SlotReport): void {
    this.#reported.add(report.type)
    if (report.type === 'failed') this.#failure ??= fromErrorData(report.error)
    if (report.type === 'acknowledge') this.#parts.set(report.subtask.vertex, report.part)
    if (report.type === 'decline') this.#failure ??= fromErrorData(report.error)
  }

  /** Opens all operators, from the checkpoint if there is one. */
  async open(): Promise<void> {
    this.#command({
      type: 'open',
      restored: this.#restored,
      restoreDirectory: undefined,
      enumerators: {},
    })
    await this.#until(() => this.#reported.has('opened'))
    this.#command({ type: 'run' })
    this.turn()
  }

  /** Runs until there is nothing to do; fails with what an operator failed with. */
  turn(): void {
    this.#options.clock.runTurns(1_000_000)
    if (this.#failure !== undefined) throw this.#failure
  }

  countTimers(domain: TimeDomain): number {
    return this.#timers.reduce((sum, queue) => sum + queue.count(domain), 0)
  }

  get entryCount(): number {
    return this.#backends.reduce((sum, backend) => sum + backend.entryCount, 0)
  }

  /** Takes a checkpoint and completes it. */
  async snapshot(): Promise<SlotSnapshot> {
    const baseId = this.#checkpointId
    const checkpointId = await this.#storage.reserveId(baseId)
    this.#checkpointId = checkpointId
    this.#parts = new Map()
    this.#reported = new Set()
    this.#command({ type: 'trigger', checkpointId, baseId, kind: 'checkpoint' })
    await this.#until(() => this.#parts.size === this.#options.vertices)
    this.#restored = [...this.#parts].map(([vertex, part]) => this.#extend(vertex, part))
    this.#command({ type: 'checkpoint-completed', checkpointId })
    await this.#until(() => this.#reported.has('committed'))
    return { checkpointId, disk: this.#disk, subtasks: this.#restored }
  }

  #extend(vertex: number, part: SnapshotPart): RestoredSubtask {
    const before = this.#restored.find((one) => one.vertex === vertex)?.chains[0] ?? []
    const chain: SegmentReference[] = [...before]
    if (part.segment !== undefined) chain.push(part.segment)
    return {
      vertex,
      subtask: 0,
      chains: chain.length > 0 ? [chain] : [],
      continuesChain: true,
      operatorState: part.operatorState,
      watermarks: part.watermarks,
      isFinished: part.isFinished,
    }
  }

  async close(): Promise<void> {
    this.#command({ type: 'cancel' })
    await this.#slot.closed
  }

  /** Turns, and lets promises settle, until something has come about. */
  async #until(isDone: () => boolean): Promise<void> {
    for (let turns = 0; !isDone(); turns++) {
      this.turn()
      if (turns > MAX_TURNS)
        throw new Error('The operator under test waits for something that never comes.')
      await new Promise<void>((resolve) => this.#system.nextTurn(resolve))
    }
    this.turn()
  }
}
