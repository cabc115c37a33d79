import { canonicalKey, keyOfCanonical, saysKey } from '../key-encoding.ts'
import type { CanonicalKey, Key } from '../key.ts'
import { NumberTable } from './number-table.ts'
import { ownKey } from './own-key.ts'

/** Of `#use`: its lowest bits. */
const OWNED = 1
const IDLE = 2
const INNER = 4
const USE = 8

/**
 * All that is in memory of one key and namespace: a slot for each state and each set of timers of the backend.
 *
 * Found once for each record; the states then find their cell by index. A row that is not in use any more stays in the
 * table for a while, as its key often comes back. There may be tens of millions: a field costs eight bytes, another object four
 * times as much and a miss of the processor's caches.
 */
export class StateRow {
  readonly keyGroup: number
  /** What it stands under in the table, or among the namespaces of its parent. */
  canonical: CanonicalKey
  /** Of an inner row the namespace; else the key, where the canonical form does not say it. */
  #name: Key | undefined
  /** Of an inner row its parent; else the rows of the key's other namespaces: the one, or all of several. */
  #family: StateRow | Map<CanonicalKey, StateRow> | undefined
  /** How many slots and namespaces are in use, times `USE`; and flags. */
  #use: number
  #slot0: object | undefined
  #slot1: object | undefined
  #slot2: object | undefined
  #otherSlots: (object | undefined)[] | undefined

  constructor(
    key: Key,
    keyGroup: number,
    canonical: CanonicalKey,
    parent: StateRow | undefined,
    namespace: Key | undefined,
  ) {
    this.keyGroup = keyGroup
    this.canonical = canonical
    if (parent === undefined) {
      this.#name = saysKey(canonical) ? undefined : key
      this.#use = 0
    } else {
      this.#name = namespace
      this.#family = parent
      this.#use = INNER
    }
  }

