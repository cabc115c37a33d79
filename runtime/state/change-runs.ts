import type { EntryCursor } from './state-backend.ts'
import { EntryRun } from './entry-run.ts'
import { type EntriesOwner, MergedEntries } from './merged-entries.ts'
import { RunMerge } from './run-merge.ts'
import { type RunSize, RunSpares } from './run-spares.ts'
import type { RunStore } from './run-store.ts'
import { StoredRuns, widthOf } from './stored-runs.ts'

/** Entries merged in memory in one step. */
const MERGED_PER_STEP = 512
/** Without a store runs are merged when there are this many, and twice as many as after the last time. */
const FOLD_RUNS = 32
/** So many times in a row runs may pass to another interval before they are merged at once. */
const MAX_UNMERGED = 8
/** So many times its share may wait in memory to be written before no input is taken. */
const EXCESS = 2

/**
 * The encoded changes of an interval, in the order in which they came to be: sorted runs, oldest first.
 *
 * ```
 *   with a store:   file  file  (being written)  run  run  open run
 *   without:        run  run  run  open run                            merged from time to time
 * ```
 *
 * With a store they leave memory when they take more than a share of it. What lies in files is merged with the rest while it is
 * read; where there are many runs some are merged before, so that files take about twice the bytes of what has changed.
 */
export class ChangeRuns {
  readonly #store: RunStore | undefined
  readonly #spares: RunSpares
  /** Oldest first; those in memory are sealed, but for the ones that are open. */
  #parts: (EntryRun | StoredRuns)[] = []
  #open: EntryRun | undefined
  /** Those of `writableOf`, by part of the key groups. */
  readonly #openOf: (EntryRun | undefined)[] = []
  #fold: { readonly merge: RunMerge; readonly count: number } | undefined
  #foldedRuns = 0
  #unmerged = 0
  /** Bytes in memory that wait to be written; `work` notices what has been written. */
  #waitingBytes = 0

  constructor(store: RunStore | undefined, spares: RunSpares = new RunSpares()) {
    this.#store = store
    this.#spares = spares
  }

  /** Where the next entry is to be written. */
  writable(): EntryRun {
    if (this.#open !== undefined && this.#isFull(this.#open)) this.sealOne()
    if (this.#open === undefined) {
      this.#open = new EntryRun()
      this.#parts.push(this.#open)
    }
    return this.#open
  }

  /**
   * As `writable`, for an entry of a part of the key groups: runs of different parts do not overlap, so that they need not be
   * merged. Who writes in the order in which changes came to be reads memory in that order. `size`: what to expect of a run.
   */
  writableOf(part: number, size: RunSize): EntryRun {
    const open = this.#openOf[part]
    if (open !== undefined && !this.#isFull(open)) return open
    if (open !== undefined) this.#seal(open)
    const run = this.#spares.take(size)
    this.#openOf[part] = run
    this.#parts.push(run)
    return run
  }

  #isFull(run: EntryRun): boolean {
    return run.isFull || run.writer.length >= (this.#store?.shareBytes ?? Infinity)
  }

  /** Sorts the runs that are open; the next entry begins another. */
  seal(): void {
    while (this.sealOne() !== undefined);
  }

  /** Sorts one run that is open, and returns it; undefined if none is left. */
  sealOne(): EntryRun | undefined {
    const run = this.#open ?? this.#nextOpen()
    this.#open = undefined
    if (run !== undefined) this.#seal(run)
    return run
  }

  /** One of those of `writableOf`, which is not open any more. */
  #nextOpen(): EntryRun | undefined {
    const runs = this.#openOf
    while (runs.length > 0) {
      const run = runs.pop()
      if (run !== undefined) return run
    }
    return undefined
  }

  #seal(run: EntryRun): void {
    run.seal()
    this.#waitingBytes += run.memoryBytes
  }

  /** So much waits to be written that no input may be taken (R22). */
  get isExceeded(): boolean {
    return this.#store !== undefined && this.#waitingBytes > this.#store.shareBytes * EXCESS
  }

