import { spreadSplits } from '../../runtime/checkpoint/source-state.ts'
import { type Clock, SystemClock } from '../../runtime/clock.ts'
import type {
  PollResult,
  ReaderContext,
  Source,
  SourceReader,
  SplitEnumerator,
  SplitOutput,
} from '../../runtime/source.ts'
import { ManualClock } from '../../testing/manual-clock.ts'

/** What a source keeps in a checkpoint: the enumerator's part and one list of splits a reader. */
export interface SourceSnapshot {
  readonly enumerator: unknown
  readonly readers: readonly (readonly unknown[])[]
}

export interface SourceRunOptions {
  readonly parallelism?: number
  readonly attempt?: number
  readonly allow?: readonly string[]
  readonly restored?: SourceSnapshot | undefined
  /** Where the time of a split stands when its output is made; default at the lowest watermark. */
  readonly watermarkOf?: (splitId: string) => number
  readonly clock?: ManualClock
  /** The real clock, for sources that wait for servers. Default: time stands still until everybody waits. */
  readonly realClock?: Clock
}

export interface EmittedRecord<T> {
  readonly value: T
  readonly timestamp: number | undefined
  readonly splitId: string
  readonly subtaskIndex: number
}

class TestSplit<T> implements SplitOutput<T> {
  watermark = -Infinity
  isFinished = false
  emptyFetches = 0
  readonly emitted: (value: T, timestamp: number | undefined) => boolean

  constructor(emitted: (value: T, timestamp: number | undefined) => boolean) {
    this.emitted = emitted
  }

  emit(value: T, timestamp?: number): boolean {
    if (this.isFinished) throw new Error('A record behind the end of its split')
    return this.emitted(value, timestamp)
  }

  fetchedEmpty(): void {
    this.emptyFetches++
  }

  finish(): void {
    this.isFinished = true
  }
}

/** What another number of readers goes on from: the splits of all, as the runtime deals them out. */
export function rescaled(
  { enumerator, readers }: SourceSnapshot,
  parallelism: number,
): SourceSnapshot {
  const states = readers.map((splits) => ({ splits, times: [], noMoreSplits: false }))
  return { enumerator, readers: spreadSplits(states, parallelism).map(({ splits }) => splits) }
}

/** One attempt of a source alone: its enumerator and readers in this thread, with a manual clock. */
export class SourceRun<T> {
  readonly records: EmittedRecord<T>[] = []
  readonly splits = new Map<string, TestSplit<T>>()
  readonly counters = new Map<string, number>()
  readonly logs: string[] = []
  readonly side: { readonly tag: string; readonly value: unknown }[] = []
  readonly clock: ManualClock
  readonly readers: SourceReader<T, unknown>[] = []
  /** How often readers have said that there is something to do. */
  wakes = 0
  /** Called with each record; the answer of `emit` is what it returns. */
  onRecord: (record: EmittedRecord<T>, split: TestSplit<T>) => boolean = () => true
  readonly #source: Source<T>
  readonly #options: SourceRunOptions
  #enumerator: SplitEnumerator<unknown> | undefined
  readonly #ended = new Set<number>()
  #failure: { readonly error: unknown } | undefined
  #woken: (() => void) | undefined
  #isWoken = false
  /** What readers told before the enumerator had started. */
  #early: { readonly subtaskIndex: number; readonly event: unknown }[] | undefined = []

  constructor(source: Source<T>, options: SourceRunOptions = {}) {
    this.#source = source
    this.#options = options
    this.clock = options.clock ?? new ManualClock()
  }

  async start(): Promise<this> {
    const { parallelism = 1, restored, allow = [] } = this.#options
    for (let i = 0; i < parallelism; i++) this.readers.push(await this.#openReader(i))
    this.#enumerator = this.#source.createEnumerator(
      {
        uid: 'source',
        parallelism,
        clock: this.#options.realClock ?? this.clock,
        allow: new Set(allow),
        assignSplits: (i, splits) => this.readers[i]?.addSplits(structuredClone(splits)),
        signalNoMoreSplits: (i) => this.readers[i]?.noMoreSplits(),
        log: (message) => this.logs.push(message),
      },
      structuredClone(restored?.enumerator),
    )
    restored?.readers.forEach((splits, i) => this.readers[i]?.addSplits(structuredClone(splits)))
    await this.#enumerator.start()
    const early = this.#early ?? []
    this.#early = undefined
    for (const { subtaskIndex, event } of early) this.#tell(subtaskIndex, event)
    return this
  }

