import fc from 'fast-check'
import { restoreInto } from './fake-base.ts'
import { expect } from 'vitest'
import type { KeyedStateBackend, StateSnapshot } from '../../runtime/state/state-backend.ts'
import type { TtlOptions } from '../../runtime/state/state-ttl.ts'
import { EventTtlTime } from '../../runtime/state/ttl-time.ts'
import {
  applySegment,
  type Contents,
  encodeAll,
  NO_CONTENTS,
  turn,
  within,
} from './state-harness.ts'
import { registerTimed, type SettableClock, type TimedHandles } from './ttl-states.ts'

const KEYS = ['a', 'b'] as const
const MAP_KEYS = [1, 2] as const
const TTL = 20

/** By kind of state, so that a run says much about one. */
const ACTIONS = {
  value: ['read-value', 'update', 'update', 'clear'],
  list: ['get-list', 'add', 'add', 'add-all', 'update-list', 'clear'],
  map: ['get-entry', 'has-entry', 'put', 'put', 'remove', 'entries', 'clear-map'],
  reducing: ['get-reduced', 'reduce', 'reduce'],
  aggregating: ['get-aggregated', 'aggregate', 'aggregate'],
} as const
const HOUSEKEEPING = ['work', 'turn', 'snapshot', 'checkpoint', 'checkpoint', 'restore'] as const

type Action = (typeof ACTIONS)[keyof typeof ACTIONS][number] | (typeof HOUSEKEEPING)[number]

export interface TtlStep {
  readonly what: Action
  /** What follows in the same callback. */
  readonly followedBy: readonly Action[]
  readonly key: number
  readonly sub: number
  readonly data: number
  /** How far time goes on before. */
  readonly pass: number
  /** In event time: how far the record is from the watermark. */
  readonly ahead: number
}

export const ttlSteps: fc.Arbitrary<readonly TtlStep[]> = fc
  .constantFrom<readonly Action[]>(...Object.values(ACTIONS), Object.values(ACTIONS).flat())
  .chain((actions) =>
    fc.array(
      fc.record({
        what: fc.oneof(
          { weight: 2, arbitrary: fc.constantFrom(...actions) },
          { weight: 1, arbitrary: fc.constantFrom(...HOUSEKEEPING) },
        ),
        followedBy: fc.array(fc.constantFrom(...actions), { maxLength: 2 }),
        key: fc.nat({ max: KEYS.length - 1 }),
        sub: fc.nat({ max: MAP_KEYS.length - 1 }),
        data: fc.nat({ max: 9 }),
        pass: fc.oneof(
          { weight: 5, arbitrary: fc.constant(0) },
          { weight: 2, arbitrary: fc.constantFrom(1, 5, TTL / 2) },
          { weight: 1, arbitrary: fc.constantFrom(TTL - 1, TTL, 2 * TTL) },
        ),
        ahead: fc.integer({ min: -TTL - 2, max: TTL }),
      }),
      { minLength: 10, maxLength: 100 },
    ),
  )

export const ttlOptions: fc.Arbitrary<TtlOptions> = fc.record({
  duration: fc.constant(TTL),
  timeDomain: fc.constantFrom('processing', 'event'),
  update: fc.constantFrom('onCreateAndWrite', 'onReadAndWrite'),
  visibility: fc.constantFrom('neverReturnExpired', 'returnExpiredIfNotCleanedUp'),
})

interface Item {
  value: unknown
  at: number
}

/** Semantics 2.17 in plain lists: a value is a list of one item, a map a list for each entry. */
class PlainTtl {
  readonly items: Map<string, Item[]> = new Map()
  readonly options: TtlOptions
  now = 0
  access = 0

  constructor(options: TtlOptions) {
    this.options = options
  }

  copy(): PlainTtl {
    const copy = new PlainTtl(this.options)
    for (const [id, items] of this.items) copy.items.set(id, structuredClone(items))
    copy.now = this.now
    copy.access = this.access
    return copy
  }

