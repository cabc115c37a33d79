import type { KeyRange } from './snapshot-format.ts'
import type { StateCell } from './state-cell.ts'
import { SpillFilter } from './spill-filter.ts'

/** Operations in one batch: its building takes about 2 ms on the thread of the records. */
const BATCH_OPERATIONS = 1_024
/** What a pending write takes besides its bytes: itself, and the cell and row that stay until it has landed. */
const WRITE_BYTES = 400

/** A change on its way to the store; without a value, a deletion. */
export interface PendingWrite {
  readonly number: number
  readonly cell: StateCell
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

/** What a store has under a key. */
export type StoredEntry = readonly [key: Uint8Array, value: Uint8Array]

/** The store under the cache: bytes by key, read at once, written in the background. */
export interface SpillStore {
  /** Makes an empty store; called once, before all else. */
  prepare(): Promise<void>
  /** What the last write that has landed says; undefined if there is nothing. */
  read(key: Uint8Array): Uint8Array | undefined
  /** Keys of a range, ascending, at most `limit`: the first that are there. */
  keys(range: KeyRange, limit: number): Promise<readonly Uint8Array[]>
  /** Keys and values of a range, ascending by key, at most `limit`, or fewer where they are large; none at its end only. */
  entries(range: KeyRange, limit: number): Promise<readonly StoredEntry[]>
  /** Gives back the room of what has been deleted in a range; reads and writes go on meanwhile. */
  compact(range: KeyRange): Promise<void>
  /** Writes in order. The next call comes only after this one has settled. */
  write(writes: readonly PendingWrite[]): Promise<void>
  close(): Promise<void>
}

export interface SpillOptions {
  readonly store: SpillStore
  /** Bytes of pending writes above which no input may be taken (R22). */
  readonly maxPendingBytes: number
  readonly maxFilterBytes: number
  /** The newest write of a cell has landed. */
  readonly landed: (cell: StateCell) => void
  /** Too much was pending, and no more is; or something has been read. */
  readonly wake: () => void
  readonly fail: (error: unknown) => void
}

/**
 * The way of evicted cells to the store and back.
 *
 * A write is pending until the store has taken it; its cell keeps the bytes until then, since the store answers with the
 * older value (R22). One batch is under way at a time, so that writes land in order. A failed write ends the attempt.
 */
export class Spill {
  readonly #options: SpillOptions
  readonly #filter: SpillFilter
  #queue: PendingWrite[] = []
  #pendingBytes = 0
  #lastNumber = 0
  #landedNumber = 0
  #writing: Promise<void> | undefined
  readonly #reading: Set<Promise<void>> = new Set()
  #failure: { readonly error: unknown } | undefined
  #isClosed = false

  constructor(options: SpillOptions) {
    this.#options = options
    this.#filter = new SpillFilter(options.maxFilterBytes)
  }

  get pendingBytes(): number {
    return this.#pendingBytes
  }

  get filterBytes(): number {
    return this.#filter.byteLength
  }

  /** Too much is pending; for good once a write has failed. */
  get isFull(): boolean {
    return this.#failure !== undefined || this.#pendingBytes > this.#options.maxPendingBytes
  }

  /** Nothing has ever been written. */
  get isEmpty(): boolean {
    return this.#filter.byteLength === 0
  }

  prepare(): Promise<void> {
    return this.#options.store.prepare()
  }

  /** Whether a key may have been written: false is certain. Costs no look-up in the store. */
  mightHold(bytes: Uint8Array, length: number): boolean {
    return this.#filter.mightHold(bytes, length)
  }

  /** What the store has of a cell without a pending write. */
  read(key: Uint8Array): Uint8Array | undefined {
    return this.#options.store.read(key)
  }

  /**
   * Reads in the background which keys of a range the store has, at most `limit`, and hands them over; not once the spill is
   * closed. What is in memory, with a pending write too, may or may not be among them.
   */
  readKeys(range: KeyRange, limit: number, take: (keys: readonly Uint8Array[]) => void): void {
    this.#readAside(this.#options.store.keys(range, limit), take)
  }

  /** As `readKeys`, with the values. */
  readEntries(
    range: KeyRange,
    limit: number,
    take: (entries: readonly StoredEntry[]) => void,
  ): void {
    this.#readAside(this.#options.store.entries(range, limit), take)
  }

  /** Lets the store give back, in the background, the room of what has been deleted by now. */
  compact(range: KeyRange): void {
    const compacting = this.idle().then(() =>
      this.#isClosed ? undefined : this.#options.store.compact(range),
    )
    this.#readAside(compacting, () => {})
  }

  #readAside<T>(result: Promise<T>, take: (found: T) => void): void {
    const reading = result
      .then((found) => {
        if (this.#isClosed) return
        take(found)
        this.#options.wake()
      })
      .catch((error: unknown) => {
        if (!this.#isClosed) this.#options.fail(error)
      })
      .finally(() => this.#reading.delete(reading))
    this.#reading.add(reading)
  }

  /** The number of the write that was queued last. */
  get lastNumber(): number {
    return this.#lastNumber
  }

  /** Whether a write, and all before it, have landed. */
  hasLanded(number: number): boolean {
    return number <= this.#landedNumber
  }

  /** Queues a write; `flush` sends it. */
  queue(cell: StateCell, key: Uint8Array, value: Uint8Array | undefined): void {
    if (value !== undefined) {
      this.#filter.add(key, key.length)
      cell.isSpilled = true
    }
    const number = ++this.#lastNumber
    cell.pendingWrite = number
    const write = { number, cell, key, value }
    this.#queue.push(write)
    this.#pendingBytes += bytesOf(write)
  }

  /** Sends what is queued, in the background; does nothing while a batch is under way. */
  flush(): void {
    if (this.#queue.length === 0 || this.#writing !== undefined) return
    if (this.#failure !== undefined || this.#isClosed) return
    const writing = this.#writeAll().catch((error: unknown) => {
      this.#failure = { error }
      this.#options.fail(error)
    })
    this.#writing = writing.then(() => {
      this.#writing = undefined
    })
  }

  async #writeAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, BATCH_OPERATIONS)
      await this.#options.store.write(batch)
      const wasFull = this.isFull
      for (const write of batch) this.#land(write)
      if (wasFull && !this.isFull) this.#options.wake()
    }
  }

  #land(write: PendingWrite): void {
    const { cell } = write
    this.#landedNumber = write.number
    this.#pendingBytes -= bytesOf(write)
    if (cell.pendingWrite !== write.number || this.#isClosed) return
    cell.pendingWrite = 0
    cell.isSpilled = write.value !== undefined
    this.#options.landed(cell)
  }

  /** Throws what a write failed with. */
  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** Resolves when nothing is under way any more. */
  async idle(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing
  }

  /** What is queued is given up; what is under way ends first. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#queue = []
    await this.idle()
    await Promise.all(this.#reading)
    await this.#options.store.close()
  }
}

function bytesOf(write: PendingWrite): number {
  return WRITE_BYTES + write.key.length + (write.value?.length ?? 0)
}
