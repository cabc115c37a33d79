import type { CheckpointStorage } from '../runtime/checkpoint/checkpoint-storage.ts'
import type { ManifestState, ManifestSubtask } from '../runtime/checkpoint/manifest.ts'
import { SeededRandom, SystemClock } from '../runtime/clock.ts'
import { fromErrorData } from '../runtime/errors.ts'
import type { JobPlan } from '../runtime/graph/job-plan.ts'
import type { StreamGraph } from '../runtime/graph/stream-graph.ts'
import type {
  LinkMessage,
  RestoredSubtask,
  SlotCommand,
  SlotReport,
  SnapshotPart,
  SubtaskId,
} from '../runtime/messages.ts'
import { MemoryBackend } from '../runtime/state/memory-backend.ts'
import type { KeyedStateBackend, TimeDomain, TimerQueue } from '../runtime/state/state-backend.ts'
import { Slot } from '../runtime/task/slot.ts'
import type { SlotEnvironment } from '../runtime/task/slot-environment.ts'
import type { ManualClock } from './manual-clock.ts'
import { portPair, type PortEnd } from './port-pair.ts'
import { SimulatedDisk, SimulatedStorage } from './simulated-storage.ts'

/** Turns after which a checkpoint by hand is taken to be stuck. */
const MAX_TURNS = 1_000

/** What is waited for. */
const AWAITED: ReadonlySet<SlotReport['type']> = new Set(['opened', 'acknowledge', 'committed'])

export interface HandDrivenSlotsOptions {
  readonly graph: StreamGraph
  readonly plan: JobPlan
  readonly states: readonly ManifestState[]
  readonly clock: ManualClock
  /** Where checkpoints are. */
  readonly disk: SimulatedDisk
  /** What the subtasks go on from; empty for a fresh start. */
  readonly restored: readonly RestoredSubtask[]
}

/**
 * The slots of a job, driven turn by turn within this thread, each in its turn: what is handed to them has run through when
 * `turn` returns.
 */
export class HandDrivenSlots {
  readonly #options: HandDrivenSlotsOptions
  readonly #storage: CheckpointStorage
  readonly #system: SystemClock = new SystemClock()
  readonly #backends: KeyedStateBackend[] = []
  readonly #timers: TimerQueue[] = []
  readonly #slots: Slot[] = []
  readonly #commands: ((command: SlotCommand) => void)[] = []
  /** Whose input has ended: no barrier reaches them. */
  readonly #ended: Map<string, SubtaskId> = new Map()
  /** Segments by subtask, as far as the next checkpoint goes on from them. */
  readonly #chains: Map<string, ManifestSubtask['segments']> = new Map()
  #reports: SlotReport[] = []
  #checkpointId: number
  #failure: Error | undefined

  constructor(options: HandDrivenSlotsOptions) {
    this.#options = options
    const { disk, plan, restored } = options
    this.#storage = new SimulatedStorage({ disk, later: queueMicrotask })
    this.#checkpointId = Math.max(0, ...disk.reservedIds)
    for (const { vertex, subtask, chains, continuesChain } of restored) {
      if (continuesChain) this.#chains.set(`${vertex}/${subtask}`, chains[0] ?? [])
    }
    const count = Math.max(...plan.vertices.map(({ parallelism }) => parallelism))
    const links = this.#links(count)
    for (let slot = 0; slot < count; slot++) this.#slots.push(this.#build(slot, links[slot]!))
  }

