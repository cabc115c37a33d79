import { describe, expect, it } from 'vitest'
import { keyGroupOf } from '../../runtime/key-group.ts'
import type { Key } from '../../runtime/key.ts'
import type { StateFixture } from './state-fixture.ts'
import {
  applySegment,
  encodeAll,
  enter,
  MAX_PARALLELISM,
  NO_CONTENTS,
  settle,
  within,
} from './state-harness.ts'
import { type Handles, modelOf } from './state-model.ts'

/** Part of the contract of state backends: values, lists and maps, and what strict mode finds. */
export function stateValuesContract(fixture: StateFixture): void {
  const { open, restored } = fixture

  describe(`${fixture.name}: state`, () => {
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

    it('knows the key group of what is processed, of records held back too, and of nothing else (R10)', async () => {
      const backend = await open()
      const keyGroup = keyGroupOf('a', MAX_PARALLELISM)
      expect(backend.currentKeyGroup).toBeUndefined()
      within(backend, 'a', () => expect(backend.currentKeyGroup).toBe(keyGroup))
      expect(backend.currentKeyGroup).toBeUndefined()
      backend.setCurrentKey('a')
      expect(backend.currentKeyGroup).toBe(keyGroup)
      backend.beginHeld(7)
      expect(backend.currentKeyGroup).toBe(7)
      expect(() => backend.value.value()).toThrow(
        expect.objectContaining({ code: 'MR_STATE_OUTSIDE_CALLBACK' }),
      )
      backend.beginHeld(undefined)
      expect(backend.currentKeyGroup).toBeUndefined()
      backend.beginHeld(7)
      backend.clearCurrent()
      expect(backend.currentKeyGroup).toBeUndefined()
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
      within(backend, 'a', () =>
        shuffled.forEach((key, index) => backend.map.put(key === 0 ? -0 : key, index)),
      )
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
    })

    it('refuses them at first and in a sample of later updates, and where they are encoded (R18)', async () => {
      const backend = await open()
      const bad = { inner: [{ when: () => 0 }] }
      const message =
        /State "value" of operator "op", key 'k'.* op\/value\.inner\[0\]\.when is a function/
      enter(backend, 'k')
      expect(() => backend.value.update(bad)).toThrow(message)
      expect(() => backend.list.add({ ...bad })).toThrow(
        / op\/list\[0\]\.inner\[0\]\.when is a function/,
      )
      const later = await open()
      enter(later, 'k')
      const updateAll = (values: readonly unknown[]): void => {
        for (const value of values) later.value.update(value)
      }
      updateAll(Array.from({ length: 100 }, (_, i) => i))
      expect(() => updateAll(Array.from({ length: 300 }, () => bad))).toThrow(message)
      updateAll([1, 2, bad])
      expect(() => encodeAll(later, later.beginSnapshot(1, 0))).toThrow(message)
    })

    it('refuses map keys that are none, in every call (R19)', async () => {
      const backend = await open()
      const { map } = backend
      enter(backend, 'k')
      for (const wrong of [Number.NaN, undefined, null, {}, [1, {}], true, () => 0]) {
        const key = wrong as unknown as Key
        const calls = [
          () => map.put(key, 1),
          () => map.get(key),
          () => map.has(key),
          () => map.remove(key),
        ]
        for (const call of calls) {
          expect(call).toThrow(expect.objectContaining({ code: 'MR_KEY_INVALID' }))
        }
      }
      expect(map.isEmpty()).toBe(true)
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

  describe(`${fixture.name}: strict mode`, () => {
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
}
