import { mkdir, rm } from 'node:fs/promises'
import type { SnapshotFiles, SnapshotTarget } from '../checkpoint/checkpoint-storage.ts'
import { keyGroupAt } from '../checkpoint/entry-order.ts'
import { createSegmentFile } from '../checkpoint/file-storage-writer.ts'
import { FolderFiles } from '../checkpoint/folder-files.ts'
import type { SegmentReference } from '../checkpoint/manifest.ts'
import { mergeSegments } from '../checkpoint/merge.ts'
import { openSegment } from '../checkpoint/segment-reader.ts'
import { SegmentWriter, writeSegment } from '../checkpoint/segment-writer.ts'
import { nodeFileSystem } from '../file-system.ts'
import type { KeyGroupRange, StateEntry } from '../state/state-backend.ts'
import { EntryArena } from './entry-arena.ts'

/** Bytes that are sorted in memory at once. */
const RUN_BYTES = 64 * 1_024 * 1_024
/** Runs that are merged at once: each takes 256 KiB and an open file. */
const MAX_RUNS = 64

/** Entries handed on at once. */
const BATCH = 1_024

const ALL: KeyGroupRange = { first: 0, last: 0xffff }

export interface EntrySorterOptions {
  /** A folder of its own, absolute: made when it is needed, removed by `close`. */
  readonly directory: string
  readonly runBytes?: number
  readonly maxRuns?: number
}

/**
 * Sorts entries that come in any order, however many: runs that fit into memory are sorted and written as segments, and the
 * runs merged. Of entries with one key the one that came last is left; a `clear` removes what came before it.
 */
export class EntrySorter {
  readonly #options: Required<EntrySorterOptions>
  readonly #files: SnapshotFiles
  readonly #target: SnapshotTarget
  readonly #pending: EntryArena = new EntryArena()
  #runs: SegmentReference[] = []

  constructor(options: EntrySorterOptions) {
    this.#options = { runBytes: RUN_BYTES, maxRuns: MAX_RUNS, ...options }
    const { directory } = options
    this.#files = new FolderFiles(directory, nodeFileSystem)
    this.#target = {
      create: (_, wish) =>
        createSegmentFile(nodeFileSystem, { directory, folder: undefined, wish, what: 'Sorting' }),
    }
  }

  /** Takes an entry; where it returns a promise, the caller awaits it before the next one. */
  add(entry: StateEntry): Promise<void> | undefined {
    this.#pending.add(entry)
    return this.#pending.byteLength < this.#options.runBytes ? undefined : this.#writeRun()
  }

  /** The entries of some key groups, ascending, as sequences to be merged, the oldest first. Nothing may be added any more. */
  async sorted(range: KeyGroupRange): Promise<AsyncGenerator<readonly StateEntry[]>[]> {
    const readers = await Promise.all(this.#runs.map((run) => openSegment(this.#files, run)))
    return [...readers.map((reader) => reader.blocks(range)), this.#inMemory(range)]
  }

  /** Removes its files. */
  async close(): Promise<void> {
    await rm(this.#options.directory, { recursive: true, force: true })
  }

  async *#inMemory({ first, last }: KeyGroupRange): AsyncGenerator<readonly StateEntry[]> {
    let batch: StateEntry[] = []
    for (const entry of this.#pending.sorted()) {
      const keyGroup = keyGroupAt(entry.key)
      if (keyGroup < first || keyGroup > last) continue
      batch.push(entry)
      if (batch.length < BATCH) continue
      yield batch
      batch = []
    }
    if (batch.length > 0) yield batch
  }

  async #writeRun(): Promise<void> {
    await mkdir(this.#options.directory, { recursive: true })
    const run = await writeSegment(this.#target, 1, 'run', this.#pending.sorted())
    this.#runs.push(run!)
    this.#pending.clear()
    if (this.#runs.length >= this.#options.maxRuns) await this.#mergeRuns()
  }

  async #mergeRuns(): Promise<void> {
    const readers = await Promise.all(this.#runs.map((run) => openSegment(this.#files, run)))
    const target = await SegmentWriter.create(this.#target, 1, 'merged')
    for await (const batch of mergeSegments(readers, ALL, { dropTombstones: false })) {
      for (const entry of batch) {
        const writing = target.add(entry)
        if (writing !== undefined) await writing
      }
    }
    const merged = await target.finish()
    const { directory } = this.#options
    for (const { file } of this.#runs) await nodeFileSystem.unlink(`${directory}/${file}`)
    this.#runs = [merged!]
  }
}
