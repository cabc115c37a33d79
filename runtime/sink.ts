import type { Clock } from './clock.ts'

/** A point in the history of a job: a checkpoint of a lineage (R1). */
export interface LineagePoint {
  readonly lineage: string
  readonly checkpointId: number
}

/** What to do with output in the way that this run does not continue (R2). */
export type OutputPolicy = 'refuse' | 'replace' | 'keep'

/** What `prepareOutput` is told. */
export interface PrepareOutputContext {
  readonly uid: string
  /** The lineage of this run, and the checkpoint it goes on from (0: none yet in this lineage). */
  readonly current: LineagePoint
  /** Where this lineage began, and where that one began, and so on; nearest first. */
  readonly ancestry: readonly LineagePoint[]
  readonly policy: OutputPolicy
  /** The files or names of pending committables in the checkpoint, which must not be touched. */
  readonly pending: readonly unknown[]
  log(message: string): void
}

/** What a writer and a committer are given. */
export interface SinkContext {
  readonly uid: string
  readonly subtaskIndex: number
  readonly parallelism: number
  readonly attempt: number
  readonly lineage: string
  /** The checkpoint of that lineage that this attempt goes on from; 0 where there is none yet. */
  readonly restoredCheckpointId: number
  readonly clock: Clock
  /** Tells the runtime that `isReady` may have become true. */
  wake(): void
  /** Ends the attempt with this error. */
  fail(error: unknown): void
  count(counter: string, by?: number): void
  log(message: string): void
  /** Hands lines to the runner's standard output; `printBacklog` says how many bytes of them it has not written yet (N16). */
  print(lines: string): void
  readonly printBacklog: number
  /** Hands committed values to whoever runs the job (the collection sink); repeated calls with one id count once. */
  deliver(deliveryId: string, values: readonly unknown[]): void
}

/**
 * Where records go: a factory of writers (one a subtask) and committers.
 *
 * Exactly-once: what a writer wrote up to a barrier is made durable (`prepareCommit`), goes into the checkpoint as
 * committables, and is committed after the checkpoint has been published (R33). A sink without a committer is
 * at-least-once, and says so.
 */
export interface Sink<T, Committable = unknown> {
  readonly kind: string
  readonly guarantee: 'exactly-once' | 'at-least-once'
  /** What makes this the same output after a restart, such as the directory (R5). */
  readonly identity?: Readonly<Record<string, string>>
  /** Whether what was committed after a checkpoint can be taken back, as files can be removed (R3). Default false. */
  readonly canTakeBack?: boolean
  /** Only for type inference; never set. */
  readonly _type?: (value: T) => void
  /**
   * Called once an attempt, in one thread, before the output of any sink is prepared and before the state of the job is
   * changed: refuses output that this run does not continue (R2), and changes nothing. `prepareOutput` refuses it too.
   */
  checkOutput?(context: PrepareOutputContext): void | Promise<void>
  /**
   * Called once an attempt, in one thread, before any writer is made: refuses or removes output that this run does not
   * continue, and removes what crashed attempts left (R2, R3). Must be idempotent.
   */
  prepareOutput?(context: PrepareOutputContext): void | Promise<void>
  createWriter(context: SinkContext): SinkWriter<T, Committable>
  createCommitter?(context: SinkContext): Committer<Committable>
}

/** Writes the records of one subtask. */
export interface SinkWriter<T, Committable> {
  /** Called once, before the first record, after what the checkpoint had pending has been committed. */
  open?(): void | Promise<void>
  /** Takes one record; synchronous. Never called while `isReady` is false, but for the rest of one record's outputs. */
  write(value: T, timestamp: number): void
  /** False while so much is buffered that no more input may be taken (R7, R35); `wake()` when that changes. */
  readonly isReady: boolean
  /**
   * Cuts at once, at the barrier: what was written before belongs to this checkpoint, what follows to the next. The
   * promise settles when all of it is durable (R26, R33). Also called at the end of input. `baseId` is the last completed
   * checkpoint by then: what was cut later belonged to aborted ones, and is committed with this one. `isLast`: no record
   * follows in this attempt, since the input has ended or the job is being stopped.
   */
  prepareCommit(
    checkpointId: number,
    baseId: number,
    isLast: boolean,
  ): Promise<readonly Committable[]>
  /** Called at the end of the attempt, after failures too; leaves pending data alone. */
  close?(): void | Promise<void>
}

/** Commits what is pending; idempotent, and possible from another process than the one that wrote it (R33). */
export interface Committer<Committable> {
  /** Called in the order of checkpoints, after publication; a rejection fails the attempt, and it is called again. */
  commit(committables: readonly Committable[]): Promise<void>
  close?(): void | Promise<void>
}
