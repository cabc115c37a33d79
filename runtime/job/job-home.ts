import type { CheckpointStorage } from '../checkpoint/checkpoint-storage.ts'
import type { JobRecord } from './lineage.ts'

/** Where the state of one job is, held by this run: a folder, or a place in S3 with a folder beside it. */
export interface JobHome {
  /** Absolute, or `s3://…`. */
  readonly path: string
  /** The folder on this machine: working state, and where commands come in. The same as `path` where that is a folder. */
  readonly localPath: string
  /** How often the job had been taken over when this run had done so, or would have; 0 where a lock keeps others away. */
  readonly epoch: number
  /**
   * Makes the job that of this run, as it was read last; may be repeated. Fails with `HeadMoved` where another run has changed it since.
   * Before, nothing is changed, and to read fails so where more has changed than what is published. A lock keeps others away from the beginning.
   */
  take(): Promise<void>
  /** Whether another run has changed the job since it was read, so that what was found is out of date; not once it is taken. */
  hasMoved(): Promise<boolean>
  /** Looks at the job anew; `takes`: whoever has it, and takes it. */
  lookAgain(how: { readonly takes: boolean }): Promise<void>
  /** What the job remembers; undefined for a new one. */
  readRecord(job: string): Promise<JobRecord | undefined>
  /** Replaces it, atomically and durably. */
  writeRecord(record: JobRecord): Promise<void>
  /** Lets a new beginning have the place of all state, which is kept (N23); resolves with where it is, undefined if there was none. */
  setAside(): Promise<string | undefined>
  /** The place of a lineage's checkpoints. */
  checkpointsOf(lineage: string): string
  storageOf(lineage: string): CheckpointStorage
  /** Makes a place, durably, if places have to be made. */
  create(path: string): Promise<void>
  /** The folder for the working state of an attempt; not created. */
  workOf(attempt: number): string
  /** Removes working state, and lets other runs have the job. */
  close(): Promise<void>
}
