import { EntryRun } from './entry-run.ts'

/** Entries of a run, and their bytes. */
export interface RunSize {
  readonly entries: number
  readonly bytes: number
}

/**
 * Runs that were read and are not needed any more, for the snapshots to come: fresh memory costs more than writing into it, as the
 * system has to find and clear it page by page.
 *
 * Those that nobody took between two calls of `trim` are dropped.
 */
export class RunSpares {
  readonly #runs: EntryRun[] = []
  #bytes = 0
  /** How many there were at least since the last `trim`. */
  #idle = 0

  take({ entries, bytes }: RunSize): EntryRun {
    const run = this.#runs.pop()
    if (run === undefined) return new EntryRun(entries, bytes)
    this.#idle = Math.min(this.#idle, this.#runs.length)
    this.#bytes -= run.memoryBytes
    run.begin()
    return run
  }

  give(run: EntryRun): void {
    this.#runs.push(run)
    this.#bytes += run.memoryBytes
  }

  trim(): void {
    for (const run of this.#runs.splice(0, this.#idle)) this.#bytes -= run.memoryBytes
    this.#idle = this.#runs.length
  }

  get memoryBytes(): number {
    return this.#bytes
  }
}
