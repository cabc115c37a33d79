import type { WatermarkStatus } from './element.ts'
import type { ErrorData } from './errors.ts'
import type { OperatorTime } from './event-time.ts'
import type { ManifestState, OwnStates, SegmentReference } from './checkpoint/manifest.ts'
import type { LineagePoint, OutputPolicy } from './sink.ts'

/** A subtask in messages and errors: vertex index and subtask index. */
export interface SubtaskId {
  readonly vertex: number
  readonly subtask: number
}

/** What a slot reads back for one subtask. */
export interface RestoredSubtask {
  readonly vertex: number
  readonly subtask: number
  /**
   * Chains of segments, each oldest first. Chains hold different keys; within a chain the newer one wins. Only entries
   * of the subtask's own states and key groups are taken.
   */
  readonly chains: readonly (readonly SegmentReference[])[]
  /** Whether the chains go on being the base of this subtask's next checkpoint; else everything counts as changed. */
  readonly continuesChain: boolean
  readonly operatorState: OwnStates
  /** Watermarks by operator name, as in the manifest. */
  readonly watermarks: Readonly<Record<string, number | null | 'max'>>
  readonly isFinished: boolean
}

/** What one attempt tells each slot when it is deployed. */
export interface DeploySettings {
  readonly attempt: number
  readonly slot: number
  readonly parallelism: number
  readonly maxParallelism: number
  readonly lineage: string
  /** The checkpoint of that lineage that the attempt goes on from; 0 where there is none yet. */
  readonly restoredCheckpointId: number
  readonly strict: boolean
  readonly allow: readonly string[]
  readonly cacheBytesPerSlot: number
  readonly channelBytes: number
  readonly bufferTimeoutMs: number
  readonly autoWatermarkIntervalMs: number
  /** Folder for the working copies of state of the whole attempt; each subtask has one of its own in it (R37). */
  readonly workDirectory: string
  readonly states: readonly ManifestState[]
}

/** What the coordinator asks of a slot once all have built the same graph. */
export interface PrepareOutput {
  readonly current: LineagePoint
  readonly ancestry: readonly LineagePoint[]
  readonly policy: OutputPolicy
  /** Pending committables of the restored checkpoint by sink uid: value codec. */
  readonly pending: Readonly<Record<string, readonly Uint8Array[]>>
}

export type CheckpointKind = 'checkpoint' | 'stop' | 'final' | 'savepoint'

/** Coordinator → slot. */
export type SlotCommand =
  | { readonly type: 'check-output'; readonly output: PrepareOutput }
  | { readonly type: 'prepare-output'; readonly output: PrepareOutput }
  | {
      readonly type: 'open'
      readonly restored: readonly RestoredSubtask[]
      /** Where restored segments are read from, if not the job's own storage (`--from`). */
      readonly restoreDirectory: string | undefined
      /** Only the slot that hosts enumerators needs them. */
      readonly enumerators: OwnStates
    }
  | { readonly type: 'run' }
  /** All sources end their input, as if they were bounded and at their end (R14). */
  | { readonly type: 'drain' }
  /** To the slot that hosts the enumerators: it takes their state and passes the trigger to every reader (R31). */
  | {
      readonly type: 'trigger'
      readonly checkpointId: number
      readonly baseId: number
      readonly kind: 'checkpoint' | 'stop'
    }
  /** To subtasks whose input has ended: no barrier reaches them any more (R9). */
  | {
      readonly type: 'snapshot-ended'
      readonly subtasks: readonly SubtaskId[]
      readonly checkpointId: number
      readonly baseId: number
      readonly kind: 'checkpoint' | 'stop'
    }
  | { readonly type: 'checkpoint-completed'; readonly checkpointId: number }
  | { readonly type: 'checkpoint-aborted'; readonly checkpointId: number }
  | { readonly type: 'printed'; readonly uid: string; readonly bytes: number }
  /** To the slot that hosts the enumerators: what a reader has told its own one, in order with the triggers. */
  | ({ readonly type: 'reader-event' } & ReaderEvent)
  /** How far groups of aligned sources have come. */
  | { readonly type: 'align'; readonly groups: readonly GroupWatermark[] }
  /** Sources with `readFirst` have been processed everywhere: the others are read from now on. */
  | { readonly type: 'release-sources' }
  | { readonly type: 'cancel' }

/** What a reader tells its enumerator. */
export interface ReaderEvent {
  readonly vertex: number
  readonly subtask: number
  /** Value codec. */
  readonly event: Uint8Array
}

/** The watermark of an aligned source subtask, for its group. */
export interface SourceWatermark {
  readonly vertex: number
  /** -Infinity travels as such between threads. */
  readonly watermark: number
  readonly status: WatermarkStatus
}

