import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { KeyedStateBackend } from '../../runtime/state/state-backend.ts'
import type { StateFixture } from './state-fixture.ts'
import { applySegment, encodeAll, hex, NO_CONTENTS, settle, within } from './state-harness.ts'
import { IDS, modelOf, registerAll } from './state-model.ts'
import { pieceBytes, StatePlay, steps } from './state-property.ts'

/** Part of the contract of state backends: snapshots, and going on from them. */
export function stateSnapshotsContract(fixture: StateFixture): void {
  const { open, restored } = fixture

  describe(`${fixture.name}: snapshots`, () => {
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

    it('carry what was in one that is not the base, of which nothing was told (R24)', async () => {
      const backend = await open()
      within(backend, 'a', () => backend.value.update(1))
      encodeAll(backend, backend.beginSnapshot(1, 0))
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
      const again = fixture.create()
      const { list } = registerAll(again)
      await again.restore(entries.slice(0, 7))
      await again.restore(entries.slice(7))
      for (let key = 0; key < 20; key++) expect(within(again, key, () => list.get())).toEqual([key])
    })

    it('are refused where the schema version of a state is another', async () => {
      const backend = await open()
      within(backend, 'a', () => backend.value.update(1))
      const entries = encodeAll(backend, backend.beginSnapshot(1, 0))
      const again = fixture.create()
      again.register(IDS.value, 'op', { kind: 'value', version: 2, name: 'value' })
      await expect(again.restore(entries)).rejects.toThrow(
        expect.objectContaining({ code: 'MR_STATE_INCOMPATIBLE' }),
      )
    })

    it.each([false, true])(
      'merged along a chain are the state itself, through aborts and restores (R24, R25), strict: %s',
      async (strict) => {
        await fc.assert(
          fc.asyncProperty(steps, pieceBytes, (all, listPieceBytes) =>
            new StatePlay(() => fixture.create({ strict, listPieceBytes })).run(all),
          ),
          { numRuns: fixture.runs },
        )
      },
      60_000,
    )
  })
}