  /** A connection between every two slots; what is sent has its turn after what is going on. */
  #links(count: number): SlotEnvironment['links'][] {
    const { clock } = this.#options
    const end: PortEnd = { enqueue: (deliver) => clock.nextTurn(deliver), isEnded: false }
    const links = Array.from({ length: count }, (): SlotEnvironment['links'][number][] =>
      Array.from({ length: count }, () => undefined),
    )
    for (let a = 0; a < count; a++) {
      for (let b = a + 1; b < count; b++) {
        const [left, right] = portPair<LinkMessage, LinkMessage>(end, end)
        links[a]![b] = left
        links[b]![a] = right
      }
    }
    return links
  }

  #build(slot: number, links: SlotEnvironment['links']): Slot {
    const { graph, plan, states, clock } = this.#options
    return new Slot({
      settings: {
        attempt: 1,
        slot,
        parallelism: plan.parallelism,
        maxParallelism: plan.maxParallelism,
        lineage: 'harness',
        restoredCheckpointId: 0,
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
        onMessage: (receive) => this.#commands.push(receive),
        close() {},
      },
      links,
      storage: this.#storage,
      openSnapshot: () => this.#storage,
      createBackend: (context) => this.#observed(new MemoryBackend(context)),
      heartbeat: new Int32Array(2),
      sliceMs: Infinity,
      quantum: 1_024,
      roundsPerTurn: Infinity,
      eagerRestoreBytes: Infinity,
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
    if (AWAITED.has(report.type)) this.#reports.push(report)
    if (report.type === 'failed' || report.type === 'decline') {
      this.#failure ??= fromErrorData(report.error)
    }
    if (report.type === 'input-ended' || report.type === 'subtask-finished') {
      const { vertex, subtask } = report.subtask
      this.#ended.set(`${vertex}/${subtask}`, report.subtask)
    }
  }

  #tellAll(command: SlotCommand): void {
    for (const tell of this.#commands) tell(command)
  }

  /** What has been reported since the last checkpoint began. */
  #reported<T extends SlotReport['type']>(type: T): Extract<SlotReport, { readonly type: T }>[] {
    return this.#reports.filter(
      (report): report is Extract<SlotReport, { readonly type: T }> => report.type === type,
    )
  }

  /** Opens all operators, from the checkpoint if there is one. */
  async open(): Promise<void> {
    this.#tellAll({
      type: 'open',
      restored: this.#options.restored,
      restoreDirectory: undefined,
      enumerators: {},
    })
    await this.#until(() => this.#reported('opened').length === this.#slots.length)
    this.#tellAll({ type: 'run' })
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

  /** Takes a checkpoint and completes it; what each subtask contributed. */
  async snapshot(): Promise<{
    readonly checkpointId: number
    readonly subtasks: readonly ManifestSubtask[]
  }> {
    const baseId = this.#checkpointId
    const checkpointId = await this.#storage.reserveId(baseId)
    this.#checkpointId = checkpointId
    this.#reports = []
    for (const id of this.#ended.values()) {
      this.#commands[id.subtask]!({
        type: 'snapshot-ended',
        subtasks: [id],
        checkpointId,
        baseId,
        kind: 'checkpoint',
      })
    }
    this.#commands[0]!({ type: 'trigger', checkpointId, baseId, kind: 'checkpoint' })
    const { vertices } = this.#options.plan
    const count = vertices.reduce((sum, { parallelism }) => sum + parallelism, 0)
    await this.#until(() => this.#reported('acknowledge').length === count)
    const subtasks = this.#reported('acknowledge').map(({ subtask, part }) =>
      this.#contribution(subtask, part),
    )
    this.#tellAll({ type: 'checkpoint-completed', checkpointId })
    await this.#until(() => this.#reported('committed').length === count)
    return { checkpointId, subtasks }
  }

  #contribution({ vertex, subtask }: SubtaskId, part: SnapshotPart): ManifestSubtask {
    const { segment, operatorState, watermarks, isFinished } = part
    const before = this.#chains.get(`${vertex}/${subtask}`) ?? []
    const segments = segment === undefined ? before : [...before, segment]
    this.#chains.set(`${vertex}/${subtask}`, segments)
    const { name } = this.#options.plan.vertices[vertex]!
    return {
      vertex: name,
      subtaskIndex: subtask,
      segments,
      operatorState,
      watermarks,
      isFinished,
    }
  }

  async close(): Promise<void> {
    this.#tellAll({ type: 'cancel' })
    await Promise.all(this.#slots.map((slot) => slot.closed))
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
