import { describe, expect, it } from 'vitest'
import { keyGroupOf } from '../../../runtime/key-group.ts'
import { MemoryBackend } from '../../../runtime/state/memory-backend.ts'
import { stateBackendContract } from '../../contract/state-backend.ts'
import {
  backendContext,
  encodeAll,
  enter,
  MAX_PARALLELISM,
  within,
} from '../../contract/state-harness.ts'
import { registerAll } from '../../contract/state-model.ts'
import { reachableBytes } from '../../harness/reachable-bytes.ts'

stateBackendContract({
  name: 'memory backend',
  create: (context) => new MemoryBackend(context),
  context: () => ({}),
  runs: 120,
})

describe('memory of a backend', () => {
  it('does not keep the batches that keys were cut from, nor those of values once a snapshot has them', async () => {
    const backend = new MemoryBackend(backendContext({}))
    const { value } = registerAll(backend)
    await backend.restore([])
    const before = reachableBytes()
    for (let i = 0; i < 60; i++) {
      const batch = Buffer.alloc(1_000_000, `record number ${i} `).toString('latin1')
      within(backend, batch.slice(0, 20) + i, () => value.update({ text: batch.slice(20, 50) }))
      within(backend, batch.slice(3, 40), () => value.update(i))
    }
    encodeAll(backend, backend.beginSnapshot(1, 0))
    expect(reachableBytes() - before).toBeLessThan(10_000_000)
    within(backend, `record number 7 reco7`, () => {
      expect(value.value()).toEqual({ text: 'rd number 7 record number 7 re' })
    })
  })

  it('is given back when keys are cleared, without a snapshot too', async () => {
    const backend = new MemoryBackend(backendContext({}))
    const { value, map, list, timers } = registerAll(backend)
    await backend.restore([])
    const empty = backend.memoryBytes
    for (let key = 0; key < 5_000; key++) {
      within(backend, key, () => {
        value.update({ key })
        map.put('x', key)
        list.add(key)
        timers.register('event', key)
      })
      within(backend, key, () => {
        value.clear()
        map.clear()
        list.clear()
        timers.delete('event', key)
      })
      within(backend, `read only ${key}`, () => [
        value.value(),
        map.get('x'),
        list.get(),
        map.isEmpty(),
      ])
    }
    // About a thousand rows are kept for keys that come back; these were 10,000, and 20,000 cells.
    expect(backend.memoryBytes - empty).toBeLessThan(400_000)
    expect(backend.entryCount).toBe(0)
  })

  it('is given back when keys are looked for whose end a snapshot has yet to be told (R25)', async () => {
    const backend = new MemoryBackend(backendContext({}))
    const { value, map, list } = registerAll(backend)
    await backend.restore([])
    const empty = backend.memoryBytes
    for (let key = 0; key < 5_000; key++) {
      within(backend, key, () => {
        value.update({ key })
        map.put('x', key)
        list.add(key)
      })
    }
    encodeAll(backend, backend.beginSnapshot(1, 0))
    for (let key = 0; key < 5_000; key++) {
      within(backend, key, () => {
        value.clear()
        map.remove('x')
        list.clear()
      })
    }
    const snapshot = backend.beginSnapshot(2, 1)
    for (let key = 0; key < 5_000; key++) {
      within(backend, key, () => [value.value(), map.get('x'), list.get()])
    }
    expect(encodeAll(backend, snapshot).map(({ kind }) => kind)).toEqual(
      Array.from({ length: 15_000 }, () => 'delete'),
    )
    // The memory of a snapshot is kept for the next one, which needs none of it.
    encodeAll(backend, backend.beginSnapshot(3, 2))
    encodeAll(backend, backend.beginSnapshot(4, 3))
    expect(backend.memoryBytes - empty).toBeLessThan(400_000)
  })
})

it('refuses state and timers of a key that belongs to another subtask, as of a selector that is not stable (R19)', async () => {
  const last = MAX_PARALLELISM / 2 - 1
  const backend = new MemoryBackend(backendContext({ range: { first: 0, last } }))
  const { value } = registerAll(backend)
  const queue = backend.timers('op', 101, 102)
  await backend.restore([])
  let refused = 0
  for (let key = 0; key < 100; key++) {
    const isOwn = keyGroupOf(key, MAX_PARALLELISM) <= last
    const uses = [
      () => value.update(key),
      () => void value.value(),
      () => queue.register('event', 1),
    ]
    for (const use of uses) {
      if (isOwn) within(backend, key, use)
      else {
        enter(backend, key)
        expect(use).toThrow(
          expect.objectContaining({
            code: 'MR_KEY_UNSTABLE',
            message: expect.stringMatching(
              new RegExp(`^Key ${key} is of key group .* 0 to ${last}`),
            ),
          }),
        )
        backend.clearCurrent()
        refused++
      }
    }
  }
  expect(refused).toBeGreaterThan(90)
  expect(backend.entryCount).toBe(100 - refused / 3)
})
