import type { Clock } from '../clock.ts'
import type { Vertex } from '../graph/job-graph-types.ts'
import type { KeyedStateBackend } from '../state/state-backend.ts'
import { ChainHeads } from './chain-heads.ts'
import type { NodeRuntime } from './chain-node.ts'
import { ChainOutputs } from './chain-outputs.ts'
import { ChainTime } from './chain-time.ts'
import { HoldingOperators } from './holding-operators.ts'
import type { InputGate } from './input-gate.ts'
import { ProcessingTimers } from './processing-timers.ts'
import type { RecordOrigin } from './record-origin.ts'
import type { SlotRoom } from './slot-room.ts'
import { WatermarkCascade } from './watermark-cascade.ts'
import { WatermarkTicks } from './watermark-ticks.ts'

/** What a chain is made of. */
export interface ChainOptions {
  readonly vertex: Vertex
  readonly nodes: readonly NodeRuntime[]
  readonly backend: KeyedStateBackend | undefined
  readonly clock: Clock
  /** Undefined for a source. */
  readonly gate: InputGate | undefined
  /** The deadline of the slot's current turn, in `clock.elapsed()` ms. */
  readonly deadline: () => number
  /** Records or timers between two looks at the deadline; `MAX_WORK_PER_LOOK`, less in simulations. */
  readonly workPerLook: number
  /** The same for all subtasks of the slot. */
  readonly room: SlotRoom
  /** The same for all subtasks of the slot. */
  readonly origin: RecordOrigin
  /** By input: whether it feeds the second input of the head. Default: none does. */
  readonly isSecondInput?: readonly boolean[]
}

/** What a chain asks of its subtask. */
export interface ChainHost {
  /** Whether a record, watermark or timer may be taken now. */
  readonly mayTakeInput: () => boolean
  /** Whether a source that the chain reads from, or begins with, must not be read yet. */
  readonly isHeld: () => boolean
  readonly wake: () => void
}

/** The chain of a subtask, put together: where records enter it, what they end in, and how time goes through it. */
export class Chain {
  readonly nodes: readonly NodeRuntime[]
  readonly heads: ChainHeads
  readonly holding: HoldingOperators
  readonly outputs: ChainOutputs
  readonly cascade: WatermarkCascade
  readonly time: ChainTime
  readonly ticks: WatermarkTicks
  readonly timers: ProcessingTimers

  constructor(options: ChainOptions, host: ChainHost) {
    const { vertex, nodes, backend, clock, gate, deadline, workPerLook } = options
    const { room, origin } = options
    const callbacks = {
      nodes,
      endCallback: () => backend?.clearCurrent(),
      nameKey: (error: unknown) => heads.nameKey(error),
    }
    const { isSecondInput } = options
    const heads = new ChainHeads({ vertex, nodes, backend, room, isSecondInput })
    const holding = new HoldingOperators({
      ...callbacks,
      outputsReady: () => outputs.areTargetsReady(),
    })
    const outputs = new ChainOutputs({ nodes, backend, holding, room })
    const cascade = new WatermarkCascade({
      ...callbacks,
      clock,
      timersPerLook: workPerLook,
      outputsReady: (nodeIndex) => outputs.areReady() || outputs.areReadyBehind(nodeIndex),
      room,
      origin,
    })
    const time = new ChainTime({
      nodes,
      heads: heads.indexes,
      holding,
      cascade,
      outputsReady: () => outputs.areReady(),
      deadline,
      wake: host.wake,
    })
    const { mayTakeInput, isHeld } = host
    this.nodes = nodes
    this.heads = heads
    this.holding = holding
    this.outputs = outputs
    this.cascade = cascade
    this.time = time
    this.ticks = new WatermarkTicks({ nodes, clock, cascade, time, gate, isHeld, mayTakeInput })
    this.timers = new ProcessingTimers({ ...callbacks, clock, workPerLook, mayTakeInput })
  }

  /** Everything is open: finds out what the bodies of its nodes can do. Called once. */
  start(): void {
    this.outputs.start()
    this.ticks.start()
    this.holding.start()
  }
}
