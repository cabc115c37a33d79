import { describe, expect, it } from 'vitest'
import { MemoryBackend } from '../../../runtime/state/memory-backend.ts'
import {
  aggregatingState,
  reducingState,
  type StateDescriptor,
  type StateHandle,
} from '../../../runtime/state/state.ts'
import { backendContext, enter, within } from '../../contract/state-harness.ts'

async function open<D extends StateDescriptor>(descriptor: D, strict = true) {
  const backend = new MemoryBackend(backendContext({ strict }))
  const state: StateHandle<D> = backend.register(1, 'op', { ...descriptor, name: 'total' })
  await backend.restore([])
  return { backend, state }
}

interface Total {
  readonly sum: number
}

const add = (a: Total, b: Total): Total => ({ sum: a.sum + b.sum })

const average = {
  create: () => ({ sum: 0, count: 0 }),
  add(all: { sum: number; count: number }, value: number) {
    all.sum += value
    all.count++
    return all
  },
  result: (all: { sum: number; count: number }) => all.sum / all.count,
}

describe('reducing state', () => {
  it('keeps the first value as it is and reduces every other into it, by key and namespace', async () => {
    const { backend, state } = await open(reducingState(add))
    expect(within(backend, 'a', () => state.get())).toBeUndefined()
    for (const sum of [1, 2, 3]) within(backend, 'a', () => state.add({ sum }))
    within(backend, 'a', () => state.add({ sum: 10 }), 'w')
    within(backend, 'b', () => [state.add({ sum: 5 }), state.add({ sum: 6 })])
    expect(within(backend, 'a', () => state.get())).toEqual({ sum: 6 })
    expect(within(backend, 'a', () => state.get(), 'w')).toEqual({ sum: 10 })
    expect(within(backend, 'b', () => state.get())).toEqual({ sum: 11 })
    within(backend, 'a', () => state.clear())
    expect(within(backend, 'a', () => state.get())).toBeUndefined()
    expect(backend.entryCount).toBe(2)
  })

  it('refuses a promise, and nothing (R15)', async () => {
    const late = (async (a: Total) => a) as unknown as typeof add
    const { backend, state } = await open(reducingState(late))
    within(backend, 'a', () => state.add({ sum: 1 }))
    enter(backend, 'a')
    expect(() => state.add({ sum: 2 })).toThrow(
      expect.objectContaining({ code: 'MR_FUNCTION_ASYNC' }),
    )
    const nothing = await open(reducingState((() => undefined) as unknown as typeof add))
    within(nothing.backend, 'a', () => nothing.state.add({ sum: 1 }))
    enter(nothing.backend, 'a')
    expect(() => nothing.state.add({ sum: 2 })).toThrow(
      expect.objectContaining({
        code: 'MR_VALUE_UNSUPPORTED',
        message: expect.stringMatching(/^State "total" of operator "op": reduce came to undefined/),
      }),
    )
  })

  it('finds in strict mode that what get returned is changed (R16)', async () => {
    const { backend, state } = await open(reducingState(add))
    within(backend, 'a', () => state.add({ sum: 1 }))
    enter(backend, 'a')
    ;(state.get() as { sum: number }).sum = 2
    expect(() => backend.clearCurrent()).toThrow(
      expect.objectContaining({ code: 'MR_STATE_MUTATED' }),
    )
  })
})

describe('aggregating state', () => {
  it('keeps an accumulator, which add may change in place, and returns its result', async () => {
    const { backend, state } = await open(aggregatingState(average))
    expect(within(backend, 'a', () => state.get())).toBeUndefined()
    for (const value of [1, 2, 6]) within(backend, 'a', () => state.add(value))
    within(backend, 'b', () => state.add(9))
    expect(within(backend, 'a', () => state.get())).toBe(3)
    within(backend, 'a', () => state.clear())
    expect(within(backend, 'a', () => state.get())).toBeUndefined()
    expect(within(backend, 'b', () => state.get())).toBe(9)
  })

  it('refuses promises, and an accumulator that is nothing (R15)', async () => {
    const cases = [
      [{ ...average, create: async () => average.create() }, 'MR_FUNCTION_ASYNC'],
      [{ ...average, add: async () => average.create() }, 'MR_FUNCTION_ASYNC'],
      [{ ...average, add: () => undefined }, 'MR_VALUE_UNSUPPORTED'],
    ] as const
    for (const [aggregate, code] of cases) {
      const { backend, state } = await open(
        aggregatingState(aggregate as unknown as typeof average),
      )
      enter(backend, 'a')
      expect(() => state.add(1)).toThrow(expect.objectContaining({ code }))
    }
    const result = { ...average, result: async () => 1 } as unknown as typeof average
    const { backend, state } = await open(aggregatingState(result))
    within(backend, 'a', () => state.add(1))
    enter(backend, 'a')
    expect(() => state.get()).toThrow(expect.objectContaining({ code: 'MR_FUNCTION_ASYNC' }))
  })
})
