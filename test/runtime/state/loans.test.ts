import { expect, it, vi } from 'vitest'
import { MemoryBackend } from '../../../runtime/state/memory-backend.ts'
import { backendContext, within } from '../../contract/state-harness.ts'
import { registerAll } from '../../contract/state-model.ts'

async function open() {
  const backend = new MemoryBackend(backendContext({}))
  const handles = registerAll(backend)
  await backend.restore([])
  return { backend, ...handles }
}

it('does not look through all objects of a callback for each one that it stores (R16)', async () => {
  const { backend, list, map } = await open()
  const isArray = vi.spyOn(Array, 'isArray')
  try {
    within(backend, 'key', () => {
      list.add({ first: true })
      for (let i = 0; i < 2_000; i++) map.put(i, { i })
    })
    // Every earlier object for each of them would be two million.
    expect(isArray.mock.calls.length).toBeLessThan(200_000)
  } finally {
    isArray.mockRestore()
  }
})

it('takes arrays in a list for elements, not for more lists to look through (R16)', async () => {
  const { backend, list, map } = await open()
  const includes = vi.spyOn(Array.prototype, 'includes')
  try {
    within(backend, 'key', () => {
      for (let i = 0; i < 1_000; i++) list.add([i])
      for (let i = 0; i < 1_000; i++) map.put(i, { i })
    })
    // Each of them for each entry would be a million.
    expect(includes.mock.calls.length).toBeLessThan(100_000)
  } finally {
    includes.mockRestore()
  }
})

it('makes two values of an object in a list that was seen after many others (R16)', async () => {
  const { backend, list, map, value } = await open()
  const shared = { n: 0 }
  within(backend, 'key', () => list.update([shared]))
  within(backend, 'key', () => {
    for (let i = 0; i < 100; i++) map.put(i, { i })
    list.get()
    value.update(shared)
    const copy = value.value() as { n: number }
    copy.n = 1
    value.update(copy)
    expect(list.get()).toEqual([{ n: 0 }])
  })
})
