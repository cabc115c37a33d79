import type { Key } from '../key.ts'

/** Keys of a map that lie together, ascending, as `orderOf` gives them and as they are. */
export interface KeyStretch {
  readonly orders: readonly string[]
  readonly keys: readonly Key[]
}

/**
 * A walk over the keys of a map in pages: those that were there at its beginning and are there when their turn comes, in order
 * (R17), whatever comes, goes and comes back meanwhile, and wherever pages begin and end.
 *
 * It holds one page of keys, and what has come and gone ahead of it; so it has to be told of that.
 */
export class MapWalk {
  readonly #stretchAfter: (order: string) => KeyStretch | undefined
  #last = ''
  #stretch: KeyStretch = { orders: [], keys: [] }
  #at = 0
  /** A key of the stretch may be missing in it. */
  #isStale = false
  /** Ahead, not there at the beginning; and there at the beginning, gone since. */
  readonly #added: Set<string> = new Set()
  readonly #removed: Set<string> = new Set()

  /** `stretchAfter`: some keys of now, the first that come after one, of which nothing is known yet if it is empty. */
  constructor(stretchAfter: (order: string) => KeyStretch | undefined) {
    this.#stretchAfter = stretchAfter
  }

  /** The next key, which may have gone since it was looked at; undefined at the end. */
  next(): Key | undefined {
    for (;;) {
      const order = this.#isStale ? undefined : this.#stretch.orders[this.#at]
      if (order === undefined) {
        if (!this.#turn()) return undefined
        continue
      }
      this.#last = order
      const key = this.#stretch.keys[this.#at++]!
      if (!this.#added.has(order)) return key
    }
  }

  #turn(): boolean {
    const stretch = this.#stretchAfter(this.#last)
    this.#isStale = false
    this.#at = 0
    this.#stretch = stretch ?? { orders: [], keys: [] }
    return stretch !== undefined
  }

  /** A key has come. */
  added(order: string): void {
    if (order <= this.#last) return
    if (this.#removed.delete(order)) this.#isStale = true
    else this.#added.add(order)
  }

  /** A key has gone. */
  removed(order: string): void {
    if (order > this.#last && !this.#added.delete(order)) this.#removed.add(order)
  }
}
