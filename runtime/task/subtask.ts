import type { OutputChannel, DirectTarget } from '../channel/output-channel.ts'
import type { RemoteInput } from '../channel/remote-input.ts'
import type { Clock } from '../clock.ts'
import {
  MAX_TIMESTAMP,
  MIN_TIMESTAMP,
  type CheckpointBarrier,
  type WatermarkStatus,
} from '../element.ts'
import { invariant } from '../errors.ts'
import type { Key } from '../key.ts'
import type { Operator, WatermarkOutput } from '../operator.ts'
import { showValue } from '../show-value.ts'
import type { SinkWriter } from '../sink.ts'
import type { KeyedStateBackend } from '../state/state-backend.ts'
import type { NodeRuntime } from './chain-node.ts'
import {
  broadcastBarrier,
  broadcastEndOfReadFirst,
  broadcastStatus,
  broadcastWatermark,
  selectKey,
} from './edge-output.ts'
import { extendFailure } from './failure-context.ts'
import { HoldingOperators } from './holding-operators.ts'
import type { InputGate } from './input-gate.ts'
import { OpenTime } from './open-time.ts'
import type { AlignedSource } from './slot-alignment.ts'
import type { SourceDriver } from './source-driver.ts'
import {
  type CheckpointListener,
  SubtaskCheckpoints,
  type SubtaskCheckpointsOptions,
} from './subtask-checkpoints.ts'
import { ProcessingTimers } from './processing-timers.ts'
import type { SlotRoom } from './slot-room.ts'
import { WatermarkCascade } from './watermark-cascade.ts'
import type { SubtaskTime } from './watermark-hold.ts'

/** Records or timers taken in one go before the deadline is looked at (N11): reading the clock costs 94 ns. */
export const MAX_WORK_PER_LOOK = 64

/**
 * A source's watermark is looked at after so many records too, not just at each interval: at full speed an interval is tens
 * of thousands of records, and all windows and timers that close within it would live, and be collected, that much longer.
 */
const RECORDS_PER_TICK = 1_024

/** A node whose operator generates watermarks. */
interface GeneratingNode {
  readonly index: number
  readonly operator: Operator
  /** When it could have had records. */
  readonly open: OpenTime
}

/** What a subtask tells its slot. */
export interface SubtaskListener extends CheckpointListener {
  wake(): void
  finished(): void
  /** All that comes of sources with `readFirst` has been processed here, and what came of it has gone on. */
  hasReadFirst(): void
}

export interface SubtaskOptions extends SubtaskCheckpointsOptions {
  readonly clock: Clock
  readonly gate: InputGate | undefined
  /** The deadline of the slot's current turn, in `clock.elapsed()` ms. */
  readonly deadline: () => number
  /** Records or timers between two looks at the deadline; `MAX_WORK_PER_LOOK`, less in simulations. */
  readonly workPerLook: number
  readonly listener: SubtaskListener
  /** The same for all subtasks of the slot. */
  readonly room: SlotRoom
  readonly wasFinished: boolean
  /** By input: whether it feeds the second input of the head. Default: none does. */
  readonly isSecondInput?: readonly boolean[]
  /**
   * Whether its source, or one that it reads from, waits until all sources with `readFirst` have been processed: the source
   * is not read, and no time counts as idle here, until `release`. Default false.
   */
  readonly isHeld?: boolean
}

/**
 * One parallel instance of a vertex: takes records from its inputs or its source, runs them through its chain, and keeps
 * watermarks, barriers and ends in order with them.
 *
 * ```
 *   running ──all input ended──▶ ending ──chain flushed──▶ finished
 *      │  └─ a stop barrier ─▶ stopped (takes no input any more, R14)
 * ```
 *
 * It takes an input only when nothing holds it back: a watermark being fired (R13), a direct target that is blocked, an
 * output without credit, pending state writes (R22), a sink that is full (R6, R7).
 */
