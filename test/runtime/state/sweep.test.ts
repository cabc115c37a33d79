import { describe, expect, it } from 'vitest'
import { MemoryBackend } from '../../../runtime/state/memory-backend.ts'
import { mapState, valueState } from '../../../runtime/state/state.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'
import { backendContext, encodeAll, within } from '../../contract/state-harness.ts'

const TTL = 100

/** A clock of which every look at the time that has passed takes some: work takes time on it. */
class WorkingClock extends ManualClock {
  looks = 0

  override elapsed(): number {
    return ++this.looks
  }
}

async function filled(clock: ManualClock, keys: number) {
  const backend = new MemoryBackend(backendContext({ clock }))
  const state = backend.register(1, 'op', { ...valueState<number>({ ttl: TTL }), name: 'state' })
  await backend.restore([])
  const fill = (): void => {
    for (let key = 0; key < keys; key++) within(backend, key, () => state.update(key))
  }
  fill()
  return { backend, fill }
}

describe('a sweep of expired state (R30)', () => {
  it('is bounded in each turn, with and without time left', async () => {
    const clock = new ManualClock(0)
    const { backend } = await filled(clock, 50_000)
    clock.advance(TTL)
    const removed: number[] = []
    for (const deadline of [-Infinity, Infinity, -Infinity]) {
      const before = backend.entryCount
      expect(backend.work(deadline)).toBe(true)
      removed.push(before - backend.entryCount)
    }
    expect(removed).toEqual([320, 16_384, 320])
    while (backend.work(Infinity));
    expect(backend.entryCount).toBe(0)
  })

  it('rests ten times as long as it took, however fast time passes', async () => {
    const clock = new WorkingClock(0)
    const { backend, fill } = await filled(clock, 1_000)
    let busy = 0
    for (let turn = 0; turn < 500; turn++) {
      clock.advance(TTL / 2)
      fill()
      if (backend.work(-Infinity)) busy++
    }
    expect(busy).toBeGreaterThan(5)
    expect(busy).toBeLessThan(500 / 10)
    expect(backend.entryCount).toBe(1_000)
  })

  it('gives memory back before a snapshot comes that has to be told', async () => {
    const clock = new ManualClock(0)
    const { backend } = await filled(clock, 10_000)
    encodeAll(backend, backend.beginSnapshot(1, 0))
    // A pass that has begun ends.
    while (backend.work(Infinity));
    const before = backend.memoryBytes
    clock.advance(TTL * 2)
    while (backend.work(Infinity));
    expect(backend.memoryBytes).toBeLessThan(before / 3)
    expect(encodeAll(backend, backend.beginSnapshot(2, 1)).length).toBe(10_000)
  })

  it('looks at nothing where no state has a time to live', async () => {
    const clock = new WorkingClock(0)
    const backend = new MemoryBackend(backendContext({ clock }))
    const value = backend.register(1, 'op', { ...valueState<number>(), name: 'value' })
    const map = backend.register(2, 'op', { ...mapState<string, number>(), name: 'map' })
    await backend.restore([])
    within(backend, 1, () => [value.update(1), map.put('x', 1)])
    const before = clock.looks
    expect(backend.work(Infinity)).toBe(false)
    expect(clock.looks).toBe(before)
  })
})
