import type { Source } from 'millrace'
import { monotonicMs } from './monotonic.ts'
import { type Assigned, onePartitionEach, type Partition } from './partitions.ts'

/** Options of `pacedSource()`. */
export interface PacedOptions<T> {
  /** Records a second, over all subtasks. */
  readonly rate: number
  /** How many there are in all; asked for with each poll, and more than have been due by then. */
  readonly count: () => number
  /** When the first one is due (`monotonicMs`). Default: soon after all subtasks have been opened. */
  readonly startAt?: number
  /** Called by each subtask before the clock starts: what makes the records of a partition, by their number within it. */
  readonly prepare: (partition: number, partitions: number) => (ordinal: number) => T
  /** Told to each subtask before its first record: when the first one of all is due. */
  readonly onSchedule?: (startAt: number) => void
  /** Told by each subtask right before its first record of this run, and at the first moment at which nothing is due. */
  readonly onEvent?: (type: 'first' | 'caught-up', log: (line: string) => void) => void
}

/** Every `partitions`-th record from `partition` on; plain data, part of the checkpoint. */
interface PacedSplit extends Partition {
  readonly startAt: number
  /** How many of them have been read. */
  readonly next: number
}

type PacedReaders<T> = Source<T, PacedSplit, Assigned>
type Context = Parameters<PacedReaders<unknown>['createReader']>[0]
type Reader<T> = ReturnType<PacedReaders<T>['createReader']>
type Output<T> = Parameters<Reader<T>['open']>[0]

/** The schedule is looked at so often. */
const TICK_MS = 1
/** Subtasks begin together. */
const START_DELAY_MS = 100

/**
 * Records at a fixed rate in open loop: record i is due i / rate seconds after the start, whatever happens downstream, and also where
 * the process has been killed meanwhile. What is late is put out at once, and the schedule is never shifted (no coordinated omission).
 *
 * The timestamp of a record is the moment at which it was due, in whole microseconds of `monotonicMs`; it is no event time.
 */
export function pacedSource<T>(options: PacedOptions<T>): Source<T> {
  const source: PacedReaders<T> = {
    kind: 'paced',
    boundedness: 'bounded',
    createEnumerator: onePartitionEach('paced', () => {
      const startAt = options.startAt ?? monotonicMs() + START_DELAY_MS
      return (of) => ({ ...of, startAt, next: 0 })
    }),
    createReader: (context) => new PacedReader(context, options),
  }
  return source
}

class PacedReader<T> implements Reader<T> {
  readonly #context: Context
  readonly #options: PacedOptions<T>
  readonly #msPerRecord: number
  #make: ((ordinal: number) => T) | undefined
  #output: Output<T> | undefined
  #split: PacedSplit | undefined
  #next = 0
  #hasBegun = false
  #hasCaughtUp = false
  #isTicking = false

  constructor(context: Context, options: PacedOptions<T>) {
    this.#context = context
    this.#options = options
    this.#msPerRecord = 1_000 / options.rate
  }

  open(output: Output<T>): void {
    const { subtaskIndex, parallelism } = this.#context
    this.#output = output
    this.#make = this.#options.prepare(subtaskIndex, parallelism)
  }

  /** One for each subtask; a benchmark goes on at the same parallelism. */
  addSplits([split]: readonly PacedSplit[]): void {
    if (split === undefined) return
    const startAt = this.#options.startAt ?? split.startAt
    this.#split = { ...split, startAt }
    this.#next = split.next
    this.#options.onSchedule?.(startAt)
    this.#context.wake()
  }

  noMoreSplits(): void {}

  poll(maxRecords: number): 'more' | 'wait' | 'end' {
    const split = this.#split
    if (split === undefined) return 'wait'
    const output = this.#output!.split(split.id)
    const count = this.#options.count()
    const now = monotonicMs()
    for (let left = maxRecords; left > 0; left--) {
      const index = this.#next * split.partitions + split.partition
      if (index >= count) {
        output.finish()
        return 'end'
      }
      const due = split.startAt + index * this.#msPerRecord
      if (due > now) {
        this.#nothingDue()
        return 'wait'
      }
      if (!this.#hasBegun) this.#begin()
      const record = this.#make!(this.#next++)
      if (!output.emit(record, Math.round(due * 1_000))) break
    }
    return 'more'
  }

  snapshotState(): readonly PacedSplit[] {
    return this.#split === undefined ? [] : [{ ...this.#split, next: this.#next }]
  }

  #begin(): void {
    this.#hasBegun = true
    this.#tell('first')
  }

  #nothingDue(): void {
    if (this.#hasBegun && !this.#hasCaughtUp) {
      this.#hasCaughtUp = true
      this.#tell('caught-up')
    }
    if (this.#isTicking) return
    this.#isTicking = true
    this.#context.clock.schedule(TICK_MS, () => {
      this.#isTicking = false
      this.#context.wake()
    })
  }

  #tell(type: 'first' | 'caught-up'): void {
    this.#options.onEvent?.(type, (line) => this.#context.log(line))
  }
}
