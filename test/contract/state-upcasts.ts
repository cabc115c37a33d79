import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Key } from '../../runtime/key.ts'
import { lastAccessIn, stateIdIn, versionOf } from '../../runtime/state/snapshot-format.ts'
import type { StateEntry } from '../../runtime/state/state-backend.ts'
import { listState, mapState, valueState } from '../../runtime/state/state.ts'
import { EventTtlTime } from '../../runtime/state/ttl-time.ts'
import type { StateFixture } from './state-fixture.ts'
import { pieceBytes } from './state-property.ts'
import {
  applySegment,
  type Contents,
  encodeAll,
  NO_CONTENTS,
  settle,
  toRestore,
  within,
} from './state-harness.ts'
import {
  optionsAt,
  registerAt,
  shapeOf,
  UpcastPlay,
  upcastSteps,
  type Version,
} from './upcast-play.ts'

/** Values of older schema versions: upcast when they are first used, and stored anew by that. */
export function stateUpcastsContract({ name, runs, create }: StateFixture): void {
  describe(`${name}: values of older versions`, () => {
    it.each([false, true])(
      'are upcast once, whatever happens to them, and written as they are by then (R16, R24, R25), strict: %s',
      async (strict) => {
        await fc.assert(
          fc.asyncProperty(upcastSteps, pieceBytes, (steps, listPieceBytes) =>
            new UpcastPlay(() => create({ strict, listPieceBytes })).run(steps),
          ),
          { numRuns: Math.ceil(runs / 2) },
        )
      },
    )

    /** Contents of one value, list and map of version 1, each of one key. */
    async function stored(): Promise<Contents> {
      const backend = create()
      const { value, list, map } = registerAt(backend, 1)
      await backend.restore([])
      within(backend, 'a', () => {
        value.update(1)
        list.addAll([1, 2])
        map.put('x', 1)
        map.put('y', 2)
      })
      return applySegment(NO_CONTENTS, encodeAll(backend, backend.beginSnapshot(1, 0)))
    }

    it('stay as they are while nobody uses them, in a checkpoint of all of them too (R24)', async () => {
      const contents = await stored()
      const backend = create()
      registerAt(backend, 3)
      await backend.restore(toRestore(contents), { asChanges: true })
      await settle(backend)
      const entries = encodeAll(backend, backend.beginSnapshot(1, 0))
      expect(entries).toEqual(toRestore(contents))
    })

    it('are in the next checkpoint only if they were used, though only read (R24)', async () => {
      const backend = create()
      const { map, list } = registerAt(backend, 2)
      await backend.restore(toRestore(await stored()))
      within(backend, 'a', () => expect(map.get('y')).toEqual({ n: 2 }))
      await settle(backend)
      const entries = encodeAll(backend, backend.beginSnapshot(1, 0))
      expect(
        entries.map((entry) => [stateIdIn(entry.key), entry.kind, versionOf(entry.value)]),
      ).toEqual([[3, 'put', 2]])
      within(backend, 'a', () => expect(list.get()).toEqual([{ n: 1 }, { n: 2 }]))
      expect(encodeAll(backend, backend.beginSnapshot(2, 1))).toHaveLength(1)
      await settle(backend)
      within(backend, 'a', () => [map.get('y'), list.get()])
      expect(encodeAll(backend, backend.beginSnapshot(3, 2))).toEqual([])
    })

    it('are upcast after they were put back unread among what has not been written yet (R22)', async () => {
      const backend = create()
      const { value } = registerAt(backend, 3)
      await backend.restore(toRestore(await stored()))
      while (backend.work(Infinity));
      within(backend, 'a', () => expect(value.value()).toEqual(shapeOf(1, 3)))
      while (backend.work(Infinity));
      within(backend, 'a', () => expect(value.value()).toEqual(shapeOf(1, 3)))
      await settle(backend)
      within(backend, 'a', () => expect(value.value()).toEqual(shapeOf(1, 3)))
    })

    it('keep when they were last used, element by element, and expire to the millisecond (semantics 2.17, R30)', async () => {
      const ttl = { duration: 100, timeDomain: 'event' } as const
      const open = (version: Version) => {
        const eventTime = new EventTtlTime(-Infinity)
        const backend = create()
        const options = { ...optionsAt(version), ttl } as ReturnType<typeof optionsAt>
        const register = <D extends { name: string }>(id: number, state: string, descriptor: D) =>
          backend.register(id, 'op', { ...descriptor, name: state } as never, eventTime)
        const value = register(1, 'value', valueState<unknown>(options)) as {
          value(): unknown
          update(v: unknown): void
        }
        const list = register(2, 'list', listState<unknown>(options)) as {
          get(): unknown
          add(v: unknown): void
        }
        const map = register(3, 'map', mapState<Key, unknown>(options)) as {
          get(k: Key): unknown
          put(k: Key, v: unknown): void
        }
        return { backend, eventTime, value, list, map }
      }
      const before = open(1)
      await before.backend.restore([])
      const add = (timestamp: number, call: () => void) => {
        within(before.backend, 'a', () => {
          before.eventTime.atRecord(timestamp)
          call()
        })
      }
      add(1_000, () => before.value.update(1))
      add(1_000, () => before.list.add(1))
      add(1_050, () => before.list.add(2))
      add(1_020, () => before.map.put('x', 3))
      const contents = encodeAll(before.backend, before.backend.beginSnapshot(1, 0))

      const after = open(2)
      await after.backend.restore(contents)
      await settle(after.backend)
      const read = (watermark: number) => {
        let found: unknown
        after.eventTime.advance(watermark)
        within(after.backend, 'a', () => {
          after.eventTime.atRecord(watermark)
          found = [after.value.value(), after.list.get(), after.map.get('x')]
        })
        return found
      }
      expect(read(1_099)).toEqual([{ n: 1 }, [{ n: 1 }, { n: 2 }], { n: 3 }])
      const accesses = (entries: readonly StateEntry[]) =>
        entries.map(({ value }) => [versionOf(value), lastAccessIn(value, 'event')])
      const written = encodeAll(after.backend, after.backend.beginSnapshot(1, 0))
      expect(accesses(written)).toEqual([
        [2, 1_000],
        [2, 1_050],
        [2, 1_020],
      ])
      expect(read(1_100)).toEqual([undefined, [{ n: 2 }], { n: 3 }])
      expect(read(1_120)).toEqual([undefined, [{ n: 2 }], undefined])
      expect(read(1_150)).toEqual([undefined, [], undefined])
    })

    it.each<[string, (old: number) => unknown, RegExp]>([
      [
        'throw',
        () => {
          throw new Error('no rate for it')
        },
        /from version 1 to 2 threw Error: no rate for it/,
      ],
      ['return undefined', () => undefined, /from version 1 to 2 returned undefined/],
      ['return a promise', async () => 1, /from version 1 to 2 returned a promise/],
      [
        'return what cannot be stored',
        () => ({ by: new URL('file:///a') }),
        /its result\.by is .*URL/,
      ],
    ])(
      'fail with uid, state, key and versions where upcasts %s (R18, R39)',
      async (_what, upcast, message) => {
        const backend = create()
        const options = { version: 2, upcasts: { 1: upcast } } as const
        const value = backend.register(1, 'op', { ...valueState<unknown>(options), name: 'value' })
        registerRest(backend)
        await backend.restore(toRestore(await stored()))
        await settle(backend)
        const read = () => within(backend, 'a', () => value.value())
        for (const attempt of [read, read]) {
          expect(attempt).toThrow(
            expect.objectContaining({
              code: 'MR_STATE_UPCAST_FAILED',
              message: expect.stringMatching(message) as unknown,
              fields: expect.objectContaining({
                uid: 'op',
                state: 'value',
                key: "'a'",
                from: 1,
                to: 2,
              }) as unknown,
            }),
          )
          expect(attempt).toThrow(/^State "value" of operator "op", key 'a': /)
          backend.clearCurrent()
        }
      },
    )

    function registerRest(backend: ReturnType<typeof create>): void {
      backend.register(2, 'op', { ...listState<unknown>(), name: 'list' })
      backend.register(3, 'op', { ...mapState<Key, unknown>(), name: 'map' })
    }

    it('name the entry of a map that they fail for, and the place in what it returned (R39)', async () => {
      const backend = create()
      backend.register(1, 'op', { ...valueState<unknown>(), name: 'value' })
      backend.register(2, 'op', { ...listState<unknown>(), name: 'list' })
      const options = {
        version: 3,
        upcasts: { 1: (n: number) => n, 2: () => ({ when: () => 1 }) },
      } as const
      const map = backend.register(3, 'op', { ...mapState<Key, unknown>(options), name: 'map' })
      await backend.restore(toRestore(await stored()))
      expect(() => within(backend, 'a', () => map.get('y'))).toThrow(
        /^State "map" of operator "op", key 'a', entry 'y': the upcast from version 2 to 3 returned .*result\.when is a function/,
      )
    })

    it('do not share an object that an upcast returns for several keys (R16)', async () => {
      const shared: number[] = []
      const options = { version: 2, upcasts: { 1: () => shared } } as const
      const first = create()
      const numbers = registerAt(first, 1)
      await first.restore([])
      for (const key of ['a', 'b']) within(first, key, () => numbers.value.update(1))
      const contents = encodeAll(first, first.beginSnapshot(1, 0))
      const backend = create()
      const value = backend.register(1, 'op', { ...valueState<number[]>(options), name: 'value' })
      await backend.restore(contents)
      within(backend, 'a', () => {
        const list = value.value()!
        list.push(7)
        value.update(list)
      })
      within(backend, 'b', () => expect(value.value()).toEqual([]))
      expect(shared).toEqual([])
    })
  })
}
