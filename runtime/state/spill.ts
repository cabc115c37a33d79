import { readLatin1 } from '../bytes.ts'
import type { KeyRange } from './snapshot-format.ts'
import type { StateCell } from './state-cell.ts'
import { SpillFilter } from './spill-filter.ts'
import { SpillRemoval } from './spill-removal.ts'

/** Operations in one batch: its building takes about 2 ms on the thread of the records. */
const BATCH_OPERATIONS = 1_024
/** Size from which a bulk is full. */
const BULK_BYTES = 512 * 1_024
/** What a pending write takes besides its bytes: itself, and the cell and row that stay until it has landed. */
const WRITE_BYTES = 400
/** The same without a cell. */
const BLIND_WRITE_BYTES = 150

/**
 * In place of a value: there is none, and what the restored base has of the key must not be looked for. No value is empty
 * otherwise.
 */
export const NO_VALUE: Uint8Array = new Uint8Array(0)

/** A change on its way to the store; without a value, a deletion. */
export interface PendingWrite {
  readonly number: number
  /** What waits for it, if anything does. */
  readonly cell: StateCell | undefined
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

/** Many changes that go to the store as one write, filled while they wait for their turn. */
export interface SpillBulk {
  put(key: Uint8Array, value: Uint8Array): void
  del(key: Uint8Array): void
  write(): Promise<void>
  /** In place of `write`: it is given up. */
  close(): Promise<void>
}

/** A bulk on its way to the store: what is loaded, and what is written meanwhile. */
interface PendingBulk {
  /** Under which all of it lands: that of its newest write. */
  number: number
  readonly bulk: SpillBulk
  /** Of what has been loaded. */
  bytes: number
  /** What has been written in between. */
  readonly writes: PendingWrite[]
  /** It is written though nothing waits behind it. */
  isFull: boolean
}

/** What a store has under a key. */
export type StoredEntry = readonly [key: Uint8Array, value: Uint8Array]

/** The store under the cache: bytes by key, read at once, written in the background. */
export interface SpillStore {
  /** Makes an empty store; called once, before all else. */
  prepare(): Promise<void>
  /** Makes sure that it is open, for `bulk`: it opens by itself with the first write. */
  open(): Promise<void>
  /** An empty bulk; once it is open. */
  bulk(): SpillBulk
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

/** Who waits until a write has landed. */
interface Awaited {
  readonly number: number
  readonly landed: () => void
}

export interface SpillOptions {
  readonly store: SpillStore
  /** Bytes of pending writes above which no input may be taken (R22). */
  readonly maxPendingBytes: number
  /** Of the filter of what is written; that of what is loaded may take as much. */
  readonly maxFilterBytes: number
  /** The newest write of a cell has landed. */
  readonly landed: (cell: StateCell) => void
  /** Whether the restored base may still have an entry with this key, which must not come back. */
  readonly isInBase: (key: Uint8Array) => boolean
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
  /** What was ever written, and what was loaded: in a key group that is not loaded yet only the first tells what is known. */
  readonly #written: SpillFilter
  #loaded: SpillFilter | undefined
  #queue: (PendingWrite | PendingBulk | SpillRemoval)[] = []
  /** Those in the queue or under way. */
  #removals: SpillRemoval[] = []
  /** The keys of pending writes with the number of the newest, while anyone wants to know. */
  #pendingKeys: Map<string, number> | undefined
  #pendingBytes = 0
  #bulkBytes = 0
  #isLoading = false
  #lastNumber = 0
  #landedNumber = 0
  #writing: Promise<void> | undefined
  readonly #reading: Set<Promise<void>> = new Set()
  #awaited: Awaited[] = []
  #failure: { readonly error: unknown } | undefined
  #isClosed = false

  constructor(options: SpillOptions) {
    this.#options = options
    this.#written = new SpillFilter(options.maxFilterBytes)
  }

  /** Bytes of all that is pending. */
  get pendingBytes(): number {
    return this.#pendingBytes + this.#bulkBytes
  }

  /** Of that what has been put into bulks: does not suspend the input, nor does what is evicted keep it waiting for ever. */
  get bulkBytes(): number {
    return this.#bulkBytes
  }

  get filterBytes(): number {
    return this.#written.byteLength + (this.#loaded?.byteLength ?? 0)
  }

  /** Too much is pending; for good once a write has failed. */
  get isFull(): boolean {
    return this.#failure !== undefined || this.#pendingBytes > this.#options.maxPendingBytes
  }

  /** Nothing has ever been written or loaded. */
  get isEmpty(): boolean {
    return this.filterBytes === 0
  }

  prepare(): Promise<void> {
    return this.#options.store.prepare()
  }

