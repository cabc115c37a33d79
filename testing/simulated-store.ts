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
    return this.#run(() =>
      [...this.#entries]
        .filter(([name]) => name > nameOf(after) && name < nameOf(before))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .slice(0, limit)
        .map(([, entry]) => entry),
    )
  }

  compact(): Promise<void> {
    return this.#run(() => {})
  }

  write(writes: readonly Pick<PendingWrite, 'key' | 'value'>[]): Promise<void> {
    return this.#run(() => {
      for (const { key, value } of writes) {
        if (value === undefined) this.#entries.delete(nameOf(key))
        else this.#entries.set(nameOf(key), [key, value])
      }
    })
  }

  bulk(): SpillBulk {
    const puts: { readonly key: Uint8Array; readonly value: Uint8Array }[] = []
    return {
      // Who puts may use its bytes again.
      put: (key, value) => void puts.push({ key: key.slice(), value: value.slice() }),
      write: () => this.write(puts),
      close: () => Promise.resolve(),
    }
  }

  close(): Promise<void> {
    return this.#run(() => {})
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
