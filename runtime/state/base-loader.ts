import { ByteWriter } from '../bytes.ts'
import type { Clock } from '../clock.ts'
import type { BaseLevel } from './base-level.ts'
import { pageBounds, storedDirectory } from './base-pages.ts'
import {
  isFullPiece,
  keyGroupIn,
  pageKeyOf,
  privateKeyOf,
  stateIdIn,
  subKeyAt,
} from './snapshot-format.ts'
import type { Spill } from './spill.ts'
import type { KeyGroupRange, RestoredBase, StateEntry } from './state-backend.ts'
import type { CellState } from './state-cell.ts'

/** Entries loaded between two looks at the clock. */
const ENTRIES_PER_LOOK = 64
/** Entries that are read ahead: a turn finds as many as it has time for. */
const AHEAD = 4_096
/**
 * What a turn gives to loading, whether records wait or not: a quarter of the time, if they take all the rest. A turn that
 * has nothing else to do is followed by the next one at once; longer ones would hold up what comes from other threads.
 */
const SLICE_MS = 3

export interface BaseLoaderOptions {
  readonly base: RestoredBase
  readonly level: BaseLevel
  readonly spill: Spill
  /** By their ids. */
  readonly states: ReadonlyMap<number, CellState>
  readonly range: KeyGroupRange
  readonly clock: Clock
  /** Bytes of what has been put and has not landed above which it waits. */
  readonly maxBulkBytes: number
  /** A value, list or map has been loaded, or found to be known better. */
  readonly counted: () => void
  readonly wake: () => void
  readonly fail: (error: unknown) => void
}

/**
 * Loads the restored base into the spill, in the order of key groups, a little in each turn (R28).
 *
 * ```
 *   reading a page ─▶ each entry: does the spill know its key? no: into the bulk ─▶ … ─▶ the group's last bulk has landed: loaded
 * ```
 *
 * What the spill knows of a key, a value or that there is none, is newer. Asking and putting is one step, and whatever is
 * written later lands later, so that nothing newer is overwritten; until a group counts as loaded, what is not in the spill
 * is read from the base. A map gets its index when all its entries have been seen; of a large one each page is put when
 * the entries of that have been seen.
 */
export class BaseLoader {
  readonly #options: BaseLoaderOptions
  readonly #pages: AsyncIterator<readonly StateEntry[]>
  #page: readonly StateEntry[] = []
  #at = 0
  /** The pages behind it that have been read, the next one first, and their entries. */
  #ahead: (readonly StateEntry[])[] = []
  #entriesAhead = 0
  #isReading = false
  readonly #opening: Promise<void>
  /** All pages have been read; and all their entries taken. */
  #hasRead = false
  #hasEnded = false
  #isDone = false
  #hasFailed = false
  #isClosed = false
  #keyGroup = 0
  /** Key groups that have been read but not landed: all below `below` are loaded once that write has landed. */
  #landing: { readonly below: number; readonly number: number }[] = []
  #lastPut = 0
  /** What stands before the sub-keys of the map that is being loaded, and these. */
  #map: Uint8Array | undefined
  readonly #index: ByteWriter = new ByteWriter()
  /** Where its index is cut into pages, and which of these it is in. */
  #bounds: readonly Uint8Array[] = []
  #mapPage = 0

  constructor(options: BaseLoaderOptions) {
    this.#options = options
    this.#pages = options.base.entries(new Set(options.states.keys()))[Symbol.asyncIterator]()
    this.#opening = options.spill.beginLoading(options.base.entryCount)
    void this.#read()
  }

  /** Everything has been loaded: the base is needed no more. */
  get isDone(): boolean {
    return this.#isDone
  }

