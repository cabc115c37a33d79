import type { OutputChannel } from '../channel/output-channel.ts'
import type { SinkWriter } from '../sink.ts'
import type { KeyedStateBackend } from '../state/state-backend.ts'
import type { NodeRuntime } from './chain-node.ts'
import type { HoldingOperators } from './holding-operators.ts'
import type { SlotRoom } from './slot-room.ts'

export interface ChainOutputsOptions {
  readonly nodes: readonly NodeRuntime[]
  readonly backend: KeyedStateBackend | undefined
  readonly holding: HoldingOperators
  readonly room: SlotRoom
}

/**
 * All that a record may end in when a chain takes it: channels, sinks, state, and operators that hold it back. Tells whether
 * they take more.
 *
 * Asked before each record, so the answer is remembered as long as nothing uses room (see `SlotRoom`). Only state is always
 * asked: its pending writes (R22) end and begin at any time.
 */
export class ChainOutputs {
  readonly #nodes: readonly NodeRuntime[]
  readonly #channels: readonly OutputChannel[]
  /** Writers that may hold back input; known from `start` on. */
  readonly #writers: SinkWriter<unknown, unknown>[] = []
  readonly #backend: KeyedStateBackend | undefined
  readonly #holding: HoldingOperators
  readonly #room: SlotRoom
  /** When all were last found ready. */
  #readyEpoch = -1

  constructor(options: ChainOutputsOptions) {
    const { nodes, backend, holding, room } = options
    this.#nodes = nodes
    this.#channels = nodes.flatMap((node) => node.edges.flatMap((edge) => edge.channels))
    this.#backend = backend
    this.#holding = holding
    this.#room = room
  }

  /** The sinks are there. Called once. */
  start(): void {
    for (const { body } of this.#nodes) {
      if (body.kind === 'sink') this.#writers.push(body.sink.writer)
    }
  }

  /** Whether all of them take what comes of one more input. */
  areReady(): boolean {
    if (this.#backend !== undefined && this.#backend.isSuspended) return false
    const { epoch } = this.#room
    if (this.#readyEpoch === epoch) return true
    if (!this.#holding.areReady || !this.areTargetsReady()) return false
    this.#readyEpoch = epoch === 0 ? -1 : epoch
    return true
  }

  /**
   * The same for what one node of the chain emits: an operator before it that is full does not matter, or the two would wait
   * for each other.
   */
  areReadyBehind(nodeIndex: number): boolean {
    const holding = this.#holding
    return holding.areThere && holding.areReadyBehind(nodeIndex) && this.areTargetsReady()
  }

  /** Whether what is behind the chain, and its state, take more. */
  areTargetsReady(): boolean {
    if (this.#backend !== undefined && this.#backend.isSuspended) return false
    const writers = this.#writers
    for (let i = 0; i < writers.length; i++) if (!writers[i]!.isReady) return false
    const channels = this.#channels
    for (let i = 0; i < channels.length; i++) if (!channels[i]!.isReady()) return false
    return true
  }

  /** Whether a barrier may go out: it needs no credit, but no operator may be in the middle of an input. */
  areReadyForBarrier(): boolean {
    if (this.#holding.isBusy) return false
    for (const channel of this.#channels) if (!channel.isReadyForBarrier()) return false
    return true
  }

  /** Sends what has been waiting since `before` or longer; what is new waits since `since` (`clock.elapsed()` ms). */
  flush(before: number, since: number): void {
    for (const channel of this.#channels) channel.flush(before, since)
  }

  /** Nothing more will come. */
  end(): void {
    for (const channel of this.#channels) channel.endOfInput()
  }
}
