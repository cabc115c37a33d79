import { EntryPlace } from './entry-place.ts'
import type { EntryCursor } from './state-backend.ts'
import { EntryMerge } from './entry-merge.ts'
import type { EntryRun } from './entry-run.ts'
import type { RunFile } from './run-file.ts'
import { readRuns, type StoredRuns } from './stored-runs.ts'

/** The entries of runs, oldest first, that count; merged while they are taken. */
export class MergedEntries extends EntryPlace implements EntryCursor {
  readonly #parts: readonly (EntryRun | StoredRuns)[]
  readonly #check: () => void
  readonly #held: RunFile[] = []
  #merge: EntryMerge | undefined

  /** `check` is called before each entry, and may throw. */
  constructor(parts: readonly (EntryRun | StoredRuns)[], check: () => void) {
    super()
    this.#parts = parts
    this.#check = check
  }

  next(): boolean {
    this.#check()
    this.#merge ??= new EntryMerge(this.#parts.flatMap((part) => readRuns(part, this.#held)))
    const merge = this.#merge
    while (!merge.isDone) {
      if (!merge.take()) continue
      merge.run.place(merge.position, this)
      return true
    }
    return false
  }

  close(): void {
    for (const file of this.#held.splice(0)) file.release()
  }
}
