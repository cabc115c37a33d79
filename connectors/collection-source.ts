import type { Cancel } from '../runtime/clock.ts'
import { RestartableError } from '../runtime/errors.ts'
import type {
  PollResult,
  ReaderContext,
  ReaderOutput,
  Source,
  SourceReader,
  SplitEnumerator,
  SplitOutput,
} from '../runtime/source.ts'
import {
  type CollectionMarker,
  type Timestamped,
  isAbort,
  isMarker,
  isTimestamped,
} from './collection-markers.ts'
import { FinishedSplits } from './finished-splits.ts'

export { ABORT, type CollectionMarker, type Timestamped, at, pause } from './collection-markers.ts'

/** The one split of a collection: plain data, part of the checkpoint. */
export interface CollectionSplit {
  readonly id: string
  /** Index of the next value. */
  readonly index: number
  readonly isFinished: boolean
  /** True once a checkpoint has recorded it. */
  readonly isRestored: boolean
}

/** State of the enumerator. */
export interface CollectionEnumeratorState {
  readonly isAssigned: boolean
}

/**
 * Reads an array that every thread makes for itself: a bounded source with one split, for tests and first steps.
 *
 * All values go through subtask 0, in order. Among the records may stand `at(value, timestamp)` for a record with its own
 * timestamp, `ABORT` for a failure and `pause(ms)`. The array must be the same in every thread and after a restart.
 *
 * @example
 * env.fromSource(collectionSource([1, 2, ABORT, 3]), { uid: 'numbers' })
 */
export function collectionSource<T>(
  values: readonly (T | Timestamped<T> | CollectionMarker)[],
): Source<T> {
  const source: Source<T, CollectionSplit, CollectionEnumeratorState> = {
    kind: 'collection',
    boundedness: 'bounded',
    createEnumerator(context, restored): SplitEnumerator<CollectionEnumeratorState> {
      let isAssigned = restored?.isAssigned ?? false
      return {
        start() {
          const split = { id: 'collection', index: 0, isFinished: false, isRestored: false }
          if (!isAssigned) context.assignSplits(0, [split])
          isAssigned = true
          for (let i = 0; i < context.parallelism; i++) context.signalNoMoreSplits(i)
        },
        snapshotState: () => ({ isAssigned }),
      }
    },
    createReader: (context) => new CollectionReader<T>(context, values),
  }
  return source
}

class CollectionReader<T> implements SourceReader<T, CollectionSplit> {
  readonly #context: ReaderContext
  readonly #values: readonly unknown[]
  readonly #finished = new FinishedSplits<CollectionSplit>()
  #output: ReaderOutput<T> | undefined
  #split: CollectionSplit | undefined
  #splitOutput: SplitOutput<T> | undefined
  #index = 0
  #spent = -1
  #paused: Cancel | undefined
  #isComplete = false

  constructor(context: ReaderContext, values: readonly unknown[]) {
    this.#context = context
    this.#values = values
  }

  open(output: ReaderOutput<T>): void {
    this.#output = output
  }

  addSplits(splits: readonly CollectionSplit[]): void {
    for (const split of splits) {
      const output = (this.#output as ReaderOutput<T>).split(split.id)
      if (split.isFinished) {
        this.#finished.add(split)
        output.finish()
        continue
      }
      this.#split = split
      this.#splitOutput = output
      this.#index = split.index
      const resumes = split.isRestored && this.#context.attempt === 1
      if (resumes) this.#spent = this.#values.findIndex((v, i) => i >= split.index && isAbort(v))
    }
    this.#context.wake()
  }

  noMoreSplits(): void {
    this.#isComplete = true
    this.#context.wake()
  }

  poll(maxRecords: number): PollResult {
    const output = this.#splitOutput
    if (output === undefined) return this.#isComplete ? 'end' : 'wait'
    if (this.#paused !== undefined) return 'wait'
    for (let emitted = 0; emitted < maxRecords; emitted++) {
      while (isMarker(this.#values[this.#index])) {
        if (!this.#handle(this.#values[this.#index] as CollectionMarker)) continue
        output.fetchedEmpty()
        return 'wait'
      }
      if (this.#index === this.#values.length) return this.#finish(output)
      const value = this.#values[this.#index++]
      const goesOn = isTimestamped(value)
        ? output.emit(value.value as T, value.timestamp)
        : output.emit(value as T)
      if (!goesOn) break
    }
    return 'more'
  }

  snapshotState(checkpointId: number): readonly CollectionSplit[] {
    const finished = this.#finished.snapshot(checkpointId)
    if (this.#split === undefined) return finished
    return [...finished, { ...this.#split, index: this.#index, isRestored: true }]
  }

  checkpointCompleted(checkpointId: number): void {
    this.#finished.completed(checkpointId)
  }

  describePosition(): string {
    return `value ${this.#index - 1} of the collection`
  }

  close(): void {
    this.#paused?.()
  }

  /** Deals with the marker at the index and moves behind it; true while the source pauses. */
  #handle(marker: CollectionMarker): boolean {
    const index = this.#index++
    if (marker.pauseMs === undefined) {
      this.#abort(index)
      return false
    }
    this.#paused = this.#context.clock.schedule(marker.pauseMs, () => {
      this.#paused = undefined
      this.#context.wake()
    })
    return true
  }

  #abort(index: number): void {
    const number = this.#values.slice(0, index + 1).filter(isAbort).length
    if (this.#context.attempt > number || index === this.#spent) return
    throw new RestartableError(
      'MR_SOURCE_ABORTED',
      `Source "${this.#context.uid}": abort marker ${number} at value ${index} of the collection ends attempt ` +
        `${this.#context.attempt}, as the test asked for; the next attempt passes over it.`,
      { marker: number, index, attempt: this.#context.attempt },
    )
  }

  #finish(output: SplitOutput<T>): PollResult {
    const split = this.#split as CollectionSplit
    this.#finished.add({ ...split, index: this.#index, isFinished: true, isRestored: true })
    this.#split = undefined
    this.#splitOutput = undefined
    output.finish()
    return this.#isComplete ? 'end' : 'wait'
  }
}
