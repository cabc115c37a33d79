import { describe, expect, it } from 'vitest'
import type { StateFixture } from './state-fixture.ts'
import { enter, popTimer, settle, within } from './state-harness.ts'

/** Part of the contract of state backends: timers. */
export function stateTimersContract(fixture: StateFixture): void {
  const { open } = fixture

  describe(`${fixture.name}: timers`, () => {
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
      const pop = (upTo: number) => popTimer(backend, timers, 'event', upTo)
      for (let at = await pop(5); at !== undefined; at = await pop(5)) {
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
      expect(await pop(Infinity)).toBe(Infinity)
      expect([await pop(Infinity), timers.earliest('event')]).toEqual([undefined, Infinity])
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
}
