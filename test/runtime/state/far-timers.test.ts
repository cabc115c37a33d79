import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KeyedBackend } from '../../../runtime/state/keyed-backend.ts'
import { readTimerKey } from '../../../runtime/state/snapshot-format.ts'
import type { PendingWrite } from '../../../runtime/state/spill.ts'
import type { StateSnapshot, TimerQueue } from '../../../runtime/state/state-backend.ts'
import {
  applySegment,
  backendContext,
  type Contents,
  encodeAll,
  NO_CONTENTS,
  popTimer,
  settle,
  toRestore,
  turn,
} from '../../contract/state-harness.ts'
import { IDS } from '../../contract/state-model.ts'
import { StatePlay, timerSteps } from '../../contract/state-property.ts'
import { SimulatedStore } from '../../../testing/simulated-store.ts'

/** A store that takes a few turns for each call, not always as many. */
class LaggingStore extends SimulatedStore {
  /** What writing fails with. */
  failure: Error | undefined

  constructor() {
    let calls = 0
    super((task) => void lag(calls++ % 3).then(task))
  }

  override async write(writes: readonly PendingWrite[]): Promise<void> {
    await super.write(writes)
    if (this.failure !== undefined) throw this.failure
  }
}

async function lag(turns: number): Promise<void> {
  for (let left = turns; left > 0; left--) await turn()
}

const KEYS = 8

/** Few keys of two key groups, and few points in time, so that they meet. */
const step = fc.record({
  what: fc.constantFrom(
    ...Array.from({ length: 6 }, () => 'register' as const),
    ...Array.from({ length: 6 }, () => 'delete' as const),
    ...Array.from({ length: 6 }, () => 'pop' as const),
    ...Array.from({ length: 4 }, () => 'turn' as const),
    ...Array.from({ length: 5 }, () => 'work' as const),
    ...Array.from({ length: 3 }, () => 'register-all' as const),
    'pop-all' as const,
    'snapshot' as const,
    'encode' as const,
  ),
  key: fc.nat({ max: KEYS - 1 }),
  timestamp: fc.nat({ max: 3 }),
})

type TimerStep = typeof step extends fc.Arbitrary<infer S> ? S : never

const steps = fc.array(step, { minLength: 100, maxLength: 400, size: 'max' })

/** Plays steps on a backend and on a plain set. */
class TimerPlay {
  readonly #backend: KeyedBackend
  readonly #timers: TimerQueue
  /** Key and timestamp of each timer there is. */
  readonly #plain: Map<string, number> = new Map()
  #lastId = 0
  #baseId = 0
  #taken: { readonly snapshot: StateSnapshot; readonly expected: readonly string[] } | undefined
  #contents: Contents = NO_CONTENTS

  constructor(cacheBytes: number) {
    const range = { first: 0, last: 1 }
    const context = backendContext({ cacheBytes, maxParallelism: 2, range })
    this.#backend = new KeyedBackend(context, new LaggingStore())
    this.#timers = this.#backend.timers('op', IDS.event, IDS.processing)
  }

