import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KeyedBackend } from '../../../runtime/state/keyed-backend.ts'
import { EventTtlTime } from '../../../runtime/state/ttl-time.ts'
import { restoreInto } from '../../contract/fake-base.ts'
import {
  applySegment,
  backendContext,
  type Contents,
  encodeAll,
  NO_CONTENTS,
  settle,
  turn,
  within,
} from '../../contract/state-harness.ts'
import { pieceBytes } from '../../contract/state-property.ts'
import { registerTimed, SettableClock } from '../../contract/ttl-states.ts'
import { LaggingStore } from '../../harness/slow-store.ts'

const TTL = 100
const KEYS = ['a', 'b', 'c'] as const
/** Looks after which a sweep that has still not done what it should is taken for broken. */
const MAX_LOOKS = 5_000

const steps = fc.array(
  fc.record({
    what: fc.constantFrom(
      ...Array.from({ length: 10 }, () => 'add' as const),
      'advance',
      'advance',
      'get',
      'visit',
      'work',
      'work',
      'turn',
      'snapshot',
      'restart',
    ),
    key: fc.constantFrom(...KEYS),
    data: fc.nat({ max: 60 }),
  }),
  { minLength: 60, maxLength: 200, size: 'max' },
)

interface Setup {
  readonly cacheBytes: number
  readonly listPieceBytes: number
  readonly isLazy: boolean
  readonly strict: boolean
}

/** Lists whose elements expire by event time, beside plain arrays. */
class TimedListPlay {
  readonly #setup: Setup
  readonly #clock = new SettableClock()
  readonly #plain = new Map<string, { readonly n: number; readonly at: number }[]>()
  #eventTime = new EventTtlTime(-Infinity)
  #backend!: KeyedBackend
  #list!: ReturnType<typeof registerTimed>['list']
  #contents: Contents = NO_CONTENTS
  #lastId = 0
  #watermark = 0

  constructor(setup: Setup) {
    this.#setup = setup
  }

  async run(all: readonly { what: string; key: string; data: number }[]): Promise<void> {
    await this.#start()
    for (const [n, { what, key, data }] of all.entries()) {
      if (what === 'add') this.#add(key, n, this.#watermark + data - 20)
      else if (what === 'advance') this.#advance(data)
      else if (what === 'get') this.#get(key)
      else if (what === 'visit') await this.#visit()
      else if (what === 'work') this.#backend.work(-Infinity)
      else if (what === 'turn') await turn()
      else {
        this.#snapshot()
        if (what === 'restart') await this.#start()
      }
    }
    for (const key of KEYS) this.#get(key)
    this.#advance(1_000)
    await this.#sweepAll()
    for (const key of KEYS)
      expect(within(this.#backend, key, () => this.#list.isEmpty())).toBe(true)
    await this.#backend.close()
  }

  async #start(): Promise<void> {
    await this.#backend?.close()
    const { isLazy, ...overrides } = this.#setup
    const context = backendContext({ ...overrides, clock: this.#clock })
    this.#backend = new KeyedBackend(context, new LaggingStore())
    this.#eventTime = new EventTtlTime(this.#watermark)
    const ttl = { duration: TTL, timeDomain: 'event' } as const
    this.#list = registerTimed(this.#backend, ttl, this.#eventTime).list
    await restoreInto(this.#backend, this.#contents, { isLazy })
  }

  #add(key: string, n: number, at: number): void {
    this.#eventTime.atRecord(at)
    within(this.#backend, key, () => this.#list.addAll([n, n]))
    this.#plain.set(key, [...(this.#plain.get(key) ?? []), { n, at }, { n, at }])
  }

  #advance(by: number): void {
    this.#watermark += by
    this.#eventTime.advance(this.#watermark)
    this.#eventTime.settle()
  }

  #unexpired(key: string): number[] {
    const all = this.#plain.get(key) ?? []
    return all.filter(({ at }) => at + TTL > this.#watermark).map(({ n }) => n)
  }

  #get(key: string): void {
    this.#eventTime.atRecord(this.#watermark)
    expect(within(this.#backend, key, () => this.#list.get())).toEqual(this.#unexpired(key))
  }

  async #visit(): Promise<void> {
    const visited: unknown[] = []
    const visit = this.#backend.visitKeys(this.#list, (key) => visited.push(key))
    for (let looks = 0; !visit.run(Infinity); looks++) {
      this.#backend.work(Infinity)
      await turn()
      expect(looks).toBeLessThan(MAX_LOOKS)
    }
    expect(visited.sort()).toEqual(KEYS.filter((key) => this.#unexpired(key).length > 0))
  }

  #snapshot(): void {
    const id = ++this.#lastId
    const snapshot = this.#backend.beginSnapshot(id, id - 1)
    this.#contents = applySegment(this.#contents, encodeAll(this.#backend, snapshot))
  }

  async #sweepAll(): Promise<void> {
    for (let looks = 0; looks < MAX_LOOKS; looks++) {
      await settle(this.#backend)
      this.#snapshot()
      if (this.#contents.size === 0) return
    }
    expect(this.#contents).toEqual(NO_CONTENTS)
  }
}

describe('lists in pieces whose elements expire', () => {
  it('lose each element by itself, in whatever order, and leave nothing behind (R23, R30, semantics 2.17)', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.record({
          cacheBytes: fc.constantFrom(1, 3_000, 1_000_000),
          listPieceBytes: pieceBytes,
          isLazy: fc.boolean(),
          strict: fc.boolean(),
        }),
        (all, setup) => new TimedListPlay(setup).run(all),
      ),
      { numRuns: 60, endOnFailure: true },
    )
  })
})
