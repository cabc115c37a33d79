import type { LineagePoint } from '../sink.ts'
import type { OperatorStateKind } from '../state/operator-state.ts'
import type { StateKind } from '../state/state.ts'
import type { KeyGroupRange } from '../state/state-backend.ts'

/** Version of the manifest's layout. Earlier ones are read too; a newer one is refused with `MR_CHECKPOINT_VERSION`. */
export const MANIFEST_VERSION = 2

/** A segment and the key groups that are read from it (R28). */
export interface SegmentReference {
  /** Name in the storage. */
  readonly file: string
  readonly bytes: number
  readonly entries: number
  /** The key groups for which it counts (R28); it may hold others. */
  readonly range: KeyGroupRange
  /** About how many of its bytes are of these; not there where all are. */
  readonly rangeBytes?: number
  /** The lowest schema version of the values of each state that it has any of, by state id. Always written. */
  readonly versions?: Readonly<Record<string, number>>
}

/** A state (or the timers of a time domain) that the checkpoint holds. */
export interface ManifestState {
  readonly stateId: number
  readonly uid: string
  /** State name; `!event-timers` and `!processing-timers` for timers. */
  readonly name: string
  readonly kind: StateKind | OperatorStateKind | 'timers' | 'broadcast'
  readonly version: number
  /**
   * The job does not have it any more (`--allow-non-restored-state`). Its number stays taken, as segments may still hold
   * entries with it.
   */
  readonly isDropped?: true
}

/** Non-keyed state by uid, each encoded with the value codec, in memory of its own. */
export type OwnStates = Readonly<Record<string, Uint8Array>>

/** What one subtask contributed. */
export interface ManifestSubtask {
  /** Key of the vertex: the uid of its first operator. */
  readonly vertex: string
  readonly subtaskIndex: number
  /** Oldest first; a later segment overrides an earlier one. */
  readonly segments: readonly SegmentReference[]
  readonly operatorState: OwnStates
  /** Watermark of each operator by uid (R12); null stands for -Infinity, 'max' for Infinity. */
  readonly watermarks: Readonly<Record<string, number | null | 'max'>>
  readonly isFinished: boolean
  /** Its input is being, or has been, ended by a drain: in a savepoint it is not (R12). */
  readonly isDrained?: true
  /** There too: where operators stood that are at 'max', before the final watermark came; null stands for -Infinity. */
  readonly beforeFinal?: Readonly<Record<string, number | null>>
}

/** What an operator is, for the comparison at restore (R5) and for messages. */
export interface ManifestOperator {
  readonly uid: string
  readonly name: string
  readonly kind: string
  readonly parallelism: number
  readonly identity?: Readonly<Record<string, string>>
}

/** The complete description of one checkpoint. */
export interface CheckpointManifest {
  readonly version: number
  readonly millrace: string
  readonly job: string
  readonly lineage: string
  readonly checkpointId: number
  /** A savepoint has the id of the checkpoint that it was copied from; file names are relative to its own folder. */
  readonly kind: 'checkpoint' | 'stop' | 'final' | 'savepoint'
  /** Where this lineage began, nearest first (R2). */
  readonly ancestry: readonly LineagePoint[]
  readonly createdAt: number
  /** Parameters without secrets (R5, N4). */
  readonly params: Readonly<Record<string, string | number | boolean>>
  readonly workingDirectory: string
  /** SHA-256 by file, relative to the job file's folder: the job and its relative imports (N18). */
  readonly sources: Readonly<Record<string, string>>
  readonly parallelism: number
  readonly maxParallelism: number
  readonly operators: readonly ManifestOperator[]
  readonly states: readonly ManifestState[]
  readonly subtasks: readonly ManifestSubtask[]
  /** State of enumerators, by the uids of their sources. */
  readonly enumerators: OwnStates
}
