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
  readonly #runs: readonly EntryRun[]
  /** The next entry of each run. */
  readonly #positions: number[]
  /** A heap of the numbers of runs with entries left: smallest key first, of equal keys the newest run. */
  readonly #heap: number[] = []
  /** The entry taken last, by run and position: older ones of its key follow it directly. */
  #lastRun = -1
  #lastPosition = -1
  /** The `clear` under which entries are being taken. */
  #clearRun = -1
  #clearPosition = -1

  constructor(runs: readonly EntryRun[]) {
    this.#runs = runs
    this.#positions = runs.map(() => 0)
    for (const [run, { length }] of runs.entries()) if (length > 0) this.#push(run)
  }

  /** Looks at up to `count` entries; true when all are merged, and `result` is complete. */
  step(count: number): boolean {
    const heap = this.#heap
    for (let i = 0; i < count && heap.length > 0; i++) {
      const run = heap[0]!
      const position = this.#positions[run]!
      if (this.#survives(run, position)) this.#writable().copyFrom(this.#runs[run]!, position)
      if (++this.#positions[run]! === this.#runs[run]!.length) {
        const last = heap.pop()!
        if (heap.length > 0) heap[0] = last
      }
      this.#sink()
    }
    if (heap.length > 0) return false
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

  #survives(run: number, position: number): boolean {
    const entries = this.#runs[run]!
    const last = this.#lastRun
    if (last > run && entries.compare(position, this.#runs[last]!, this.#lastPosition) === 0) {
      return false
    }
    this.#lastRun = run
    this.#lastPosition = position
    const clear = this.#clearRun
    if (clear >= 0) {
      if (!entries.isUnder(position, this.#runs[clear]!, this.#clearPosition)) this.#clearRun = -1
      else if (run < clear) return false
    }
    if (entries.isClear(position)) {
      this.#clearRun = run
      this.#clearPosition = position
    }
    return true
  }

  #isBefore(a: number, b: number): boolean {
    const difference = this.#runs[a]!.compare(
      this.#positions[a]!,
      this.#runs[b]!,
      this.#positions[b]!,
    )
    return difference === 0 ? a > b : difference < 0
  }

  #push(run: number): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(run)
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (!this.#isBefore(run, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = run
  }

  /** Puts the first of the heap where it belongs. */
  #sink(): void {
    const heap = this.#heap
    const run = heap[0]
    if (run === undefined) return
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && this.#isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!this.#isBefore(heap[child]!, run)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = run
  }
}
