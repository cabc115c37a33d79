import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeKey } from '../../runtime/key-encoding.ts'
import { keyGroupOf } from '../../runtime/key-group.ts'
import type { Key } from '../../runtime/key.ts'
import type { KeyedStateBackend, KeyVisit } from '../../runtime/state/state-backend.ts'
import type { OpenBackend, StateFixture } from './state-fixture.ts'
import { hex, MAX_PARALLELISM, popTimer, settle, turn, within } from './state-harness.ts'
import { show } from './state-model.ts'
import { pieceBytes } from './state-property.ts'
import { registerTimed } from './ttl-states.ts'

type Kind = 'value' | 'list' | 'map'
const KINDS: readonly Kind[] = ['value', 'list', 'map']
const WAYS = ['put', 'put', 'put', 'clear', 'elsewhere'] as const

/** So few key groups that several keys share each. */
const KEYS: readonly Key[] = [
  ...Array.from({ length: 100 }, (_, i) => i - 20),
  ...Array.from({ length: 100 }, (_, i) => `a key with some text ${i}`),
  ...Array.from({ length: 40 }, (_, i) => ['tuple', i]),
  '',
  new Uint8Array([0, 1]),
  7n,
]

/** Lets a visit go on as a subtask does, in the smallest steps. */
async function finish(backend: KeyedStateBackend, visit: KeyVisit): Promise<void> {
  while (!visit.run(-Infinity)) {
    backend.work(-Infinity)
    if (visit.isWaiting) await turn()
  }
}

function put(backend: OpenBackend, kind: Kind, value: unknown): void {
  if (kind === 'value') backend.value.update(value)
  else if (kind === 'list') backend.list.update([value, 'more'])
  else for (const key of ['x', 'y']) backend.map.put(key, value)
}

function get(backend: OpenBackend, kind: Kind): unknown {
  if (kind === 'value') return backend.value.value()
  return kind === 'list' ? backend.list.get()[0] : backend.map.get('x')
}

/** By key group, and by encoded key within it. */
function inOrder(keys: readonly Key[]): Key[] {
  const place = (key: Key): string =>
    String(keyGroupOf(key, MAX_PARALLELISM)).padStart(5, '0') + hex(encodeKey(key))
  return [...keys].sort((a, b) => (place(a) < place(b) ? -1 : 1))
}

