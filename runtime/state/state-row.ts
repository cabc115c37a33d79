import { canonicalKey } from '../key-encoding.ts'
import type { CanonicalKey, Key } from '../key.ts'
import { ownKey } from './own-key.ts'

/**
 * All that is in memory of one key and namespace: a slot for each state and each set of timers of the backend.
 *
 * Found once for each record; the states then find their cell by index. A row that is not in use any more stays in the
 * table for a while, as its key often comes back.
 */
export class StateRow {
  readonly keyGroup: number
  /** The row of the default namespace of the same key; undefined for that row itself. */
  readonly parent: StateRow | undefined
  readonly slots: (object | undefined)[]
  key: Key
  namespace: Key | undefined
  /** What it stands under in the table, or among the namespaces of its parent. */
  canonical: CanonicalKey
  /** Rows of the key's other namespaces: the one, or all of several. */
  #only: StateRow | undefined
  #named: Map<CanonicalKey, StateRow> | undefined
  /** How many slots and namespaces are in use. */
  uses = 0
  /** Key and namespace are in memory of their own. */
  isOwned = false
  /** Stands in the table without being in use. */
  isIdle = false

  constructor(options: {
    readonly key: Key
    readonly keyGroup: number
    readonly parent: StateRow | undefined
    readonly namespace: Key | undefined
    readonly canonical: CanonicalKey
    /** As many as the backend has, all empty. */
    readonly slots: (object | undefined)[]
  }) {
    this.key = options.key
    this.keyGroup = options.keyGroup
    this.parent = options.parent
    this.namespace = options.namespace
    this.canonical = options.canonical
    this.slots = options.slots
  }

  /** The row of another namespace of the same key. */
  within(namespace: CanonicalKey): StateRow | undefined {
    const only = this.#only
    if (only !== undefined) return only.canonical === namespace ? only : undefined
    return this.#named?.get(namespace)
  }

  addWithin(row: StateRow): void {
    if (this.#named !== undefined) this.#named.set(row.canonical, row)
    else if (this.#only === undefined) this.#only = row
    else {
      this.#named = new Map([
        [this.#only.canonical, this.#only],
        [row.canonical, row],
      ])
      this.#only = undefined
    }
  }

  removeWithin(row: StateRow): void {
    if (this.#only === row) this.#only = undefined
    else {
      this.#named!.delete(row.canonical)
      if (this.#named!.size === 0) this.#named = undefined
    }
  }
}

/** Rows of keys that are not in use, but kept: at most so many, or as many as are in use. */
const MIN_IDLE = 1_024

/** The rows that are in use, by key and namespace, and for a while those that were. */
export class RowTable {
  readonly #rows: Map<CanonicalKey, StateRow> = new Map()
  #count = 0
  #idle = 0

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
    return this.#rows.get(canonical)
  }

  /** The rows of keys' default namespaces, idle ones too; goes on through changes, which may show in it or not. */
  all(): IterableIterator<StateRow> {
    return this.#rows.values()
  }

  /** One slot more of the row is in use. */
  use(row: StateRow): void {
    if (row.uses++ > 0) return
    this.#count++
    const { parent } = row
    if (parent !== undefined) this.use(parent)
    if (!row.isOwned) own(row)
    if (parent !== undefined) {
      parent.addWithin(row)
    } else if (row.isIdle) {
      row.isIdle = false
      this.#idle--
    } else this.#rows.set(row.canonical, row)
  }

  /** The row that stands in the table for the same key and namespace; the same one if there is none. */
  current(row: StateRow): StateRow {
    const { parent } = row
    if (parent === undefined) return this.#rows.get(row.canonical) ?? row
    return this.current(parent).within(row.canonical) ?? row
  }

  /** One slot less is in use; with the last a row becomes idle, that of a namespace leaves. */
  release(row: StateRow): void {
    if (--row.uses > 0) return
    this.#count--
    const { parent } = row
    if (parent !== undefined) {
      parent.removeWithin(row)
      this.release(parent)
      return
    }
    row.isIdle = true
    this.#idle++
    if (this.#idle > Math.max(MIN_IDLE, this.#count)) this.#sweep()
  }

  /** Drops all idle rows: O(rows), after as many have become idle. */
  #sweep(): void {
    for (const row of this.#rows.values()) {
      if (!row.isIdle) continue
      row.isIdle = false
      this.#rows.delete(row.canonical)
    }
    this.#idle = 0
  }

  clear(): void {
    this.#rows.clear()
    this.#count = 0
    this.#idle = 0
  }
}

function own(row: StateRow): void {
  row.isOwned = true
  row.key = row.parent?.key ?? ownKey(row.key)
  if (row.namespace !== undefined) row.namespace = ownKey(row.namespace)
  if (typeof row.canonical === 'string') row.canonical = canonicalKey(row.namespace ?? row.key)
}
