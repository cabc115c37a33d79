import type { Clock } from './clock.ts'

/**
 * Where records come from: a factory of one enumerator (who finds and assigns the splits) and of one reader a subtask
 * (who reads them).
 *
 * A source object is made by the job module in every thread; it must hold configuration only. `Split` and
 * `EnumeratorState` must lie within the type table (R18): they travel between threads and into checkpoints.
 */
export interface Source<T, Split = unknown, EnumeratorState = unknown> {
  /** Short name for plans and messages, such as `file` or `kafka`. */
  readonly kind: string
  /** A bounded source ends by itself; the job then takes its final checkpoint (R34). */
  readonly boundedness: 'bounded' | 'unbounded'
  /** What makes this the same input after a restart, such as the path. A resume with other values is refused (R5). */
  readonly identity?: Readonly<Record<string, string>>
  /** Only for type inference of the stream; never set. */
  readonly _type?: T
  /** Called once an attempt, in one thread, before any reader polls. `restored` is what `snapshotState` returned. */
  createEnumerator(
    context: EnumeratorContext<Split>,
    restored: EnumeratorState | undefined,
  ): SplitEnumerator<EnumeratorState>
  /** Called once a subtask and attempt. */
  createReader(context: ReaderContext): SourceReader<T, Split>
}

/** What an enumerator may do; every call is ordered with the checkpoint triggers of that reader (R31). */
export interface EnumeratorContext<Split> {
  readonly uid: string
  readonly parallelism: number
  readonly clock: Clock
  /** What the run allows, such as `grown-input` and `rewind` (from `--allow-…`). */
  readonly allow: ReadonlySet<string>
  /** Hands splits to one reader, in order. From then on they are part of that reader's state, not of the enumerator's. */
  assignSplits(subtaskIndex: number, splits: readonly Split[]): void
  /** Tells one reader that no more splits will come; a reader of a bounded source ends when it has read its splits. */
  signalNoMoreSplits(subtaskIndex: number): void
  /** A line for the user, once: shown by the runner as it is. */
  log(message: string): void
}

/** Finds splits and assigns them. Lives in one thread; all calls come from its event loop. */
export interface SplitEnumerator<EnumeratorState> {
  /**
   * Called once, first; may be asynchronous (list a directory). A bounded source assigns all its splits here (R11).
   *
   * After a restore there may be another number of readers. What had been assigned has been dealt out to them already, whichever
   * reader had it (semantics 2.9); that no more splits come has to be said to each of them again.
   */
  start(): void | Promise<void>
  /**
   * Called with what a reader has told (`tellEnumerator`), in order for each reader, once `start` has settled. What a reader had
   * told before it took its snapshot for a checkpoint comes before the state of the next checkpoint is taken.
   */
  handleReaderEvent?(subtaskIndex: number, event: unknown): void
  /**
   * Called with each checkpoint, in the same turn as the triggers go to the readers; must return at once. What has been
   * assigned before is not part of it.
   */
  snapshotState(checkpointId: number): EnumeratorState
  /** Called when the attempt ends, after failures too. */
  close?(): void | Promise<void>
}

/** What a reader is given. */
export interface ReaderContext {
  readonly uid: string
  readonly subtaskIndex: number
  readonly parallelism: number
  /** Which try of this run: 1 at first, one more after each restart; starts at 1 again in the next run. */
  readonly attempt: number
  readonly clock: Clock
  readonly allow: ReadonlySet<string>
  /** Tells the runtime that `poll` has something to do again; cheap, may be called from any callback. */
  wake(): void
  /**
   * Tells the enumerator something, within the type table (R18). What is told before the snapshot for a checkpoint is with the
   * enumerator before its state for the next checkpoint is taken. A crash may lose it until then: what must not be lost stays in
   * a split until a checkpoint that has that split completes, and is told again when the split comes back.
   */
  tellEnumerator(event: unknown): void
  /** Ends the attempt with this error (asynchronous failures of a fetch). */
  fail(error: unknown): void
  /** Adds to a named counter of the operator, shown in progress and summary, such as `recordsSkipped`. */
  count(counter: string, by?: number): void
  /** A line for the user, prefixed with the uid and subtask. */
  log(message: string): void
  /** Emits to a side output by its name (bad records, `onError` with an output tag). */
  emitSide(tagName: string, value: unknown, timestamp: number): void
}

