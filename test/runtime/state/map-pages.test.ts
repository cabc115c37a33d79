import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { Key } from '../../../runtime/key.ts'
import { KeyedBackend } from '../../../runtime/state/keyed-backend.ts'
import { keyGroupIn, subKeyAt } from '../../../runtime/state/snapshot-format.ts'
import type { BackendContext, KeyedStateBackend } from '../../../runtime/state/state-backend.ts'
import { FakeBase } from '../../contract/fake-base.ts'
import {
  applySegment,
  backendContext,
  type Contents,
  encodeAll,
  enter,
  NO_CONTENTS,
  within,
} from '../../contract/state-harness.ts'
import { registerAll } from '../../contract/state-model.ts'
import { StatePlay, type Step, steps, stepsOnRestored } from '../../contract/state-property.ts'
import { LaggingStore, SlowStore } from '../../harness/slow-store.ts'

/** Of two or three keys. */
const SMALL = 24
/** What is done to maps, and to so few that they have many keys each. */
const onFewMaps = fc
  .tuple(fc.oneof(steps, stepsOnRestored), fc.constantFrom(4, 7))
  .map(([all, keys]) =>
    all.map((step, i): Step => {
      const what = INSTEAD[step.what]?.[i % 3] ?? step.what
      return { ...step, what, key: step.key % 2, namespace: 0, sub: step.sub % keys }
    }),
  )
const INSTEAD: Partial<Record<Step['what'], readonly Step['what'][]>> = {
  update: ['put', 'put', 'iterate'],
  add: ['put', 'remove', 'read'],
  'update-list': ['put', 'put', 'remove'],
  mutate: ['put', 'read', 'remove'],
  clear: ['remove', 'read', 'clear-map'],
  'clear-list': ['work', 'remove', 'clear-map'],
  register: ['put', 'turn', 'read'],
  delete: ['turn', 'read', 'remove'],
  pop: ['work', 'read', 'read'],
}

/** Where pages of the keys of maps stand in a working copy. */
const PAGE_GROUP = 0xfffe
const INDEX_GROUP = 0xffff

