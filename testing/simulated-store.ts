import { readLatin1 } from '../runtime/bytes.ts'
import type { KeyRange } from '../runtime/state/snapshot-format.ts'
import type { PendingWrite, SpillBulk, SpillStore, StoredEntry } from '../runtime/state/spill.ts'

/**
 * The working copy of state in memory: what leaves the cache goes there, and is read at once; when a write lands, and when what
 * is read in the background arrives, is the scheduler's choice (R22, R40). It ends with its thread.
 */
export class SimulatedStore implements SpillStore {
  readonly #later: (task: () => void) => void
  readonly #entries: Map<string, StoredEntry> = new Map()
  /** The names of all entries, ascending. */
  readonly #names: string[] = []

  /** `later` runs a task later; its order among other tasks is the scheduler's choice. A dead thread drops it. */
  constructor(later: (task: () => void) => void) {
    this.#later = later
  }

  prepare(): Promise<void> {
    return this.#run(() => {})
  }

  open(): Promise<void> {
    return this.#run(() => {})
  }

  read(key: Uint8Array): Uint8Array | undefined {
    return this.#entries.get(nameOf(key))?.[1]
  }

  async keys(range: KeyRange, limit: number): Promise<readonly Uint8Array[]> {
    return (await this.entries(range, limit)).map(([key]) => key)
  }

  entries({ after, before }: KeyRange, limit: number): Promise<readonly StoredEntry[]> {
    return this.#run(() => {
      const last = nameOf(before)
      const first = nameOf(after)
      const found: StoredEntry[] = []
      let at = this.#placeOf(first)
      if (this.#names[at] === first) at++
      for (; at < this.#names.length && found.length < limit; at++) {
        const name = this.#names[at]!
        if (name >= last) break
        found.push(this.#entries.get(name)!)
      }
      return found
    })
  }

  compact(): Promise<void> {
    return this.#run(() => {})
  }

  write(writes: readonly Pick<PendingWrite, 'key' | 'value'>[]): Promise<void> {
    return this.#run(() => {
      for (const { key, value } of writes) {
        const name = nameOf(key)
        const isThere = this.#entries.has(name)
        if (value !== undefined) {
          if (!isThere) this.#names.splice(this.#placeOf(name), 0, name)
          this.#entries.set(name, [key, value])
        } else if (isThere) {
          this.#names.splice(this.#placeOf(name), 1)
          this.#entries.delete(name)
        }
      }
    })
  }

  bulk(): SpillBulk {
    const changes: Pick<PendingWrite, 'key' | 'value'>[] = []
    return {
      // Who puts may use its bytes again.
      put: (key, value) => void changes.push({ key: key.slice(), value: value.slice() }),
      del: (key) => void changes.push({ key: key.slice(), value: undefined }),
      write: () => this.write(changes),
      close: () => Promise.resolve(),
    }
  }

  close(): Promise<void> {
    return this.#run(() => {})
  }

  /** Where a name stands among all, or would. */
  #placeOf(name: string): number {
    let low = 0
    let high = this.#names.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#names[middle]! < name) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The effect comes in one step, the news of it in another. */
  #run<T>(effect: () => T): Promise<T> {
    return new Promise((resolve) => {
      this.#later(() => {
        const result = effect()
        this.#later(() => resolve(result))
      })
    })
  }
}

function nameOf(key: Uint8Array): string {
  return readLatin1(key, 0, key.length)
}
