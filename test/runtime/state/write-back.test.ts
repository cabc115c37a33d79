import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { RestartableError } from '../../../runtime/errors.ts'
import { KeyedBackend } from '../../../runtime/state/keyed-backend.ts'
import type { BackendContext } from '../../../runtime/state/state-backend.ts'
import { valueState } from '../../../runtime/state/state.ts'
import { backendContext, settle, turn, within, entriesOf } from '../../contract/state-harness.ts'
import { SettableClock } from '../../contract/ttl-states.ts'
import { registerAll } from '../../contract/state-model.ts'
import { StatePlay, steps } from '../../contract/state-property.ts'
import { LaggingStore, SlowStore } from '../../harness/slow-store.ts'

describe('write-back', () => {
  const opened: { backend: KeyedBackend; store: SlowStore }[] = []
  const open = async (overrides: Partial<BackendContext> = {}) => {
    const store = new SlowStore()
    const backend = new KeyedBackend(backendContext({ cacheBytes: 1, ...overrides }), store)
    opened.push({ backend, store })
    const handles = registerAll(backend)
    await backend.restore([])
    const get = (key: string) => within(backend, key, () => handles.value.value())
    const set = (key: string, value: unknown) =>
      within(backend, key, () => handles.value.update(value))
    return { backend, store, get, set, ...handles }
  }
  afterEach(async () => {
    for (const { backend, store } of opened.splice(0)) {
      const closing = backend.close()
      await store.land()
      await closing
    }
  })

  it('keeps an evicted entry readable until its batch has landed, whatever the store says (R22, N12)', async () => {
    const { backend, store, get, set } = await open()
    set('a', 'first')
    backend.work(Infinity)
    expect(store.batches.length).toBe(1)
    expect(get('a')).toBe('first')
    set('a', 'second')
    backend.work(Infinity)
    expect(get('a')).toBe('second')
    await store.land()
    expect([store.landed.size, get('a')]).toEqual([1, 'second'])
    set('a', undefined)
    backend.work(Infinity)
    expect(get('a')).toBeUndefined()
    await store.land()
    expect(get('a')).toBeUndefined()
    await store.land()
    expect([store.landed.size, get('a'), store.reads]).toEqual([0, undefined, 1])
  })

  it('meets in a sweep what is on its way to the store (R30)', async () => {
    const store = new SlowStore()
    const clock = new SettableClock()
    const backend = new KeyedBackend(backendContext({ cacheBytes: 40_000, clock }), store)
    opened.push({ backend, store })
    const text = backend.register(1, 'op', { ...valueState<string>({ ttl: 100 }), name: 'text' })
    await backend.restore([])
    for (let i = 0; i < 40; i++) within(backend, i, () => text.update('x'.repeat(470)))
    backend.work(Infinity)
    expect([store.batches.length, backend.isSuspended]).toEqual([1, false])
    clock.time += 100
    for (let i = 0; i < 10; i++) {
      backend.work(Infinity)
      await turn()
    }
    // Those in memory have gone; the others are not there yet.
    expect(backend.entryCount).toBe(store.batches[0]!.length)
    for (let i = 0; i < 10; i++) {
      await store.land()
      backend.work(Infinity)
      await turn()
    }
    expect([backend.entryCount, store.landed.size]).toEqual([0, 0])
  })

  it('sends one batch at a time, so that writes land in order', async () => {
    const { backend, store, get, set } = await open({ cacheBytes: 40_000 })
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 30; i++) set(`key ${i}`, `${round} ${'x'.repeat(1_000)}`)
      backend.work(Infinity)
      expect(store.batches.length).toBe(1)
    }
    for (let i = 0; i < 20; i++) {
      const { length } = store.batches
      await store.land()
      expect(store.batches.length - length).toBeLessThanOrEqual(1)
      backend.work(Infinity)
    }
    expect(store.batches.length).toBeGreaterThan(1)
    for (let i = 0; i < 30; i++) expect(get(`key ${i}`)).toMatch(/^2 x/)
  })

  /** A cache with room for less than one value of 900 bytes, as idle rows take the rest, and for two of them pending. */
  const openSmall = async () => {
    const opened = await open({ cacheBytes: 8_000 })
    for (let i = 0; i < 40; i++) {
      within(opened.backend, `gone ${i}`, () => {
        opened.list.add(i)
        opened.list.clear()
      })
    }
    return opened
  }

  it('answers with the newest of several values that are under way (R22)', async () => {
    const { backend, store, get, set } = await openSmall()
    for (const letter of ['x', 'y']) {
      set('k', letter.repeat(900))
      backend.work(Infinity)
    }
    expect([backend.isSuspended, store.batches.length]).toEqual([true, 1])
    await store.land()
    expect(store.batches.length).toBe(2)
    expect(get('k')).toBe('y'.repeat(900))
    await store.land()
    expect(get('k')).toBe('y'.repeat(900))
  })

  it('finds entries of a map that were written out while its index stays (R22)', async () => {
    const { backend, store, map } = await openSmall()
    within(backend, 'k', () => map.put(1, 'x'.repeat(900)))
    backend.work(Infinity)
    await store.land()
    expect(store.landed.size).toBe(1)
    expect(within(backend, 'k', () => [map.has(1), map.get(2), map.isEmpty()])).toEqual([
      true,
      undefined,
      false,
    ])
    expect(store.reads).toBe(1)
  })

  it('keeps nothing of a map that has become empty, looked at while that is under way or not', async () => {
    const { backend, store, map } = await open()
    within(backend, 'k', () => map.put(1, 1))
    backend.work(Infinity)
    await store.land()
    const { memoryBytes } = backend
    within(backend, 'k', () => map.remove(1))
    for (let i = 0; i < 6; i++) {
      backend.work(Infinity)
      expect(within(backend, 'k', () => map.isEmpty())).toBe(true)
      await store.land()
    }
    backend.work(Infinity)
    await store.land()
    expect(store.landed.size).toBe(0)
    const snapshot = backend.beginSnapshot(1, 0)
    while (!snapshot.isEncoded) backend.work(Infinity)
    const next = backend.beginSnapshot(2, 1)
    while (!next.isEncoded) backend.work(Infinity)
    expect(backend.memoryBytes).toBeLessThan(memoryBytes)
  })

  it('says what plain maps say, however long batches are under way (R22)', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.constantFrom(1, 4_000, 12_000), (all, cacheBytes) =>
        new StatePlay(
          () => new KeyedBackend(backendContext({ cacheBytes }), new LaggingStore()),
        ).run(all),
      ),
      { numRuns: 50 },
    )
  }, 30_000)

  it('suspends the input while too much is pending, and wakes it after (R22)', async () => {
    let wakes = 0
    const { backend, store, set } = await open({ cacheBytes: 40_000, wake: () => wakes++ })
    for (let i = 0; i < 200; i++) set(`key ${i}`, 'x'.repeat(500))
    expect(backend.isSuspended).toBe(true)
    backend.work(Infinity)
    expect([backend.isSuspended, wakes]).toEqual([true, 0])
    expect(backend.memoryBytes).toBeGreaterThan(10_000)
    for (let i = 0; i < 40 && backend.isSuspended; i++) {
      await store.land()
      backend.work(Infinity)
    }
    expect(backend.isSuspended).toBe(false)
    expect(wakes).toBeGreaterThan(0)
  })

  it('reads a large map within its room, also where too much waits to be written (R22, R23)', async () => {
    const { backend, store, set, map } = await open({ cacheBytes: 100_000 })
    const large = 1_000
    for (let i = 0; i < large; i++) {
      within(backend, 'large', () => map.put(i, 'x'.repeat(400)))
      if (i % 50 !== 0) continue
      backend.work(Infinity)
      await store.land()
    }
    for (let i = 0; backend.isSuspended || i < 20; i++) {
      backend.work(Infinity)
      await store.land()
    }
    for (let i = 0; !backend.isSuspended; i++) {
      set(`key ${i}`, 'x'.repeat(1_000))
      backend.work(Infinity)
    }
    let most = 0
    const before = backend.memoryBytes
    let count = 0
    within(backend, 'large', () => {
      for (const _ of map.values()) {
        count++
        most = Math.max(most, backend.memoryBytes)
      }
    })
    expect(count).toBe(large)
    expect(most - before).toBeLessThan(100_000)
  })

  it('writes an entry when it leaves the cache, not at every update', async () => {
    const { backend, store, set } = await open({ cacheBytes: 100_000 })
    for (let i = 0; i < 1_000; i++) {
      set('hot', i)
      set(`cold ${i}`, i)
      backend.work(Infinity)
      await store.land()
    }
    const writes = store.batches.flat().map(({ key }) => Buffer.from(key).toString('latin1'))
    expect(writes.length).toBeGreaterThan(500)
    expect(writes.filter((key) => key.includes('hot')).length).toBeLessThan(5)
  })

  it('asks the store for no key that was never written', async () => {
    const { backend, store, get, set } = await open()
    for (let i = 0; i < 100; i++) set(`key ${i}`, i)
    backend.work(Infinity)
    await store.land()
    for (let i = 0; i < 1_000; i++) expect(get(`new ${i}`)).toBeUndefined()
    expect(store.reads).toBeLessThan(50)
    expect(get('key 7')).toBe(7)
  })

  it('does not write what was only read', async () => {
    const { backend, store, get, set } = await open()
    set('a', 1)
    backend.work(Infinity)
    await store.land()
    for (let i = 0; i < 3; i++) {
      expect(get('a')).toBe(1)
      backend.work(Infinity)
    }
    expect([store.batches.length, store.reads]).toEqual([1, 3])
  })

  it('ends the attempt when a write fails, and goes on answering until then', async () => {
    const failures: unknown[] = []
    const { backend, store, get, set } = await open({ fail: (error) => failures.push(error) })
    set('a', 1)
    backend.work(Infinity)
    const error = new RestartableError('MR_STATE_FAILED', 'disk full')
    await store.fail(error)
    expect([failures, backend.isSuspended, get('a')]).toEqual([[error], true, 1])
    backend.work(Infinity)
    expect(store.batches.length).toBe(1)
  })

  it('ends the attempt when keys cannot be read for a visit, and closes after what it reads', async () => {
    const failures: unknown[] = []
    const { backend, store, set, value } = await open({ fail: (error) => failures.push(error) })
    set('a', 1)
    backend.work(Infinity)
    await store.land()
    const error = new RestartableError('MR_STATE_FAILED', 'disk broken')
    store.keys = () => Promise.reject(error)
    const visit = backend.visitKeys(value, () => {})
    expect(visit.run(Infinity)).toBe(false)
    await turn()
    expect([failures, visit.isWaiting, visit.run(Infinity)]).toEqual([[error], true, false])
    let isRead = false
    store.keys = async () => {
      await turn()
      isRead = true
      return []
    }
    backend.visitKeys(value, () => {}).run(Infinity)
    await backend.close()
    expect(isRead).toBe(true)
  })

  it('gives up a restore whose writes fail, or that is closed meanwhile', async () => {
    const source = await open({ cacheBytes: 1_000_000 })
    for (let i = 0; i < 500; i++) source.set(`key ${i}`, i)
    const snapshot = source.backend.beginSnapshot(1, 0)
    while (source.backend.work(Infinity));
    const entries = [...entriesOf(snapshot)]
    const { backend, store } = await open({ fail() {} })
    const failed = expect(backend.restore(entries)).rejects.toThrow('disk full')
    await turn()
    await store.fail(new RestartableError('MR_STATE_FAILED', 'disk full'))
    await failed
    const other = await open()
    const closed = expect(other.backend.restore(entries)).rejects.toThrow(
      expect.objectContaining({ code: 'MR_STATE_CLOSED' }),
    )
    await turn()
    const closing = other.backend.close()
    await other.store.land()
    await closing
    await closed
  })

  it('gives the event loop its turn while it restores (N11)', async () => {
    const source = await open({ cacheBytes: 10_000_000 })
    for (let i = 0; i < 1_000; i++) source.set(`key ${i}`, i)
    const snapshot = source.backend.beginSnapshot(1, 0)
    while (source.backend.work(Infinity));
    const { clock } = backendContext({})
    let now = 0
    let turns = 0
    const slow = {
      now: () => now,
      elapsed: () => now++,
      schedule: clock.schedule,
      nextTurn(callback: () => void) {
        turns++
        clock.nextTurn(callback)
      },
    }
    const { backend } = await open({ cacheBytes: 10_000_000, clock: slow })
    await backend.restore(entriesOf(snapshot))
    expect(turns).toBeGreaterThanOrEqual(3)
    await settle(source.backend)
  })
})