  /** Polls all readers until they have ended, or `limit` records are there. */
  async read(limit = Infinity): Promise<readonly T[]> {
    while (this.records.length < limit && this.#ended.size < this.readers.length) {
      if (this.poll(limit) === 'wait') await this.#woke()
    }
    return this.values
  }

  /** One poll of each reader; `wait` when all of them wait. */
  poll(limit = Infinity): 'more' | 'wait' {
    if (this.#failure !== undefined) throw this.#failure.error
    let result: PollResult = 'wait'
    this.readers.forEach((reader, i) => {
      if (this.#ended.has(i) || this.records.length >= limit) return
      this.#isStopped = () => this.records.length >= limit
      const answer = reader.poll(Math.min(100, limit - this.records.length))
      if (answer === 'end') this.#ended.add(i)
      if (answer !== 'wait') result = 'more'
    })
    return result
  }

  get values(): readonly T[] {
    return this.records.map((record) => record.value)
  }

  get isEnded(): boolean {
    return this.#ended.size === this.readers.length
  }

  snapshot(checkpointId: number): SourceSnapshot {
    const enumerator = structuredClone(this.#enumerator?.snapshotState(checkpointId))
    const readers = this.readers.map((reader) =>
      structuredClone(reader.snapshotState(checkpointId)),
    )
    return { enumerator, readers }
  }

  complete(checkpointId: number): void {
    for (const reader of this.readers) reader.checkpointCompleted?.(checkpointId)
  }

  async close(): Promise<void> {
    for (const reader of this.readers) await reader.close?.()
    await this.#enumerator?.close?.()
  }

  #isStopped: () => boolean = () => false

  async #openReader(subtaskIndex: number): Promise<SourceReader<T, unknown>> {
    const reader = this.#source.createReader(this.#readerContext(subtaskIndex))
    await reader.open({
      split: (splitId) => {
        const known = this.splits.get(splitId)
        if (known !== undefined) return known
        const split: TestSplit<T> = new TestSplit<T>((value, timestamp) => {
          const record = { value, timestamp, splitId, subtaskIndex }
          this.records.push(record)
          return this.onRecord(record, split) && !this.#isStopped()
        })
        split.watermark = this.#options.watermarkOf?.(splitId) ?? -Infinity
        this.splits.set(splitId, split)
        return split
      },
    })
    return reader
  }

  #readerContext(subtaskIndex: number): ReaderContext {
    const { parallelism = 1, attempt = 1, allow = [] } = this.#options
    return {
      uid: 'source',
      subtaskIndex,
      parallelism,
      attempt,
      clock: this.#options.realClock ?? this.clock,
      allow: new Set(allow),
      wake: () => this.#wake(),
      tellEnumerator: (event) => this.#tell(subtaskIndex, structuredClone(event)),
      fail: (error) => {
        this.#failure = { error }
        this.#wake()
      },
      count: (name, by = 1) => this.counters.set(name, (this.counters.get(name) ?? 0) + by),
      log: (message) => this.logs.push(message),
      emitSide: (tag, value) => this.side.push({ tag, value }),
    }
  }

  #tell(subtaskIndex: number, event: unknown): void {
    if (this.#early !== undefined) this.#early.push({ subtaskIndex, event })
    else this.#enumerator!.handleReaderEvent?.(subtaskIndex, event)
  }

  #wake(): void {
    this.wakes++
    this.#isWoken = true
    this.#woken?.()
  }

  /** Waits for `wake()`; where only the clock can bring it, the clock is moved. */
  /** Lets the event loop turn until so many wakes have come: what is read in the background is there then. */
  async wakesReach(count: number): Promise<void> {
    while (this.wakes < count) await nextTurn()
  }

  async #woke(): Promise<void> {
    // Files that are being opened get their turn before the clock moves.
    await nextTurn()
    if (!this.#isWoken && this.clock.nextDelay !== undefined)
      this.clock.advance(this.clock.nextDelay)
    await new Promise<void>((resolve) => {
      this.#woken = () => {
        this.#woken = undefined
        this.#isWoken = false
        resolve()
      }
      if (this.#isWoken) this.#woken()
    })
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => new SystemClock().nextTurn(resolve))
}

/** Runs a source to its end and returns all values. */
export async function readSource<T>(
  source: Source<T>,
  options: SourceRunOptions = {},
): Promise<readonly T[]> {
  const run = await new SourceRun<T>(source, options).start()
  try {
    return await run.read()
  } finally {
    await run.close()
  }
}