  /** The row of the default namespace of the same key; undefined for that row itself. */
  get parent(): StateRow | undefined {
    return (this.#use & INNER) === 0 ? undefined : (this.#family as StateRow)
  }

  get namespace(): Key | undefined {
    return (this.#use & INNER) === 0 ? undefined : this.#name
  }

  get key(): Key {
    const top = this.parent ?? this
    return top.#name ?? keyOfCanonical(top.canonical)
  }

  // --- Slots ---

  slot(index: number): object | undefined {
    if (index === 0) return this.#slot0
    if (index === 1) return this.#slot1
    if (index === 2) return this.#slot2
    return this.#otherSlots?.[index - 3]
  }

  setSlot(index: number, content: object | undefined): void {
    if (index === 0) this.#slot0 = content
    else if (index === 1) this.#slot1 = content
    else if (index === 2) this.#slot2 = content
    else {
      this.#otherSlots ??= []
      while (this.#otherSlots.length < index - 3) this.#otherSlots.push(undefined)
      this.#otherSlots[index - 3] = content
    }
  }

  // --- Use ---

  /** Stands in the table without being in use. */
  get isIdle(): boolean {
    return (this.#use & IDLE) !== 0
  }

  set isIdle(isIdle: boolean) {
    this.#use = isIdle ? this.#use | IDLE : this.#use & ~IDLE
  }

  /** One slot or namespace more is in use; true if it is the first. */
  use(): boolean {
    this.#use += USE
    return this.#use < 2 * USE
  }

  /** One slot or namespace less is in use; true if it was the last. */
  release(): boolean {
    this.#use -= USE
    return this.#use < USE
  }

  /** Sees to it that key and namespace are in memory of their own. */
  own(): void {
    if ((this.#use & OWNED) !== 0) return
    this.#use |= OWNED
    const { canonical } = this
    if (this.#name !== undefined) this.#name = ownKey(this.#name)
    if (typeof canonical === 'string')
      this.canonical = canonicalKey(this.#name ?? ownKey(canonical))
  }

  // --- Namespaces ---

  /** The row of another namespace of the same key. */
  within(namespace: CanonicalKey): StateRow | undefined {
    const within = this.#family
    if (within === undefined) return undefined
    if (within instanceof StateRow) return within.canonical === namespace ? within : undefined
    return within.get(namespace)
  }

  addWithin(row: StateRow): void {
    const within = this.#family
    if (within === undefined) this.#family = row
    else if (within instanceof StateRow) {
      this.#family = new Map([
        [within.canonical, within],
        [row.canonical, row],
      ])
    } else within.set(row.canonical, row)
  }

  removeWithin(row: StateRow): void {
    const within = this.#family!
    if (within instanceof StateRow) {
      if (within === row) this.#family = undefined
      return
    }
    within.delete(row.canonical)
    if (within.size === 0) this.#family = undefined
  }
}

/** Rows of keys that are not in use, but kept: at most so many, or as many as are in use. */
const MIN_IDLE = 1_024

/** The rows that are in use, by key and namespace, and for a while those that were. */
export class RowTable {
  readonly #byNumber: NumberTable<StateRow> = new NumberTable()
  readonly #others: Map<CanonicalKey, StateRow> = new Map()
  #count = 0
  #idle = 0
  /** The part of the table that is swept next; behind those of `#byNumber` the other rows. */
  #sweepNext = 0

  /** Number of rows in use, those of namespaces included. */
  get count(): number {
    return this.#count
  }

  /** Number of rows in memory. */
  get kept(): number {
    return this.#count + this.#idle
  }

  /** The row of a key's default namespace. */
  find(canonical: CanonicalKey): StateRow | undefined {
    return typeof canonical === 'number'
      ? this.#byNumber.get(canonical)
      : this.#others.get(canonical)
  }

  /**
   * The rows of keys' default namespaces, idle ones too; goes on through changes, which may show in it or not, and may make rows
   * appear twice.
   */
  *all(): IterableIterator<StateRow> {
    yield* this.#byNumber.values()
    yield* this.#others.values()
  }

  /** One slot more of the row is in use. */
  use(row: StateRow): void {
    if (!row.use()) return
    this.#count++
    const { parent } = row
    if (parent !== undefined) this.use(parent)
    row.own()
    if (parent !== undefined) {
      parent.addWithin(row)
    } else if (row.isIdle) {
      row.isIdle = false
      this.#idle--
    } else this.#add(row)
  }

  #add(row: StateRow): void {
    const { canonical } = row
    if (typeof canonical === 'number') this.#byNumber.add(canonical, row)
    else this.#others.set(canonical, row)
  }

  /** The row that stands in the table for the same key and namespace; the same one if there is none. */
  current(row: StateRow): StateRow {
    const { parent } = row
    if (parent === undefined) return this.find(row.canonical) ?? row
    return this.current(parent).within(row.canonical) ?? row
  }

  /** One slot less is in use; with the last a row becomes idle, that of a namespace leaves. */
  release(row: StateRow): void {
    if (!row.release()) return
    this.#count--
    const { parent } = row
    if (parent !== undefined) {
      parent.removeWithin(row)
      this.release(parent)
      return
    }
    row.isIdle = true
    this.#idle++
    while (this.#idle > Math.max(MIN_IDLE, this.#count)) this.#sweepPart()
  }

  /** Drops the idle rows of a part of the table: O(rows there), after as many have become idle. */
  #sweepPart(): void {
    const part = this.#sweepNext
    const { parts } = this.#byNumber
    if (part < parts) this.#byNumber.keep(part, this.#isNoLongerIdle)
    else {
      for (const row of this.#others.values()) {
        if (!this.#isNoLongerIdle(row)) this.#others.delete(row.canonical)
      }
    }
    this.#sweepNext = part < parts ? part + 1 : 0
  }

  readonly #isNoLongerIdle = (row: StateRow): boolean => {
    if (!row.isIdle) return true
    row.isIdle = false
    this.#idle--
    return false
  }

  clear(): void {
    this.#byNumber.clear()
    this.#others.clear()
    this.#count = 0
    this.#idle = 0
  }
}
