import type { DataStream } from 'millrace'
import { operatorHarness } from 'millrace/testing'
import { describe, expect, it } from 'vitest'
import { OpenCalls } from './calls.ts'

type Mode = 'orderedWait' | 'unorderedWait'

const MODES: readonly Mode[] = ['orderedWait', 'unorderedWait']

async function harnessOf(
  mode: Mode,
  calls: OpenCalls<string, readonly string[]>,
  options: { readonly capacity?: number } = {},
) {
  return operatorHarness((input: DataStream<string>) =>
    input[mode](calls.invoke, { uid: 'asked', timeout: '10s', ...options }),
  )
}

describe('orderedWait', () => {
  it('emits in the order of the records, whatever is answered first (semantics 2.16)', async () => {
    const calls = new OpenCalls<string, readonly string[]>()
    const harness = await harnessOf('orderedWait', calls)
    for (const value of ['a', 'b', 'c']) harness.processElement(value, 1)
    expect(calls.values).toEqual(['a', 'b', 'c'])
    calls.answer('c', ['C'])
    calls.answer('b', ['B'])
    await harness.settle()
    expect(harness.outputValues()).toEqual([])
    calls.answer('a', ['A'])
    await harness.settle()
    expect(harness.outputValues()).toEqual(['A', 'B', 'C'])
    await harness.close()
  })

  it('keeps watermarks in their place among the records (semantics 2.16)', async () => {
    const calls = new OpenCalls<string, readonly string[]>()
    const harness = await harnessOf('orderedWait', calls)
    harness.processWatermark(5)
    expect(harness.currentWatermark).toBe(5)
    harness.processElement('a', 6)
    harness.processWatermark(10)
    harness.processElement('b', 11)
    harness.processWatermark(15)
    calls.answer('b', ['B'])
    await harness.settle()
    expect([harness.outputValues(), harness.currentWatermark]).toEqual([[], 5])
    calls.answer('a', ['A'])
    await harness.settle()
    expect(harness.output()).toEqual([
      { watermark: 5 },
      { value: 'A', timestamp: 6 },
      { watermark: 10 },
      { value: 'B', timestamp: 11 },
      { watermark: 15 },
    ])
    await harness.close()
  })
})

describe('unorderedWait', () => {
  it('emits in the order of the answers between two watermarks (semantics 2.16)', async () => {
    const calls = new OpenCalls<string, readonly string[]>()
    const harness = await harnessOf('unorderedWait', calls)
    for (const value of ['a', 'b', 'c']) harness.processElement(value, 1)
    for (const value of ['c', 'a', 'b']) {
      calls.answer(value, [value])
      await harness.settle()
    }
    expect(harness.outputValues()).toEqual(['c', 'a', 'b'])
    await harness.close()
  })

  it('lets no record cross a watermark, in neither direction (semantics 2.16)', async () => {
    const calls = new OpenCalls<string, readonly string[]>()
    const harness = await harnessOf('unorderedWait', calls)
    harness.processElement('a', 1)
    harness.processElement('b', 2)
    harness.processWatermark(5)
    harness.processElement('c', 6)
    calls.answer('c', ['c'])
    calls.answer('b', ['b'])
    await harness.settle()
    expect([harness.outputValues(), harness.currentWatermark]).toEqual([['b'], -Infinity])
    calls.answer('a', ['a'])
    await harness.settle()
    expect(harness.output()).toEqual([
      { value: 'b', timestamp: 2 },
      { value: 'a', timestamp: 1 },
      { watermark: 5 },
      { value: 'c', timestamp: 6 },
    ])
    await harness.close()
  })
})

