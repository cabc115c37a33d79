import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Key } from '../../runtime/key.ts'
import type { KeyedStateBackend } from '../../runtime/state/state-backend.ts'
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
  turn,
  within,
} from './state-harness.ts'
import { registerTimed, SettableClock, type TimedHandles } from './ttl-states.ts'

const TTL = 100
/** How much later a pass may come: a quarter of the time to live. */
const LAG = TTL / 4
const KINDS = ['value', 'list', 'map', 'reducing', 'aggregating'] as const
const KEYS: readonly Key[] = [...Array.from({ length: 30 }, (_, i) => i), 'a key', ['tuple', 1]]
const NAMESPACES = [undefined, 'w', 7] as const
/** Looks after which a sweep that has still not done what it should is taken for broken. */
const MAX_LOOKS = 5_000

/** The codec of values with a last access in processing time. */
const TIMED = 2

interface Sweeping extends TimedHandles {
  readonly backend: KeyedStateBackend
  readonly clock: SettableClock
}

/** One entry of each kind, in a map and in a list two of different age. */
function writeAll(state: TimedHandles, value: unknown): void {
  state.value.update(value)
  state.list.add(value)
  state.map.put('x', value)
  state.reducing.add(1)
  state.aggregating.add(1)
}

/** Turns as a subtask's do, until something has come about. */
async function turnUntil(backend: KeyedStateBackend, isSo: () => boolean): Promise<void> {
  let looks = 0
  while (!isSo() && looks++ < MAX_LOOKS) await rest(backend)
  expect(looks).toBeLessThan(MAX_LOOKS)
}

/** Enough turns for a pass, where everything that is read in the background is there soon. */
async function rest(backend: KeyedStateBackend): Promise<void> {
  for (let i = 0; i < 20; i++) await settle(backend)
}

