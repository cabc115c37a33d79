import { MIN_TIMESTAMP } from '../../../runtime/element.ts'
import type { SnapshotPart } from '../../../runtime/messages.ts'
import type { KeyedStateBackend } from '../../../runtime/state/state-backend.ts'
import type { NodeRuntime } from '../../../runtime/task/chain-node.ts'
import { InputGate } from '../../../runtime/task/input-gate.ts'
import { SourceDriver, type SourceDriverOptions } from '../../../runtime/task/source-driver.ts'
import { Subtask } from '../../../runtime/task/subtask.ts'
import { ORIGIN, ROOM } from './fakes.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'
import { SimulatedDisk, SimulatedStorage } from '../../../testing/simulated-storage.ts'

/** What a subtask under test tells its slot. */
export class ListenerLog {
  readonly lines: string[] = []
  readonly parts: Map<number, SnapshotPart> = new Map()

  wake(): void {}

  acknowledged(checkpointId: number, part: SnapshotPart): void {
    this.lines.push(`acknowledged ${checkpointId}`)
    this.parts.set(checkpointId, part)
  }

  declined(checkpointId: number): void {
    this.lines.push(`declined ${checkpointId}`)
  }

  committed(checkpointId: number): void {
    this.lines.push(`committed ${checkpointId}`)
  }

  inputEnded(): void {
    this.lines.push('input ended')
  }

  finished(): void {
    this.lines.push('finished')
  }

  hasReadFirst(): void {
    this.lines.push('has read first')
  }

  failed(error: unknown): void {
    throw error
  }
}

export interface SubtaskKit {
  readonly subtask: Subtask
  readonly listener: ListenerLog
  readonly clock: ManualClock
}

/** A subtask of a chain, alone, with as many inputs as given; without any it is a source. */
export function subtaskOf(
  nodes: readonly NodeRuntime[],
  options: {
    readonly inputs?: number
    readonly backend?: KeyedStateBackend
    readonly wasFinished?: boolean
    readonly timersPerLook?: number
    readonly isHeld?: boolean
  } = {},
): SubtaskKit {
  const clock = new ManualClock()
  const listener = new ListenerLog()
  const { inputs = 1, backend, wasFinished = false, timersPerLook = 4 } = options
  const { isHeld = false } = options
  const subtask = new Subtask({
    vertex: {
      index: 0,
      name: nodes[0]!.name,
      parallelism: 1,
      chain: nodes.map((node) => node.node),
      inputEdges: [],
      outputEdges: [],
      exchange: undefined,
      secondExchange: undefined,
    },
    subtaskIndex: 0,
    attempt: 1,
    clock,
    storage: new SimulatedStorage({ disk: new SimulatedDisk(), later: queueMicrotask }),
    failpoint: () => {},
    nodes,
    gate: inputs === 0 ? undefined : new InputGate(inputs, nodes[0]?.watermark ?? MIN_TIMESTAMP),
    backend,
    deadline: () => clock.elapsed(),
    workPerLook: timersPerLook,
    listener,
    room: ROOM,
    origin: ORIGIN,
    wasFinished,
    isHeld,
  })
  return { subtask, listener, clock }
}

/** Runs the source of a subtask under test: from nothing, and as its slot would. */
export function sourceDriverOf(
  kit: SubtaskKit,
  node: NodeRuntime,
  changes: Pick<SourceDriverOptions, 'strategy' | 'isBounded'>,
): SourceDriver {
  const { subtask, clock } = kit
  return new SourceDriver({
    ...changes,
    clock,
    output: node.outputs.get(undefined)!,
    mayEmit: () => subtask.mayTakeInput(),
    restored: undefined,
    restoredWatermark: MIN_TIMESTAMP,
    onActive: () => subtask.chain.time.sourceIsActive(),
    onWatermark: (watermark) => subtask.chain.time.sourceWatermark(watermark),
    warn: () => {},
    describe: (error) => error as Error,
  })
}
