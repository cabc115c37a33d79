import { inputOf, type RunInput } from './entry-merge.ts'
import { EntryRun } from './entry-run.ts'
import type { RunFile } from './run-file.ts'

/**
 * Sealed runs, oldest first, that are on their way to a file, or in it.
 *
 * ```
 *   in memory, or in several files ──written──▶ in one file
 *              └───────────────┴─ dropped ─▶ gone; what is still being written has no owner any more
 * ```
 *
 * It stays the same object all the time, so that it may move from one list of runs to another while it is being written.
 */
export class StoredRuns {
  #parts: readonly (EntryRun | StoredRuns)[]
  #file: RunFile | undefined
  #isDropped = false

  constructor(parts: readonly (EntryRun | StoredRuns)[]) {
    this.#parts = parts
  }

  get isDropped(): boolean {
    return this.#isDropped
  }

  /** Whether all of it is in one file. */
  get isWritten(): boolean {
    return this.#file !== undefined
  }

  /** How many sorted runs it consists of. */
  get width(): number {
    if (this.#file !== undefined) return this.#file.runs
    return this.#parts.reduce((sum, part) => sum + widthOf(part), 0)
  }

  /** Of its files. */
  get fileBytes(): number {
    if (this.#file !== undefined) return this.#file.bytes
    let bytes = 0
    for (const part of this.#parts) if (part instanceof StoredRuns) bytes += part.fileBytes
    return bytes
  }

  get memoryBytes(): number {
    return this.#parts.reduce((sum, part) => sum + part.memoryBytes, 0)
  }

  /** All that it consists of has been written to this file. */
  written(file: RunFile): void {
    for (const part of this.#parts) if (part instanceof StoredRuns) part.drop()
    this.#parts = []
    this.#file = file
  }

  /** Nobody needs it any more. */
  drop(): void {
    this.#isDropped = true
    for (const part of this.#parts) if (part instanceof StoredRuns) part.drop()
    this.#parts = []
    this.#file?.release()
  }

  /** Its files and its sorted runs, oldest first, as they are now; the files are held, to be released by the caller. */
  read(files: RunFile[]): RunInput[] {
    if (this.#file === undefined) return this.#parts.flatMap((part) => readRuns(part, files))
    this.#file.hold()
    files.push(this.#file)
    return this.#file.inputs()
  }
}

/** As `StoredRuns.read`, also of a run in memory. */
export function readRuns(part: EntryRun | StoredRuns, files: RunFile[]): RunInput[] {
  return part instanceof EntryRun ? [inputOf(part)] : part.read(files)
}

/** How many sorted runs it is. */
export function widthOf(part: EntryRun | StoredRuns): number {
  return part instanceof EntryRun ? 1 : part.width
}
