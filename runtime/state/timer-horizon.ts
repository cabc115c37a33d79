/**
 * How far the timers of one operator and time domain are in memory, by key group: those up to the horizon of their key group
 * are, those behind it may be in the store only.
 *
 * A horizon is a timestamp, and where the timers of that timestamp are parted, the key of the last one before it. Pure.
 */
export class TimerHorizon {
  readonly #firstGroup: number
  /** Timers from here on may be behind; NaN where none is. */
  readonly #from: Float64Array
  /** Of those at the timestamp itself, the ones up to this key are not; undefined where all are. */
  readonly #bounds: (Uint8Array | undefined)[]
  /** Not more than the timestamp of any timer behind; Infinity if there is none. */
  earliest: number = Infinity
  /** Key groups that may have something behind. */
  groupsBehind: number = 0

  constructor(range: { readonly first: number; readonly last: number }) {
    const groups = range.last - range.first + 1
    this.#firstGroup = range.first
    this.#from = new Float64Array(groups).fill(Number.NaN)
    this.#bounds = Array.from({ length: groups }, () => undefined)
  }

  /** Nothing is behind, of any key group. */
  get isOpen(): boolean {
    return this.groupsBehind === 0
  }

  /** Whether a timer is behind; `key` gives its key where that decides. */
  isBehind(keyGroup: number, timestamp: number, key: () => Uint8Array): boolean {
    const at = keyGroup - this.#firstGroup
    const from = this.#from[at]!
    if (timestamp > from) return true
    if (timestamp !== from) return false
    const bound = this.#bounds[at]
    return bound === undefined || Buffer.compare(key(), bound) > 0
  }

  /** What is behind begins at a timestamp; undefined where nothing is. */
  startOf(keyGroup: number): HorizonStart | undefined {
    const at = keyGroup - this.#firstGroup
    const timestamp = this.#from[at]!
    return Number.isNaN(timestamp) ? undefined : { timestamp, after: this.#bounds[at] }
  }

  /** A timer leaves memory: all from its timestamp on are behind now. Only for one that is not. */
  lower(keyGroup: number, timestamp: number): void {
    const at = keyGroup - this.#firstGroup
    if (Number.isNaN(this.#from[at]!)) this.groupsBehind++
    this.#from[at] = timestamp
    this.#bounds[at] = undefined
    if (timestamp < this.earliest) this.earliest = timestamp
  }

  /** The timers up to a key are in memory; `timestamp` is that of the key. */
  raise(keyGroup: number, timestamp: number, key: Uint8Array): void {
    const at = keyGroup - this.#firstGroup
    const before = this.#from[at]!
    this.#from[at] = timestamp
    this.#bounds[at] = key
    if (before === this.earliest) this.#findEarliest()
  }

  /** All timers of a key group are in memory. */
  clear(keyGroup: number): void {
    const at = keyGroup - this.#firstGroup
    const before = this.#from[at]!
    this.#from[at] = Number.NaN
    this.#bounds[at] = undefined
    this.groupsBehind--
    if (before === this.earliest) this.#findEarliest()
  }

  #findEarliest(): void {
    let earliest = Infinity
    for (const from of this.#from) if (from < earliest) earliest = from
    this.earliest = earliest
  }

  /** The key group whose horizon is the nearest of those up to `upTo`, without those to pass over; undefined if there is none. */
  nearest(upTo: number, passOver: ReadonlyMap<number, unknown>): number | undefined {
    let nearest: number | undefined
    let nearestFrom = Infinity
    for (let at = 0; at < this.#from.length; at++) {
      const from = this.#from[at]!
      const isNearer = nearest === undefined ? from <= upTo : from < nearestFrom
      if (!isNearer || passOver.has(at + this.#firstGroup)) continue
      nearest = at + this.#firstGroup
      nearestFrom = from
    }
    return nearest
  }
}

/** Where the timers behind a horizon begin: behind `after`, or with the first of the timestamp. */
export interface HorizonStart {
  readonly timestamp: number
  readonly after: Uint8Array | undefined
}
