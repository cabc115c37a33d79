import type { DirectTarget } from '../channel/output-channel.ts'
import { MAX_TIMESTAMP, type CheckpointBarrier, type WatermarkStatus } from '../element.ts'
import { invariant } from '../errors.ts'
import type { Key } from '../key.ts'
import { Chain, type ChainOptions } from './chain.ts'
import { ChainEnd } from './chain-end.ts'
import type { ChainHeads } from './chain-heads.ts'
import type { NodeRuntime } from './chain-node.ts'
import type { ChainOutputs } from './chain-outputs.ts'
import { broadcastBarrier, broadcastWatermark } from './edge-output.ts'
import { EndOfReadFirst } from './end-of-read-first.ts'
import { nameSubtask } from './failure-context.ts'
import type { InputGate } from './input-gate.ts'
import { RemoteInputs } from './remote-inputs.ts'
import type { AlignedSource } from './slot-alignment.ts'
import type { SlotRoom } from './slot-room.ts'
import { SourcePolling } from './source-polling.ts'
import { type Assignment, SourceTrigger } from './source-trigger.ts'
import {
  type CheckpointListener,
  SubtaskCheckpoints,
  type SubtaskCheckpointsOptions,
} from './subtask-checkpoints.ts'
import type { WatermarkCascade } from './watermark-cascade.ts'
import type { SubtaskTime } from './watermark-hold.ts'
import { WaitingInputs } from './waiting-inputs.ts'

/** Records or timers taken in one go before the deadline is looked at (N11): reading the clock costs 94 ns. */
export const MAX_WORK_PER_LOOK = 64

/** What a subtask tells its slot. */
export interface SubtaskListener extends CheckpointListener {
  wake(): void
  /** All its inputs have ended, but it has not finished yet: no barrier reaches it any more. Once. */
  inputEnded(): void
  finished(): void
  /** All that comes of sources with `readFirst` has been processed here, and what came of it has gone on. */
  hasReadFirst(): void
}

