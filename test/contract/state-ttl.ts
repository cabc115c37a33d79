import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Key } from '../../runtime/key.ts'
import type { StateOptions } from '../../runtime/state/state-options.ts'
import { EventTtlTime } from '../../runtime/state/ttl-time.ts'
import type { StateFixture } from './state-fixture.ts'
import {
  applySegment,
  type Contents,
  encodeAll,
  NO_CONTENTS,
  settle,
  toRestore,
  within,
} from './state-harness.ts'
import { pieceBytes } from './state-property.ts'
import { TtlPlay, ttlOptions, ttlSteps } from './ttl-play.ts'
import { registerTimed, SettableClock, type TimedHandles } from './ttl-states.ts'

const TTL = 100
const READ = { duration: TTL, update: 'onReadAndWrite' } as const
const ONCE = { duration: TTL, visibility: 'returnExpiredIfNotCleanedUp' } as const

/** Part of the contract of state backends: what expires when (semantics 2.17), by whichever clock. */
export function stateTtlContract(fixture: StateFixture): void {
  async function open(
    ttl: StateOptions['ttl'],
    options: { contents?: Contents; eventTime?: EventTtlTime; strict?: boolean } = {},
  ) {
    const clock = new SettableClock()
    const backend = fixture.create({ clock, strict: options.strict ?? false })
    const handles = registerTimed(backend, ttl, options.eventTime)
    await backend.restore(toRestore(options.contents ?? NO_CONTENTS))
    return {
      ...handles,
      backend,
      clock,
      /** Runs a callback for a key at a moment, and lets everything be evicted that the backend evicts. */
      async at<R>(time: number, callback: () => R, key: Key = 'k'): Promise<R> {
        clock.time = time
        const result = within(backend, key, callback)
        await settle(backend)
        return result
      },
    }
  }

  async function contentsOf({ backend }: Awaited<ReturnType<typeof open>>): Promise<Contents> {
    const snapshot = backend.beginSnapshot(1, 0)
    return applySegment(NO_CONTENTS, encodeAll(backend, snapshot))
  }

  describe(`${fixture.name}: time to live`, () => {
    it('has expired once last access + ttl <= now, not a millisecond before (semantics 2.17)', async () => {
      for (const strict of [false, true]) {
        const state = await open(TTL, { strict })
        const { value, list, map, reducing, aggregating, at } = state
        const read = () => [
          value.value(),
          list.get(),
          map.get('x'),
          map.has('x'),
          reducing.get(),
          aggregating.get(),
        ]
        await at(0, () => {
          value.update({ n: 1 })
          list.add(1)
          map.put('x', 1)
          reducing.add(5)
          aggregating.add(5)
        })
        expect(await at(99, read)).toEqual([{ n: 1 }, [1], 1, true, 5, '5 in 1'])
        expect(await at(100, read)).toEqual([undefined, [], undefined, false, undefined, undefined])
        // Reading removed them.
        expect(state.backend.entryCount).toBe(0)
      }
    })

    it('is renewed by writes, and by reads only where they count (semantics 2.17)', async () => {
      for (const [ttl, renews] of [
        [TTL, false],
        [READ, true],
      ] as const) {
        const { value, list, map, reducing, aggregating, at } = await open(ttl)
        const read = () => [
          value.value(),
          list.get(),
          map.get('x'),
          map.has('h'),
          [...map.values()],
          reducing.get(),
          aggregating.get(),
        ]
        await at(0, () => {
          value.update('old')
          list.add(1)
          for (const key of ['x', 'h', 'v']) map.put(key, key)
          reducing.add(5)
          aggregating.add(5)
        })
        const all = ['old', [1], 'x', true, ['h', 'v', 'x'], 5, '5 in 1']
        const none = [undefined, [], undefined, false, [], undefined, undefined]
        expect(await at(60, read)).toEqual(all)
        expect(await at(159, read)).toEqual(renews ? all : none)
        await at(160, () => {
          value.update('new')
          list.update([2])
          map.put('x', 'new')
          map.remove('h')
          map.remove('v')
          reducing.clear()
          reducing.add(1)
          aggregating.add(1)
        })
        expect((await at(259, () => [value.value(), list.get(), map.get('x')])).flat()).toEqual([
          'new',
          2,
          'new',
        ])
      }
    })

    it('expires each element of a list and each entry of a map by itself (semantics 2.17)', async () => {
      const { list, map, at } = await open(TTL)
      await at(0, () => {
        list.add('a')
        map.put('a', 1)
        map.put('b', 1)
      })
      await at(50, () => {
        list.addAll(['b', 'c'])
        map.put('b', 2)
        map.put('c', 2)
      })
      expect(await at(99, () => [list.get(), [...map.entries()]])).toEqual([
        ['a', 'b', 'c'],
        [
          ['a', 1],
          ['b', 2],
          ['c', 2],
        ],
      ])
      expect(await at(100, () => [list.get(), [...map.keys()]])).toEqual([
        ['b', 'c'],
        ['b', 'c'],
      ])
      await at(120, () => list.add('d'))
      expect(await at(149, () => list.get())).toEqual(['b', 'c', 'd'])
      expect(await at(150, () => [list.get(), [...map.values()]])).toEqual([['d'], []])
      await at(151, () => list.update(['x', 'y']))
      expect(await at(250, () => list.get())).toEqual(['x', 'y'])
      expect(await at(251, () => list.get())).toEqual([])
    })

    it('renews what is left of a list, and writes it without what has expired, where reads count (semantics 2.17)', async () => {
      const { backend, list, at } = await open(READ)
      await at(0, () => list.add('a'))
      await at(50, () => list.add('b'))
      expect(await at(100, () => list.get())).toEqual(['b'])
      expect(await at(199, () => list.get())).toEqual(['b'])
      expect(await at(298, () => list.get())).toEqual(['b'])
      expect(await at(398, () => list.get())).toEqual([])
      expect(backend.entryCount).toBe(0)
    })

    it('returns expired values once if asked to, by the read that removes them (semantics 2.17)', async () => {
      const { value, list, map, reducing, aggregating, at } = await open(ONCE)
      await at(0, () => {
        value.update('v')
        list.add('a')
        for (const key of ['g', 'h', 'i']) map.put(key, key)
        reducing.add(5)
        aggregating.add(5)
      })
      await at(50, () => list.add('b'))
      const read = () => [
        value.value(),
        list.get(),
        map.get('g'),
        map.has('h'),
        [...map.entries()],
        reducing.get(),
        aggregating.get(),
      ]
      expect(await at(100, read)).toEqual(['v', ['a', 'b'], 'g', true, [['i', 'i']], 5, '5 in 1'])
      expect(await at(101, read)).toEqual([
        undefined,
        ['b'],
        undefined,
        false,
        [],
        undefined,
        undefined,
      ])
    })

    it('adds to an accumulator that has not expired only, whatever reads return (semantics 2.17)', async () => {
      for (const ttl of [TTL, ONCE]) {
        const { reducing, aggregating, at } = await open(ttl)
        const add = (n: number) => () => {
          reducing.add(n)
          aggregating.add(n)
        }
        await at(0, add(1))
        await at(50, add(2))
        await at(149, add(3))
        expect(await at(150, () => [reducing.get(), aggregating.get()])).toEqual([6, '6 in 3'])
        await at(249, add(7))
        expect(await at(250, () => [reducing.get(), aggregating.get()])).toEqual([7, '7 in 1'])
      }
    })

    it('takes update(undefined), and an empty list, for clear (semantics 2.17)', async () => {
      const { backend, value, list, at } = await open(ONCE)
      await at(0, () => {
        value.update(1)
        list.add(1)
      })
      await at(1, () => {
        value.update(undefined)
        list.update([])
      })
      expect(await at(2, () => [value.value(), list.get()])).toEqual([undefined, []])
      expect(backend.entryCount).toBe(0)
    })

    it('does not ask about expiry in isEmpty of a map (semantics 2.17)', async () => {
      const { map, at } = await open(TTL)
      await at(0, () => map.put('x', 1))
      // Between the two calls no housekeeping may come, which would remove it.
      expect(await at(500, () => [map.isEmpty(), [...map.keys()], map.isEmpty()])).toEqual([
        false,
        [],
        true,
      ])
    })

    it('survives snapshots: last access is stored with the value, of lists with each element (semantics 2.17)', async () => {
      const before = await open(TTL)
      await before.at(0, () => {
        before.value.update('v')
        before.list.add('a')
        before.map.put('x', 1)
        before.reducing.add(1)
      })
      await before.at(50, () => {
        before.list.add('b')
        before.map.put('y', 1)
        before.aggregating.add(1)
      })
      const contents = await contentsOf(before)
      const { value, list, map, reducing, aggregating, at } = await open(TTL, { contents })
      expect(await at(99, () => [value.value(), list.get(), [...map.keys()]])).toEqual([
        'v',
        ['a', 'b'],
        ['x', 'y'],
      ])
      expect(
        await at(100, () => [
          value.value(),
          list.get(),
          [...map.keys()],
          reducing.get(),
          aggregating.get(),
        ]),
      ).toEqual([undefined, ['b'], ['y'], undefined, '1 in 1'])
      expect(await at(150, () => [list.get(), [...map.keys()], aggregating.get()])).toEqual([
        [],
        [],
        undefined,
      ])
    })

    it('keeps the last access of the moment of the barrier, though a read renews it after (R25)', async () => {
      const before = await open(READ)
      const { backend, value, list, at } = before
      await at(0, () => {
        value.update('v')
        list.add('a')
      })
      const snapshot = backend.beginSnapshot(1, 0)
      await at(90, () => [value.value(), list.get()])
      const first = applySegment(NO_CONTENTS, encodeAll(backend, snapshot))
      const again = await open(READ, { contents: first })
      expect(await again.at(100, () => [again.value.value(), again.list.get()])).toEqual([
        undefined,
        [],
      ])
      // The renewal is a change, and in the next one.
      const second = applySegment(first, encodeAll(backend, backend.beginSnapshot(2, 1)))
      const later = await open(READ, { contents: second })
      expect(await later.at(189, () => [later.value.value(), later.list.get()])).toEqual([
        'v',
        ['a'],
      ])
    })

    it('is in the next checkpoint as a read has renewed it (R24, semantics 2.17)', async () => {
      const state = await open(READ)
      const { at, backend } = state
      await at(0, () => {
        state.value.update('v')
        state.list.add('a')
        state.map.put('x', 1)
        state.reducing.add(5)
        state.aggregating.add(7)
      })
      const first = applySegment(NO_CONTENTS, encodeAll(backend, backend.beginSnapshot(1, 0)))
      const expected = ['v', ['a'], 1, 5, '7 in 1']
      const read = (of: TimedHandles) => () => [
        of.value.value(),
        of.list.get(),
        of.map.get('x'),
        of.reducing.get(),
        of.aggregating.get(),
      ]
      expect(await at(60, read(state))).toEqual(expected)
      const second = encodeAll(backend, backend.beginSnapshot(2, 1))
      const restored = await open(READ, { contents: applySegment(first, second) })
      expect(await restored.at(159, read(restored))).toEqual(expected)
    })

    it('may be declared for state that was stored without: that has its whole time before it (semantics 2.17)', async () => {
      const before = await open(undefined)
      await before.at(0, () => {
        before.value.update('v')
        before.list.add('a')
        before.map.put('x', 1)
      })
      const contents = await contentsOf(before)
      const { value, list, map, at } = await open(TTL, { contents })
      const read = () => [value.value(), list.get(), [...map.keys()]]
      expect(await at(9_000, read)).toEqual(['v', ['a'], ['x']])
      expect(await at(9_099, read)).toEqual(['v', ['a'], ['x']])
      await at(9_099, () => value.update('w'))
      expect(await at(9_198, () => value.value())).toBe('w')
      expect(await at(9_199, () => value.value())).toBeUndefined()
    })

    it('may be taken away, or changed, from a restart on (semantics 2.17)', async () => {
      const before = await open(TTL)
      await before.at(0, () => {
        before.value.update('v')
        before.list.addAll(['a', 'b'])
        before.map.put('x', 1)
      })
      const contents = await contentsOf(before)
      for (const [ttl, isThere] of [
        [undefined, true],
        [1_000, true],
        [50, false],
      ] as const) {
        const { value, list, map, at } = await open(ttl, { contents })
        expect(await at(99, () => [value.value(), list.get(), map.get('x')])).toEqual(
          isThere ? ['v', ['a', 'b'], 1] : [undefined, [], undefined],
        )
      }
      const untimed = await open(undefined, { contents })
      await untimed.at(0, () => untimed.list.add('c'))
      expect(await untimed.at(9_999, () => untimed.list.get())).toEqual(['a', 'b', 'c'])
    })

    it('does not take the last access by one clock for one by the other', async () => {
      const before = await open(TTL)
      await before.at(0, () => {
        before.value.update('v')
        before.list.add('a')
      })
      const contents = await contentsOf(before)
      const eventTime = new EventTtlTime(5_000)
      const event = { duration: TTL, timeDomain: 'event' } as const
      const { value, list, at } = await open(event, { contents, eventTime })
      eventTime.atRecord(5_000)
      expect(await at(0, () => [value.value(), list.get()])).toEqual(['v', ['a']])
    })

    it.each([false, true])(
      'holds for every kind of state, through evictions, snapshots and restores (semantics 2.17, R30), strict: %s',
      async (strict) => {
        await fc.assert(
          fc.asyncProperty(ttlOptions, ttlSteps, pieceBytes, (options, all, listPieceBytes) => {
            const clock = new SettableClock()
            const create = () => fixture.create({ clock, strict, listPieceBytes })
            return new TtlPlay(options, clock, create).run(all)
          }),
          { numRuns: fixture.runs * 2 },
        )
      },
      60_000,
    )
  })

  describe(`${fixture.name}: time to live in event time`, () => {
    const EVENT = { duration: TTL, timeDomain: 'event' } as const

    it('counts from the timestamp of the record to the watermark (R30)', async () => {
      const { eventTime, value, list, map, reducing, at } = await open(EVENT)
      const read = () => [value.value(), list.get(), [...map.keys()], reducing.get()]
      eventTime.atRecord(500)
      await at(1, () => {
        value.update('v')
        list.add('a')
        map.put('x', 1)
        reducing.add(1)
      })
      eventTime.advance(599)
      eventTime.atRecord(10_000)
      expect(await at(999_999, read)).toEqual(['v', ['a'], ['x'], 1])
      eventTime.advance(600)
      expect(await at(1_000_000, read)).toEqual([undefined, [], [], undefined])
    })

    it('is not cut short by a record that is older than the last one (R30)', async () => {
      const { eventTime, value, map, reducing, list, at } = await open({
        ...EVENT,
        update: 'onReadAndWrite',
      })
      eventTime.atRecord(500)
      await at(1, () => {
        value.update('new')
        map.put('x', 'new')
        reducing.add(1)
        list.add('new')
      })
      eventTime.atRecord(300)
      await at(1, () => {
        value.update('old')
        map.put('x', 'old')
        reducing.add(1)
        list.add('old')
        list.get()
      })
      eventTime.advance(599)
      expect(await at(1, () => [value.value(), map.get('x'), reducing.get()])).toEqual([
        'old',
        'old',
        2,
      ])
      // Each element has its own time.
      expect(await at(1, () => list.get())).toEqual(['new'])
      eventTime.advance(600)
      expect(await at(1, () => [value.value(), map.get('x'), reducing.get()])).toEqual([
        undefined,
        undefined,
        undefined,
      ])
    })

    it('takes the watermark where there is no timestamp, and fails for a record without one (R30)', async () => {
      const { backend, eventTime, value, map, list, reducing, at } = await open(EVENT)
      // Before the first watermark nothing is known of time: what is written then does not expire before it is used again.
      eventTime.atNothing()
      await at(1, () => value.update('early'))
      eventTime.advance(500)
      expect(await at(1, () => value.value())).toBe('early')
      eventTime.atNothing()
      await at(1, () => value.update('v'))
      eventTime.advance(599)
      expect(await at(1, () => value.value())).toBe('v')
      eventTime.advance(600)
      expect(await at(1, () => value.value())).toBeUndefined()
      eventTime.atRecord(-Infinity)
      for (const write of [
        () => value.update(1),
        () => list.add(1),
        () => list.update([1]),
        () => map.put('x', 1),
        () => reducing.add(1),
      ]) {
        expect(() => within(backend, 'k', write)).toThrow(
          expect.objectContaining({
            code: 'MR_TIMESTAMP_INVALID',
            message: expect.stringMatching(/State "\w+" of operator "op", key 'k'.*no timestamp/),
          }),
        )
      }
      expect(within(backend, 'k', () => [value.value(), list.get()])).toEqual([undefined, []])
    })
  })
}
