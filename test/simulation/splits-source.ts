import type { Cancel } from '../../runtime/clock.ts'
import type {
  EnumeratorContext,
  PollResult,
  ReaderContext,
  ReaderOutput,
  Source,
  SourceReader,
  SplitEnumerator,
} from '../../runtime/source.ts'
import type { Row } from './rows.ts'

/** A split: index of its rows, and of the next row. */
interface RowSplit {
  readonly id: string
  readonly index: number
  readonly next: number
  readonly isFinished: boolean
}

export interface SplitsSourceOptions<T = Row> {
  readonly splits: readonly (readonly T[])[]
  /** Time between two assignments; 0 assigns all at the start, 'in-turn' each when the one before has been read. */
  readonly assignEveryMs: number | 'in-turn'
  /** Rows after which a reader waits for as long, as if it fetched; 0 never waits. */
  readonly fetchRows: number
  readonly fetchMs: number
  /** Whether readers can pause single splits for alignment; default false. */
  readonly canPauseSplits?: boolean
}

/** Reads rows in memory from several splits in turn, assigned at the start or one by one. */
export function splitsSource<T>(options: SplitsSourceOptions<T>): Source<T, RowSplit, number> {
  return {
    kind: 'splits',
    boundedness: 'bounded',
    createEnumerator: (context, restored) => new Enumerator(options, context, restored ?? 0),
    createReader: (context) => new Reader(options, context),
  }
}

/** Its state is the number of splits that have been assigned. */
class Enumerator implements SplitEnumerator<number> {
  readonly #options: SplitsSourceOptions<unknown>
  readonly #context: EnumeratorContext<RowSplit>
  #assigned: number
  #cancel: Cancel = () => {}

  constructor(
    options: SplitsSourceOptions<unknown>,
    context: EnumeratorContext<RowSplit>,
    assigned: number,
  ) {
    this.#options = options
    this.#context = context
    this.#assigned = assigned
  }

  start(): void {
    const { assignEveryMs } = this.#options
    if (assignEveryMs === 0) while (this.#assignNext());
    else if (assignEveryMs === 'in-turn') {
      if (this.#assigned === 0) this.#assignNext()
    } else this.#later(assignEveryMs)
  }

  /** A reader has read the split with this index; after a restore it may say so again. */
  handleReaderEvent(_subtask: number, index: unknown): void {
    const isNews = index === this.#assigned - 1
    if (this.#options.assignEveryMs === 'in-turn' && isNews) this.#assignNext()
  }

  #later(ms: number): void {
    this.#cancel = this.#context.clock.schedule(ms, () => {
      if (this.#assignNext()) this.#later(ms)
    })
  }

  /** Assigns one split, or says that there is none left. */
  #assignNext(): boolean {
    const { parallelism } = this.#context
    if (this.#assigned >= this.#options.splits.length) {
      for (let i = 0; i < parallelism; i++) this.#context.signalNoMoreSplits(i)
      return false
    }
    const index = this.#assigned++
    const split = { id: `split${index}`, index, next: 0, isFinished: false }
    this.#context.assignSplits(index % parallelism, [split])
    return true
  }

  snapshotState(): number {
    return this.#assigned
  }

  close(): void {
    this.#cancel()
  }
}

class Reader<T> implements SourceReader<T, RowSplit> {
  readonly pauseSplits?: (splitIds: ReadonlySet<string>) => void
  readonly #options: SplitsSourceOptions<T>
  readonly #context: ReaderContext
  #output!: ReaderOutput<T>
  #open: RowSplit[] = []
  #finished: { readonly split: RowSplit; recordedBy: number }[] = []
  #isComplete = false
  #paused: ReadonlySet<string> = new Set()
  #untilFetch = 0
  #fetching: Cancel | undefined

  constructor(options: SplitsSourceOptions<T>, context: ReaderContext) {
    this.#options = options
    this.#context = context
    this.#untilFetch = options.fetchRows
    if (options.canPauseSplits !== true) return
    this.pauseSplits = (splitIds) => {
      this.#paused = splitIds
    }
  }

  open(output: ReaderOutput<T>): void {
    this.#output = output
  }

  addSplits(splits: readonly RowSplit[]): void {
    for (const split of splits) {
      const output = this.#output.split(split.id)
      if (split.isFinished) {
        this.#finished.push({ split, recordedBy: Infinity })
        output.finish()
        this.#context.tellEnumerator(split.index)
      } else this.#open.push(split)
    }
    this.#context.wake()
  }

  noMoreSplits(): void {
    this.#isComplete = true
    this.#context.wake()
  }

  poll(maxRecords: number): PollResult {
    for (let emitted = 0; emitted < maxRecords; emitted++) {
      if (this.#fetching !== undefined) return 'wait'
      if (this.#open.length === 0) return this.#isComplete ? 'end' : 'wait'
      const split = this.#takeNext()
      if (split === undefined) return 'wait'
      const output = this.#output.split(split.id)
      const row = this.#options.splits[split.index]![split.next]
      if (row === undefined) {
        this.#finished.push({ split: { ...split, isFinished: true }, recordedBy: Infinity })
        output.finish()
        this.#context.tellEnumerator(split.index)
        continue
      }
      this.#open.push({ ...split, next: split.next + 1 })
      const goesOn = output.emit(row)
      this.#fetchMaybe()
      if (!goesOn) break
    }
    return 'more'
  }

  #takeNext(): RowSplit | undefined {
    const next = this.#open.findIndex(({ id }) => !this.#paused.has(id))
    return next === -1 ? undefined : this.#open.splice(next, 1)[0]
  }

  #fetchMaybe(): void {
    const { fetchRows, fetchMs } = this.#options
    if (fetchRows === 0 || --this.#untilFetch > 0) return
    this.#untilFetch = fetchRows
    for (const { id } of this.#open) this.#output.split(id).fetchedEmpty()
    this.#fetching = this.#context.clock.schedule(fetchMs, () => {
      this.#fetching = undefined
      this.#context.wake()
    })
  }

  snapshotState(checkpointId: number): readonly RowSplit[] {
    for (const entry of this.#finished) entry.recordedBy = Math.min(entry.recordedBy, checkpointId)
    return [...this.#finished.map(({ split }) => split), ...this.#open]
  }

  checkpointCompleted(checkpointId: number): void {
    this.#finished = this.#finished.filter(({ recordedBy }) => recordedBy > checkpointId)
  }

  describePosition(): string {
    return this.#open.map(({ id, next }) => `${id}:${next}`).join()
  }

  close(): void {
    this.#fetching?.()
  }
}