/** What a poll came to: more at once, wait for `wake()`, or the end of this reader's input. */
export type PollResult = 'more' | 'wait' | 'end'

/**
 * Reads the splits of one subtask.
 *
 * `poll` is synchronous: fetching goes on in the background into a bounded buffer, and `poll` hands out what is there.
 */
export interface SourceReader<T, Split> {
  /** Called once before the first split; may be asynchronous. `output` is valid until `close`. */
  open(output: ReaderOutput<T>): void | Promise<void>
  /**
   * Adds splits, restored ones first: those of its own snapshot in their order, or at another parallelism its share of those of
   * all readers. Called before or between polls. It asks for the output of each at once, so that each takes part in time.
   */
  addSplits(splits: readonly Split[]): void
  /** No splits will follow. */
  noMoreSplits(): void
  /**
   * Emits records until none is there, `emit` returns false, or about `maxRecords` are out. Called again at once after
   * 'more', after `wake()` following 'wait', never after 'end'.
   */
  poll(maxRecords: number): PollResult
  /**
   * The splits with the position of the next record each, called between polls. A finished split stays in it until
   * `checkpointCompleted` of a checkpoint whose snapshot had it as finished (R31).
   */
  snapshotState(checkpointId: number): readonly Split[]
  /**
   * From now on exactly these splits, of those that have an output, are paused: alignment holds them back, since they are
   * ahead in event time (semantics 2.6). `poll` emits nothing of them, and answers 'wait' when all that is there belongs to
   * them. Called between polls, which go on afterwards.
   *
   * A reader without it is not polled at all while its watermark is ahead: where it has several splits, those that are ahead
   * of its own lowest are not held back. One that has splits which wait until others have been read must go on reading.
   */
  pauseSplits?(splitIds: ReadonlySet<string>): void
  /** A checkpoint has been published; positions up to it may be acknowledged to the broker (monitoring only). */
  checkpointCompleted?(checkpointId: number): void
  /** Where the record being emitted stands, exactly (file, line, byte offset), for error messages (R39). */
  describePosition?(): string
  /**
   * Where a split of a snapshot stands, as `describePosition` says it; undefined for a finished one. Called for the first
   * few with each snapshot: failures behind a shuffle name the positions of the last checkpoint (R39). Without it they
   * show the split as it is.
   */
  describeSplit?(split: Split): string | undefined
  /** Called once at the end of the attempt, after failures too. */
  close?(): void | Promise<void>
}

/** Gives a reader one output a split, so that watermarks and idleness are tracked per split (R11). */
export interface ReaderOutput<T> {
  /**
   * The output of a split; made at the first call, ACTIVE and at the lowest watermark unless restored. Ids are unique within the
   * source, not only within a reader: splits move between readers.
   */
  split(splitId: string): SplitOutput<T>
}

/** Where a reader emits the records of one split. */
export interface SplitOutput<T> {
  /**
   * Emits one record; synchronous, runs the whole chain behind the source. `timestamp` is the record's own one, if the
   * source knows it. False means: return from `poll` now, before the next record.
   */
  emit(value: T, timestamp?: number): boolean
  /** A fetch of this split came back without records: starts the clock of idleness, until the next `emit` (R11). */
  fetchedEmpty(): void
  /** The split has ended: it no longer takes part in the minimum. */
  finish(): void
  /** The watermark of this split, -Infinity before its first. */
  readonly watermark: number
}
