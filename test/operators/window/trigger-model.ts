import { type Item, rowText, START, type Step } from './window-run.ts'

/** A window in the model: everything that is known of it, in plain fields. */
export interface ModelWindow {
  readonly key: string
  readonly start: number
  readonly end: number
  readonly max: number
  ids: readonly string[]
  /** When the trigger wants to be asked again, by watermark and by clock. */
  readonly event: Set<number>
  readonly processing: Set<number>
  /** What a trigger remembers. */
  count: number
  next: number | undefined
  last: Item | undefined
  /** What late firing has put off until then. */
  putOff: number | undefined
}

export interface ModelTimes {
  readonly watermark: number
  readonly now: number
}

/** What a trigger says, as plain as can be: whether the window fires. */
export interface ModelTrigger {
  record(window: ModelWindow, item: Item, times: ModelTimes): boolean
  due?(window: ModelWindow, at: number, times: ModelTimes, domain: Domain): boolean
  /** The windows have become the first one. */
  merge?(into: ModelWindow, from: readonly ModelWindow[], times: ModelTimes): void
}

export type Domain = 'event' | 'processing'

export interface TriggerModelOptions {
  readonly kind: 'event' | 'processing' | 'global' | 'sessions'
  /** Of windows of event or processing time. */
  readonly size?: number
  readonly lateness?: number
  readonly purges?: boolean
  readonly lateFiring?: number
}

/** What windows with a trigger emit in each step: all windows are looked through, for whatever is due. */
export class TriggerModel {
  readonly #trigger: ModelTrigger
  readonly #options: TriggerModelOptions
  #open: ModelWindow[] = []
  #rows: string[] = []
  #watermark = -Infinity
  #now = START
  /** Windows are not asked again for times that they name from now on. */
  #hasEnded = false

  constructor(trigger: ModelTrigger, options: TriggerModelOptions) {
    this.#trigger = trigger
    this.#options = options
  }

  run(given: readonly Step[]): string[][] {
    const steps = given.map((step, index) => {
      if ('watermark' in step) this.#pass('event', step.watermark)
      else if ('advance' in step) this.#now += step.advance
      else this.#add({ ...step, id: String(index) })
      // Timers of the past are due at once.
      this.#pass('processing', this.#now - 1)
      return this.#rows.splice(0)
    })
    this.#pass('event', Infinity)
    this.#hasEnded = true
    this.#pass('processing', Infinity)
    return [...steps, this.#rows]
  }

  get #times(): ModelTimes {
    return { watermark: this.#watermark, now: this.#now }
  }

  #goneAt({ max }: ModelWindow): number {
    const { kind, lateness = 0 } = this.#options
    return kind === 'event' || kind === 'sessions' ? max + lateness : max
  }

  #add(item: Item): void {
    const window = this.#enter(item)
    const domain = this.#options.kind === 'processing' ? 'processing' : 'event'
    if (domain === 'event' && this.#goneAt(window) <= this.#watermark) return
    if (!this.#open.includes(window)) this.#open.push(window)
    window.ids = [...window.ids, item.id]
    if (!this.#trigger.record(window, item, this.#times)) return
    const { lateFiring } = this.#options
    if (lateFiring === undefined || window.max > this.#watermark) this.#fire(window)
    else window.putOff ??= this.#now + lateFiring
  }

  /** The window of a record, which is not open yet if it is new. */
  #enter(item: Item): ModelWindow {
    const [start, end] = this.#spanOf(item)
    const isMerging = this.#options.kind === 'sessions'
    const met = this.#open
      .filter(({ key }) => key === item.key)
      .filter((other) => other.start <= end && other.end >= start)
      .filter((other) => isMerging || other.start === start)
      .sort((a, b) => a.start - b.start)
    const low = Math.min(start, ...met.map((other) => other.start))
    const high = Math.max(end, ...met.map((other) => other.end))
    const [only] = met
    if (only !== undefined && only.start === low && only.end === high) return only
    const window = newWindow(item.key, low, high)
    if (met.length === 0) return window
    window.ids = met.flatMap(({ ids }) => ids)
    this.#trigger.merge!(window, met, this.#times)
    const putOff = met.flatMap((old) => (old.putOff === undefined ? [] : [old.putOff]))
    if (putOff.length > 0 && window.max <= this.#watermark) window.putOff = Math.min(...putOff)
    this.#open = [...this.#open.filter((other) => !met.includes(other)), window]
    return window
  }

  #spanOf({ timestamp, gap }: Item): [number, number] {
    const { kind, size = 1 } = this.#options
    if (kind === 'global') return [-Infinity, Infinity]
    if (kind === 'sessions') return [timestamp, timestamp + gap]
    const start = Math.floor((kind === 'event' ? timestamp : this.#now) / size) * size
    return [start, start + size]
  }

  #pass(domain: Domain, to: number): void {
    if (domain === 'event') {
      if (to <= this.#watermark) return
      this.#watermark = to
    }
    for (;;) {
      const due = this.#open
        .flatMap((window) => this.#timesOf(window, domain).map((at) => ({ window, at })))
        .filter(({ at }) => at <= to)
        .sort((a, b) => a.at - b.at)[0]
      if (due === undefined) return
      this.#due(due.window, due.at, domain)
    }
  }

  #timesOf(window: ModelWindow, domain: Domain): number[] {
    const times = [...window[domain]]
    const isOwn = (this.#options.kind === 'processing') === (domain === 'processing')
    if (isOwn && this.#goneAt(window) !== Infinity) times.push(this.#goneAt(window))
    if (domain === 'processing' && window.putOff !== undefined) times.push(window.putOff)
    return times
  }

  #due(window: ModelWindow, at: number, domain: Domain): void {
    if (domain === 'processing' && window.putOff === at) {
      window.putOff = undefined
      this.#fire(window)
      return
    }
    window[domain].delete(at)
    const known = new Set(window.processing)
    const fires = this.#trigger.due?.(window, at, this.#times, domain) ?? false
    if (this.#hasEnded) {
      for (const time of window.processing) if (!known.has(time)) window.processing.delete(time)
    }
    const isOwn = (this.#options.kind === 'processing') === (domain === 'processing')
    const isGone = isOwn && at === this.#goneAt(window) && at !== Infinity
    if (fires || (isGone && window.putOff !== undefined)) this.#fire(window)
    if (isGone) this.#open = this.#open.filter((other) => other !== window)
  }

  #fire(window: ModelWindow): void {
    const { key, start, end, max } = window
    if (window.ids.length > 0) {
      const span = { maxTimestamp: max, ...(start === -Infinity ? {} : { start, end }) }
      this.#rows.push(rowText(key, span, window.ids.join('+')))
    }
    if (this.#options.purges === true) window.ids = []
  }
}

function newWindow(key: string, start: number, end: number): ModelWindow {
  return {
    ...{ key, start, end, max: end - 1, ids: [], event: new Set(), processing: new Set() },
    ...{ count: 0, next: undefined, last: undefined, putOff: undefined },
  }
}