describe.each(MODES)('%s', (mode) => {
  it('emits any number of results with the timestamp of their record (semantics 2.16)', async () => {
    const calls = new OpenCalls<string, readonly string[]>()
    const harness = await harnessOf(mode, calls)
    for (const [index, value] of ['a', 'b', 'c'].entries()) harness.processElement(value, index)
    calls.answer('a', [])
    calls.answer('b', ['b1', 'b2'])
    calls.answer('c', ['c1'])
    await harness.settle()
    expect(harness.outputRecords()).toEqual([
      { value: 'b1', timestamp: 1 },
      { value: 'b2', timestamp: 1 },
      { value: 'c1', timestamp: 2 },
    ])
    await harness.close()
  })

  it('takes no more than its capacity, watermarks counted too (semantics 2.16)', async () => {
    const calls = new OpenCalls<string, readonly string[]>()
    const harness = await harnessOf(mode, calls, { capacity: 3 })
    harness.processElement('a', 1)
    harness.processWatermark(1)
    for (const value of ['b', 'c', 'd']) harness.processElement(value, 2)
    expect(calls.values).toEqual(['a', 'b'])
    calls.answer('b', ['b'])
    await harness.settle()
    expect(calls.values).toEqual(['a', 'b'])
    calls.answer('a', ['a'])
    await harness.settle()
    expect(calls.values).toEqual(['a', 'b', 'c', 'd'])
    expect(harness.outputValues()).toEqual(['a', 'b'])
    await harness.close()
  })

  it('takes no watermark either while it is full (semantics 2.16)', async () => {
    const calls = new OpenCalls<string, readonly string[]>()
    const harness = await harnessOf(mode, calls, { capacity: 1 })
    harness.processElement('a', 1)
    harness.processWatermark(5)
    harness.processElement('b', 6)
    calls.answer('a', ['a'])
    await harness.settle()
    expect([harness.outputValues(), harness.currentWatermark]).toEqual([['a'], 5])
    expect(calls.values).toEqual(['a', 'b'])
    await harness.close()
  })

  it('emits everything before the end of input goes on (semantics 2.16)', async () => {
    const calls = new OpenCalls<string, readonly string[]>()
    const harness = await harnessOf(mode, calls)
    harness.processElement('a', 1)
    harness.endInput()
    await harness.settle()
    expect(harness.currentWatermark).toBe(-Infinity)
    calls.answer('a', ['a'])
    await harness.settle()
    expect([harness.outputValues(), harness.currentWatermark]).toEqual([['a'], Infinity])
    await harness.close()
  })

  it('asks again for all that was not emitted, answered or not, before anything new (semantics 2.16)', async () => {
    const calls = new OpenCalls<string, readonly string[]>()
    const harness = await harnessOf(mode, calls)
    harness.processWatermark(3)
    for (const value of ['a', 'b']) harness.processElement(value, 4)
    harness.processWatermark(5)
    harness.processElement('c', 6)
    calls.answer('c', ['early'])
    await harness.settle()
    const restored = await harness.restore(await harness.snapshot())
    restored.processElement('d', 7)
    expect(calls.values).toEqual(['a', 'b', 'c', 'a', 'b', 'c', 'd'])
    for (const value of ['a', 'b', 'c', 'd']) calls.answer(value, [value])
    await restored.settle()
    expect(restored.outputValues()).toEqual(['a', 'b', 'c', 'd'])
    expect(restored.currentWatermark).toBe(5)
    await restored.close()
  })

  it('tells those behind it after a restore which watermarks had left it (R12)', async () => {
    const quick = new OpenCalls<string, readonly string[]>()
    const slow = new OpenCalls<string, readonly string[]>()
    const harness = await operatorHarness((input: DataStream<string>) =>
      input[mode](quick.invoke, { uid: 'quick' }).union(input[mode](slow.invoke, { uid: 'slow' })),
    )
    harness.processElement('a', 1)
    harness.processWatermark(5)
    quick.answer('a', [])
    await harness.settle()
    harness.processElement('b', 6)
    const restored = await harness.restore(await harness.snapshot())
    slow.answer('a', [])
    await restored.settle()
    // What it is united with has caught up; the one that was ahead has nothing new to say.
    expect(restored.currentWatermark).toBe(5)
    await restored.close()
  })

  it('waits for room where a snapshot holds more than its capacity (semantics 2.16)', async () => {
    const calls = new OpenCalls<string, readonly string[]>()
    const wide = await harnessOf(mode, calls, { capacity: 10 })
    for (const value of ['a', 'b', 'c']) wide.processElement(value, 1)
    const snapshot = await wide.snapshot()
    await wide.close()
    calls.calls.length = 0
    const narrow = await operatorHarness(
      (input: DataStream<string>) => input[mode](calls.invoke, { uid: 'asked', capacity: 2 }),
      { snapshot },
    )
    narrow.processElement('d', 1)
    expect(calls.values).toEqual(['a', 'b'])
    const again = await narrow.snapshot().catch((error: unknown) => error)
    expect(String(again)).toContain('have not taken all of their input')
    for (const value of ['a', 'b', 'c', 'd']) {
      calls.answer(value, [value])
      await narrow.settle()
    }
    expect(narrow.outputValues()).toEqual(['a', 'b', 'c', 'd'])
    await narrow.close()
  })

  it('keeps in a snapshot what it had no room to ask again for (semantics 2.16)', async () => {
    const calls = new OpenCalls<string, readonly string[]>()
    const build = (capacity: number) => (input: DataStream<string>) =>
      input[mode](calls.invoke, { uid: 'asked', capacity })
    const wide = await operatorHarness(build(10))
    for (const value of ['a', 'b', 'c']) wide.processElement(value, 1)
    const narrow = await operatorHarness(build(1), { snapshot: await wide.snapshot() })
    calls.calls.length = 0
    const again = await operatorHarness(build(10), { snapshot: await narrow.snapshot() })
    expect(calls.values).toEqual(['a', 'b', 'c'])
    for (const harness of [wide, narrow, again]) await harness.close()
  })
})
