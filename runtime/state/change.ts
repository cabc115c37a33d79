import type { EntryRun } from './entry-run.ts'

const EXISTED = 1

/**
 * Anything that stands in a snapshot by itself: a value, an entry of a map, a timer.
 *
 * `stamp` says whether it waits to be encoded:
 *
 * ```
 *   0 ──changed──▶ current interval ──beginSnapshot──▶ interval of the running snapshot ──encoded──▶ 0
 *   │                    │ evicted: encoded at once ──▶ 0         │ changed: encoded first (R25) ──▶ current interval
 *   └─ not changed since the snapshot before, or encoded since    └─ aborted ──▶ current interval (R24)
 * ```
 */
export abstract class Change {
  stamp = 0
  /** Its place in the set of changes of the current interval, while it has that stamp. */
  place = 0
  /** The lowest bit is `existed`, the others are what they are for the class. */
  protected flags = 0

  /** Whether it existed when it was first changed in its interval: if not, its end leaves no trace. */
  get existed(): boolean {
    return (this.flags & EXISTED) !== 0
  }

  set existed(existed: boolean) {
    this.flags = existed ? this.flags | EXISTED : this.flags & ~EXISTED
  }

  /** Of the key that it belongs to. */
  abstract get keyGroup(): number
  /** Appends its entry as it is now; nothing if it does not exist and did not. */
  abstract encode(run: EntryRun): void
  /** It waits no more: what was kept only for the snapshot may go. `run` holds it as its last entry, if it was encoded. */
  abstract settle(run: EntryRun | undefined): void
}
