import type {
  PollResult,
  ReaderContext,
  ReaderOutput,
  SourceReader,
  SplitOutput,
} from '../runtime/source.ts'
import { type OnBadRecord, badRecord, badRecordError } from './bad-record.ts'
import type { FileSplit } from './file-split.ts'
import { rejectRecord } from './reject-record.ts'
import { FinishedSplits } from './finished-splits.ts'
import type { InputFiles } from './input-files.ts'
import { OpenFile } from './open-file.ts'
import { RatePacer } from './rate-pacer.ts'
import type { BadRow, ReadFormat, RecordDecoder } from './read-format.ts'
import { SplitTurns } from './split-turns.ts'

/** At most so many files are open at once (R11). */
const MAX_OPEN_FILES = 64
/** Records taken from one file before the next choice. */
const TURN_RECORDS = 64

/** What a file reader does, from `fileSource()`. */
export interface FileReaderOptions<T> {
  /** Closed by the reader. */
  readonly files: InputFiles
  readonly format: ReadFormat<T>
  readonly onError: OnBadRecord
  /** Rows per second of the whole source, 0 for no limit. */
  readonly rate: number
}

interface ReadingFile<T> {
  readonly id: string
  readonly split: FileSplit
  readonly output: SplitOutput<T>
  /** Undefined until it is one of the open ones. */
  file: OpenFile<T> | undefined
  /** True from an empty fetch until there is news. */
  isWaiting: boolean
  /** Alignment holds it back. */
  isPaused: boolean
}

/**
 * Reads the files of one subtask: up to 64 at a time, in turns, the one with the lowest watermark first (R11).
 */
export class FileReader<T> implements SourceReader<T, FileSplit> {
  readonly #context: ReaderContext
  readonly #options: FileReaderOptions<T>
  readonly #turns = new SplitTurns<ReadingFile<T>>()
  readonly #waiting: ReadingFile<T>[] = []
  readonly #finished = new FinishedSplits<FileSplit>()
  readonly #closing: Promise<void>[] = []
  #output: ReaderOutput<T> | undefined
  #pacer: RatePacer | undefined
  #current: ReadingFile<T> | undefined
  #isComplete = false

  constructor(context: ReaderContext, options: FileReaderOptions<T>) {
    this.#context = context
    this.#options = options
  }

  open(output: ReaderOutput<T>): void {
    this.#output = output
  }

  addSplits(splits: readonly FileSplit[]): void {
    for (const split of splits) {
      const output = (this.#output as ReaderOutput<T>).split(split.id)
      if (split.isFinished) {
        this.#finished.add(split)
        output.finish()
      } else {
        const { id } = split
        const state = { file: undefined, isWaiting: true, isPaused: false }
        this.#waiting.push({ id, split, output, ...state })
      }
    }
    this.#waiting.sort(byTurn)
    if (splits[0] !== undefined) this.#startPacer(splits[0].fileCount)
    this.#openMore()
    this.#context.wake()
  }

  noMoreSplits(): void {
    this.#isComplete = true
    this.#context.wake()
  }

  poll(maxRecords: number): PollResult {
    const due = this.#pacer?.due() ?? 0
    let left = Math.min(maxRecords, due)
    while (left > 0) {
      const next = this.#next()
      if (next === undefined) break
      const before = left
      const goesOn = this.#read(next, Math.min(left, TURN_RECORDS), (records) => (left -= records))
      this.#pacer?.emitted(before - left)
      this.#turns.served(next, before - left)
      if (!goesOn) return this.#result('more')
    }
    return this.#result(left > 0 || due === 0 ? 'wait' : 'more')
  }

  /** Files that wait for a place hold time back, and get one only when another has been read: so one of these is. */
  #next(): ReadingFile<T> | undefined {
    const next = this.#turns.next()
    return next === undefined && this.#waiting.length > 0 ? this.#turns.nextPaused() : next
  }