/** The lowest watermark of a group of aligned sources; Infinity where nobody is active. */
export interface GroupWatermark {
  readonly group: string
  readonly minimum: number
}

/** What a subtask contributes to a checkpoint. */
export interface SnapshotPart {
  readonly segment: SegmentReference | undefined
  readonly operatorState: OwnStates
  readonly watermarks: Readonly<Record<string, number | null | 'max'>>
  readonly isFinished: boolean
  /** Of operators that have seen the final watermark in this attempt: where they stood before it (R12). */
  readonly beforeFinal?: Readonly<Record<string, number | null>>
  /** Bytes of sink files made durable for it and such, for the summary. */
  readonly extraBytes: number
}

/** Figures of one operator in one slot. */
export interface OperatorFigures {
  readonly name: string
  readonly recordsIn: number
  readonly recordsOut: number
  /** -Infinity travels as such between threads. */
  readonly watermark: number
  /** Sources: the highest event time seen. */
  readonly maxTimestamp: number
  readonly counters: Readonly<Record<string, number>>
  readonly time: OperatorTime
}

/** A subtask to which the barrier of a checkpoint has come by some of its inputs, and not by all. */
export interface Alignment {
  readonly subtask: SubtaskId
  readonly checkpointId: number
  /** Whose barrier is missing, as `operator[subtask]`: the first few. */
  readonly missing: readonly string[]
}

/** Slot → coordinator; every message carries its attempt (R37). */
export type SlotReport = { readonly attempt: number; readonly slot: number } & (
  | {
      readonly type: 'built'
      readonly structuralHash: string
      /** Names of the graph's nodes, in the order of the numbers in the running cell (R37). */
      readonly nodeNames: readonly string[]
    }
  | { readonly type: 'output-checked' }
  | { readonly type: 'output-prepared' }
  | { readonly type: 'opened' }
  | {
      readonly type: 'enumerators'
      readonly checkpointId: number
      readonly states: OwnStates
    }
  | {
      readonly type: 'acknowledge'
      readonly checkpointId: number
      readonly subtask: SubtaskId
      readonly part: SnapshotPart
    }
  | {
      readonly type: 'decline'
      readonly checkpointId: number
      readonly subtask: SubtaskId
      readonly error: ErrorData
    }
  | { readonly type: 'committed'; readonly checkpointId: number; readonly subtask: SubtaskId }
  /** All its input has ended, but it has not finished yet: it waits for answers, or for room behind it. */
  | { readonly type: 'input-ended'; readonly subtask: SubtaskId }
  | { readonly type: 'subtask-finished'; readonly subtask: SubtaskId }
  /** All that comes of sources with `readFirst` has been processed by this subtask. */
  | { readonly type: 'has-read-first'; readonly subtask: SubtaskId }
  /** In order with the acknowledgements of the reader. */
  | ({ readonly type: 'reader-event' } & ReaderEvent)
  | { readonly type: 'source-watermarks'; readonly sources: readonly SourceWatermark[] }
  | {
      readonly type: 'figures'
      readonly operators: readonly OperatorFigures[]
      readonly alignments: readonly Alignment[]
      /** How much of the restored state has been loaded, of the subtask that has least; undefined when all has. */
      readonly loadedShare: number | undefined
    }
  | { readonly type: 'print'; readonly uid: string; readonly lines: string }
  | {
      readonly type: 'log'
      readonly uid: string | undefined
      readonly subtaskIndex: number | undefined
      readonly line: string
    }
  | {
      readonly type: 'deliver'
      readonly uid: string
      readonly deliveryId: string
      readonly values: readonly unknown[]
    }
  | { readonly type: 'failed'; readonly error: ErrorData; readonly operator: string | undefined }
  | { readonly type: 'closed' }
)

/** Slot ↔ slot. */
export type LinkMessage =
  | {
      readonly type: 'batch'
      readonly channel: number
      readonly buffer: ArrayBuffer
      readonly length: number
    }
  /** Consumed bytes, and the buffer they came in, for the next batch (N13). */
  | {
      readonly type: 'credit'
      readonly channel: number
      readonly bytes: number
      readonly buffer: ArrayBuffer | undefined
    }
  /** Enumerator → reader. */
  | {
      readonly type: 'splits'
      readonly vertex: number
      readonly subtask: number
      /** Value codec. */
      readonly splits: Uint8Array
    }
  | { readonly type: 'no-more-splits'; readonly vertex: number; readonly subtask: number }
  /** Enumerators' host → readers: inject this barrier (R31). */
  | {
      readonly type: 'inject-barrier'
      readonly checkpointId: number
      readonly baseId: number
      readonly kind: 'checkpoint' | 'stop'
    }
