import { keyBound, keyGroupIn, stateIdIn } from './snapshot-format.ts'
import type { Spill, StoredEntry } from './spill.ts'
import type { KeyGroupRange } from './state-backend.ts'

/** Entries read in one go. */
const PAGE_ENTRIES = 1_024

/**
 * The entries of some states that a spill has, by key group, as they are stored there: read in the background, a page at a
 * time. What lies between them is jumped over, so states that are not asked for cost at most a page a key group.
 */
export class SpilledEntries {
  readonly #spill: Spill
  /** Ascending. */
  readonly #stateIds: readonly number[]
  readonly #before: Uint8Array
  /** Undefined when the end has been reached. */
  #after: Uint8Array | undefined
  #page: readonly StoredEntry[] = []
  #at = 0
  #isReading = false

  constructor(spill: Spill, stateIds: readonly number[], range: KeyGroupRange) {
    this.#spill = spill
    this.#stateIds = stateIds
    this.#after = spill.isEmpty ? undefined : keyBound(range.first, stateIds[0]!)
    this.#before = keyBound(range.last + 1, 0)
  }

  /** The next entry, handed out once; undefined if there is none, or it is still to come. */
  take(): StoredEntry | undefined {
    const entry = this.#page[this.#at]
    if (entry === undefined) this.#read()
    else this.#at++
    return entry
  }

  /** A page is on its way. */
  get isReading(): boolean {
    return this.#isReading
  }

  #read(): void {
    if (this.#after === undefined || this.#isReading) return
    this.#isReading = true
    const range = { after: this.#after, before: this.#before }
    this.#spill.readEntries(range, PAGE_ENTRIES, (entries) => this.#turnTo(entries))
  }

  #turnTo(entries: readonly StoredEntry[]): void {
    this.#isReading = false
    const last = entries.at(-1)
    this.#after = last === undefined ? undefined : this.#behind(last[0])
    this.#at = 0
    this.#page = entries.filter(
      ([key, value]) => value.length > 0 && this.#stateIds.includes(stateIdIn(key)),
    )
  }

  /** Where to go on after a key: behind it, or where the next of the states begins. */
  #behind(key: Uint8Array): Uint8Array {
    const stateId = stateIdIn(key)
    const next = this.#stateIds.find((one) => one >= stateId)
    if (next === stateId) return key
    return next === undefined
      ? keyBound(keyGroupIn(key) + 1, this.#stateIds[0]!)
      : keyBound(keyGroupIn(key), next)
  }
}
