import { keepCompiled } from '../keep-compiled.ts'
import { EntryPlace } from './entry-place.ts'
import type { EntryCursor } from './state-backend.ts'
import { EntryMerge } from './entry-merge.ts'
import type { EntryRun } from './entry-run.ts'
import type { RunFile } from './run-file.ts'
import { readRuns, type StoredRuns } from './stored-runs.ts'

/** What the entries are of. */
export interface EntriesOwner {
  /** Called before each entry; throws where they may not be read any more. */
  checkReadable(): void
}

/** The entries of runs, oldest first, that count; merged while they are taken. */
export class MergedEntries extends EntryPlace implements EntryCursor {
  readonly #parts: readonly (EntryRun | StoredRuns)[]
  readonly #owner: EntriesOwner
  readonly #held: RunFile[] = []
  #merge: EntryMerge | undefined

  constructor(parts: readonly (EntryRun | StoredRuns)[], owner: EntriesOwner) {
    super()
    this.#parts = parts
    this.#owner = owner
  }

  next(): boolean {
    this.#owner.checkReadable()
    const merge = this.#merge ?? this.#begin()
    while (!merge.isDone) {
      if (!merge.take()) continue
      merge.run.place(merge.position, this)
      return true
    }
    return false
  }

  #begin(): EntryMerge {
    this.#merge = new EntryMerge(this.#parts.flatMap((part) => readRuns(part, this.#held)))
    return this.#merge
  }

  close(): void {
    for (const file of this.#held.splice(0)) file.release()
  }
}

keepCompiled(new MergedEntries([], { checkReadable() {} }))