  #isExpired(item: Item): boolean {
    return item.at + TTL <= this.now
  }

  /**
   * What a read may return: what has not expired, or, where that is asked for, everything that is still there: what had expired
   * by some earlier time may have been swept away (R30), unless it was put there after the sweep, expired as it came.
   */
  read(id: string): readonly unknown[][] {
    const all = this.items.get(id) ?? []
    const kept = all.filter((item) => !this.#isExpired(item))
    this.items.set(id, kept)
    if (this.options.update === 'onReadAndWrite') {
      for (const item of kept) item.at = Math.max(item.at, this.access)
    }
    const values = kept.map((item) => item.value)
    if (this.options.visibility === 'neverReturnExpired') return [values]
    const sweeps = [-Infinity, ...all.filter((item) => !kept.includes(item)).map(({ at }) => at)]
    const left = sweeps.flatMap((sweep) =>
      all.map((_, last) =>
        all.filter(({ at }, index) => index > last || at > sweep).map((item) => item.value),
      ),
    )
    return [values, ...left]
  }

  /** The value to build on. */
  unexpired(id: string): Item | undefined {
    return this.items.get(id)?.find((item) => !this.#isExpired(item))
  }

  set(id: string, value: unknown): void {
    const before = this.unexpired(id)
    const at =
      this.options.timeDomain === 'event' ? Math.max(before?.at ?? 0, this.access) : this.access
    this.items.set(id, [{ value, at }])
  }

  append(id: string, values: readonly unknown[]): void {
    const items = values.map((value) => ({ value, at: this.access }))
    this.items.set(id, [...(this.items.get(id) ?? []), ...items])
  }
}

/** Plays steps on a backend and on plain lists; fails where they differ. */
export class TtlPlay {
  readonly #options: TtlOptions
  readonly #create: () => KeyedStateBackend
  readonly #clock: SettableClock
  #backend: KeyedStateBackend
  #handles: TimedHandles
  #plain: PlainTtl
  #watermark = 1_000
  #id = 0
  #base = 0
  #running:
    | { readonly snapshot: StateSnapshot; readonly plain: PlainTtl; readonly watermark: number }
    | undefined
  #restores = 0
  #saved: { readonly contents: Contents; readonly plain: PlainTtl; readonly watermark: number }

  constructor(options: TtlOptions, clock: SettableClock, create: () => KeyedStateBackend) {
    this.#options = options
    this.#create = create
    this.#clock = clock
    this.#plain = new PlainTtl(options)
    this.#backend = create()
    this.#handles = this.#register()
    this.#saved = { contents: NO_CONTENTS, plain: this.#plain.copy(), watermark: this.#watermark }
  }

  #register(): TimedHandles {
    return registerTimed(this.#backend, this.#options, new EventTtlTime(this.#watermark))
  }

  async run(steps: readonly TtlStep[]): Promise<void> {
    await this.#backend.restore([])
    try {
      for (const step of steps) await this.#step(step)
    } finally {
      await this.#backend.close()
    }
  }

  async #step(step: TtlStep): Promise<void> {
    const plain = this.#plain
    this.#clock.time += step.pass
    this.#watermark += step.pass
    const timestamp = this.#watermark + step.ahead
    this.#handles.eventTime.advance(this.#watermark)
    this.#handles.eventTime.settle()
    this.#handles.eventTime.atRecord(timestamp)
    const isEvent = this.#options.timeDomain === 'event'
    plain.now = isEvent ? this.#watermark : this.#clock.time
    plain.access = isEvent ? timestamp : this.#clock.time
    if (step.what === 'work') {
      this.#handles.eventTime.atNothing()
      this.#backend.work(Infinity)
    } else if (step.what === 'turn') await turn()
    else if (step.what === 'snapshot') this.#snapshot()
    else if (step.what === 'checkpoint') this.#checkpoint()
    else if (step.what === 'restore') await this.#restore()
    else {
      within(this.#backend, KEYS[step.key]!, () => {
        for (const what of [step.what, ...step.followedBy]) this.#use({ ...step, what })
      })
    }
  }

  #use(step: TtlStep): void {
    const { value, list, map, reducing, aggregating } = this.#handles
    const { data, what } = step
    const key = KEYS[step.key]!
    const mapKey = MAP_KEYS[step.sub]!
    const entry = `map ${key} ${mapKey}`
    const plain = this.#plain
    const add = (id: string, n: number) => {
      const before = plain.unexpired(id)?.value as number[] | undefined
      plain.set(id, [(before?.[0] ?? 0) + n, (before?.[1] ?? 0) + 1])
    }
    switch (what) {
      case 'read-value':
        this.#expect(`value ${key}`, asList(value.value()))
        break
      case 'update':
        value.update(data)
        plain.set(`value ${key}`, data)
        break
      case 'clear':
        value.clear()
        plain.items.delete(`value ${key}`)
        list.clear()
        plain.items.delete(`list ${key}`)
        break
      case 'get-list':
        this.#expect(`list ${key}`, list.get())
        break
      case 'add':
        list.add(data)
        plain.append(`list ${key}`, [data])
        break
      case 'add-all':
        list.addAll([data, -data])
        plain.append(`list ${key}`, [data, -data])
        break
      case 'update-list':
        list.update([data, data + 1])
        plain.items.delete(`list ${key}`)
        plain.append(`list ${key}`, [data, data + 1])
        break
      case 'get-entry':
        this.#expect(entry, asList(map.get(mapKey)))
        break
      case 'has-entry': {
        const has = map.has(mapKey)
        expect(plain.read(entry).map((values) => values.length > 0)).toContain(has)
        break
      }
      case 'put':
        map.put(mapKey, data)
        plain.set(entry, data)
        break
      case 'remove':
        map.remove(mapKey)
        plain.items.delete(entry)
        break
      case 'entries': {
        const found = new Map(map.entries())
        for (const one of MAP_KEYS) this.#expect(`map ${key} ${one}`, asList(found.get(one)))
        break
      }
      case 'clear-map':
        map.clear()
        for (const one of MAP_KEYS) plain.items.delete(`map ${key} ${one}`)
        break
      case 'get-reduced': {
        const reduced = reducing.get()
        const allowed = plain
          .read(`reducing ${key}`)
          .map((values) => (values as number[][])[0]?.[0])
        expect(allowed).toContainEqual(reduced)
        break
      }
      case 'reduce':
        reducing.add(data)
        add(`reducing ${key}`, data)
        break
      case 'get-aggregated': {
        const result = aggregating.get()
        const allowed = plain.read(`aggregating ${key}`).map((values) => {
          const [first] = values as number[][]
          return first === undefined ? undefined : `${first[0]} in ${first[1]}`
        })
        expect(allowed).toContainEqual(result)
        break
      }
      case 'aggregate':
        aggregating.add(data)
        add(`aggregating ${key}`, data)
        break
      default:
        throw new Error(`no step ${what}`)
    }
  }

  #expect(id: string, found: readonly unknown[]): void {
    expect(this.#plain.read(id)).toContainEqual(found)
  }

  /** Begins a snapshot, or encodes to its end the one that was begun: what comes between does not show in it (R25). */
  #snapshot(): void {
    const running = this.#running
    if (running === undefined) {
      const snapshot = this.#backend.beginSnapshot(++this.#id, this.#base)
      this.#running = { snapshot, plain: this.#plain.copy(), watermark: this.#watermark }
      return
    }
    const { snapshot, plain, watermark } = running
    const contents = applySegment(this.#saved.contents, encodeAll(this.#backend, snapshot))
    this.#backend.checkpointCompleted(this.#id)
    this.#saved = { contents, plain, watermark }
    this.#base = this.#id
    this.#running = undefined
  }

  #checkpoint(): void {
    if (this.#running !== undefined) this.#snapshot()
    this.#snapshot()
    this.#snapshot()
  }

  /** Goes on from the last snapshot: event time as it was then, processing time as it is now. */
  async #restore(): Promise<void> {
    await this.#backend.close()
    this.#backend = this.#create()
    this.#watermark = this.#saved.watermark
    this.#handles = this.#register()
    await restoreInto(this.#backend, this.#saved.contents, { isLazy: this.#restores++ % 2 === 1 })
    this.#plain = this.#saved.plain.copy()
    this.#running = undefined
  }
}

function asList(value: unknown): readonly unknown[] {
  return value === undefined ? [] : [value]
}