  pauseSplits(splitIds: ReadonlySet<string>): void {
    for (const file of this.#turns.all) file.isPaused = splitIds.has(file.id)
    for (const file of this.#waiting) file.isPaused = splitIds.has(file.id)
  }

  snapshotState(checkpointId: number): readonly FileSplit[] {
    const open = this.#turns.all.map(({ file, split }) => file?.snapshot(false) ?? split)
    const waiting = this.#waiting.map(({ split }) => ({ ...split, isRestored: true }))
    return [...this.#finished.snapshot(checkpointId), ...open, ...waiting]
  }

  checkpointCompleted(checkpointId: number): void {
    this.#finished.completed(checkpointId)
  }

  describePosition(): string {
    const current = this.#current
    if (current === undefined) return 'before the first record'
    const decoder = current.file?.decoder
    if (decoder === undefined) return placeIn(current.id, current.split.line, current.split.offset)
    return placeIn(current.id, decoder.recordLine, decoder.recordOffset)
  }

  describeSplit({ id, line, offset, isFinished }: FileSplit): string | undefined {
    return isFinished ? undefined : placeIn(id, line, offset)
  }

  async close(): Promise<void> {
    this.#pacer?.close()
    for (const { file } of this.#turns.all) if (file !== undefined) this.#closing.push(file.close())
    await Promise.all(this.#closing)
    this.#options.files.close()
  }

  /** The rate is divided by the subtasks that have files. */
  #startPacer(fileCount: number): void {
    const rate = this.#options.rate / Math.min(fileCount, this.#context.parallelism)
    this.#pacer ??= new RatePacer(rate, this.#context.clock, () => this.#context.wake())
  }

  /** Emits up to `limit` records of one file, telling how many were read; false when the output wants a pause. */
  #read(from: ReadingFile<T>, limit: number, count: (records: number) => void): boolean {
    const file = from.file as OpenFile<T>
    this.#current = from
    for (let read = 0; read < limit; read++) {
      const state = file.next()
      if (state !== 'record') {
        count(read)
        if (state === 'end') this.#finish(from)
        else from.isWaiting = true
        return true
      }
      const decoder = file.decoder as RecordDecoder<T>
      const goesOn =
        decoder.bad === undefined
          ? from.output.emit(decoder.value)
          : this.#reject(from.id, decoder, decoder.bad)
      if (!goesOn) {
        count(read + 1)
        return false
      }
    }
    count(limit)
    return true
  }

  /** Deals with a bad record; false where it used credit. */
  #reject(path: string, decoder: RecordDecoder<T>, bad: BadRow): boolean {
    return rejectRecord(this.#context, this.#options.onError, {
      describe: () => badRecord(path, decoder),
      failure: (record) => badRecordError(record, bad),
      timestamp: -1,
    })
  }

  #finish(done: ReadingFile<T>): void {
    const file = done.file as OpenFile<T>
    this.#finished.add(file.snapshot(true))
    this.#turns.remove(done)
    done.output.finish()
    this.#closing.push(file.close())
    this.#openMore()
  }

  #openMore(): void {
    while (this.#turns.all.length < MAX_OPEN_FILES) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      next.file = new OpenFile<T>(next.split, {
        files: this.#options.files,
        format: this.#options.format,
        allowGrowth: this.#context.allow.has('grown-input'),
        log: (message) => this.#context.log(message),
        onChange: () => {
          next.isWaiting = false
          this.#context.wake()
        },
      })
      this.#turns.add(next)
      next.file.start()
    }
  }

  #result(otherwise: 'more' | 'wait'): PollResult {
    const isRead = this.#turns.all.length === 0 && this.#waiting.length === 0
    if (isRead) return this.#isComplete ? 'end' : 'wait'
    return otherwise
  }
}

/**
 * Which file gets a place first: at another parallelism a reader may have been given more files that are half read than may be
 * open. Of those the one with the lowest watermark holds time back; those not begun follow in the order of the listing (R11).
 */
function byTurn<T>(a: ReadingFile<T>, b: ReadingFile<T>): number {
  const [first, second] = [turnOf(a), turnOf(b)]
  return first === second ? 0 : first < second ? -1 : 1
}

function turnOf<T>({ split, output }: ReadingFile<T>): number {
  return split.offset === 0 ? Infinity : output.watermark
}

/** `cards.csv:3 (byte 40)`. */
function placeIn(path: string, line: number, offset: number): string {
  return `${path}:${line} (byte ${offset})`
}
