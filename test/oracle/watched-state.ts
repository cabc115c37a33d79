import { KeyedBackend } from '../../runtime/state/keyed-backend.ts'
import { LevelDbStore } from '../../runtime/state/leveldb-store.ts'
import type { PendingWrite } from '../../runtime/state/spill.ts'

/** How much state has gone through LevelDB. */
export interface SpillCounts {
  /** Entries that were written. */
  written: number
  /** Entries that were found there again. */
  readBack: number
}

/** Counts what is written and read; a dead slot closes nothing, so whoever ends it needs to know what is under way. */
export class WatchedStore extends LevelDbStore {
  prepared: Promise<void> = Promise.resolve()
  readonly #counts: SpillCounts

  constructor(directory: string, counts: SpillCounts) {
    super(directory)
    this.#counts = counts
  }

  override prepare(): Promise<void> {
    this.prepared = super.prepare()
    return this.prepared
  }

  override read(key: Uint8Array): Uint8Array | undefined {
    const found = super.read(key)
    if (found !== undefined) this.#counts.readBack++
    return found
  }

  override async write(writes: readonly PendingWrite[]): Promise<void> {
    await super.write(writes)
    this.#counts.written += writes.length
  }
}

/** Closed by its slot and by the end of the process: both wait until it is. */
export class WatchedBackend extends KeyedBackend {
  #closed: Promise<void> | undefined

  override close(): Promise<void> {
    this.#closed ??= super.close()
    return this.#closed
  }
}
