import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { Key } from '../../runtime/key.ts'
import type { BackendContext, KeyedStateBackend } from '../../runtime/state/state-backend.ts'
import {
  applySegment,
  backendContext,
  type CreateBackend,
  encodeAll,
  enter,
  hex,
  NO_CONTENTS,
  settle,
  toRestore,
  within,
} from './state-harness.ts'
import { type Handles, IDS, modelOf, registerAll } from './state-model.ts'
import { StatePlay, steps } from './state-property.ts'

export interface StateBackendContract {
  readonly name: string
  readonly create: CreateBackend
  /** What the contexts of this implementation have otherwise, such as a small cache and a directory for each. */
  readonly context: () => Partial<BackendContext>
  /** Runs of the property test. */
  readonly runs: number
}

/** What every keyed state backend must do; each implementation's test file begins with a call. */
export function stateBackendContract(contract: StateBackendContract): void {
  const opened: KeyedStateBackend[] = []
  const open = async (
    overrides: Partial<BackendContext> = {},
  ): Promise<KeyedStateBackend & Handles> => {
    const backend = contract.create(backendContext({ ...contract.context(), ...overrides }))
    opened.push(backend)
    const handles = registerAll(backend)
    await backend.restore([])
    return Object.assign(backend, handles)
  }
  /** A backend with handles that goes on from contents. */
  const restored = async (
    contents: Parameters<typeof toRestore>[0],
    asChanges = false,
  ): Promise<KeyedStateBackend & Handles> => {
    const backend = contract.create(backendContext(contract.context()))
    opened.push(backend)
    const handles = registerAll(backend)
    await backend.restore(toRestore(contents), { asChanges })
    return Object.assign(backend, handles)
  }
  afterEach(async () => {
    for (const backend of opened.splice(0)) await backend.close()
  })

  describe(`${contract.name}: state`, () => {
    it('keeps a value for each key, and forgets it', async () => {
      const backend = await open()
      within(backend, 'a', () => backend.value.update(1))
      within(backend, 'b', () => backend.value.update(2))
      await settle(backend)
      expect(within(backend, 'a', () => backend.value.value())).toBe(1)
      expect(backend.entryCount).toBe(2)
      within(backend, 'a', () => backend.value.clear())
      within(backend, 'b', () => backend.value.update(undefined))
      await settle(backend)
      for (const key of ['a', 'b', 'c'])
        expect(within(backend, key, () => backend.value.value())).toBeUndefined()
      expect(backend.entryCount).toBe(0)
    })

    it('keeps lists in the order of add; an empty update clears', async () => {
      const backend = await open()
      const given = [3, 4]
      within(backend, 'a', () => {
        expect(backend.list.get()).toEqual([])
        backend.list.add(1)
        backend.list.addAll([2, 2])
      })
      await settle(backend)
      expect(within(backend, 'a', () => backend.list.get())).toEqual([1, 2, 2])
      within(backend, 'a', () => {
        backend.list.update(given)
        backend.list.addAll(backend.list.get())
        given.push(9)
      })
      await settle(backend)
      expect(within(backend, 'a', () => backend.list.get())).toEqual([3, 4, 3, 4])
      within(backend, 'a', () => backend.list.update([]))
      expect(within(backend, 'a', () => backend.list.get())).toEqual([])
      expect(backend.entryCount).toBe(0)
    })

    it('keeps undefined in a map apart from a key that is missing', async () => {
      const backend = await open()
      within(backend, 'a', () => backend.map.put('x', undefined))
      await settle(backend)
      within(backend, 'a', () => {
        expect([backend.map.has('x'), backend.map.get('x'), backend.map.has('y')]).toEqual([
          true,
          undefined,
          false,
        ])
        expect([...backend.map.entries()]).toEqual([['x', undefined]])
        backend.map.remove('x')
        backend.map.remove('y')
        expect(backend.map.isEmpty()).toBe(true)
      })
      expect(backend.entryCount).toBe(0)
    })

    it('tells namespaces, keys and key types apart', async () => {
      const backend = await open()
      const keys: Key[] = [
        1,
        '1',
        1n,
        ['a', 'b'],
        'ab',
        ['ab'],
        new Uint8Array([1]),
        'x'.repeat(40),
      ]
      const namespaces: (Key | undefined)[] = [undefined, 'a', 1, ['a', 1]]
      for (const [i, key] of keys.entries()) {
        for (const [j, namespace] of namespaces.entries()) {
          within(backend, key, () => backend.value.update(`${i}-${j}`), namespace)
        }
      }
      await settle(backend)
      for (const [i, key] of keys.entries()) {
        for (const [j, namespace] of namespaces.entries()) {
          expect(within(backend, key, () => backend.value.value(), namespace)).toBe(`${i}-${j}`)
        }
      }
    })

    it('goes back to the default namespace with the next key', async () => {
      const backend = await open()
      enter(backend, 'a', 'w')
      backend.value.update('in w')
      expect([backend.currentKey, backend.currentNamespace]).toEqual(['a', 'w'])
      backend.setNamespace(undefined)
      expect(backend.value.value()).toBeUndefined()
      backend.setNamespace('w')
      enter(backend, 'a')
      expect([backend.currentNamespace, backend.value.value()]).toEqual([undefined, undefined])
    })

    it('does not keep a key by reference: bytes may be used again', async () => {
      const backend = await open()
      const key = new Uint8Array([1, 2])
      within(backend, key, () => {
        backend.value.update('first')
        backend.map.put(key, 'entry')
      })
      key[0] = 9
      expect(within(backend, key, () => backend.value.value())).toBeUndefined()
      const first = new Uint8Array([1, 2])
      expect(within(backend, first, () => [backend.value.value(), backend.map.get(first)])).toEqual(
        ['first', 'entry'],
      )
      const entries = encodeAll(backend, backend.beginSnapshot(1, 0))
      const model = modelOf(applySegment(NO_CONTENTS, entries))
      expect([...model.keys()]).toEqual(['value bytes:0102 -', 'map bytes:0102 - bytes:0102'])
    })

    it('iterates over map state in the order of the encoded keys (R17)', async () => {
      const backend = await open()
      const ordered: Key[] = [
        -Infinity,
        -2,
        0,
        1.5,
        10,
        100,
        -3n,
        0n,
        5n,
        '',
        'B',
        'a',
        'b',
        '\u00e9',
        new Uint8Array([]),
        new Uint8Array([0]),
        [1],
        [1, 'x'],
        ['x'],
      ]
      const shuffled = ordered.map((_, index) => ordered[(index * 7) % ordered.length]!)
      within(backend, 'a', () => shuffled.forEach((key, index) => backend.map.put(key, index)))
      await settle(backend)
      expect(within(backend, 'a', () => [...backend.map.keys()])).toEqual(ordered)
      within(backend, 'a', () => backend.map.remove('B'))
      within(backend, 'a', () => backend.map.put('A', 'new'))
      await settle(backend)
      const expected = ordered.map((key) => (key === 'B' ? 'A' : key))
      expect(within(backend, 'a', () => [...backend.map.entries()].map(([key]) => key))).toEqual(
        expected,
      )
    })

    it('lets entries be removed and put while iterating', async () => {
      const backend = await open()
      within(backend, 'a', () => [1, 2, 3, 4].forEach((key) => backend.map.put(key, key)))
      await settle(backend)
      const seen: Key[] = []
      within(backend, 'a', () => {
        for (const [key, value] of backend.map.entries()) {
          seen.push(key)
          backend.map.remove(2)
          backend.map.put(key, (value as number) * 10)
        }
      })
      expect(seen).toEqual([1, 3, 4])
      expect(within(backend, 'a', () => [...backend.map.values()])).toEqual([10, 30, 40])
    })

    it('clears a map as if it had never been, many entries and all', async () => {
      const backend = await open()
      within(backend, 'a', () => {
        for (let i = 0; i < 300; i++) backend.map.put(i, i)
      })
      await settle(backend)
      within(backend, 'a', () => {
        backend.map.clear()
        expect([backend.map.isEmpty(), backend.map.has(7)]).toEqual([true, false])
        backend.map.put(7, 'again')
      })
      await settle(backend)
      within(backend, 'a', () => {
        for (let i = 0; i < 300; i++) expect(backend.map.get(i)).toBe(i === 7 ? 'again' : undefined)
        expect([...backend.map.entries()]).toEqual([[7, 'again']])
      })
    })

    it('finds every entry of a map that is used all the time', async () => {
      const backend = await open()
      for (let i = 0; i < 200; i++) {
        within(backend, 'a', () => {
          backend.map.put(i, i)
          expect(backend.map.get(i >>> 1)).toBe(i >>> 1)
        })
        if (i % 3 === 0) await settle(backend)
      }
      for (let i = 0; i < 200; i++) expect(within(backend, 'a', () => backend.map.get(i))).toBe(i)
    })

    it('gives every value of the type table back exactly, evicted and restored (R18)', async () => {
      const backend = await open()
      const value = {
        missing: undefined,
        none: null,
        yes: true,
        minus: -0,
        nan: Number.NaN,
        big: 2n ** 70n,
        text: '\ud800 é',
        date: new Date(5),
        bytes: new Uint8Array([0, 255]),
        list: [1, [2]],
        ['__proto__']: 1,
        map: new Map<unknown, unknown>([[1, new Set(['x'])]]),
      }
      within(backend, 'a', () => {
        backend.value.update(value)
        backend.list.add(value)
        backend.map.put('k', value)
      })
      await settle(backend)
      const check = (copy: Handles): void => {
        for (const found of [copy.value.value(), copy.list.get()[0], copy.map.get('k')])
          expect(found).toStrictEqual(value)
      }
      within(backend, 'a', () => check(backend))
      const contents = applySegment(NO_CONTENTS, encodeAll(backend, backend.beginSnapshot(1, 0)))
      const again = await restored(contents)
      within(again, 'a', () => check(again))
    })

    it('makes two values of one object that is put into two states (R16)', async () => {
      const backend = await open()
      const other = backend.value
      within(backend, 'a', () => {
        const object = { n: 1 }
        backend.value.update(object)
        backend.map.put('x', object)
        backend.map.put('y', backend.map.get('x'))
        backend.list.add(object)
      })
      within(backend, 'a', () => {
        const object = other.value() as { n: number }
        object.n = 2
        other.update(object)
        const x = backend.map.get('x') as { n: number }
        x.n = 3
        backend.map.put('x', x)
      })
      within(backend, 'a', () => {
        const found = [
          backend.value.value(),
          backend.map.get('x'),
          backend.map.get('y'),
          backend.list.get()[0],
        ]
        expect(found).toEqual([{ n: 2 }, { n: 3 }, { n: 1 }, { n: 1 }])
      })
    })

    it('refuses values outside the type table, naming uid, state, key and field (R18)', async () => {
      const backend = await open({ strict: true })
      const bad = { inner: [{ when: () => 0 }] }
      const refused = (change: () => void) => {
        enter(backend, 'k')
        expect(change).toThrow(expect.objectContaining({ code: 'MR_VALUE_UNSUPPORTED' }))
        expect(change).toThrow(
          /operator "op", key 'k'.* op\/\w+\S*\.inner\[0\]\.when is a function/,
        )
      }
      refused(() => backend.value.update(bad))
      refused(() => backend.map.put('x', bad))
      refused(() => backend.list.add(bad))
      const lazy = await open()
      const encode = (): void => {
        within(lazy, 'k', () => lazy.value.update(bad))
        encodeAll(lazy, lazy.beginSnapshot(1, 0))
      }
      expect(encode).toThrow(
        /State "value" of operator "op", key 'k'.* op\/value\.inner\[0\]\.when is a function/,
      )
    })

    it('throws outside a callback, and after close (R15)', async () => {
      const backend = await open()
      enter(backend, 'a')
      backend.map.put(1, 1)
      const entries = backend.map.entries()
      const later = backend.map.entries()
      const calls = [
        () => backend.value.value(),
        () => backend.value.update(1),
        () => backend.value.clear(),
        () => backend.list.get(),
        () => backend.list.add(1),
        () => backend.list.update([]),
        () => backend.list.update([1]),
        () => backend.map.get(1),
        () => backend.map.put(1, 1),
        () => backend.map.entries(),
        () => backend.map.clear(),
        () => backend.timers.register('event', 1),
        () => backend.timers.delete('event', 1),
        () => backend.currentKey,
        () => backend.currentNamespace,
        () => backend.setNamespace('w'),
        () => entries.next(),
      ]
      backend.clearCurrent()
      for (const call of calls)
        expect(call).toThrow(expect.objectContaining({ code: 'MR_STATE_OUTSIDE_CALLBACK' }))
      enter(backend, 'a')
      expect(() => later.next()).toThrow(
        expect.objectContaining({ code: 'MR_STATE_OUTSIDE_CALLBACK' }),
      )
      await backend.close()
      for (const call of calls.slice(0, -1))
        expect(call).toThrow(expect.objectContaining({ code: 'MR_STATE_CLOSED' }))
    })
  })

  describe(`${contract.name}: strict mode`, () => {
    const mutated = (pattern: RegExp) =>
      expect.objectContaining({ code: 'MR_STATE_MUTATED', message: expect.stringMatching(pattern) })

    it('finds a value changed in place without being stored again (R16)', async () => {
      const cases: ((backend: Handles) => void)[] = [
        ({ value }) => ((value.value() as { n: number }).n = 2),
        ({ list }) => (list.get() as unknown[]).push(3),
        ({ map }) => ((map.get('x') as { n: number }).n = 2),
        ({ map }) => ([...map.values()] as { n: number }[]).forEach((entry) => entry.n++),
        ({ value }) => {
          const object = { n: 1 }
          value.update(object)
          object.n = 2
        },
      ]
      for (const change of cases) {
        const backend = await open({ strict: true })
        within(backend, 'k', () => {
          backend.value.update({ n: 1 })
          backend.list.add(1)
          backend.map.put('x', { n: 1 })
        })
        await settle(backend)
        enter(backend, 'k')
        change(backend)
        expect(() => backend.clearCurrent()).toThrow(
          mutated(/State "(value|list|map)" of operator "op", key 'k'/),
        )
      }
    })

    it('accepts a value changed in place that is stored again (R16)', async () => {
      const backend = await open({ strict: true })
      for (let i = 0; i < 3; i++) {
        within(backend, 'k', () => {
          const value = (backend.value.value() ?? { n: 0 }) as { n: number }
          value.n++
          backend.value.update(value)
        })
        await settle(backend)
      }
      expect(within(backend, 'k', () => backend.value.value())).toEqual({ n: 3 })
    })

    it('finds an object that callbacks share: changed between two times it was stored (R16)', async () => {
      const backend = await open({ strict: true })
      const shared = { n: 0 }
      const count = (key: Key): void => {
        const value = (backend.value.value() ?? shared) as { n: number }
        value.n++
        backend.value.update(value)
        expect(key).toBe(backend.currentKey)
      }
      within(backend, 'a', () => count('a'))
      enter(backend, 'b')
      expect(() => count('b')).toThrow(mutated(/State "value" of operator "op", key 'b'.*key 'a'/))
    })
  })

  describe(`${contract.name}: timers`, () => {
    it('is a set by timestamp, key and namespace, popped by timestamp', async () => {
      const backend = await open()
      const { timers } = backend
      within(backend, 'a', () =>
        [5, 3, 5, -1, Infinity].forEach((timestamp) => timers.register('event', timestamp)),
      )
      within(backend, 'a', () => timers.register('event', 3), 'w')
      within(backend, 'b', () => timers.register('event', 4))
      within(backend, 'b', () => timers.register('processing', 1))
      within(backend, 'b', () => timers.delete('event', 4))
      within(backend, 'b', () => timers.delete('event', 4))
      await settle(backend)
      expect([
        timers.count('event'),
        timers.earliest('event'),
        timers.earliest('processing'),
      ]).toEqual([5, -1, 1])
      const popped: unknown[] = []
      for (let at = timers.pop('event', 5); at !== undefined; at = timers.pop('event', 5)) {
        popped.push([at, backend.currentKey, backend.currentNamespace])
        backend.clearCurrent()
      }
      expect(popped.slice(1, 3).sort()).toEqual(
        [
          [3, 'a', 'w'],
          [3, 'a', undefined],
        ].sort(),
      )
      expect(popped.map((timer) => (timer as number[])[0])).toEqual([-1, 3, 3, 5])
      expect([timers.earliest('event'), timers.count('processing')]).toEqual([Infinity, 1])
      expect(timers.pop('event', Infinity)).toBe(Infinity)
      expect([timers.pop('event', Infinity), timers.earliest('event')]).toEqual([
        undefined,
        Infinity,
      ])
    })

    it('pops many timers of few keys in order', async () => {
      const backend = await open()
      const timestamps = Array.from({ length: 500 }, (_, index) => (index * 7919) % 500)
      for (const timestamp of timestamps) {
        within(backend, timestamp % 3, () => backend.timers.register('event', timestamp))
      }
      for (let timestamp = 0; timestamp < 500; timestamp += 2) {
        within(backend, timestamp % 3, () => backend.timers.delete('event', timestamp))
      }
      const popped: number[] = []
      for (
        let at = backend.timers.pop('event', 499);
        at !== undefined;
        at = backend.timers.pop('event', 499)
      )
        popped.push(at)
      expect(popped).toEqual(Array.from({ length: 250 }, (_, index) => index * 2 + 1))
    })

    it('refuses what is no timestamp', async () => {
      const backend = await open()
      enter(backend, 'a')
      for (const wrong of [1.5, Number.NaN, '5', new Date(5), undefined, 5n]) {
        expect(() => backend.timers.register('event', wrong as number)).toThrow(
          expect.objectContaining({ code: 'MR_TIMER_INVALID' }),
        )
      }
    })
  })

  describe(`${contract.name}: snapshots`, () => {
    it('hold the values of the moment of the barrier, whatever follows (R25)', async () => {
      const backend = await open()
      for (let key = 0; key < 1_500; key++) {
        within(backend, key, () => {
          backend.value.update({ n: key })
          backend.list.add(key)
          backend.map.put('x', key)
          backend.timers.register('event', key)
        })
        if (key === 700) await settle(backend)
      }
      const snapshot = backend.beginSnapshot(1, 0)
      for (let key = 1_499; key >= 0; key--) {
        within(backend, key, () => {
          const value = backend.value.value() as { n: number }
          value.n = -1
          backend.value.update(value)
          if (key % 3 === 0) backend.value.clear()
          backend.list.add('later')
          if (key % 2 === 0) backend.map.clear()
          else backend.map.put('x', 'later')
          backend.timers.delete('event', key)
          backend.timers.register('processing', key)
        })
        if (key % 400 === 0) backend.work(-Infinity)
        if (key % 500 === 0) await settle(backend)
      }
      const model = modelOf(applySegment(NO_CONTENTS, encodeAll(backend, snapshot)))
      expect(model.size).toBe(6_000)
      for (let key = 0; key < 1_500; key++) {
        expect(model.get(`value ${key} -`)).toBe(`{"n":${key}}`)
        expect(model.get(`list ${key} -`)).toBe(`[${key}]`)
        expect(model.get(`map ${key} - "x"`)).toBe(String(key))
        expect(model.has(`event ${key} - @${key}`)).toBe(true)
      }
    })

    it('hold only what has changed since the base, ascending by key', async () => {
      const backend = await open()
      for (let key = 0; key < 200; key++) within(backend, key, () => backend.value.update(key))
      expect(encodeAll(backend, backend.beginSnapshot(1, 0)).length).toBe(200)
      backend.checkpointCompleted(1)
      await settle(backend)
      for (const key of [7, 3, 150]) within(backend, key, () => backend.value.update('new'))
      within(backend, 5, () => backend.value.value())
      const entries = encodeAll(backend, backend.beginSnapshot(2, 1))
      expect(entries.length).toBe(3)
      const keys = entries.map((entry) => hex(entry.key))
      expect(keys).toEqual([...keys].sort())
      expect(encodeAll(backend, backend.beginSnapshot(3, 2))).toEqual([])
    })

    it('tell when they are encoded, once, and at once afterwards', async () => {
      const backend = await open()
      within(backend, 'a', () => backend.value.update(1))
      const snapshot = backend.beginSnapshot(1, 0)
      let told = 0
      snapshot.onEncoded(() => told++)
      expect([snapshot.isEncoded, told]).toEqual([false, 0])
      await settle(backend)
      expect([snapshot.isEncoded, told]).toEqual([true, 1])
      snapshot.onEncoded(() => told++)
      expect(told).toBe(2)
    })

    it('carry what was in an aborted one, encoded or not (R24)', async () => {
      for (const encode of [true, false]) {
        const backend = await open()
        for (let key = 0; key < 700; key++) within(backend, key, () => backend.value.update(key))
        const first = encodeAll(backend, backend.beginSnapshot(1, 0))
        backend.checkpointCompleted(1)
        within(backend, 1, () => backend.value.update('second'))
        within(backend, 2, () => backend.value.clear())
        within(backend, 3, () => backend.value.update('second'))
        const aborted = backend.beginSnapshot(2, 1)
        within(backend, 3, () => backend.value.update('third'))
        if (encode) encodeAll(backend, aborted)
        backend.checkpointAborted(2)
        within(backend, 4, () => backend.value.update('third'))
        const entries = encodeAll(backend, backend.beginSnapshot(3, 1))
        expect(entries.length).toBe(4)
        const model = modelOf(applySegment(applySegment(NO_CONTENTS, first), entries))
        expect([1, 2, 3, 4, 5].map((key) => model.get(`value ${key} -`))).toEqual([
          '"second"',
          undefined,
          '"third"',
          '"third"',
          '5',
        ])
      }
    })

    it('carry what was in a completed one that is not the base (R24)', async () => {
      const backend = await open()
      within(backend, 'a', () => backend.value.update(1))
      encodeAll(backend, backend.beginSnapshot(1, 0))
      backend.checkpointCompleted(1)
      within(backend, 'b', () => backend.value.update(2))
      const entries = encodeAll(backend, backend.beginSnapshot(2, 0))
      expect(modelOf(applySegment(NO_CONTENTS, entries))).toEqual(
        new Map([
          ['value "a" -', '1'],
          ['value "b" -', '2'],
        ]),
      )
    })

    it('hold a tombstone for all that is gone, one for a whole map or list (R24)', async () => {
      const backend = await open()
      within(backend, 'k', () => {
        backend.value.update(1)
        backend.list.addAll([1, 2])
        for (let i = 0; i < 50; i++) backend.map.put(i, i)
        backend.timers.register('event', 1)
        backend.timers.register('processing', 2)
        backend.timers.register('event', 3)
      })
      within(backend, 'j', () => [1, 2].forEach((key) => backend.map.put(key, key)))
      const first = encodeAll(backend, backend.beginSnapshot(1, 0))
      backend.checkpointCompleted(1)
      await settle(backend)
      within(backend, 'k', () => {
        backend.value.clear()
        backend.list.clear()
        backend.map.clear()
        backend.timers.delete('event', 1)
        backend.timers.delete('processing', 2)
        expect(backend.timers.pop('event', 3)).toBe(3)
      })
      within(backend, 'j', () => backend.map.remove(1))
      await settle(backend)
      const entries = encodeAll(backend, backend.beginSnapshot(2, 1))
      expect(entries.map((entry) => entry.kind).sort()).toEqual([
        'clear',
        'delete',
        'delete',
        'delete',
        'delete',
        'delete',
        'delete',
      ])
      const model = modelOf(applySegment(applySegment(NO_CONTENTS, first), entries))
      expect([...model.keys()]).toEqual(['map "j" - 2'])
    })

    it('keep what follows a clear, and nothing from before it (R24)', async () => {
      const backend = await open()
      within(backend, 'k', () => [1, 2, 3].forEach((key) => backend.map.put(key, 'old')))
      const first = encodeAll(backend, backend.beginSnapshot(1, 0))
      backend.checkpointCompleted(1)
      within(backend, 'k', () => {
        backend.map.put(2, 'gone')
        backend.map.put(4, 'gone')
      })
      await settle(backend)
      within(backend, 'k', () => {
        backend.map.clear()
        backend.map.put(3, 'new')
      })
      await settle(backend)
      within(backend, 'k', () => backend.map.put(5, 'new'))
      const entries = encodeAll(backend, backend.beginSnapshot(2, 1))
      expect(entries.map((entry) => entry.kind)).toEqual(['clear', 'put', 'put'])
      const model = modelOf(applySegment(applySegment(NO_CONTENTS, first), entries))
      expect([...model.keys()]).toEqual(['map "k" - 3', 'map "k" - 5'])
    })

    it('remove by a clear what was put since the base and has been evicted, or is being so (R24)', async () => {
      for (const wait of [settle, (busy: KeyedStateBackend) => busy.work(Infinity)]) {
        const backend = await open()
        within(backend, 'k', () => backend.map.put(1, 'gone'))
        await wait(backend)
        within(backend, 'k', () => backend.map.clear())
        await wait(backend)
        within(backend, 'k', () => backend.map.put(2, 'new'))
        const entries = encodeAll(backend, backend.beginSnapshot(1, 0))
        expect([...modelOf(applySegment(NO_CONTENTS, entries)).keys()]).toEqual(['map "k" - 2'])
      }
    })

    it('remove by a clear what has been restored (R24)', async () => {
      const first = await open()
      within(first, 'k', () => [1, 2].forEach((key) => first.map.put(key, key)))
      const contents = applySegment(NO_CONTENTS, encodeAll(first, first.beginSnapshot(1, 0)))
      const backend = await restored(contents)
      within(backend, 'k', () => {
        backend.map.clear()
        backend.map.put(2, 'new')
      })
      const entries = encodeAll(backend, backend.beginSnapshot(2, 1))
      expect(modelOf(applySegment(contents, entries))).toEqual(new Map([['map "k" - 2', '"new"']]))
    })

    it('say nothing of what came and went since the base', async () => {
      const backend = await open({ cacheBytes: 64 * 1_024 * 1_024 })
      within(
        backend,
        'k',
        () => {
          backend.value.update(1)
          backend.list.add(1)
          backend.map.put(1, 1)
          backend.timers.register('event', 1)
        },
        'w',
      )
      within(
        backend,
        'k',
        () => {
          backend.value.clear()
          backend.list.clear()
          backend.map.clear()
          backend.timers.delete('event', 1)
        },
        'w',
      )
      expect(encodeAll(backend, backend.beginSnapshot(1, 0))).toEqual([])
      expect(backend.entryCount).toBe(0)
    })

    it('hold everything after a restore as changes, else nothing', async () => {
      const backend = await open()
      for (let key = 0; key < 100; key++) {
        within(
          backend,
          key,
          () => {
            backend.value.update(key)
            backend.map.put('x', key)
            backend.timers.register('processing', key)
          },
          'w',
        )
      }
      const entries = encodeAll(backend, backend.beginSnapshot(1, 0))
      const contents = applySegment(NO_CONTENTS, entries)
      const asChanges = await restored(contents, true)
      await settle(asChanges)
      expect(encodeAll(asChanges, asChanges.beginSnapshot(2, 1))).toEqual(entries)
      const asBase = await restored(contents)
      expect([
        asBase.entryCount,
        asBase.timers.count('processing'),
        asBase.timers.earliest('processing'),
      ]).toEqual([200, 100, 0])
      expect(encodeAll(asBase, asBase.beginSnapshot(2, 1))).toEqual([])
    })

    it('goes on from several chains with disjoint keys', async () => {
      const backend = await open()
      for (let key = 0; key < 20; key++) within(backend, key, () => backend.list.add(key))
      const entries = encodeAll(backend, backend.beginSnapshot(1, 0))
      const again = contract.create(backendContext(contract.context()))
      opened.push(again)
      const { list } = registerAll(again)
      await again.restore(entries.slice(0, 7))
      await again.restore(entries.slice(7))
      for (let key = 0; key < 20; key++) expect(within(again, key, () => list.get())).toEqual([key])
    })

    it('are refused where the schema version of a state is another', async () => {
      const backend = await open()
      within(backend, 'a', () => backend.value.update(1))
      const entries = encodeAll(backend, backend.beginSnapshot(1, 0))
      const again = contract.create(backendContext(contract.context()))
      opened.push(again)
      again.register(IDS.value, 'op', { kind: 'value', version: 2, name: 'value' })
      await expect(again.restore(entries)).rejects.toThrow(
        expect.objectContaining({ code: 'MR_STATE_INCOMPATIBLE' }),
      )
    })

    it.each([false, true])(
      'merged along a chain are the state itself, through aborts and restores (R24, R25), strict: %s',
      async (strict) => {
        await fc.assert(
          fc.asyncProperty(steps, (all) =>
            new StatePlay(() =>
              contract.create(backendContext({ ...contract.context(), strict })),
            ).run(all),
          ),
          { numRuns: contract.runs },
        )
      },
      60_000,
    )
  })
}
