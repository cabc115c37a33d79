import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { RestartableError } from '../../../runtime/errors.ts'
import { KeyedBackend } from '../../../runtime/state/keyed-backend.ts'
import type { BackendContext } from '../../../runtime/state/state-backend.ts'
import { FakeBase } from '../../contract/fake-base.ts'
import {
  applySegment,
  backendContext,
  type Contents,
  encodeAll,
  NO_CONTENTS,
  turn,
  within,
  entriesOf,
} from '../../contract/state-harness.ts'
import { registerAll } from '../../contract/state-model.ts'
import { pieceBytes, StatePlay, stepsOnRestored } from '../../contract/state-property.ts'
import { LaggingStore, SlowStore } from '../../harness/slow-store.ts'

describe('state that is used while it is being loaded (R28)', () => {
  const opened: { backend: KeyedBackend; store: SlowStore }[] = []
  const open = async (overrides: Partial<BackendContext> = {}) => {
    const store = new SlowStore()
    const backend = new KeyedBackend(backendContext({ cacheBytes: 1, ...overrides }), store)
    opened.push({ backend, store })
    const handles = registerAll(backend)
    await backend.restore([])
    const set = (key: string, value: unknown) =>
      within(backend, key, () => handles.value.update(value))
    return { backend, store, set, ...handles }
  }
  afterEach(async () => {
    for (const { backend, store } of opened.splice(0)) {
      const closing = backend.close()
      await store.land()
      await closing
    }
  })

  /** Contents with a value for each of these keys, and entries of a map of each. */
  async function contentsOf(...keys: string[]): Promise<Contents> {
    const { backend, map, set } = await open()
    for (const key of keys) {
      set(key, `${key} restored`)
      within(backend, key, () => [1, 2].forEach((field) => map.put(field, `${key}${field}`)))
    }
    const snapshot = backend.beginSnapshot(1, 0)
    return applySegment(NO_CONTENTS, encodeAll(backend, snapshot))
  }

  async function openOn(contents: Contents, cacheBytes = 1) {
    const store = new SlowStore()
    const backend = new KeyedBackend(backendContext({ cacheBytes }), store)
    opened.push({ backend, store })
    const { value, map } = registerAll(backend)
    await backend.restore([])
    const base = new FakeBase(contents)
    backend.adopt(base)
    const get = (key: string) => within(backend, key, () => value.value())
    const set = (key: string, given: unknown) => within(backend, key, () => value.update(given))
    const load = async () => {
      for (let i = 0; i < 5_000 && !base.isClosed; i++) {
        backend.work(Infinity)
        await store.land()
      }
      expect([base.isClosed, backend.loadedShare]).toEqual([true, undefined])
    }
    return { backend, store, base, value, map, get, set, load }
  }

  it('finds every key at once, and loads all into the store', async () => {
    const { backend, base, store, get, map, load } = await openOn(await contentsOf('a', 'b'))
    expect([get('a'), get('b'), get('c')]).toEqual(['a restored', 'b restored', undefined])
    expect(within(backend, 'a', () => [...map.entries()])).toEqual([
      [1, 'a1'],
      [2, 'a2'],
    ])
    expect([base.isClosed, backend.loadedShare]).toEqual([false, 0])
    await load()
    // Of each key its value, two entries of its map, and the index of that.
    expect(store.landed.size).toBe(8)
    expect(get('a')).toBe('a restored')
    expect(within(backend, 'b', () => [...map.values()])).toEqual(['b1', 'b2'])
  })

  it('does not put what was restored over a write that has not landed yet', async () => {
    const { backend, store, get, set, load } = await openOn(await contentsOf('a', 'b'))
    // The first in the order of key groups.
    set('b', 'new')
    backend.work(Infinity)
    expect(store.batches.length).toBe(1)
    // The pages of the base come while the write is under way.
    for (let i = 0; i < 10; i++) {
      await turn()
      backend.work(Infinity)
    }
    await load()
    expect([get('a'), get('b')]).toEqual(['a restored', 'new'])
  })

  it('reads from the base what is still on its way to the store (R28)', async () => {
    const { backend, store, get, load } = await openOn(await contentsOf('a', 'b', 'c'))
    for (let i = 0; i < 10; i++) {
      await turn()
      backend.work(Infinity)
    }
    // All of it has been read, and none of it is there.
    expect([backend.loadedShare, store.landed.size]).toEqual([1, 0])
    expect(['a', 'b', 'c'].map(get)).toEqual(['a restored', 'b restored', 'c restored'])
    await load()
  })

  it('sends what is evicted along with what is loaded, as one write (R22)', async () => {
    const { backend, store, get, set, load } = await openOn(await contentsOf('a', 'b', 'c'))
    for (let i = 0; i < 10; i++) await turn()
    set('d', 'new')
    backend.work(Infinity)
    expect(store.batches.map((batch) => batch.length > 1)).toEqual([true])
    await load()
    expect([get('a'), get('d')]).toEqual(['a restored', 'new'])
  })

  it('keeps in mind what was deleted, in the store and not in memory', async () => {
    const keys = Array.from({ length: 200 }, (_, i) => `key ${i}`)
    const { backend, store, get, set, load } = await openOn(await contentsOf('a', ...keys))
    const { memoryBytes } = backend
    for (const key of keys) {
      set(key, undefined)
      backend.work(Infinity)
      await store.land()
    }
    const snapshot = backend.beginSnapshot(1, 0)
    while (!snapshot.isEncoded) backend.work(Infinity)
    expect([...entriesOf(snapshot)].map(({ kind }) => kind)).toEqual(keys.map(() => 'delete'))
    backend.beginSnapshot(2, 1)
    backend.work(Infinity)
    await store.land()
    expect(backend.memoryBytes - memoryBytes).toBeLessThan(200 * 450)
    expect(keys.map(get).filter((value) => value !== undefined)).toEqual([])
    await load()
    expect(keys.map(get).filter((value) => value !== undefined)).toEqual([])
    expect(get('a')).toBe('a restored')
  })

  it('visits no key before all are loaded, and then all that have a value', async () => {
    const contents = await contentsOf('a', 'b', 'c')
    const { backend, store, value, set, load } = await openOn(contents, 1_000_000)
    const visited: string[] = []
    set('b', undefined)
    backend.work(Infinity)
    await store.land()
    const visit = backend.visitKeys(value, (key) => visited.push(String(key)))
    for (let i = 0; i < 5; i++) {
      expect([visit.run(Infinity), visit.isWaiting, visited]).toEqual([false, true, []])
      await turn()
    }
    await load()
    while (!visit.run(Infinity)) {
      backend.work(Infinity)
      await store.land()
    }
    expect(visited.sort()).toEqual(['a', 'c'])
  })

  it('tells of damage that a look-up meets, and ends the attempt (R27)', async () => {
    const failures: unknown[] = []
    const store = new SlowStore()
    const fail = (error: unknown): void => void failures.push(error)
    const backend = new KeyedBackend(backendContext({ cacheBytes: 1, fail }), store)
    opened.push({ backend, store })
    const { value } = registerAll(backend)
    await backend.restore([])
    const base = new FakeBase(await contentsOf('a'))
    const damage = new RestartableError('MR_CHECKPOINT_CORRUPT', 'A block is damaged.')
    base.read = () => {
      throw damage
    }
    backend.adopt(base)
    expect(() => within(backend, 'a', () => value.value())).toThrow(damage)
    expect(failures).toEqual([damage])
  })

  it('does not take the end of a failed reading for the end of what there is (R27)', async () => {
    const failures: unknown[] = []
    const store = new SlowStore()
    const fail = (error: unknown): void => void failures.push(error)
    const backend = new KeyedBackend(backendContext({ cacheBytes: 1, fail }), store)
    opened.push({ backend, store })
    registerAll(backend)
    await backend.restore([])
    const base = new FakeBase(await contentsOf('a', 'b', 'c'))
    const damage = new RestartableError('MR_CHECKPOINT_CORRUPT', 'A block is damaged.')
    const entries = base.entries.bind(base)
    base.entries = async function* (ids) {
      for await (const page of entries(ids)) {
        yield page
        throw damage
      }
    }
    backend.adopt(base)
    for (let i = 0; i < 20; i++) {
      backend.work(Infinity)
      await store.land()
    }
    expect(failures).toEqual([damage])
    expect(backend.loadedShare).toBeDefined()
  })

  it('says what plain maps say while what was restored is being loaded (R28)', async () => {
    await fc.assert(
      fc.asyncProperty(
        stepsOnRestored,
        fc.constantFrom(1, 4_000, 1_000_000),
        fc.boolean(),
        pieceBytes,
        (all, cacheBytes, strict, listPieceBytes) =>
          new StatePlay(
            () =>
              new KeyedBackend(
                backendContext({ cacheBytes, strict, listPieceBytes }),
                new LaggingStore(),
              ),
          ).run(all),
      ),
      { numRuns: 60 },
    )
  })
})