  get memoryBytes(): number {
    let bytes = 0
    for (const part of this.#parts) bytes += part.memoryBytes
    return bytes
  }

  /** Takes over changes that are all older than its own. */
  prepend(older: ChangeRuns): void {
    older.seal()
    this.#parts.unshift(...older.#parts)
    this.#waitingBytes += older.#waitingBytes
    this.#foldedRuns = Math.max(this.#foldedRuns, older.#parts.length)
    this.#fold = undefined
    older.#parts = []
    this.#unmerged = older.#unmerged + 1
    if (this.#unmerged <= MAX_UNMERGED) return
    this.seal()
    this.#mergeAll()
  }

  /** Nobody needs them any more. */
  drop(): void {
    for (const part of this.#parts) {
      if (part instanceof StoredRuns) part.drop()
      else this.#spares.give(part)
    }
    this.#parts = []
    this.#open = undefined
    this.#openOf.length = 0
  }

  // --- Merging in memory ---

  /** Makes one of all that is in memory, at once; files are merged by their store. */
  #mergeAll(): void {
    const runs = this.#parts.filter((part) => part instanceof EntryRun)
    if (runs.length < this.#parts.length) return
    const merge = new RunMerge(runs)
    merge.step(Infinity)
    this.#parts = [...merge.result]
    this.#unmerged = 0
  }

  /** Entries that keep being evicted and changed again would otherwise pile up until the next barrier. */
  #foldSome(): boolean {
    if (this.#fold === undefined) {
      if (this.#parts.length <= Math.max(FOLD_RUNS, this.#foldedRuns * 2)) return false
      const sealed = this.#parts.filter((part) => part instanceof EntryRun && part !== this.#open)
      this.#fold = { merge: new RunMerge(sealed as EntryRun[]), count: sealed.length }
    }
    const { merge, count } = this.#fold
    if (!merge.step(MERGED_PER_STEP)) return true
    this.#parts.splice(0, count, ...merge.result)
    this.#foldedRuns = merge.result.length
    this.#fold = undefined
    return false
  }

  // --- Files ---

  /** Sees to it that no more than its share stays in memory; true if there is more to do at once. */
  work(): boolean {
    const store = this.#store
    if (store === undefined) return this.#foldSome()
    if (this.#open !== undefined && this.#isFull(this.#open)) this.sealOne()
    this.#waitingBytes = this.memoryBytes - (this.#open?.memoryBytes ?? 0)
    if (this.#waitingBytes > store.shareBytes) this.#write(store)
    const width = this.#parts.reduce((sum, part) => sum + widthOf(part), 0)
    if (width > store.maxRuns && !store.isMerging) this.#mergeFiles(store)
    return false
  }

  /** The oldest runs in memory are written. */
  #write(store: RunStore): void {
    if (store.isWriting) return
    const runs = this.#stretch((part) => part instanceof EntryRun && part !== this.#open)
    if (runs !== undefined) store.write(this.#bundle(runs))
  }

  /** Of the oldest files all become one, or the newest of them where the first is much larger than the others. */
  #mergeFiles(store: RunStore): void {
    const files = this.#stretch((part) => part instanceof StoredRuns && part.isWritten)
    if (files === undefined) return
    const least = Math.ceil(store.maxRuns / 2)
    const width = this.#widthOf(files)
    if (width < least) {
      // What lies between files in memory keeps them apart.
      this.#write(store)
      return
    }
    const [first, ...others] = this.#bytesOf(files)
    const rest = others.reduce((sum, bytes) => sum + bytes, 0)
    const isLarge = first! > rest
    store.merge(this.#bundle(isLarge ? this.#newest(files, Math.max(least, width - least)) : files))
  }

  /** The newest of them that have at least so many runs together. */
  #newest({ first, end }: Stretch, least: number): Stretch {
    let width = 0
    let start = end
    while (start > first && width < least) width += widthOf(this.#parts[--start]!)
    return { first: start, end }
  }

  #bytesOf({ first, end }: Stretch): number[] {
    const parts = this.#parts.slice(first, end)
    return parts.map((part) => (part instanceof StoredRuns ? part.fileBytes : 0))
  }

  #widthOf({ first, end }: Stretch): number {
    return this.#parts.slice(first, end).reduce((sum, part) => sum + widthOf(part), 0)
  }

  /** The first neighbours for which this is true. */
  #stretch(is: (part: EntryRun | StoredRuns) => boolean): Stretch | undefined {
    const first = this.#parts.findIndex(is)
    if (first === -1) return undefined
    let end = first + 1
    while (end < this.#parts.length && is(this.#parts[end]!)) end++
    return { first, end }
  }

  #bundle({ first, end }: Stretch): StoredRuns {
    const stored = new StoredRuns(this.#parts.slice(first, end))
    this.#parts.splice(first, end - first, stored)
    return stored
  }

  // --- Reading ---

  /**
   * All entries that count, ascending; nothing is added any more. They are merged while they are taken; what is in files is
   * read then, which blocks the thread for as long as a disk takes.
   */
  entries(owner: EntriesOwner): EntryCursor {
    return new MergedEntries(this.#parts, owner)
  }
}

/** Neighbours in the list of runs: from `first` on, before `end`. */
interface Stretch {
  readonly first: number
  readonly end: number
}