export interface SubtaskOptions extends SubtaskCheckpointsOptions, ChainOptions {
  readonly listener: SubtaskListener
  readonly wasFinished: boolean
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
 *      └────────────────────────────┴─ a stop barrier ─▶ stopped (takes no input any more, R14)
 * ```
 *
 * While it is ending it may wait for answers; no barrier comes over its inputs any more, so the coordinator asks for its part
 * of a checkpoint, and it sends the barrier on itself. Restored from that it finds its inputs at their end, and ends anew.
 *
 * It takes an input only when nothing holds it back: a watermark being fired (R13), a direct target that is blocked, an
 * output without credit, pending state writes (R22), a sink that is full (R6, R7).
 */
export class Subtask implements DirectTarget {
  readonly options: SubtaskOptions
  readonly nodes: readonly NodeRuntime[]
  /** Its source and its operators reach event time through it. */
  readonly chain: Chain
  readonly #heads: ChainHeads
  readonly #outputs: ChainOutputs
  readonly #cascade: WatermarkCascade
  readonly #gate: InputGate | undefined
  readonly #remotes: RemoteInputs | undefined
  readonly #waiting: WaitingInputs
  readonly #source: SourcePolling
  readonly #trigger: SourceTrigger
  readonly #readFirst: EndOfReadFirst
  readonly #end: ChainEnd
  readonly #checkpoints: SubtaskCheckpoints
  readonly #room: SlotRoom
  #phase: 'running' | 'stopped' | 'ending' | 'finished'
  #hasToldEnd = false

  constructor(options: SubtaskOptions) {
    const { nodes, gate, clock, workPerLook, listener } = options
    const mayTakeInput = (): boolean => this.mayTakeInput()
    const isHeld = (): boolean => this.#readFirst.isHeld
    const wake = (): void => listener.wake()
    this.options = options
    this.nodes = nodes
    this.#gate = gate
    this.#room = options.room
    this.#phase = options.wasFinished ? 'finished' : 'running'
    this.chain = new Chain(options, { mayTakeInput, isHeld, wake })
    const { heads, outputs, cascade, holding, ticks } = this.chain
    this.#heads = heads
    this.#outputs = outputs
    this.#cascade = cascade
    this.#waiting = new WaitingInputs(
      () => this.chain.time.hasFollowed(gate!.valve) && outputs.areReady(),
    )
    this.#remotes =
      gate === undefined ? undefined : new RemoteInputs({ gate, taker: this, clock, workPerLook })
    this.#readFirst = new EndOfReadFirst({
      nodes,
      holding,
      isHeld: options.isHeld === true,
      mayTakeInput,
      passed: () => listener.hasReadFirst(),
    })
    this.#source = new SourcePolling({
      node: nodes[0]!,
      ticks,
      clock,
      origin: options.origin,
      workPerLook,
      mayTakeInput,
      isHeld,
      ended: () => this.#endSource(),
      hasEnded: () => this.#phase === 'ending' || this.isFinished,
      wake,
    })
    this.#trigger = new SourceTrigger(nodes[0]!)
    this.#end = new ChainEnd(nodes, cascade)
    this.#checkpoints = new SubtaskCheckpoints(options)
  }

  get isFinished(): boolean {
    return this.#phase === 'finished'
  }

  /**
   * Everything is open: tells those behind it where time stood in the checkpoint, since they know only their own minimum,
   * or that it had finished before. Called once, downstream first.
   */
  start(): void {
    this.chain.start()
    if (this.isFinished) {
      for (const node of this.nodes) broadcastWatermark(node.edges, MAX_TIMESTAMP)
      this.#announceEnd()
      return
    }
    this.chain.time.announce()
    this.#readFirst.start()
  }

  // --- What inputs bring, and other subtasks of the slot call (direct channels) ---

  receive(input: number, value: unknown, timestamp: number): void {
    if (this.#waiting.isOpen) this.#waiting.add(() => this.receive(input, value, timestamp))
    else this.#heads.receive(input, value, timestamp)
  }

  receiveKeyed(input: number, value: unknown, timestamp: number, key: Key, keyGroup: number): void {
    if (this.#waiting.isOpen) {
      this.#waiting.add(() => this.receiveKeyed(input, value, timestamp, key, keyGroup))
    } else this.#heads.receiveKeyed(input, value, timestamp, key, keyGroup)
  }

  receiveWatermark(input: number, timestamp: number): void {
    if (this.#waiting.areThere) {
      this.#waiting.add(() => this.receiveWatermark(input, timestamp))
      return
    }
    this.#gate!.watermark(input, timestamp)
    this.#followTime()
    this.#room.used()
  }

  receiveStatus(input: number, status: WatermarkStatus): void {
    if (this.#waiting.areThere) {
      this.#waiting.add(() => this.receiveStatus(input, status))
      return
    }
    this.#gate!.status(input, status)
    this.#followTime()
    this.#room.used()
  }

  /** What follows in the same call waits, if time could not be followed at once. */
  #followTime(): void {
    this.#followValve()
    if (this.#phase !== 'running') return
    this.#waiting.isOpen = !this.chain.time.hasFollowed(this.#gate!.valve)
  }

  receiveBarrier(input: number, barrier: CheckpointBarrier): void {
    const aligned = this.#gate!.barrier(input, barrier)
    if (aligned !== undefined) this.#takeSnapshot(aligned, true)
    this.#room.used()
  }

  receiveEndOfReadFirst(input: number): void {
    if (this.#waiting.areThere) {
      this.#waiting.add(() => this.receiveEndOfReadFirst(input))
      return
    }
    this.#gate!.endOfReadFirst(input)
    this.options.listener.wake()
  }

  receiveEndOfInput(input: number): void {
    if (this.#waiting.areThere) {
      this.#waiting.add(() => this.receiveEndOfInput(input))
      return
    }
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
    return !this.#gate!.aligner.isBlocked(input) && this.mayTakeBarrier()
  }

  /** Whether a record, watermark or timer may be taken now. */
  mayTakeInput(): boolean {
    if (this.#phase !== 'running' || this.#cascade.isActive || this.#waiting.areThere) return false
    return this.#outputs.areReady()
  }

  /** Whether a barrier may be taken now. */
  mayTakeBarrier(): boolean {
    if (this.#waiting.areThere) return false
    return !this.#cascade.isActive && this.#outputs.areReadyForBarrier()
  }

  #followValve(): boolean {
    if (this.#gate === undefined) return false
    if (this.#phase === 'finished' || this.#phase === 'stopped') return false
    return this.chain.time.followValve(this.#gate.valve)
  }

  // --- The slot's turn ---

  /**
   * Does what it can until the deadline or for about `quantum` records; returns whether it did anything.
   */
  run(deadline: number, quantum: number): boolean {
    if (this.#phase === 'finished' || this.#phase === 'stopped') return false
    const { origin } = this.options
    this.#room.begin()
    try {
      const worked = this.#run(deadline, quantum)
      this.chain.ticks.holdIdleness()
      return worked
    } catch (error) {
      throw this.#nameFailure(error, origin.position)
    } finally {
      this.#room.end()
    }
  }

  #run(deadline: number, quantum: number): boolean {
    let worked = this.chain.holding.work(deadline)
    this.chain.time.passReleasedIdle()
    if (this.#cascade.isActive) {
      if (!this.#cascade.run(deadline)) return this.#cascade.hasMoved || worked
      worked = true
    }
    if (this.#followValve()) worked = true
    if (this.#waiting.take()) worked = true
    if (this.#cascade.isActive || this.#waiting.areThere) return worked
    if (this.#trigger.pending !== undefined && this.mayTakeBarrier()) {
      this.#trigger.inject((barrier) => this.#takeSnapshot(barrier, true))
      this.#source.resume()
      worked = true
    }
    if (this.#phase === 'ending') return this.#finish() || worked
    if (this.#phase !== 'running') return worked
    if (this.chain.ticks.isDue && this.mayTakeInput()) this.chain.ticks.work()
    const { source } = this.nodes[0]!
    if (source !== undefined) return this.#source.poll(source, deadline, quantum) || worked
    if (this.#remotes!.take(deadline, quantum)) worked = true
    return this.#readFirst.follow(this.#gate!) || worked
  }

  /** The earliest processing-time timer that may fire, in ms since the epoch; Infinity if there is none, or it has to wait. */
  get nextProcessingTime(): number {
    const { next } = this.chain.timers
    return next < Infinity && this.mayTakeInput() ? next : Infinity
  }

  /** Fires due processing-time timers as far as deadline and outputs allow (semantics 2.5: T fires after T). */
  fireProcessingTime(now: number, deadline: number): boolean {
    if (this.chain.timers.next >= now) return false
    try {
      return this.chain.timers.fire(now, deadline)
    } catch (error) {
      throw this.#nameFailure(error, undefined)
    }
  }

  #nameFailure(error: unknown, position: string | undefined): Error {
    const { subtaskIndex } = this.options
    return nameSubtask(error, { subtaskIndex, head: this.nodes[0]!, position })
  }

  /** Sends what has been waiting in its outputs since `before` or longer; what is new waits since `since` (`clock.elapsed()` ms). */
  flush(before: number, since: number): void {
    this.#outputs.flush(before, since)
  }

  /** How much of what was restored has been loaded, from 0 to 1; undefined when all has. */
  get loadedShare(): number | undefined {
    return this.options.backend?.loadedShare
  }

  /** Housekeeping of the state backend; returns whether there is more to do at once. */
  work(deadline: number): boolean {
    return this.options.backend?.work(deadline) ?? false
  }

  // --- What the slot, the source and operators tell it ---

  /**
   * A look at the watermark generators is due: sources and timestamp assigners. It is an input: taken in the next turn in
   * which one may be taken (R6), so that time goes on under back-pressure too.
   */
  tick(): void {
    this.chain.ticks.request()
  }

  /** The source has something to do again, or an output or sink has room. */
  resume(): void {
    this.#source.resume()
    this.options.listener.wake()
  }

  /** An operator takes input again or no longer, or has work to do. */
  wakeOperator(): void {
    this.#room.used()
    this.options.listener.wake()
  }

  /** Takes what the enumerator assigns, in order with its triggers (R31). */
  assign(assignment: Assignment): void {
    this.#trigger.assign(assignment)
    this.resume()
  }

  /** What is read first has been processed everywhere: other sources may be read. */
  release(): void {
    this.#readFirst.release()
    this.resume()
  }

  /** Ends the input of its source, as if it were bounded and at its end (R14). */
  drain(): void {
    this.#source.drain()
    this.options.listener.wake()
  }

  // --- What the slot asks ---

  /** Its event time, and what it waits for, for the explainer. */
  get time(): SubtaskTime {
    return {
      nodes: this.nodes,
      gate: this.#gate,
      isFinished: this.isFinished,
      isHeld: this.#readFirst.isHeld,
      outputsReady: this.#outputs.areReady(),
    }
  }

  /** Its source, if that keeps together with others in event time; known from `start` on. */
  get alignedSource(): AlignedSource | undefined {
    return this.#source.aligned(this.options.vertex.index)
  }

  // --- Checkpoints ---

  /** A source is asked to inject a barrier: between records, as soon as nothing forbids it (R13). */
  trigger(barrier: CheckpointBarrier): void {
    if (this.nodes[0]!.source === undefined || this.#phase === 'finished') return
    if (this.#checkpoints.isOver(barrier.checkpointId)) return
    this.#trigger.trigger(barrier)
    this.options.listener.wake()
  }

  /** The coordinator asks for its part, since its input has ended and no barrier reaches it (R9). */
  snapshotEnded(barrier: CheckpointBarrier): void {
    const { checkpointId, baseId } = barrier
    if (this.#checkpoints.isOver(checkpointId) || this.#checkpoints.hasTaken(checkpointId)) return
    if (this.#phase === 'finished') {
      this.#takeSnapshot({ checkpointId, baseId, kind: 'checkpoint' }, false)
      return
    }
    this.#trigger.trigger({ checkpointId, baseId, kind: barrier.kind })
    this.options.listener.wake()
  }

  #takeSnapshot(barrier: CheckpointBarrier, forward: boolean): void {
    invariant(!this.#cascade.isActive, 'a snapshot falls into a watermark being fired (R13)')
    this.#checkpoints.beforeBarrier(barrier)
    if (forward) for (const node of this.nodes) broadcastBarrier(node.edges, barrier)
    this.#checkpoints.take(barrier, this.isFinished)
    if (barrier.kind === 'stop') this.#phase = 'stopped'
    this.options.listener.wake()
  }

  /** The inputs whose barrier it waits for; undefined while it waits for none. */
  get awaitedBarriers(): { readonly checkpointId: number; readonly inputs: number[] } | undefined {
    const aligner = this.#gate?.aligner
    if (aligner?.pending === undefined) return undefined
    return { checkpointId: aligner.pending.checkpointId, inputs: aligner.missing }
  }

  checkpointCompleted(checkpointId: number): void {
    this.#checkpoints.completed(checkpointId)
  }

  checkpointAborted(checkpointId: number): void {
    this.#checkpoints.aborted(checkpointId)
    this.#trigger.abort(checkpointId)
    this.#gate?.aligner.abort(checkpointId)
    this.resume()
  }

  // --- The end ---

  /** The source's input has ended: ACTIVE goes before the final watermark, or an idle source's would be dropped. */
  #endSource(): void {
    this.#phase = 'ending'
    this.chain.time.setStatus(0, 'active')
    this.#cascade.offer(0, MAX_TIMESTAMP)
  }

  #finish(): boolean {
    if (!this.#outputs.areReady() || !this.#end.work()) {
      this.#tellEnd()
      return false
    }
    this.#phase = 'finished'
    this.#announceEnd()
    return true
  }

  /** It may take a while: the coordinator has to ask for its parts of checkpoints. A source is triggered as before. */
  #tellEnd(): void {
    if (this.#hasToldEnd || this.#gate === undefined) return
    this.#hasToldEnd = true
    this.options.listener.inputEnded()
  }

  /** Tells those behind it, and the coordinator, that nothing more will come. */
  #announceEnd(): void {
    this.#outputs.end()
    this.options.listener.finished()
  }
}