  async run(all: readonly TimerStep[]): Promise<void> {
    await this.#backend.restore([])
    for (const { what, key, timestamp } of all) {
      if (what === 'turn') await turn()
      else if (what === 'work') this.#backend.work(-Infinity)
      else if (what === 'pop') this.#pop(timestamp)
      else if (what === 'pop-all') await this.#popAll(Math.min(timestamp, 1))
      else if (what === 'register-all') this.#registerAll(timestamp)
      else if (what === 'snapshot') this.#begin()
      else if (what === 'encode') this.#encode()
      else this.#change(what, key, timestamp)
    }
    this.#encode()
    this.#begin()
    this.#encode()
    await this.#popAll(Infinity)
    expect([this.#plain.size, this.#timers.earliest('event')]).toEqual([0, Infinity])
    expect(this.#timers.count('event')).toBe(0)
    await this.#backend.close()
  }

  #change(what: 'register' | 'delete', key: number, timestamp: number): void {
    this.#backend.setCurrentKey(key)
    this.#timers[what]('event', timestamp)
    this.#backend.clearCurrent()
    if (what === 'register') this.#plain.set(`${key} @${timestamp}`, timestamp)
    else this.#plain.delete(`${key} @${timestamp}`)
  }

  #registerAll(timestamp: number): void {
    for (let key = 0; key < KEYS; key++) this.#change('register', key, timestamp)
  }

  /** Pops one timer, if that needs no waiting; returns whether there may be more. */
  #pop(upTo: number): boolean {
    const earliest = Math.min(...this.#plain.values())
    expect(this.#timers.earliest('event')).toBeLessThanOrEqual(earliest)
    const popped = this.#timers.pop('event', upTo)
    if (popped === undefined) {
      if (this.#timers.isWaiting('event')) return true
      expect(earliest > upTo || this.#plain.size === 0).toBe(true)
      return false
    }
    expect(popped).toBe(earliest)
    const { currentKey } = this.#backend
    this.#backend.clearCurrent()
    expect(this.#plain.delete(`${currentKey as number} @${popped}`)).toBe(true)
    return true
  }

  async #popAll(upTo: number): Promise<void> {
    while (this.#pop(upTo)) {
      if (!this.#timers.isWaiting('event')) continue
      this.#backend.work(-Infinity)
      await turn()
    }
  }

  #begin(): void {
    // What has not been encoded goes into the next one (R24).
    if (this.#taken !== undefined) this.#backend.checkpointAborted(this.#lastId)
    const expected = [...this.#plain.keys()].sort()
    const snapshot = this.#backend.beginSnapshot(++this.#lastId, this.#baseId)
    this.#taken = { snapshot, expected }
  }

  #encode(): void {
    if (this.#taken === undefined) return
    const { snapshot, expected } = this.#taken
    this.#taken = undefined
    this.#contents = applySegment(this.#contents, encodeAll(this.#backend, snapshot))
    const found = toRestore(this.#contents).map((entry) => {
      const timer = readTimerKey(entry.key)
      return `${timer.key as number} @${timer.timestamp}`
    })
    expect(found.sort()).toEqual(expected)
    this.#backend.checkpointCompleted(this.#lastId)
    this.#baseId = this.#lastId
  }
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
}

describe('timers outside of memory', () => {
  it('are a set by timestamp and key, whatever leaves memory and comes back (R22, R23, R25)', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.constantFrom(1, 8_000, 12_000), (all, cacheBytes) =>
        new TimerPlay(cacheBytes).run(all),
      ),
      { numRuns: 200, endOnFailure: true },
    )
  })

  it('are in checkpoints, and come back from them, as all other state (R22, R23, R24, R25)', async () => {
    await fc.assert(
      fc.asyncProperty(timerSteps, fc.constantFrom(1, 16_000), (all, cacheBytes) =>
        new StatePlay(
          () => new KeyedBackend(backendContext({ cacheBytes }), new LaggingStore()),
        ).run(all),
      ),
      { numRuns: 40, endOnFailure: true },
    )
  })

  it('are not lost when timers that were read back leave again while the next are being read (R22)', async () => {
    const range = { first: 0, last: 0 }
    const context = backendContext({ cacheBytes: 12_000, maxParallelism: 1, range })
    const backend = new KeyedBackend(context, new LaggingStore())
    const timers = backend.timers('op', IDS.event, IDS.processing)
    await backend.restore([])
    const register = (from: number, to: number, timestamp: number) => {
      for (let key = from; key < to; key++) {
        backend.setCurrentKey(key)
        timers.register('event', timestamp)
      }
      backend.clearCurrent()
    }
    register(0, 20, 5)
    await settle(backend)
    for (let popped = 0; popped < 5; popped++) expect(timers.pop('event', 5)).toBe(5)
    for (let turns = 0; turns < 9; turns++) await turn()
    // The last of these begins to read what comes behind 11, which is the only one left in memory.
    for (let popped = 0; popped < 6; popped++) expect(timers.pop('event', 5)).toBe(5)
    register(100, 116, 0)
    backend.work(Infinity)
    const left: unknown[] = []
    while ((await popTimer(backend, timers, 'event', 5)) !== undefined)
      left.push(backend.currentKey)
    const expected = [...numbers(100, 116), ...numbers(11, 20)]
    expect(left.sort()).toEqual(expected.sort())
    await backend.close()
  })

  it('end with the backend while they wait for a write, and with it when that fails', async () => {
    const failures: unknown[] = []
    const context = backendContext({ cacheBytes: 1, fail: (error) => failures.push(error) })
    for (const error of [undefined, new Error('disk full')]) {
      const store = new LaggingStore()
      store.failure = error
      const backend = new KeyedBackend(context, store)
      const timers = backend.timers('op', IDS.event, IDS.processing)
      await backend.restore([])
      for (let key = 0; key < 20; key++) {
        backend.setCurrentKey(key)
        timers.register('event', key)
      }
      backend.clearCurrent()
      backend.work(Infinity)
      while (timers.pop('event', 20) !== undefined);
      expect(timers.isWaiting('event')).toBe(true)
      if (error !== undefined) for (let turns = 0; turns < 9; turns++) await turn()
      await backend.close()
    }
    expect(failures).toContainEqual(new Error('disk full'))
  })
})