  /** The share of key groups that have been read, from 0 to 1. */
  get share(): number {
    const { first, last } = this.#options.range
    return Math.min(1, Math.max(0, (this.#keyGroup - first) / (last - first + 1)))
  }

  /** Goes on for a bounded time; true if there is more to do at once. */
  work(): boolean {
    this.#settle()
    if (this.#isDone) return false
    if (this.#hasFailed) return false
    const { clock, spill, maxBulkBytes } = this.#options
    const until = clock.elapsed() + SLICE_MS
    for (let count = 1; !this.#hasEnded; count++) {
      const entry = this.#page[this.#at] ?? this.#turn()
      if (entry === undefined) return false
      if (spill.bulkBytes > maxBulkBytes) {
        spill.endBulk()
        return false
      }
      this.#at++
      this.#load(entry)
      if (count % ENTRIES_PER_LOOK === 0 && clock.elapsed() >= until) return true
    }
    return false
  }

  /** Counts groups as loaded whose writes have landed. */
  #settle(): void {
    const { spill, level } = this.#options
    while (this.#landing.length > 0 && spill.hasLanded(this.#landing[0]!.number)) {
      level.loaded(this.#landing.shift()!.below)
    }
    this.#isDone = this.#hasEnded && this.#landing.length === 0
  }

  #load({ key, value }: StateEntry): void {
    const keyGroup = keyGroupIn(key)
    if (keyGroup > this.#keyGroup) this.#enter(keyGroup)
    const { kind } = this.#options.states.get(stateIdIn(key))!
    if (kind === 'map') this.#noteInIndex(key)
    else {
      this.#endMap()
      if (kind !== 'list' || !isFullPiece(key)) this.#options.counted()
    }
    this.#put(key, value)
  }

  #put(key: Uint8Array, value: Uint8Array): void {
    const { spill } = this.#options
    if (!spill.knows(key)) this.#lastPut = spill.put(key, value)
  }

  #enter(keyGroup: number): void {
    this.#endMap()
    this.#landing.push({ below: keyGroup, number: this.#lastPut })
    this.#keyGroup = keyGroup
  }

  #noteInIndex(key: Uint8Array): void {
    const end = subKeyAt(key)!
    if (this.#map === undefined || !isPrefix(this.#map, key, end)) {
      this.#endMap()
      this.#map = key.slice(0, end)
      this.#bounds = pageBounds(this.#options.base, this.#map)
    }
    const subKey = key.subarray(end)
    while (this.#isBehind(subKey)) this.#endPage(this.#map!)
    this.#index.append(subKey)
  }

  #isBehind(subKey: Uint8Array): boolean {
    const bound = this.#bounds[this.#mapPage]
    return bound !== undefined && Buffer.compare(subKey, bound) >= 0
  }

  #endPage(map: Uint8Array): void {
    if (this.#index.length > 0) this.#put(pageKeyOf(map, this.#mapPage), this.#index.copy())
    this.#index.length = 0
    this.#mapPage++
  }

  #endMap(): void {
    if (this.#map === undefined) return
    if (this.#bounds.length > 0) {
      this.#endPage(this.#map)
      this.#put(privateKeyOf(this.#map), storedDirectory(this.#bounds))
    } else this.#put(privateKeyOf(this.#map), this.#index.copy())
    this.#options.counted()
    this.#map = undefined
    this.#index.length = 0
    this.#mapPage = 0
  }

  // --- Pages ---

  /** The first entry of the next page; undefined if that has not been read yet, or there is none. */
  #turn(): StateEntry | undefined {
    this.#page = this.#ahead.shift() ?? []
    this.#at = 0
    this.#entriesAhead -= this.#page.length
    if (this.#page.length === 0 && this.#hasRead) this.#end()
    else if (this.#entriesAhead < AHEAD / 2 && !this.#isReading) void this.#read()
    return this.#page[0]
  }

  /** Reads ahead, once the spill is open. */
  async #read(): Promise<void> {
    this.#isReading = true
    try {
      await this.#opening
      while (this.#entriesAhead < AHEAD && !this.#hasRead && !this.#isClosed) {
        const { value, done } = await this.#pages.next()
        if (done === true) this.#hasRead = true
        else if (value.length > 0) {
          this.#ahead.push(value)
          this.#entriesAhead += value.length
        }
      }
    } catch (error) {
      this.#fail(error)
    }
    this.#isReading = false
    if (!this.#isClosed) this.#options.wake()
  }

  #end(): void {
    this.#hasEnded = true
    this.#enter(Infinity)
    this.#options.spill.endLoading()
    this.#settle()
  }

  #fail(error: unknown): void {
    this.#hasFailed = true
    this.#page = []
    this.#ahead = []
    if (!this.#isClosed) this.#options.fail(error)
  }

  /** Ends loading; resolves when nothing more comes to the spill. What is being read is not waited for. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#opening.catch(() => {
      // Told when it happened.
    })
  }
}

function isPrefix(prefix: Uint8Array, key: Uint8Array, end: number): boolean {
  if (prefix.length !== end) return false
  for (let i = 0; i < end; i++) if (prefix[i] !== key[i]) return false
  return true
}