export class Subtask implements DirectTarget {
  readonly options: SubtaskOptions
  readonly nodes: readonly NodeRuntime[]
  readonly cascade: WatermarkCascade
  readonly #timers: ProcessingTimers
  readonly #heads: readonly NodeRuntime[]
  /** Where the heads stand in the chain. */
  readonly #headIndexes: readonly number[]
  readonly #channels: readonly OutputChannel[]
  /** Writers that may hold back input; known from `start` on. */
  readonly #writers: SinkWriter<unknown, unknown>[] = []
  readonly #holding: HoldingOperators
  /** Known from `start` on, too. */
  readonly #generating: GeneratingNode[] = []
  readonly #selector: ((value: never) => Key) | undefined
  readonly #secondSelector: ((value: never) => Key) | undefined
  /** Undefined where the head has one input. */
  readonly #isSecondInput: readonly boolean[] | undefined
  readonly #backend: KeyedStateBackend | undefined
  readonly #gate: InputGate | undefined
  readonly #checkpoints: SubtaskCheckpoints
  readonly #room: SlotRoom
  /** When its outputs were last found ready. */
  #readyEpoch = -1
  #nextRemote = 0
  #trigger: CheckpointBarrier | undefined
  /** What the enumerator has assigned behind the trigger: after its barrier (R31). */
  #assignments: ((source: SourceDriver) => void)[] = []
  #phase: 'running' | 'stopped' | 'ending' | 'finished'
  #status: WatermarkStatus = 'active'
  #sourceWaits = false
  #isDraining = false
  /** A source that it reads from is not to be read yet. */
  #isHeld: boolean
  #hasReadFirst = false
  /** Records the source was asked for since its watermark was last looked at. */
  #polled = 0
  #isTickDue = false
  /** The node whose end of input is next, and whether it has been called already: it may hold something back. */
  #endingNode = 0
  #hasEndedNode = false