  /** Whether a key may have been written or loaded: false is certain. Costs no look-up in the store. */
  mightHold(bytes: Uint8Array, length: number): boolean {
    return this.#written.mightHold(bytes, length) || this.#loaded?.mightHold(bytes, length) === true
  }

  /** The same of what was written only. */
  mightHaveWritten(bytes: Uint8Array, length: number): boolean {
    return this.#written.mightHold(bytes, length)
  }

  /** What the store has of a cell without a pending write; `NO_VALUE` (empty) where that has been written. */
  read(key: Uint8Array): Uint8Array | undefined {
    return this.#options.store.read(key)
  }

  // --- What is loaded into the store in the background ---

  /** Prepares for `put`, of about so many entries. */
  async beginLoading(expected: number): Promise<void> {
    this.#loaded = new SpillFilter(this.#options.maxFilterBytes, expected)
    this.#pendingKeys ??= new Map()
    await this.#options.store.open()
    this.#isLoading = true
  }

  /** What has been put is written soon, although it is little. */
  endBulk(): void {
    const last = this.#queue.at(-1)
    if (last !== undefined && 'bulk' in last) last.isFull = true
  }

  /** No `put` follows. */
  endLoading(): void {
    this.endBulk()
    this.#isLoading = false
    this.#pendingKeys = undefined
  }

  /**
   * Whether the store has, or is about to get, something under a key that was written, be it that there is no value. What was
   * loaded does not count, so that it costs no look-up for most keys, however many are loaded.
   */
  knows(key: Uint8Array): boolean {
    if (this.#removals.some((removal) => removal.isAbout(key))) return true
    if (!this.#written.mightHold(key, key.length)) return false
    if (this.#pendingKeys!.has(readLatin1(key, 0, key.length))) return true
    return this.#options.store.read(key) !== undefined
  }

  /**
   * Puts an entry that the store does not know into a bulk, and returns the number under which that will land. Whatever is
   * queued from now on lands later, and wins.
   */
  put(key: Uint8Array, value: Uint8Array): number {
    const last = this.#openBulk()
    this.#loaded!.add(key, key.length)
    last.bulk.put(key, value)
    const bytes = key.length + value.length
    last.bytes += bytes
    last.isFull = last.bytes >= BULK_BYTES
    this.#bulkBytes += bytes
    return last.number
  }

  #openBulk(): PendingBulk {
    const last = this.#queue.at(-1)
    if (last !== undefined && 'bulk' in last && !last.isFull) return last
    const bulk = this.#options.store.bulk()
    const opened = { number: ++this.#lastNumber, bulk, bytes: 0, writes: [], isFull: false }
    this.#queue.push(opened)
    return opened
  }

  // --- Reading aside ---

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

  /** As `readEntries`, once a write, and all before it, have landed: sent off at once. */
  readLanded(
    number: number,
    range: KeyRange,
    limit: number,
    take: (entries: readonly StoredEntry[]) => void,
  ): void {
    const landed = new Promise<void>((resolve) => this.#awaited.push({ number, landed: resolve }))
    const entries = landed.then(() =>
      this.#isClosed ? [] : this.#options.store.entries(range, limit),
    )
    this.#readAside(entries, take)
    this.#tellLanded()
    this.flush()
  }

  /** Those who wait for writes that have landed, or will not any more. */
  #tellLanded(): void {
    const isOver = this.#isClosed || this.#failure !== undefined
    const isDue = ({ number }: Awaited): boolean => isOver || this.hasLanded(number)
    const due = this.#awaited.filter(isDue)
    if (due.length === 0) return
    this.#awaited = this.#awaited.filter((awaited) => !isDue(awaited))
    for (const { landed } of due) landed()
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

  /** Queues a write, a deletion (undefined) or `NO_VALUE`; `flush` sends it. */
  queue(cell: StateCell, key: Uint8Array, value: Uint8Array | undefined): void {
    if (value !== undefined) {
      this.#written.add(key, key.length)
      cell.isSpilled = true
    }
    cell.pendingWrite = this.#push(cell, key, value)
  }

  /**
   * Queues a write or deletion of what nobody reads by its key, and returns its number: neither does the filter know of it,
   * nor does anything keep it in memory until it has landed.
   */
  queueBlind(key: Uint8Array, value: Uint8Array | undefined): number {
    return this.#push(undefined, key, value)
  }

  /**
   * Queues the deletion of entries of a map whose keys begin with `prefix`, by their encoded sub-keys, and returns its number.
   * Until that has landed the store may answer with what they were.
   */
  queueRemoval(prefix: Uint8Array, subKeys: Uint8Array): number {
    const removal = new SpillRemoval(++this.#lastNumber, prefix, subKeys)
    this.#queue.push(removal)
    this.#removals.push(removal)
    this.#pendingBytes += removal.bytes
    return removal.number
  }

  #push(cell: StateCell | undefined, key: Uint8Array, value: Uint8Array | undefined): number {
    const bulk = this.#isLoading ? this.#openBulk() : undefined
    const number = ++this.#lastNumber
    if (cell !== undefined) this.#pendingKeys?.set(readLatin1(key, 0, key.length), number)
    const write = { number, cell, key, value }
    if (bulk === undefined) this.#queue.push(write)
    else addTo(bulk, write)
    this.#pendingBytes += bytesOf(write)
    return number
  }

  /**
   * Sends what is queued, in the background, but for a bulk that may be filled, with nothing in it but what is loaded; does
   * nothing while a batch is under way.
   */
  flush(): void {
    if (this.#writing !== undefined || !this.#hasWork()) return
    if (this.#failure !== undefined || this.#isClosed) return
    const writing = this.#writeAll().catch((error: unknown) => {
      this.#failure = { error }
      this.#tellLanded()
      this.#options.fail(error)
    })
    this.#writing = writing.then(() => {
      this.#writing = undefined
    })
  }

  #hasWork(): boolean {
    const [first] = this.#queue
    if (first === undefined) return false
    return this.#queue.length > 1 || !('bulk' in first) || first.isFull || first.writes.length > 0
  }

  async #writeAll(): Promise<void> {
    while (this.#hasWork()) {
      const first = this.#queue[0]!
      if ('bulk' in first) {
        this.#queue.shift()
        await first.bulk.write()
        this.#bulkBytes -= first.bytes
        this.#landAll(first.writes, first.number)
        // Whoever loads waits for room.
        this.#options.wake()
      } else if (first instanceof SpillRemoval) await this.#writeRemoval(first)
      else await this.#writeBatch()
    }
  }

