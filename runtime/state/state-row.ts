import { canonicalKey } from '../key-encoding.ts'
import type { CanonicalKey, Key } from '../key.ts'
import { ownKey } from './own-key.ts'

/**
 * All that is in memory of one key and namespace: a slot for each state and each set of timers of the backend.
 *
 * Found once for each record; the states then find their cell by index. A row stands in the table only while something
 * of it is in use, so that keys that are not touched any more cost nothing.
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
  /** Rows of the key's other namespaces. */
  named: Map<CanonicalKey, StateRow> | undefined
  /** How many slots and namespaces are in use. */
  uses = 0
  /** Key and namespace are in memory of their own. */
  isOwned = false

  constructor(options: {
    readonly key: Key
    readonly keyGroup: number
    readonly parent: StateRow | undefined
    readonly namespace: Key | undefined
    readonly canonical: CanonicalKey
    readonly slotCount: number
  }) {
    this.key = options.key
    this.keyGroup = options.keyGroup
    this.parent = options.parent
    this.namespace = options.namespace
    this.canonical = options.canonical
    this.slots = new Array<object | undefined>(options.slotCount).fill(undefined)
  }
}

/** The rows that are in use, by key and namespace. */
export class RowTable {
  readonly #rows: Map<CanonicalKey, StateRow> = new Map()
  #count = 0

  /** Number of rows, those of namespaces included. */
  get count(): number {
    return this.#count
  }

  /** The row of a key's default namespace. */
  find(canonical: CanonicalKey): StateRow | undefined {
    return this.#rows.get(canonical)
  }

  /** One slot more of the row is in use. */
  use(row: StateRow): void {
    if (row.uses++ > 0) return
    this.#count++
    const { parent } = row
    if (parent !== undefined) this.use(parent)
    if (!row.isOwned) own(row)
    if (parent === undefined) this.#rows.set(row.canonical, row)
    else {
      parent.named ??= new Map()
      parent.named.set(row.canonical, row)
    }
  }

  /** The row that stands in the table for the same key and namespace; the same one if there is none. */
  current(row: StateRow): StateRow {
    const { parent } = row
    if (parent === undefined) return this.#rows.get(row.canonical) ?? row
    return this.current(parent).named?.get(row.canonical) ?? row
  }

  /** One slot less is in use; the row leaves with the last. */
  release(row: StateRow): void {
    if (--row.uses > 0) return
    this.#count--
    const { parent } = row
    if (parent === undefined) {
      this.#rows.delete(row.canonical)
      return
    }
    parent.named!.delete(row.canonical)
    if (parent.named!.size === 0) parent.named = undefined
    this.release(parent)
  }

  clear(): void {
    this.#rows.clear()
    this.#count = 0
  }
}

function own(row: StateRow): void {
  row.isOwned = true
  row.key = row.parent?.key ?? ownKey(row.key)
  if (row.namespace !== undefined) row.namespace = ownKey(row.namespace)
  if (typeof row.canonical === 'string') row.canonical = canonicalKey(row.namespace ?? row.key)
}
