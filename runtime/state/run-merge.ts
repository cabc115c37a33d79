import { EntryMerge, inputOf } from './entry-merge.ts'
import { EntryRun } from './entry-run.ts'

/**
 * Merges sealed runs, oldest first, into runs that say the same: of each key the newest entry, and nothing that a newer
 * `clear` removes.
 *
 * Interruptible: `step` merges some entries and returns. Costs O(log runs) comparisons an entry.
 */
export class RunMerge {
  /** Sealed, ascending from one to the next, each of bounded size. */
  readonly result: EntryRun[] = []
  #output: EntryRun | undefined
  readonly #merge: EntryMerge

  constructor(runs: readonly EntryRun[]) {
    this.#merge = new EntryMerge(runs.map(inputOf))
  }

  /** Looks at up to `count` entries; true when all are merged, and `result` is complete. */
  step(count: number): boolean {
    const merge = this.#merge
    for (let i = 0; i < count && !merge.isDone; i++) {
      if (merge.take()) this.#writable().copyFrom(merge.run, merge.position)
    }
    if (!merge.isDone) return false
    this.#output?.sealSorted()
    return true
  }

  #writable(): EntryRun {
    if (this.#output === undefined || this.#output.isFull) {
      this.#output?.sealSorted()
      this.#output = new EntryRun()
      this.result.push(this.#output)
    }
    return this.#output
  }
}
