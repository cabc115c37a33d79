import type { StateSpread } from '../operator.ts'
import type { OperatorStateKind } from '../state/operator-state.ts'
import type { StateKind } from '../state/state.ts'
import type { Ttl } from '../state/state-ttl.ts'
import type { WatermarkAlignment } from '../watermark-strategy.ts'
import type { RenamedUids } from './renamed-uids.ts'
import type { RestartConfig } from './restart-config.ts'
import type { Partitioner } from './stream-graph.ts'

/** A job's parameter, as `--help` lists it. */
export interface PlanParameter {
  readonly name: string
  readonly type: 'string' | 'number' | 'boolean' | 'duration' | 'secret'
  /** As the user would write it; undefined for secrets and for required ones. */
  readonly defaultText: string | undefined
  readonly description: string
}

export interface PlanOperator {
  readonly name: string
  readonly uid: string | undefined
  /** `source`, `operator` or `sink`. */
  readonly type: 'source' | 'operator' | 'sink'
  readonly operatorKind: string
  readonly parallelism: number
  readonly states: readonly {
    readonly name: string
    readonly kind: StateKind | OperatorStateKind | 'broadcast'
    readonly version: number
    /** The lowest version that values can be upcast from; undefined where there are no upcasts. */
    readonly upcastsFrom?: number
    /** Undefined: values stay until they are cleared. */
    readonly ttl?: Ttl
  }[]
  readonly hasTimers: boolean
  /** What becomes of the state of its subtasks at another parallelism. Default `fixed`. */
  readonly stateSpread?: StateSpread
  readonly identity?: Readonly<Record<string, string>>
  /** Sources: whether it ends by itself. */
  readonly boundedness?: 'bounded' | 'unbounded'
  /** Sources: whether it is read to its end before those without it are read. Default false. */
  readonly readFirst?: boolean
  /** Sources: the group that keeps together in event time. */
  readonly alignment?: WatermarkAlignment
  /** Sinks. */
  readonly guarantee?: 'exactly-once' | 'at-least-once'
  readonly canTakeBack?: boolean
}

export interface PlanVertex {
  readonly index: number
  readonly name: string
  readonly parallelism: number
  /** In chain order. `parent` is an index into it, -1 for a head. */
  readonly chain: readonly (PlanOperator & {
    readonly parent: number
    readonly parentTag: string | undefined
  })[]
}

export interface PlanEdge {
  readonly id: number
  readonly fromVertex: number
  readonly fromOperator: string
  readonly fromTag: string | undefined
  readonly toVertex: number
  /** Which input of the vertex's head it feeds; 2 only where the head has two. */
  readonly toInput: 1 | 2
  readonly partitioner: Partitioner
}

/** A job as data: all that the main thread, which never imports the job, knows of it (N8). */
export interface JobPlan {
  readonly job: string
  readonly parallelism: number
  readonly maxParallelism: number
  readonly vertices: readonly PlanVertex[]
  readonly edges: readonly PlanEdge[]
  readonly parameters: readonly PlanParameter[]
  /** Parsed values without secrets, for the manifest (R5). */
  readonly params: Readonly<Record<string, string | number | boolean>>
  /** As the job sets it; undefined is the default, exponential delay. */
  readonly restart: RestartConfig | undefined
  /** Operators that had another uid in older snapshots; undefined if none. */
  readonly renamedUids?: RenamedUids | undefined
  /** SHA-256 (hex) over uids, kinds, edges, partitioners, parallelism, states and parameters; equal in all threads. */
  readonly structuralHash: string
}