describe('maps whose index has pages (R23)', () => {
  const opened: { backend: KeyedBackend; store: SlowStore }[] = []
  const open = async (overrides: Partial<BackendContext> = {}) => {
    const store = new SlowStore()
    const backend = new KeyedBackend(backendContext({ cacheBytes: 1, ...overrides }), store)
    opened.push({ backend, store })
    const { map, value } = registerAll(backend)
    await backend.restore([])
    return { backend, store, map, value }
  }
  afterEach(async () => {
    for (const { backend, store } of opened.splice(0)) {
      const closing = backend.close()
      await store.land()
      await closing
    }
  })

  /** Until nothing is under way, nor would be. */
  async function landAll(backend: KeyedStateBackend, store: SlowStore): Promise<void> {
    for (let idle = 0; idle < 3; idle++) {
      const { length } = store.batches
      while (backend.work(Infinity));
      await store.land()
      if (store.batches.length > length) idle = 0
    }
  }

  it('are read and written a page at a time: a new key among 100,000 costs the root and one page', async () => {
    const { backend, store, map } = await open({ cacheBytes: 2_000_000 })
    for (let i = 0; i < 100_000; i += 1_000) {
      within(backend, 'k', () => {
        // Not in ascending order, which would fill the pages.
        for (let j = i; j < i + 1_000; j++) map.put(((j * 7_919) % 100_000) * 2, j)
      })
      await landAll(backend, store)
    }
    // So much else that nothing of the map is left in memory.
    const pushOut = async (first: number): Promise<void> => {
      for (let i = first; i < first + 1_000; i++) {
        within(backend, `other ${i}`, () => map.put(1, 'x'.repeat(4_000)))
        if (i % 50 === 49) await landAll(backend, store)
      }
    }
    await pushOut(0)
    const { reads } = store
    const { length } = store.batches
    within(backend, 'k', () => map.put(77_777, 'new'))
    expect(store.reads - reads).toBe(2)
    await pushOut(1_000)
    const mine = store.batches
      .slice(length)
      .flat()
      .filter(({ key }) => Buffer.from(key).includes(Buffer.from('\x30k\x00')))
    const pages = mine.filter(({ key }) => keyGroupIn(key) === PAGE_GROUP)
    expect(mine.filter(({ key }) => keyGroupIn(key) === INDEX_GROUP)).toEqual([])
    expect([mine.length, pages.length]).toEqual([2, 1])
    expect(pages[0]!.value!.length).toBeLessThanOrEqual(8 * 1_024 + 9)
    expect(within(backend, 'k', () => [map.get(77_777), map.has(77_776)])).toEqual(['new', true])
  }, 60_000)

  it('leave no page behind when they become empty, nor when they are cleared', async () => {
    for (const isCleared of [false, true]) {
      const { backend, store, map } = await open({ mapPageBytes: SMALL })
      for (let round = 0; round < 3; round++) {
        within(backend, 'k', () => {
          for (let i = 0; i < 40; i++) map.put(i, i)
        })
        await landAll(backend, store)
        const groups = [...store.landed.keys()].filter((key) => key.startsWith('fffe'))
        expect(groups.length).toBeGreaterThan(10)
        within(backend, 'k', () => {
          if (isCleared) map.clear()
          else for (let i = 0; i < 40; i++) map.remove((i * 7) % 40)
          expect([map.isEmpty(), [...map.keys()]]).toEqual([true, []])
        })
        encodeAll(backend, backend.beginSnapshot(round + 1, round))
        await landAll(backend, store)
        expect([store.landed.size, backend.entryCount]).toEqual([0, 0])
      }
    }
  })

  /** With idle rows that leave the cache room for less than what may be pending. */
  const openSmall = async () => {
    const { backend, store, map, value } = await open({ cacheBytes: 40_000, mapPageBytes: SMALL })
    for (let i = 0; i < 150; i++) {
      within(backend, `gone ${i}`, () => {
        value.update(i)
        value.clear()
      })
    }
    let others = 0
    const pushOut = (count = 12): void => {
      for (let i = 0; i < count; i++) {
        const other = `other ${others++}`
        // Twice: what is used again is worth more than what has not been used for long.
        for (let use = 0; use < 2; use++) within(backend, other, () => value.update(1))
      }
      backend.work(Infinity)
    }
    const pushOutAll = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) {
        pushOut()
        await landAll(backend, store)
      }
    }
    const found = (): number[] => within(backend, 'k', () => KEYS.filter((key) => map.has(key)))
    const put = (...keys: number[]): void =>
      within(backend, 'k', () => keys.forEach((key) => map.put(key, key)))
    const clear = (): void => within(backend, 'k', () => map.clear())
    /** Of the map of `k`, how many keys with this beginning there are in the store. */
    const stored = (beginning: RegExp): number =>
      [...store.landed.keys()].filter((key) => beginning.test(key) && key.includes('306b00')).length
    return { backend, store, map, pushOut, pushOutAll, found, put, clear, stored }
  }
  const KEYS = Array.from({ length: 40 }, (_, i) => i)
  const ENTRY = /^(?!fff)/

  it('show nothing of what was cleared while its removal is under way (R22)', async () => {
    const { store, pushOut, pushOutAll, found, put, clear, stored } = await openSmall()
    put(...KEYS)
    await pushOutAll()
    expect(stored(ENTRY)).toBe(40)
    const { length } = store.batches
    clear()
    put(7, 8, 9, 10)
    pushOut()
    expect([store.batches.length, stored(ENTRY)]).toEqual([length + 1, 40])
    expect(found()).toEqual([7, 8, 9, 10])
    await pushOutAll()
    expect([found(), stored(ENTRY)]).toEqual([[7, 8, 9, 10], 4])
  })

  it('do not come back from the checkpoint when they were cleared before they were loaded (R28)', async () => {
    const contents = await contentsOf(100)
    const { backend, store, map } = await open({ mapPageBytes: SMALL })
    const base = new FakeBase(contents)
    backend.adopt(base)
    within(backend, 'k', () => map.clear())
    const found = (): Key[] =>
      within(backend, 'k', () => Array.from({ length: 100 }, (_, i) => i).filter((i) => map.has(i)))
    for (let i = 0; i < 2_000 && !base.isClosed; i++) {
      backend.work(Infinity)
      await store.land()
      if (i % 10 === 0) expect(found()).toEqual([])
    }
    await landAll(backend, store)
    expect([base.isClosed, found()]).toEqual([true, []])
    expect([...store.landed.values()].filter(({ length }) => length > 0)).toEqual([])
  })

  it('do not read a page to know that they are not empty', async () => {
    const { backend, store, map } = await open({ mapPageBytes: SMALL })
    within(backend, 'k', () => {
      for (let i = 0; i < 40; i++) map.put(i, i)
    })
    await landAll(backend, store)
    const { reads } = store
    expect(within(backend, 'k', () => map.isEmpty())).toBe(false)
    expect(store.reads - reads).toBe(1)
  })

  it('are walked over as they were at the beginning, whatever is put and removed meanwhile (R17)', async () => {
    const { backend, map } = await open({ mapPageBytes: SMALL })
    const found = within(backend, 'k', () => {
      for (let i = 0; i < 40; i += 2) map.put(i, i)
      backend.setNamespace('w')
      map.put(1, 1)
      backend.setNamespace(undefined)
      const keys: unknown[] = []
      for (const key of map.keys()) {
        keys.push(key)
        if (keys.length > 40) break
        map.put(Number(key) + 1, 'ahead')
        map.put(39, 'far ahead')
        if (key === 10) map.remove(12)
        if (key === 12 || key === 14) map.put(12, 'behind')
        if (key === 16) {
          map.remove(18)
          map.remove(38)
          map.put(18, 'back')
          for (const other of map.keys()) if (Number(other) % 2 === 1) map.remove(other)
          backend.setNamespace('w')
          map.remove(20)
          map.put(21, 1)
          backend.setNamespace(undefined)
        }
        backend.work(Infinity)
      }
      return keys
    })
    expect(found).toEqual([0, 2, 4, 6, 8, 10, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36])
  })

  async function contentsOf(count: number): Promise<Contents> {
    const { backend, map } = await open({ cacheBytes: 1e9 })
    within(backend, 'k', () => {
      for (let i = 0; i < count; i++) map.put(i, i)
    })
    return applySegment(NO_CONTENTS, encodeAll(backend, backend.beginSnapshot(1, 0)))
  }

  /** What the keys of all entries of its map begin with. */
  function mapKeyOf(contents: Contents): Uint8Array {
    const { key } = [...contents.values()][0]!
    return key.subarray(0, subKeyAt(key))
  }

  it('are restored without being read: a change reads one stretch of the base, and so does what is loaded (R28)', async () => {
    const contents = await contentsOf(100)
    const { backend, store, map } = await open()
    const base = new FakeBase(contents)
    const stretches: number[] = []
    const subKeys = base.subKeys.bind(base)
    base.bounds = (key) => subKeys(key).filter((_, i) => i % 10 === 0 && i > 0)
    base.subKeys = (...range) => {
      const found = subKeys(...range)
      stretches.push(found.length)
      return found
    }
    backend.adopt(base)
    enter(backend, 'k')
    map.put(33.5, 'new')
    map.remove(77)
    map.remove(33)
    expect([map.get(33.5), map.has(77), map.has(78), map.isEmpty()]).toEqual([
      'new',
      false,
      true,
      false,
    ])
    expect(stretches).toEqual([10, 10, 10])
    backend.clearCurrent()
    for (let i = 0; i < 2_000 && !base.isClosed; i++) {
      backend.work(Infinity)
      await store.land()
    }
    expect(base.isClosed).toBe(true)
    await landAll(backend, store)
    expect([...store.landed.keys()].filter((key) => key.startsWith('fffe')).length).toBe(10)
    const expected = Array.from({ length: 100 }, (_, i) => i).filter((i) => i !== 33 && i !== 77)
    expect(within(backend, 'k', () => [...map.keys()])).toEqual(
      [...expected, 33.5].sort((a, b) => a - b),
    )
  })

  it('are empty where the checkpoint seems to have keys, but has none (R28)', async () => {
    const { backend, map } = await open()
    const base = new FakeBase(await contentsOf(10))
    const bounds = base.subKeys(mapKeyOf(await contentsOf(10)))
    base.mightHold = () => true
    base.bounds = () => bounds
    base.subKeys = () => []
    backend.adopt(base)
    expect(within(backend, 'other', () => map.isEmpty())).toBe(true)
    expect(within(backend, 'other', () => [...map.keys()])).toEqual([])
  })

  it('say what plain maps say, evicted, checkpointed, aborted and restored at once or later', async () => {
    const cacheBytes = fc.constantFrom(1, 3_000, 12_000)
    await fc.assert(
      fc.asyncProperty(onFewMaps, cacheBytes, fc.boolean(), (all, bytes, strict) => {
        const context = backendContext({ cacheBytes: bytes, strict, mapPageBytes: SMALL })
        return new StatePlay(() => new KeyedBackend(context, new LaggingStore())).run(all)
      }),
      { numRuns: 60, interruptAfterTimeLimit: 25_000 },
    )
  }, 60_000)

  it('say in memory what plain maps say', async () => {
    await fc.assert(
      fc.asyncProperty(steps, (all) =>
        new StatePlay(
          () => new KeyedBackend(backendContext({ mapPageBytes: SMALL }), undefined),
        ).run(all),
      ),
      { numRuns: 30 },
    )
  }, 60_000)
})
