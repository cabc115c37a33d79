import type { FoundKey } from './memory-keys.ts'
import { defaultKeyIn, isFullPiece, type KeyRange, keyRange } from './snapshot-format.ts'
import type { Spill } from './spill.ts'
import type { CellState } from './state-cell.ts'

/** Keys read in one go. */
const PAGE_KEYS = 512

/**
 * The keys of which the spill has something of one state, in their default namespace, one key group after another, in order.
 *
 * Read in the background, a page at a time: `next` says what there is, or that it has still to come.
 */
export class SpilledKeys {
  readonly #spill: Spill
  readonly #state: CellState
  /** Of a map there is one entry for each key that tells of it: its index. */
  readonly #isPrivate: boolean
  /** Of a list it is its last piece. */
  readonly #isList: boolean
  #range: KeyRange | undefined
  #page: readonly FoundKey[] = []
  #at = 0
  #isReading = false

  constructor(spill: Spill, state: CellState) {
    this.#spill = spill
    this.#state = state
    this.#isPrivate = state.kind === 'map'
    this.#isList = state.kind === 'list'
  }

  /** Goes to the beginning of a key group. */
  enter(keyGroup: number): void {
    this.#page = []
    this.#at = 0
    this.#range = this.#spill.isEmpty
      ? undefined
      : keyRange(keyGroup, this.#state.stateId, this.#isPrivate)
  }

  /** The next key of the group, which stays the next one until `skip`; undefined if there is none or it is still to come. */
  get next(): FoundKey | undefined {
    const key = this.#page[this.#at]
    if (key === undefined) this.#read()
    return key
  }

  /** A page is on its way: whether there is a next key is not known yet. */
  get isReading(): boolean {
    return this.#isReading
  }

  skip(): void {
    this.#at++
  }

  #read(): void {
    if (this.#range === undefined || this.#isReading) return
    this.#isReading = true
    this.#spill.readKeys(this.#range, PAGE_KEYS, (keys) => this.#take(keys))
  }

  #take(keys: readonly Uint8Array[]): void {
    this.#isReading = false
    const { before } = this.#range!
    this.#range = keys.length < PAGE_KEYS ? undefined : { after: keys.at(-1)!, before }
    this.#at = 0
    const own = this.#isList ? keys.filter((bytes) => !isFullPiece(bytes)) : keys
    this.#page = own.flatMap((bytes) => defaultKeyIn(bytes, this.#isPrivate) ?? [])
  }
}