  async #writeRemoval(removal: SpillRemoval): Promise<void> {
    const { isInBase, wake } = this.#options
    const keys = removal.take(BATCH_OPERATIONS)
    const batch = keys.map((key): PendingWrite => {
      const value = isInBase(key) ? NO_VALUE : undefined
      if (value !== undefined) this.#written.add(key, key.length)
      return { number: removal.number, cell: undefined, key, value }
    })
    if (removal.isTaken) this.#queue.shift()
    await this.#options.store.write(batch)
    if (!removal.isTaken) return
    const wasFull = this.isFull
    this.#landedNumber = removal.number
    this.#pendingBytes -= removal.bytes
    this.#removals = this.#removals.filter((other) => other !== removal)
    this.#tellLanded()
    if (wasFull && !this.isFull) wake()
  }

  async #writeBatch(): Promise<void> {
    const batch: PendingWrite[] = []
    for (const write of this.#queue) {
      if ('bulk' in write || write instanceof SpillRemoval || batch.length === BATCH_OPERATIONS)
        break
      batch.push(write)
    }
    this.#queue.splice(0, batch.length)
    await this.#options.store.write(batch)
    const wasFull = this.isFull
    this.#landAll(batch, batch.at(-1)!.number)
    if (wasFull && !this.isFull) this.#options.wake()
  }

  #landAll(writes: readonly PendingWrite[], number: number): void {
    this.#landedNumber = number
    for (const write of writes) this.#land(write)
    this.#tellLanded()
  }

  #land(write: PendingWrite): void {
    const { cell, key, number } = write
    this.#pendingBytes -= bytesOf(write)
    if (cell !== undefined && this.#pendingKeys !== undefined) {
      const name = readLatin1(key, 0, key.length)
      if (this.#pendingKeys.get(name) === number) this.#pendingKeys.delete(name)
    }
    if (cell === undefined || cell.pendingWrite !== number || this.#isClosed) return
    cell.pendingWrite = 0
    cell.isSpilled = write.value !== undefined && write.value !== NO_VALUE
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
    const queue = this.#queue
    this.#queue = []
    this.#tellLanded()
    await this.idle()
    for (const write of queue) if ('bulk' in write) await write.bulk.close()
    await Promise.all(this.#reading)
    await this.#options.store.close()
  }
}

/**
 * Writes join what is being loaded: one batch lands a turn of the event loop, so that what were batches of their own, by turns,
 * would take twice as long.
 */
function addTo(bulk: PendingBulk, write: PendingWrite): void {
  if (write.value === undefined) bulk.bulk.del(write.key)
  else bulk.bulk.put(write.key, write.value)
  bulk.number = write.number
  bulk.writes.push(write)
  if (bulk.writes.length >= BATCH_OPERATIONS) bulk.isFull = true
}

function bytesOf(write: PendingWrite): number {
  const kept = write.cell === undefined ? BLIND_WRITE_BYTES : WRITE_BYTES
  return kept + write.key.length + (write.value?.length ?? 0)
}
