import { StreamError } from '../runtime/errors.ts'
import { checkOptionNames, type OptionNames } from '../runtime/option-names.ts'
import type {
  PollResult,
  ReaderContext,
  ReaderOutput,
  Source,
  SourceReader,
  SplitEnumerator,
  SplitOutput,
} from '../runtime/source.ts'
import { FinishedSplits } from './finished-splits.ts'
import { RatePacer } from './rate-pacer.ts'

/** Options of `dataGeneratorSource()`. */
export interface DataGeneratorOptions<T> {
  /** Makes the record of an index (from 0). Must give the same record for the same index, in every thread and run. */
  readonly generate: (index: number) => T
  /** Number of records; without it the source never ends. */
  readonly count?: number
  /** Records per second over all subtasks; 0, the default, is as fast as possible. */
  readonly rate?: number
  /** Timestamp of a record (ms since the epoch). Default: none, a watermark strategy assigns it. */
  readonly timestampOf?: (record: T, index: number) => number
}

const GENERATOR: OptionNames<DataGeneratorOptions<unknown>> = {
  generate: true,
  count: true,
  rate: true,
  timestampOf: true,
}

/** Every `step`-th index from `index` on; plain data, part of the checkpoint. */
export interface GeneratorSplit {
  readonly id: string
  /** The next index. */
  readonly index: number
  readonly step: number
  readonly isFinished: boolean
}

/** State of the enumerator. */
export interface GeneratorEnumeratorState {
  readonly isAssigned: boolean
}

/**
 * Makes records out of indices: bounded where `count` is given, with one split for each subtask (it takes the indices that
 * leave its number when divided by the parallelism). At another parallelism the splits stay as they are: a subtask with
 * several makes the lowest index next, and more subtasks than splits have nothing to do.
 *
 * A resume goes on at the exact index; the pace begins anew. At a rate so low that nothing is due for longer than the idleness
 * timeout of its strategy, a split is idle from then until its next record (R11).
 *
 * @example
 * env.fromSource(dataGeneratorSource({ generate: (i) => ({ id: i }), rate: 1_000 }), { uid: 'load' })
 */
export function dataGeneratorSource<T>(options: DataGeneratorOptions<T>): Source<T> {
  checkOptionNames(options, GENERATOR, 'dataGeneratorSource()', 'MR_SOURCE_INVALID')
  const { count, rate = 0 } = options
  if (count !== undefined && !(Number.isSafeInteger(count) && count >= 0)) {
    throw invalid(
      'count',
      count,
      'a whole number of records, or leave it out for an endless source',
    )
  }
  if (!(rate >= 0 && rate < Infinity))
    throw invalid('rate', rate, 'records per second, 0 for no limit')
  const source: Source<T, GeneratorSplit, GeneratorEnumeratorState> = {
    kind: 'generator',
    boundedness: count === undefined ? 'unbounded' : 'bounded',
    createEnumerator(context, restored): SplitEnumerator<GeneratorEnumeratorState> {
      let isAssigned = restored?.isAssigned ?? false
      const step = context.parallelism
      return {
        start() {
          for (let i = 0; i < step; i++) {
            const split = { id: `generator-${i}`, index: i, step, isFinished: false }
            if (!isAssigned) context.assignSplits(i, [split])
            context.signalNoMoreSplits(i)
          }
          isAssigned = true
        },
        snapshotState: () => ({ isAssigned }),
      }
    },
    createReader: (context) => new GeneratorReader<T>(context, options),
  }
  return source
}

interface RunningSplit<T> {
  readonly split: GeneratorSplit
  readonly output: SplitOutput<T>
  index: number
}

class GeneratorReader<T> implements SourceReader<T, GeneratorSplit> {
  readonly #context: ReaderContext
  readonly #options: DataGeneratorOptions<T>
  readonly #count: number
  readonly #finished = new FinishedSplits<GeneratorSplit>()
  #running: RunningSplit<T>[] = []
  #output: ReaderOutput<T> | undefined
  #pacer: RatePacer | undefined
  #current = 0
  #isComplete = false

  constructor(context: ReaderContext, options: DataGeneratorOptions<T>) {
    this.#context = context
    this.#options = options
    this.#count = options.count ?? Infinity
  }

  open(output: ReaderOutput<T>): void {
    this.#output = output
  }

  addSplits(splits: readonly GeneratorSplit[]): void {
    for (const split of splits) {
      const output = (this.#output as ReaderOutput<T>).split(split.id)
      if (split.isFinished) {
        this.#finished.add(split)
        output.finish()
      } else {
        this.#running.push({ split, output, index: split.index })
      }
    }
    if (this.#running[0] !== undefined) this.#startPacer(this.#running[0].split.step)
    this.#context.wake()
  }

  noMoreSplits(): void {
    this.#isComplete = true
    this.#context.wake()
  }

  poll(maxRecords: number): PollResult {
    const due = this.#pacer?.due() ?? 0
    let left = Math.min(maxRecords, due)
    while (left > 0 && this.#running.length > 0) {
      const next = this.#lowest as RunningSplit<T>
      if (next.index >= this.#count) {
        this.#finish(next)
        continue
      }
      left--
      this.#pacer?.emitted(1)
      if (!this.#emit(next)) return 'more'
    }
    if (this.#running.length === 0) return this.#isComplete ? 'end' : 'wait'
    if (due > 0) return 'more'
    // Nothing is due of any of them.
    for (const { output } of this.#running) output.fetchedEmpty()
    return 'wait'
  }

  snapshotState(checkpointId: number): readonly GeneratorSplit[] {
    const running = this.#running.map(({ split, index }) => ({ ...split, index }))
    return [...this.#finished.snapshot(checkpointId), ...running]
  }

  checkpointCompleted(checkpointId: number): void {
    this.#finished.completed(checkpointId)
  }

  describePosition(): string {
    return `index ${this.#current} of the generator`
  }

  close(): void {
    this.#pacer?.close()
  }

  /** The one whose turn it is: all of them advance together. */
  get #lowest(): RunningSplit<T> | undefined {
    let lowest = this.#running[0]
    for (const one of this.#running) if (one.index < lowest!.index) lowest = one
    return lowest
  }

  /** The rate is divided by the splits that have records. */
  #startPacer(splits: number): void {
    const share = this.#running.length / Math.min(splits, Math.max(1, this.#count))
    const rate = (this.#options.rate ?? 0) * share
    this.#pacer ??= new RatePacer(rate, this.#context.clock, () => this.#context.wake())
  }

  #emit(from: RunningSplit<T>): boolean {
    const { index, split, output } = from
    this.#current = index
    const { generate, timestampOf } = this.#options
    const value = generate(index)
    from.index += split.step
    return timestampOf === undefined
      ? output.emit(value)
      : output.emit(value, timestampOf(value, index))
  }

  #finish(done: RunningSplit<T>): void {
    const { split, output, index } = done
    this.#running = this.#running.filter((other) => other !== done)
    this.#finished.add({ ...split, index, isFinished: true })
    output.finish()
  }
}

function invalid(option: string, found: unknown, wanted: string): StreamError {
  return new StreamError(
    'MR_SOURCE_INVALID',
    `dataGeneratorSource(): ${option} is ${String(found)} (${typeof found}), so no records can be made; give ${wanted}.`,
    { option, found: String(found) },
  )
}
