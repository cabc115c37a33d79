import type { Port } from '../channel/port.ts'
import type { CheckpointStorage, SnapshotFiles } from '../checkpoint/checkpoint-storage.ts'
import type { Clock, Random } from '../clock.ts'
import type { FailpointHook } from '../failpoint.ts'
import type { StreamGraph } from '../graph/stream-graph.ts'
import type { DeploySettings, LinkMessage, SlotCommand, SlotReport } from '../messages.ts'
import type { BackendContext, KeyedStateBackend } from '../state/state-backend.ts'

/** All that a slot needs from outside: a worker thread gives the real things, the test kit simulated ones (R40). */
export interface SlotEnvironment {
  readonly settings: DeploySettings
  readonly graph: StreamGraph
  readonly structuralHash: string
  readonly clock: Clock
  readonly random: Random
  readonly control: Port<SlotReport, SlotCommand>
  /** To the other slots, by slot; undefined at the own index. */
  readonly links: readonly (Port<LinkMessage, LinkMessage> | undefined)[]
  /** Checkpoints of the job's own lineage. */
  readonly storage: CheckpointStorage
  /** Where the segments of a foreign snapshot are read from (`--from`). */
  readonly openSnapshot: (directory: string) => SnapshotFiles
  readonly createBackend: (context: BackendContext) => KeyedStateBackend
  /** Cell that names the running node to other threads, and cell that counts turns (R37). */
  readonly heartbeat: Int32Array
  /** Longest synchronous stretch of a turn in ms (N11), and records a subtask takes before others get their turn. */
  readonly sliceMs: number
  readonly quantum: number
  /** State of a subtask up to this size is read before its first record, larger state while records are processed. */
  readonly eagerRestoreBytes: number
  /** Rounds over the subtasks in one turn; simulations take 1, so that every step is interleaved. */
  readonly roundsPerTurn: number
  readonly failpoint: FailpointHook
}