/** Part of the contract of state backends: what has expired leaves though nobody reads it (R30). */
export function stateSweepContract(fixture: StateFixture): void {
  async function open(
    ttl: StateOptions['ttl'],
    options: { contents?: Contents; eventTime?: EventTtlTime; strict?: boolean } = {},
  ): Promise<Sweeping> {
    const clock = new SettableClock()
    const backend = fixture.create({ clock, strict: options.strict ?? false })
    const handles = registerTimed(backend, ttl, options.eventTime)
    await backend.restore(toRestore(options.contents ?? NO_CONTENTS))
    return { ...handles, backend, clock }
  }

  /** Takes checkpoints of a backend one after another, and what they make up. */
  function checkpoints(
    backend: KeyedStateBackend,
    before = NO_CONTENTS,
    baseId = 0,
  ): () => Contents {
    let contents = before
    let id = baseId
    return () => {
      const snapshot = backend.beginSnapshot(id + 1, id)
      id++
      contents = applySegment(contents, encodeAll(backend, snapshot))
      backend.checkpointCompleted(id)
      return contents
    }
  }

  describe(`${fixture.name}: sweeping`, () => {
    it.each([false, true])(
      'removes what has expired in every namespace, from memory, spill and checkpoint, and nothing else (R30), strict: %s',
      async (strict) => {
        const state = await open(TTL, { strict })
        const { backend, clock } = state
        const checkpoint = checkpoints(backend)
        const empty = backend.memoryBytes
        const write = (keys: readonly Key[], value: number) => {
          for (const key of keys) {
            for (const namespace of NAMESPACES) {
              within(backend, key, () => writeAll(state, value), namespace)
            }
          }
        }
        write(KEYS, 1)
        await rest(backend)
        // Five entries each.
        const entries = (keys: number) => keys * NAMESPACES.length * 5
        expect(checkpoint().size).toBe(entries(KEYS.length))
        clock.time += TTL / 2
        const kept = KEYS.slice(10, 15)
        write(kept, 2)
        await rest(backend)
        clock.time += TTL / 2
        await turnUntil(backend, () => checkpoint().size === entries(kept.length))
        const read = (key: Key) =>
          within(backend, key, () => [
            state.value.value(),
            state.list.get(),
            [...state.map.entries()],
            state.reducing.get(),
            state.aggregating.get(),
          ])
        expect(read(kept[0]!)).toEqual([2, [2], [['x', 2]], 2, '2 in 2'])
        expect(read(KEYS[0]!)).toEqual([undefined, [], [], undefined, undefined])
        clock.time += TTL
        await turnUntil(backend, () => checkpoint().size === 0)
        await rest(backend)
        // Some rows are kept for a while, and the filter of the spill; the cells alone were 96,000.
        expect(backend.memoryBytes - empty).toBeLessThan(45_000)
      },
    )

    it('leaves in a running snapshot what was there at the barrier (R25, R30)', async () => {
      const state = await open(TTL)
      const { backend, clock } = state
      for (const key of KEYS) within(backend, key, () => writeAll(state, 'there'))
      const snapshot = backend.beginSnapshot(1, 0)
      clock.time += 2 * TTL
      await rest(backend)
      const contents = applySegment(NO_CONTENTS, encodeAll(backend, snapshot))
      expect(contents.size).toBe(KEYS.length * 5)
      const checkpoint = checkpoints(backend, contents, 1)
      await turnUntil(backend, () => checkpoint().size === 0)
    })

    it('removes what was restored and had expired before (R30)', async () => {
      const before = await open(TTL)
      for (const key of KEYS) within(before.backend, key, () => writeAll(before, 'old'))
      const contents = checkpoints(before.backend)()
      const { backend } = await open(50, { contents })
      const checkpoint = checkpoints(backend, contents)
      await rest(backend)
      expect(checkpoint().size).toBe(KEYS.length * 5)
      const later = await open(TTL, { contents })
      later.clock.time += TTL
      const checkpointLater = checkpoints(later.backend, contents)
      await turnUntil(later.backend, () => checkpointLater().size === 0)
    })

    it('gives a time to what was stored without one, so that it expires as well (R30)', async () => {
      const before = await open(undefined)
      for (const key of KEYS) within(before.backend, key, () => writeAll(before, 'old'))
      const contents = checkpoints(before.backend)()
      const { backend, clock, list } = await open(TTL, { contents })
      const checkpoint = checkpoints(backend, contents)
      const isTimed = () => [...checkpoint().values()].every(({ value }) => value[0] === TIMED)
      await turnUntil(backend, isTimed)
      clock.time += TTL - 1 - LAG
      await rest(backend)
      expect(checkpoint().size).toBe(KEYS.length * 5)
      clock.time += LAG
      within(backend, KEYS[0]!, () => list.add('new'))
      // The time is in the checkpoint too.
      const timed = checkpoint()
      expect(timed.size).toBe(KEYS.length * 5)
      clock.time += 1
      await turnUntil(backend, () => checkpoint().size === 1)
      expect(within(backend, KEYS[0]!, () => list.get())).toEqual(['new'])
      const again = await open(TTL, { contents: timed })
      again.clock.time += TTL
      const checkpointAgain = checkpoints(again.backend, timed)
      await turnUntil(again.backend, () => checkpointAgain().size === 1)
    })

    it('takes from a list the elements that have expired, though it is only ever added to (R30)', async () => {
      const state = await open(TTL)
      const { backend, clock, list } = state
      const sizes: number[] = []
      for (let i = 0; i < 40; i++) {
        clock.time += TTL / 10
        for (const key of KEYS) within(backend, key, () => list.add(`some text ${i}`))
        await rest(backend)
        const snapshot = backend.beginSnapshot(i + 1, 0)
        sizes.push(encodeAll(backend, snapshot).reduce((sum, { value }) => sum + value.length, 0))
      }
      // Not more than one and a half times what there is while nothing has expired yet.
      expect(Math.max(...sizes)).toBeLessThan(sizes[10]! * 1.5)
      expect(within(backend, 3, () => list.get().length)).toBe(10)
    })

    it('counts in event time from record to watermark, of which all timers have to have fired (R30)', async () => {
      const eventTime = new EventTtlTime(-Infinity)
      const state = await open({ duration: TTL, timeDomain: 'event' }, { eventTime })
      const { backend, clock } = state
      const checkpoint = checkpoints(backend)
      for (const key of KEYS) {
        eventTime.atRecord(key === 3 ? 5_001 : 5_000)
        within(backend, key, () => writeAll(state, 1))
      }
      clock.time += 1_000_000
      await rest(backend)
      eventTime.advance(5_100 - 1 - LAG)
      eventTime.settle()
      await rest(backend)
      eventTime.advance(5_100)
      await rest(backend)
      eventTime.atTimer(5_099)
      expect(within(backend, 1, () => state.value.value())).toBe(1)
      await rest(backend)
      expect(checkpoint().size).toBe(KEYS.length * 5)
      eventTime.settle()
      await turnUntil(backend, () => checkpoint().size === 5)
      // The final watermark says nothing about time.
      eventTime.advance(Infinity)
      eventTime.settle()
      await rest(backend)
      expect(checkpoint().size).toBe(5)
    })

    it('leaves nothing behind that has expired, whatever happened before, and takes nothing else (R30)', async () => {
      const step = fc.record({
        what: fc.constantFrom(
          'write',
          'write',
          'write',
          'read',
          'remove',
          'work',
          'turn',
          'snapshot',
        ),
        kind: fc.constantFrom(...KINDS),
        key: fc.nat({ max: KEYS.length - 1 }),
        sub: fc.nat({ max: 5 }),
        pass: fc.constantFrom(0, 0, 0, 0, 1, 10),
      })
      const steps = fc.array(step, { minLength: 50, maxLength: 300, size: 'max' })
      await fc.assert(
        fc.asyncProperty(steps, async (all) => {
          const state = await open({ duration: TTL, update: 'onReadAndWrite' })
          const { backend, clock } = state
          const checkpoint = checkpoints(backend)
          /** Last access by kind, key and map key. */
          const plain = new Map<string, number>()
          const isThere = (id: string) => (plain.get(id) ?? -TTL) + TTL > clock.time
          const isMet = ([, at]: readonly [string, number]) => at + TTL + LAG > clock.time
          for (const { what, kind, key, sub, pass } of all) {
            clock.time += pass
            const id = `${kind} ${key}${kind === 'map' ? ` ${sub}` : ''}`
            if (what === 'work') backend.work(-Infinity)
            else if (what === 'turn') await turn()
            else if (what === 'snapshot') checkpoint()
            else {
              within(backend, KEYS[key]!, () => {
                if (what === 'write') write(state, kind, sub)
                else if (what === 'remove') remove(state, kind, sub)
                else expect(has(state, kind, sub)).toBe(isThere(id))
              })
              if (what === 'remove') plain.delete(id)
              else if (what === 'write' || isThere(id)) plain.set(id, clock.time)
            }
          }
          await turnUntil(backend, () => checkpoint().size <= [...plain].filter(isMet).length)
          await rest(backend)
          expect(checkpoint().size).toBeGreaterThanOrEqual([...plain.keys()].filter(isThere).length)
          clock.time += TTL + LAG
          await turnUntil(backend, () => checkpoint().size === 0)
          await backend.close()
        }),
        { numRuns: fixture.runs },
      )
    })
  })
}

function write(state: TimedHandles, kind: (typeof KINDS)[number], sub: number): void {
  if (kind === 'value') state.value.update(sub)
  else if (kind === 'list') state.list.update([sub])
  else if (kind === 'map') state.map.put(sub, 'entry')
  else state[kind].add(sub)
}

function remove(state: TimedHandles, kind: (typeof KINDS)[number], sub: number): void {
  if (kind === 'map') state.map.remove(sub)
  else state[kind].clear()
}

function has(state: TimedHandles, kind: (typeof KINDS)[number], sub: number): boolean {
  if (kind === 'value') return state.value.value() !== undefined
  if (kind === 'list') return state.list.get().length > 0
  return kind === 'map' ? state.map.has(sub) : state[kind].get() !== undefined
}
