import type { Key } from '../key.ts'
import type { OperatorFactory, StateSpread } from '../operator.ts'
import type { Sink } from '../sink.ts'
import type { Source } from '../source.ts'
import type { OperatorStateDescriptor } from '../state/operator-state.ts'
import type { StateDescriptor } from '../state/state.ts'
import type { WatermarkStrategy } from '../watermark-strategy.ts'

/**
 * How the records of a reading are spread over the subtasks that take them, where the user says so.
 *
 * | kind | a record goes to |
 * | --- | --- |
 * | `forward` | the subtask of the same index; both sides have the same parallelism |
 * | `rebalance` | all subtasks in turn |
 * | `rescale` | in turn to a fixed few: each subtask has its own share of the others, so that few channels are needed |
 * | `shuffle` | any subtask, at random |
 * | `broadcast` | every subtask |
 * | `global` | the first subtask |
 * | `custom` | the subtask whose index a function returns |
 */
export type Partitioning =
  | { readonly kind: 'forward' | 'rebalance' | 'rescale' | 'shuffle' | 'broadcast' | 'global' }
  | CustomPartitioning

/** Records go where a function says. */
export interface CustomPartitioning {
  readonly kind: 'custom'
  /** Called for each record; a whole number from 0 to `partitions` − 1. */
  readonly partition: (value: never, partitions: number) => number
}

/** How the records of an edge find their subtask. `hash` goes by key; `forward` keeps the index and can be chained. */
export type Partitioner = Partitioning['kind'] | 'hash'

/** A reading of another node's output: its main output, or a side output by tag name. */
export interface StreamInput {
  readonly nodeId: number
  readonly tag: string | undefined
  /** Default: forward where both sides have the same parallelism (chained where possible), else in turn. */
  readonly partitioning?: Partitioning
}

/**
 * A `keyBy`: not a node of its own, but what its consumers share. All operators of one parallelism that read the same
 * exchange live in one vertex behind one shuffle, so each record is keyed, encoded and moved once.
 */
export interface KeyExchange {
  readonly id: number
  readonly selector: (value: never) => Key
  readonly inputs: readonly StreamInput[]
}

interface NodeBase {
  readonly id: number
  /** What it is, in the words of the API: `map`, `process`, `window-aggregate`, `file` … */
  readonly operatorKind: string
  /** Undefined only for stateless operators; sources, sinks and whatever has state must have one. */
  readonly uid: string | undefined
  /** For people: the uid, or kind and number. Unique in the graph; labels errors and progress. */
  readonly name: string
  /** As set by the user; undefined follows the job's. */
  readonly parallelism: number | undefined
  /** `head`: it is not chained to what it reads; `alone`: nor is anything to it. Default: chained where possible. */
  readonly chaining?: 'head' | 'alone'
}

/** What a node reads: either plain inputs (a union has several) or one key exchange. */
export interface NodeReading {
  readonly inputs: readonly StreamInput[]
  readonly exchange: KeyExchange | undefined
}

export interface SourceNode extends NodeBase {
  readonly type: 'source'
  readonly source: Source<unknown>
  readonly watermarks: WatermarkStrategy<unknown> | undefined
  /** Whether it is read to its end, and processed, before sources without it are read at all. Default false. */
  readonly readFirst?: boolean
}

export interface OperatorNode extends NodeBase, NodeReading {
  readonly type: 'operator'
  readonly factory: OperatorFactory
  /** The second input of an operator that has two: keyed like the first one, or broadcast, or plain like it. */
  readonly second?: NodeReading
  /** Declared keyed states, with their names. */
  readonly states: readonly StateDescriptor[]
  readonly hasTimers: boolean
  /** Declared broadcast states, with their names; part of its operator state. Default none. */
  readonly broadcastStates?: readonly StateDescriptor[]
  /** Declared lists of its subtasks, with their names; all of its operator state. Default none. */
  readonly operatorStates?: readonly OperatorStateDescriptor[]
  /** Whether it keeps state of its subtask in checkpoints (`snapshotState`), and so needs a uid. Default false. */
  readonly hasOperatorState?: boolean
  /** What becomes of that state at another parallelism. Default `fixed`. */
  readonly stateSpread?: StateSpread
}

export interface SinkNode extends NodeBase, NodeReading {
  readonly type: 'sink'
  readonly sink: Sink<unknown>
}

export type StreamNode = SourceNode | OperatorNode | SinkNode

/** The logical graph as the job's function built it; node ids are array indexes, inputs point backwards only. */
export interface StreamGraph {
  readonly nodes: readonly StreamNode[]
  readonly exchanges: readonly KeyExchange[]
}