/** Part of the contract of state backends: visits to all keys of a state. */
export function stateVisitsContract(fixture: StateFixture): void {
  const { open, create } = fixture

  describe(`${fixture.name}: visits to keys`, () => {
    it('come to each key with a value once, in the order of encoded keys, wherever it is kept (R17, semantics 2.18)', async () => {
      const step = fc.record({
        way: fc.constantFrom(...WAYS),
        kind: fc.constantFrom(...KINDS),
        key: fc.nat({ max: KEYS.length - 1 }),
        after: fc.constantFrom('work', 'work', 'settle', ...Array<'nothing'>(17).fill('nothing')),
      })
      const steps = fc.array(step, { minLength: 100, maxLength: 400, size: 'max' })
      await fc.assert(
        fc.asyncProperty(steps, pieceBytes, async (all, listPieceBytes) => {
          const backend = await open({ listPieceBytes })
          const plain = { value: new Map(), list: new Map(), map: new Map() }
          for (const [i, { way, kind, key: index, after }] of all.entries()) {
            const key = KEYS[index]!
            if (way === 'elsewhere') within(backend, key, () => put(backend, kind, i), 'w')
            else if (way === 'put') within(backend, key, () => put(backend, kind, i))
            else within(backend, key, () => backend[kind].clear())
            if (way === 'put') plain[kind].set(key, i)
            else if (way === 'clear') plain[kind].delete(key)
            if (after === 'work') backend.work(-Infinity)
            else if (after === 'settle') await settle(backend)
          }
          for (const kind of KINDS) {
            const visited: unknown[] = []
            const visit = backend.visitKeys(backend[kind], (key) => {
              visited.push([key, backend.currentKey, get(backend, kind)])
            })
            await finish(backend, visit)
            const expected = inOrder([...plain[kind].keys()])
            expect(visited.map(show)).toEqual(
              expected.map((key) => show([key, key, plain[kind].get(key)])),
            )
          }
          await backend.close()
        }),
        { numRuns: Math.ceil(fixture.runs / 4) },
      )
    }, 30_000)

    it('come to each key once whatever they change there, and leave that behind (semantics 2.18)', async () => {
      for (const strict of [false, true]) {
        const backend = await open({ strict })
        const keys = KEYS.slice(-90)
        for (const key of keys) {
          within(backend, key, () => {
            for (const kind of KINDS) put(backend, kind, { n: 1 })
          })
        }
        await settle(backend)
        for (const kind of KINDS) {
          let visits = 0
          const visit = backend.visitKeys(backend[kind], (key) => {
            if (visits++ % 3 === 0) backend[kind].clear()
            else put(backend, kind, { n: 2 })
            backend.timers.register('event', 5)
            backend.setNamespace(key)
            put(backend, kind, { n: 3 })
          })
          await finish(backend, visit)
          expect(visits).toBe(keys.length)
          const kept: unknown[] = []
          const again = backend.visitKeys(backend[kind], () => kept.push(get(backend, kind)))
          await finish(backend, again)
          expect(kept).toEqual(Array.from({ length: 60 }, () => ({ n: 2 })))
        }
        let popped = 0
        while ((await popTimer(backend, backend.timers, 'event', 5)) === 5) popped++
        backend.clearCurrent()
        expect(popped).toBe(keys.length)
        expect(within(backend, 7n, () => get(backend, 'map'), 7n)).toEqual({ n: 3 })
      }
    })

    it('read many keys of one key group in pages', async () => {
      const backend = await open({ maxParallelism: 1, range: { first: 0, last: 0 } })
      const keys = Array.from({ length: 1_300 }, (_, i) => i)
      for (const key of keys) {
        backend.setCurrentKey(key, 0)
        backend.value.update(key)
        backend.setNamespace('w')
        backend.value.update(key)
        backend.clearCurrent()
        if (key % 100 === 0) await settle(backend)
      }
      await settle(backend)
      const visited: Key[] = []
      await finish(
        backend,
        backend.visitKeys(backend.value, (key) => visited.push(key)),
      )
      expect(visited).toEqual(keys)
    })

    it('go on where they stopped: at a deadline, or as nothing may be emitted, and between keys only (R13)', async () => {
      const backend = await open()
      for (const key of KEYS) within(backend, key, () => backend.value.update(1))
      await settle(backend)
      let visited = 0
      const visit = backend.visitKeys(backend.value, () => visited++)
      for (let i = 0; i < 3; i++) expect(visit.run(Infinity, () => false)).toBe(false)
      expect([visited, visit.isDone]).toEqual([0, false])
      const most = new Set<number>()
      while (!visit.run(-Infinity)) {
        await settle(backend)
        const before = visited
        visit.run(Infinity, () => visited < before + 2)
        most.add(visited - before)
        expect(() => backend.value.value()).toThrow(
          expect.objectContaining({ code: 'MR_STATE_OUTSIDE_CALLBACK' }),
        )
        await settle(backend)
      }
      expect([visited, visit.isDone, visit.isWaiting]).toEqual([KEYS.length, true, false])
      expect([1, 2]).toContain(Math.max(...most))
      expect(visit.run(Infinity)).toBe(true)
      expect(visited).toBe(KEYS.length)
    })

    it('call wake when what they waited for has come', async () => {
      let wakes = 0
      const backend = await open({ wake: () => wakes++ })
      for (const key of KEYS) within(backend, key, () => backend.value.update(1))
      await settle(backend)
      const visit = backend.visitKeys(backend.value, () => {})
      while (!visit.run(Infinity)) {
        await settle(backend)
        const before = wakes
        visit.run(-Infinity)
        const hasToWait = visit.isWaiting && !backend.isSuspended
        while (visit.isWaiting) {
          backend.work(Infinity)
          await turn()
        }
        if (hasToWait) expect(wakes).toBeGreaterThan(before)
      }
    })

    it('leave out what has expired, unless reads would return it (semantics 2.17)', async () => {
      for (const [visibility, expected] of [
        ['neverReturnExpired', { value: 40, list: 40, map: 60, reducing: 40, aggregating: 40 }],
        [
          'returnExpiredIfNotCleanedUp',
          { value: 60, list: 60, map: 60, reducing: 60, aggregating: 60 },
        ],
      ] as const) {
        const backend = create()
        const handles = registerTimed(backend, { duration: 100, visibility, timeDomain: 'event' })
        await backend.restore([])
        for (let key = 0; key < 60; key++) {
          handles.eventTime.atRecord(key < 20 ? 0 : 1)
          within(backend, key, () => {
            handles.value.update(key)
            handles.list.add(key)
            handles.map.put(key, key)
            handles.reducing.add(key)
            handles.aggregating.add(key)
          })
          if (key % 10 === 0) await settle(backend)
        }
        // Without settling: the sweep does not come first.
        handles.eventTime.advance(100)
        const visits: Record<string, number> = {}
        for (const kind of ['value', 'list', 'map', 'reducing', 'aggregating'] as const) {
          await finish(
            backend,
            backend.visitKeys(handles[kind], () => (visits[kind] = (visits[kind] ?? 0) + 1)),
          )
        }
        expect(visits).toEqual(expected)
      }
    })
  })
}
