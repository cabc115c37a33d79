import { join } from 'node:path'
import { StreamError } from '../errors.ts'
import { EntryMerge, type RunInput } from './entry-merge.ts'
import { RunFile, type RunFileSystem } from './run-file.ts'
import { stateFailed } from './state-errors.ts'
import type { StoredRuns } from './stored-runs.ts'

/** Each run takes a block in memory while it is merged. */
const MAX_RUNS = 128

export interface RunStoreOptions {
  readonly fileSystem: RunFileSystem
  /** Absolute, and there from the first write on; whoever made it removes it with all that is in it. */
  readonly directory: string
  /** Bytes of encoded changes in memory from which on they are written. */
  readonly shareBytes: number
  /** Sorted runs from which on some are merged; default 128. */
  readonly maxRuns?: number
  /** Something has been written. */
  readonly wake: () => void
  readonly fail: (error: unknown) => void
}

/**
 * Where changes go that wait for a checkpoint and are too many for memory: files in the working directory of the attempt.
 *
 * Some are written while others are merged, each one after another. A failure ends the attempt, as one of the working copy
 * does.
 */
export class RunStore {
  readonly shareBytes: number
  readonly maxRuns: number
  readonly #options: RunStoreOptions
  #writing: Promise<void> | undefined
  #merging: Promise<void> | undefined
  readonly #files: Set<RunFile> = new Set()
  #lastFile = 0
  #isClosed = false

  constructor(options: RunStoreOptions) {
    this.shareBytes = options.shareBytes
    this.maxRuns = options.maxRuns ?? MAX_RUNS
    this.#options = options
  }

  get isWriting(): boolean {
    return this.#writing !== undefined
  }

  get isMerging(): boolean {
    return this.#merging !== undefined
  }

  /** Writes sealed runs as they are, to free their memory; not while it is writing. */
  write(runs: StoredRuns): void {
    this.#writing = this.#store(runs, (inputs) => inputs.map((input) => new EntryMerge([input])))
      .finally(() => (this.#writing = undefined))
      .then(this.#options.wake)
  }

  /** Makes one run of all that are in there; not while it is merging. */
  merge(runs: StoredRuns): void {
    this.#merging = this.#store(runs, (inputs) => [new EntryMerge(inputs)])
      .finally(() => (this.#merging = undefined))
      .then(this.#options.wake)
  }

  async #store(runs: StoredRuns, mergesOf: (inputs: RunInput[]) => EntryMerge[]): Promise<void> {
    const { fileSystem, directory, fail } = this.#options
    const held: RunFile[] = []
    try {
      const path = join(directory, `changes-${++this.#lastFile}`)
      const isUnwanted = (): boolean => this.#isClosed || runs.isDropped
      const merges = mergesOf(runs.read(held))
      const file = await RunFile.write({ fileSystem, path, isUnwanted }, merges)
      if (file === undefined) return
      this.#files.add(file)
      file.onRemoved = () => this.#files.delete(file)
      if (runs.isDropped) file.release()
      else runs.written(file)
    } catch (error) {
      if (this.#isClosed) return
      fail(error instanceof StreamError ? error : stateFailed('writing changes', directory, error))
    } finally {
      for (const file of held) file.release()
    }
  }

  /** Resolves when nothing is written any more; whoever still reads fails. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([this.#writing, this.#merging])
    await Promise.all([...this.#files].map((file) => file.close()))
  }
}