  constructor(options: SubtaskOptions) {
    this.options = options
    this.nodes = options.nodes
    this.#gate = options.gate
    this.#backend = options.backend
    this.#room = options.room
    this.#heads = options.nodes.filter((node) => node.node.parent === -1)
    this.#headIndexes = this.#heads.map((head) => options.nodes.indexOf(head))
    this.#channels = options.nodes.flatMap((node) => node.edges.flatMap((edge) => edge.channels))
    this.#selector = options.vertex.exchange?.selector
    this.#secondSelector = options.vertex.secondExchange?.selector
    const { isSecondInput } = options
    this.#isSecondInput = isSecondInput?.includes(true) === true ? isSecondInput : undefined
    this.#phase = options.wasFinished ? 'finished' : 'running'
    this.#isHeld = options.isHeld === true
    this.#checkpoints = new SubtaskCheckpoints(options)
    this.cascade = new WatermarkCascade({
      nodes: options.nodes,
      clock: options.clock,
      timersPerLook: options.workPerLook,
      outputsReady: (nodeIndex) => this.#outputsReady() || this.#hasRoomBehind(nodeIndex),
      room: options.room,
      endCallback: () => this.#backend?.clearCurrent(),
      nameKey: (error) => this.#nameKey(error),
    })
    this.#holding = new HoldingOperators({
      nodes: options.nodes,
      outputsReady: () => this.#targetsReady(),
      endCallback: () => this.#backend?.clearCurrent(),
    })
    this.#timers = new ProcessingTimers({
      nodes: options.nodes,
      endCallback: () => this.#backend?.clearCurrent(),
      nameKey: (error) => this.#nameKey(error),
    })
  }

  get isFinished(): boolean {
    return this.#phase === 'finished'
  }

  /**
   * Everything is open: tells those behind it where time stood in the checkpoint, since they know only their own minimum,
   * or that it had finished before. Called once, downstream first.
   */
  start(): void {
    for (const [index, { body }] of this.nodes.entries()) {
      if (body.kind === 'sink') this.#writers.push(body.sink.writer)
      if (body.kind !== 'operator' || body.operator.onTick === undefined) continue
      const open = new OpenTime(this.options.clock)
      this.#generating.push({ index, operator: body.operator, open })
    }
    this.#holding.start()
    if (this.isFinished) {
      for (const node of this.nodes) broadcastWatermark(node.edges, MAX_TIMESTAMP)
      this.#announceEnd()
      return
    }
    for (const node of this.nodes) this.cascade.announce(node)
    // What is held has nothing to do with what is read first.
    if (this.#isHeld && this.#source() !== undefined) this.#passEndOfReadFirst()
  }

  // --- What other subtasks of the slot call (direct channels) ---

  receive(input: number, value: unknown, timestamp: number): void {
    if (this.#isSecondInput !== undefined && this.#isSecondInput[input]!) {
      this.#receiveSecond(value, timestamp)
      return
    }
    if (this.#selector === undefined) {
      this.#heads[0]!.accept(value, timestamp)
      return
    }
    const key = selectKey(this.#selector, value, this.#heads[0]!.name)
    this.#acceptKeyed(value, timestamp, key, undefined)
  }

  receiveKeyed(input: number, value: unknown, timestamp: number, key: Key, keyGroup: number): void {
    if (this.#isSecondInput !== undefined && this.#isSecondInput[input]!) {
      this.#acceptSecondKeyed(value, timestamp, key, keyGroup)
      return
    }
    this.#acceptKeyed(value, timestamp, key, keyGroup)
  }

  #receiveSecond(value: unknown, timestamp: number): void {
    const head = this.#heads[0]!
    if (this.#secondSelector === undefined) {
      head.acceptSecond(value, timestamp)
      return
    }
    const key = selectKey(this.#secondSelector, value, head.name)
    this.#acceptSecondKeyed(value, timestamp, key, undefined)
  }

  #acceptSecondKeyed(
    value: unknown,
    timestamp: number,
    key: Key,
    keyGroup: number | undefined,
  ): void {
    const backend = this.#backend!
    backend.setCurrentKey(key, keyGroup)
    try {
      this.#heads[0]!.acceptSecond(value, timestamp)
    } catch (error) {
      throw this.#nameKey(error)
    }
    backend.clearCurrent()
    if (backend.isSuspended) this.#room.used()
  }

  #acceptKeyed(value: unknown, timestamp: number, key: Key, keyGroup: number | undefined): void {
    const backend = this.#backend!
    const heads = this.#heads
    backend.setCurrentKey(key, keyGroup)
    try {
      for (let i = 0; i < heads.length; i++) {
        if (i > 0) backend.setNamespace(undefined)
        heads[i]!.accept(value, timestamp)
      }
    } catch (error) {
      throw this.#nameKey(error)
    }
    backend.clearCurrent()
    if (backend.isSuspended) this.#room.used()
  }

  #nameKey(error: unknown): Error {
    const key = showValue(this.#backend!.currentKey)
    return extendFailure(error, `key ${key}`, { key })
  }

  receiveWatermark(input: number, timestamp: number): void {
    this.#gate!.watermark(input, timestamp)
    this.#followValve()
    this.#room.used()
  }

  receiveStatus(input: number, status: WatermarkStatus): void {
    this.#gate!.status(input, status)
    this.#followValve()
    this.#room.used()
  }

  receiveBarrier(input: number, barrier: CheckpointBarrier): void {
    const aligned = this.#gate!.barrier(input, barrier)
    if (aligned !== undefined) this.#takeSnapshot(aligned, true)
    this.#room.used()
  }

  receiveEndOfReadFirst(input: number): void {
    this.#gate!.endOfReadFirst(input)
    this.options.listener.wake()
  }

  receiveEndOfInput(input: number): void {
    const completed = this.#gate!.endOfInput(input)
    if (completed !== undefined) this.#takeSnapshot(completed, true)
    this.#followValve()
    if (this.#gate!.hasEnded && this.#phase === 'running') this.#phase = 'ending'
    this.#room.used()
    this.options.listener.wake()
  }

  mayReceive(input: number): boolean {
    return !this.#gate!.aligner.isBlocked(input) && this.mayTakeInput()
  }

  mayReceiveBarrier(input: number): boolean {
    return !this.#gate!.aligner.isBlocked(input) && this.#mayTakeBarrier()
  }

  // --- What holds it back ---

  /** Whether a record, watermark or timer may be taken now. */
  mayTakeInput(): boolean {
    return this.#phase === 'running' && !this.cascade.isActive && this.#outputsReady()
  }

  #outputsReady(): boolean {
    if (this.#backend !== undefined && this.#backend.isSuspended) return false
    const { epoch } = this.#room
    if (this.#readyEpoch === epoch) return true
    if (!this.#holding.areReady || !this.#targetsReady()) return false
    this.#readyEpoch = epoch === 0 ? -1 : epoch
    return true
  }

  /**
   * The same for what one node of the chain emits: an operator before it that is full does not matter, or the two would wait
   * for each other.
   */
  #hasRoomBehind(nodeIndex: number): boolean {
    const holding = this.#holding
    return holding.areThere && holding.areReadyBehind(nodeIndex) && this.#targetsReady()
  }

  /** Whether what is behind the chain, and its state, take more. */
  #targetsReady(): boolean {
    if (this.#backend !== undefined && this.#backend.isSuspended) return false
    const writers = this.#writers
    for (let i = 0; i < writers.length; i++) if (!writers[i]!.isReady) return false
    const channels = this.#channels
    for (let i = 0; i < channels.length; i++) if (!channels[i]!.isReady()) return false
    return true
  }

  #mayTakeBarrier(): boolean {
    if (this.cascade.isActive) return false
    if (this.#holding.isBusy) return false
    for (const channel of this.#channels) if (!channel.isReadyForBarrier()) return false
    return true
  }

  // --- The slot's turn ---

  /**
   * Does what it can until the deadline or for about `quantum` records; returns whether it did anything.
   */
  run(deadline: number, quantum: number): boolean {
    if (this.#phase === 'finished' || this.#phase === 'stopped') return false
    this.#room.begin()
    try {
      const worked = this.#run(deadline, quantum)
      this.#holdIdleness()
      return worked
    } catch (error) {
      throw this.#contextualize(error)
    } finally {
      this.#room.end()
    }
  }

  /** Idleness counts only the time in which there could have been a record (R11). */
  #holdIdleness(): void {
    const source = this.#source()
    if (source === undefined && this.#generating.length === 0) return
    const isHeld = this.#isHeld || !this.mayTakeInput()
    source?.hold(isHeld)
    for (const { open } of this.#generating) open.hold(isHeld || this.#isAligning)
  }

  /** Some inputs wait for the barriers of others. */
  get #isAligning(): boolean {
    return this.#gate?.aligner.pending !== undefined
  }

  #run(deadline: number, quantum: number): boolean {
    let worked = this.#workHolding(deadline)
    if (this.cascade.isActive) {
      if (!this.cascade.run(deadline)) return this.cascade.hasMoved || worked
      worked = true
    }
    if (this.#followValve()) worked = true
    if (this.cascade.isActive) return worked
    if (this.#trigger !== undefined && this.#mayTakeBarrier()) {
      this.#injectBarrier(this.#trigger)
      worked = true
    }
    if (this.#phase === 'ending') return this.#end() || worked
    if (this.#phase !== 'running') return worked
    if (this.#isTickDue && this.mayTakeInput()) this.#tickNodes()
    const source = this.#source()
    if (source === undefined) {
      if (this.#takeRemote(deadline, quantum)) worked = true
      return this.#followReadFirst() || worked
    }
    return this.#pollSource(source, deadline, quantum) || worked
  }

  #workHolding(deadline: number): boolean {
    const worked = this.#holding.work(deadline)
    // IDLE goes after a watermark that has been let go and is still being fired.
    if (this.cascade.isActive) return worked
    for (const index of this.#holding.releasedIdle()) this.#setStatus(index, 'idle')
    return worked
  }

  #pollSource(source: SourceDriver, deadline: number, quantum: number): boolean {
    const { workPerLook } = this.options
    const node = this.nodes[0]!
    if (this.#isDraining && this.mayTakeInput()) return this.#endSource()
    let left = quantum
    if (this.#isHeld) return false
    while (left > 0 && !this.#sourceWaits && !source.isPaused && this.mayTakeInput()) {
      source.hold(false)
      const caller = node.enter()
      const result = source.poll(Math.min(left, workPerLook))
      node.leave(caller)
      left -= workPerLook
      this.#polled += workPerLook
      if (result === 'end') return this.#endSource()
      if (result === 'wait') this.#sourceWaits = true
      if (this.#polled >= RECORDS_PER_TICK) {
        this.tick()
        break
      }
      if (this.options.clock.elapsed() >= deadline) break
    }
    return left < quantum
  }

  /** The source's input has ended: ACTIVE goes before the final watermark, or an idle source's would be dropped. */
  #endSource(): boolean {
    this.#phase = 'ending'
    this.#setStatus(0, 'active')
    this.cascade.offer(0, MAX_TIMESTAMP)
    return true
  }

  /** Ends the input of its source, as if it were bounded and at its end (R14). */
  drain(): void {
    this.#isDraining = true
    this.options.listener.wake()
  }

  /** Takes from the remote inputs in turn until all of them in a row have nothing to give. */
  #takeRemote(deadline: number, quantum: number): boolean {
    const { clock, workPerLook } = this.options
    const remotes = this.#gate!.remotes
    let left = quantum
    for (let vain = 0; vain < remotes.length && left > 0; vain++) {
      const remote = remotes[this.#nextRemote]!
      this.#nextRemote = (this.#nextRemote + 1) % remotes.length
      const taken = this.#consume(remote, Math.min(left, workPerLook))
      if (taken === 0) continue
      vain = -1
      left -= taken
      if (clock.elapsed() >= deadline) break
    }
    return left < quantum
  }

  /** Takes entries of one remote input until something holds it back; returns how many. */
  #consume(remote: RemoteInput, limit: number): number {
    let taken = 0
    const { decoder, index } = remote
    while (taken < limit && !this.#gate!.aligner.isBlocked(index)) {
      const entry = remote.peek()
      if (entry === 'none') break
      if (entry === 'barrier' ? !this.#mayTakeBarrier() : !this.mayTakeInput()) break
      taken++
      if (entry === 'records') {
        const position = remote.position++
        this.receive(index, decoder.values[position], decoder.timestamps[position]!)
        continue
      }
      remote.consumeControl()
      if (entry === 'watermark') this.receiveWatermark(index, decoder.watermark)
      else if (entry === 'status') this.receiveStatus(index, decoder.status)
      else if (entry === 'barrier') this.receiveBarrier(index, decoder.barrier)
      else if (entry === 'end-of-read-first') this.receiveEndOfReadFirst(index)
      else this.receiveEndOfInput(index)
    }
    return taken
  }

  // --- Time ---

  /**
   * Takes over what the valve has come to; returns whether it did. While a watermark is being fired (R13) or an output
   * takes nothing (R6) it waits in the valve, and the next turn asks again.
   */
  #followValve(): boolean {
    if (this.#gate === undefined || this.cascade.isActive) return false
    if (this.#phase === 'finished' || this.#phase === 'stopped') return false
    const { watermark, status } = this.#gate.valve
    const isHigher = watermark > this.#heads[0]!.watermark
    const isOtherStatus = status !== this.#status && status !== 'finished'
    if ((!isHigher && !isOtherStatus) || !this.#outputsReady()) return false
    // ACTIVE goes before the watermark that ends idleness, IDLE after the one that came with it.
    if (status === 'active') this.#setStatusOfHeads(status)
    if (isHigher) {
      for (const head of this.#headIndexes) this.cascade.offer(head, watermark)
      this.#runCascade()
      if (this.cascade.isActive) return true
    }
    if (status === 'idle') this.#setStatusOfHeads(status)
    return true
  }

  #setStatusOfHeads(status: WatermarkStatus): void {
    if (this.#status === status) return
    this.#status = status
    for (const head of this.#headIndexes) this.#followStatus(head, status)
  }

  /** Takes over the status of its input, unless the operator generates watermarks and has its own (semantics 2.6). */
  #followStatus(nodeIndex: number, status: WatermarkStatus): void {
    const body = this.nodes[nodeIndex]!.body
    if (body.kind === 'operator' && body.operator.onTick !== undefined) return
    if (status === 'idle' && this.#holding.holdsIdle(nodeIndex)) return
    this.#holding.forgetIdle(nodeIndex)
    this.#setStatus(nodeIndex, status)
  }

  /** Sets the status of a node and passes it through the chain. */
  #setStatus(nodeIndex: number, status: WatermarkStatus): void {
    const node = this.nodes[nodeIndex]!
    if (node.status === status) return
    node.status = status
    broadcastStatus(node.edges, status)
    for (const child of node.children) this.#followStatus(child, status)
  }

  /**
   * A look at the watermark generators is due: sources and timestamp assigners. It is an input: taken in the next turn in
   * which one may be taken (R6), so that time goes on under back-pressure too.
   */
  tick(): void {
    this.#isTickDue = true
  }

  /** Its event time, and what it waits for, for the explainer. */
  get time(): SubtaskTime {
    return {
      nodes: this.nodes,
      gate: this.#gate,
      isFinished: this.isFinished,
      isHeld: this.#isHeld,
      outputsReady: this.#outputsReady(),
    }
  }

  /** Its source, if that keeps together with others in event time; known from `start` on. */
  get alignedSource(): AlignedSource | undefined {
    const source = this.#source()
    const alignment = source?.alignment
    if (source === undefined || alignment === undefined) return undefined
    const status = (): WatermarkStatus =>
      this.#phase === 'ending' || this.isFinished ? 'finished' : source.status
    return {
      vertex: this.options.vertex.index,
      alignment,
      get watermark() {
        return source.watermark
      },
      get status() {
        return status()
      },
      align: (minimum) => {
        source.align(minimum)
        this.tick()
        this.resume()
      },
    }
  }

  /** The source has spoken again: ACTIVE goes before its record, or time would run past it. */
  sourceIsActive(): void {
    this.#setStatus(0, 'active')
  }

  /** A record that has just left the source carried a watermark. */
  sourceWatermark(watermark: number): void {
    this.cascade.passBehindRecord(this.nodes[0]!, watermark)
  }

  /** For the operator of a node, which may generate watermarks. */
  watermarkOutput(node: NodeRuntime): WatermarkOutput {
    const index = this.nodes.indexOf(node)
    return {
      emitWatermark: (timestamp) => this.cascade.forwardBehindRecord(node, timestamp),
      markActive: () => this.#setStatus(index, 'active'),
    }
  }

  #tickNodes(): void {
    this.#isTickDue = false
    this.#polled = 0
    const source = this.#source()
    if (source !== undefined && !this.#isHeld) this.#tickSource(source)
    for (const generating of this.#generating) {
      if (!this.mayTakeInput()) return
      this.#tickOperator(generating)
    }
  }

  #tickSource(source: SourceDriver): void {
    source.hold(false)
    this.nodes[0]!.call('watermark generator', MIN_TIMESTAMP, () => source.tick())
    const { watermark, status } = source
    if (status === 'active') this.#setStatus(0, status)
    this.cascade.offer(0, watermark)
    this.#runCascade()
    if (status === 'idle' && !this.cascade.isActive) this.#setStatus(0, status)
  }

  #tickOperator({ index, operator, open }: GeneratingNode): void {
    const node = this.nodes[index]!
    open.hold(this.#isHeld || this.#isAligning)
    const openMs = open.look()
    let watermark = MIN_TIMESTAMP
    node.call('watermark generator', MIN_TIMESTAMP, () => {
      watermark = operator.onTick!(openMs)
    })
    const status = operator.watermarkStatus?.() ?? 'active'
    if (status === 'active') this.#setStatus(index, status)
    this.cascade.forwardFrom(node, watermark)
    this.#runCascade()
    if (status === 'idle' && !this.cascade.isActive) this.#setStatus(index, status)
  }

  #runCascade(): void {
    if (!this.cascade.run(this.options.deadline())) this.options.listener.wake()
  }

  /** The earliest processing-time timer that may fire, in ms since the epoch; Infinity if there is none, or it has to wait. */
  get nextProcessingTime(): number {
    const { next } = this.#timers
    return next < Infinity && this.mayTakeInput() ? next : Infinity
  }

  /** Fires due processing-time timers as far as deadline and outputs allow (semantics 2.5: T fires after T). */
  fireProcessingTime(now: number, deadline: number): boolean {
    if (this.#timers.next >= now) return false
    const { clock, workPerLook } = this.options
    let asked = 0
    const mayGoOn = (): boolean => {
      if (!this.mayTakeInput()) return false
      const isLook = asked > 0 && asked % workPerLook === 0
      asked++
      return !isLook || clock.elapsed() < deadline
    }
    try {
      return this.#timers.fire(now, mayGoOn)
    } catch (error) {
      throw this.#contextualize(error)
    }
  }

  // --- Checkpoints ---

  /** A source is asked to inject a barrier: between records, as soon as nothing forbids it (R13). */
  trigger(barrier: CheckpointBarrier): void {
    if (this.#source() === undefined || this.#phase === 'finished') return
    if (this.#checkpoints.isOver(barrier.checkpointId)) return
    // An earlier trigger that came to nothing: what was assigned behind it is before this one.
    this.#assignHeld()
    this.#trigger = barrier
    this.options.listener.wake()
  }

  /**
   * Takes what the enumerator assigns, in order with its triggers: behind a trigger it waits for the barrier, since the
   * enumerator's part of that checkpoint still has it (R31).
   */
  assign(assignment: (source: SourceDriver) => void): void {
    this.#assignments.push(assignment)
    if (this.#trigger === undefined) this.#assignHeld()
    this.resume()
  }

  #assignHeld(): void {
    const source = this.#source()
    if (source !== undefined) for (const assign of this.#assignments.splice(0)) assign(source)
  }

  #injectBarrier(barrier: CheckpointBarrier): void {
    this.#trigger = undefined
    this.#takeSnapshot(barrier, true)
    this.#assignHeld()
    this.#sourceWaits = false
  }

  /** The coordinator asks a finished subtask for its part (R9). */
  snapshotFinished(checkpointId: number, baseId: number): void {
    if (this.#checkpoints.isOver(checkpointId) || this.#checkpoints.hasTaken(checkpointId)) return
    this.#takeSnapshot({ checkpointId, baseId, kind: 'checkpoint' }, false)
  }

  #takeSnapshot(barrier: CheckpointBarrier, forward: boolean): void {
    invariant(!this.cascade.isActive, 'a snapshot falls into a watermark being fired (R13)')
    this.#checkpoints.beforeBarrier(barrier)
    if (forward) for (const node of this.nodes) broadcastBarrier(node.edges, barrier)
    this.#checkpoints.take(barrier, this.isFinished)
    if (barrier.kind === 'stop') this.#phase = 'stopped'
    this.options.listener.wake()
  }

  checkpointCompleted(checkpointId: number): void {
    this.#checkpoints.completed(checkpointId)
  }

  checkpointAborted(checkpointId: number): void {
    this.#checkpoints.aborted(checkpointId)
    if (this.#trigger?.checkpointId === checkpointId) {
      this.#trigger = undefined
      this.#assignHeld()
    }
    this.#gate?.aligner.abort(checkpointId)
    this.resume()
  }

  // --- The end ---

  #end(): boolean {
    if (!this.#outputsReady()) return false
    const { watermark, name } = this.#heads[0]!
    invariant(watermark === MAX_TIMESTAMP, `"${name}" ends at watermark ${watermark}`)
    for (; this.#endingNode < this.nodes.length; this.#endingNode++) {
      const node = this.nodes[this.#endingNode]!
      if (node.body.kind !== 'operator') continue
      const { operator } = node.body
      if (!this.#hasEndedNode && operator.endInput !== undefined) {
        node.call('end of input', MAX_TIMESTAMP, () => operator.endInput!())
      }
      // What it holds back, the final watermark included, goes before the ends of those behind it.
      this.#hasEndedNode = operator.holdsBack === true || this.cascade.isActive
      if (this.#hasEndedNode) return false
    }
    this.#phase = 'finished'
    this.#announceEnd()
    return true
  }

  /** Tells those behind it, and the coordinator, that nothing more will come. */
  #announceEnd(): void {
    for (const channel of this.#channels) channel.endOfInput()
    this.options.listener.finished()
  }

  // --- What is read first ---

  /** Goes on with the end of what is read first, once nothing of it is left here: in order with the records (R10). */
  #followReadFirst(): boolean {
    if (this.#hasReadFirst || !this.#gate!.hasReadFirst || this.#holding.holdBack) return false
    if (!this.mayTakeInput()) return false
    this.#passEndOfReadFirst()
    return true
  }

  #passEndOfReadFirst(): void {
    this.#hasReadFirst = true
    for (const node of this.nodes) broadcastEndOfReadFirst(node.edges)
    this.options.listener.hasReadFirst()
  }

  /** What is read first has been processed everywhere: other sources may be read. */
  release(): void {
    this.#isHeld = false
    this.resume()
  }

  // --- What its operators call ---

  /** An operator takes input again or no longer, or has work to do. */
  wakeOperator(): void {
    this.#room.used()
    this.options.listener.wake()
  }

  /** An operator lets go of a watermark that it has held back. */
  forwardWatermark(nodeIndex: number, timestamp: number): void {
    const { isActive } = this.cascade
    this.cascade.forwardFrom(this.nodes[nodeIndex]!, timestamp)
    if (!isActive) this.#runCascade()
  }

  // --- Sundry ---

  /** The source has something to do again, or an output or sink has room. */
  resume(): void {
    this.#sourceWaits = false
    this.options.listener.wake()
  }

  flush(before: number): void {
    for (const channel of this.#channels) channel.flush(before)
  }

  /** Housekeeping of the state backend; returns whether there is more to do at once. */
  work(deadline: number): boolean {
    return this.#backend?.work(deadline) ?? false
  }

  #source(): SourceDriver | undefined {
    const { body } = this.nodes[0]!
    return body.kind === 'source' ? body.source : undefined
  }

  /** Adds what only the subtask knows: its index, and where its source stands (R39). */
  #contextualize(error: unknown): Error {
    const { subtaskIndex } = this.options
    const source = this.#source()
    const position = source?.reader.describePosition?.()
    const suffix = [`subtask ${subtaskIndex}`]
    if (position !== undefined) suffix.push(`source position ${position}`)
    return extendFailure(error, suffix.join(', '), {
      subtaskIndex,
      ...(source === undefined ? {} : { operator: this.nodes[0]!.name }),
      ...(position === undefined ? {} : { position }),
    })
  }
}
