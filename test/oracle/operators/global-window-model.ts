import type { Row, TimedEvent } from '../oracle-operator.ts'
import type { KeyModel } from './keyed-model.ts'

export interface GlobalWindowParams {
  /** `end`: none but the end of the input. */
  readonly trigger: 'count' | 'delta' | 'continuous' | 'end'
  /** Records, distance or interval of the trigger. */
  readonly limit: number
  readonly isPurging: boolean
  readonly evictor: 'none' | 'count' | 'time' | 'delta'
  /** Records, span or distance of the evictor. */
  readonly kept: number
  readonly evictsAfter: boolean
  readonly isAggregated: boolean
}

/** The one window of a key, as an array and a few numbers (semantics 2.4). */
export class GlobalWindowModel implements KeyModel {
  readonly #params: GlobalWindowParams
  #elements: readonly TimedEvent[] = []
  #count = 0
  #last: TimedEvent | undefined
  /** When a continuous trigger fires next, and the watermark that was there when it was set. */
  #next: { readonly at: number; readonly since: number } | undefined

  constructor(params: GlobalWindowParams) {
    this.#params = params
  }

  add(event: TimedEvent): readonly Row[] {
    const rows = this.#advance(event.watermark)
    this.#elements = [...this.#elements, event]
    return this.#isFired(event) ? [...rows, ...this.#fire()] : rows
  }

  end(watermark: number): readonly Row[] {
    const { trigger } = this.#params
    if (trigger === 'end') return this.#fire()
    if (trigger !== 'continuous') return []
    // At the end it fires for the interval that it is in, and for the end of time.
    return [...this.#advance(watermark), ...this.#fire(), ...this.#fire()]
  }

  #advance(watermark: number): readonly Row[] {
    const rows: Row[] = []
    while (this.#next !== undefined && this.#next.at <= watermark && watermark > this.#next.since) {
      rows.push(...this.#fire())
      this.#next = { at: this.#next.at + this.#params.limit, since: this.#next.since }
    }
    return rows
  }

  #isFired(event: TimedEvent): boolean {
    const { trigger, limit } = this.#params
    switch (trigger) {
      case 'count':
        return ++this.#count % limit === 0
      case 'delta': {
        const last = this.#last
        if (last !== undefined && event.n - last.n <= limit) return false
        this.#last = event
        return last !== undefined
      }
      case 'continuous':
        this.#next ??= { at: event.t - (event.t % limit) + limit, since: event.watermark }
        return false
      case 'end':
        return false
    }
  }

  #fire(): readonly Row[] {
    const { evictor, evictsAfter, isPurging } = this.#params
    const before = evictor !== 'none' && !evictsAfter ? this.#evict() : this.#elements
    const isShown = before.length > 0
    this.#elements = evictor !== 'none' && evictsAfter ? this.#evict() : before
    if (isPurging && this.#params.trigger !== 'end') this.#elements = []
    // What comes out of a window without an end has no timestamp.
    return isShown ? [[before[0]!.keyText, before.map(({ id }) => id).join(), null]] : []
  }

  #evict(): readonly TimedEvent[] {
    const { evictor, kept } = this.#params
    const all = this.#elements
    if (evictor === 'count') return all.slice(-kept)
    if (evictor === 'time') {
      const highest = all.reduce((most, { t }) => Math.max(most, t), -Infinity)
      return all.filter(({ t }) => t > highest - kept)
    }
    return all.filter(({ n }) => all.at(-1)!.n - n < kept)
  }
}
