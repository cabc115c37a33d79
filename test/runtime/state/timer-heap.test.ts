import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type HeapItem, TimerHeap } from '../../../runtime/state/timer-heap.ts'

class Item implements HeapItem {
  position = -1
  readonly timestamp: number

  constructor(timestamp: number) {
    this.timestamp = timestamp
  }
}

/** Adds at a time, takes the earliest, removes one of those that are in it, or late ones but for a part of all. */
type Step =
  | { readonly kind: 'add'; readonly timestamp: number }
  | { readonly kind: 'take' }
  | { readonly kind: 'remove'; readonly index: number }
  | { readonly kind: 'late'; readonly kept: number }

const anyTime = fc.integer({ min: 0, max: 200 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 80, arbitrary: anyTime.map((timestamp): Step => ({ kind: 'add', timestamp })) },
  { weight: 40, arbitrary: fc.constant<Step>({ kind: 'take' }) },
  { weight: 20, arbitrary: fc.nat(10_000).map((index): Step => ({ kind: 'remove', index })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(0, 0.01, 0.5, 0.9).map((kept): Step => ({ kind: 'late', kept })),
  },
)

describe('TimerHeap', () => {
  it('always has the earliest first, whatever is added and removed in whatever order', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 600, size: 'max' }),
        // What a step adds lies so far behind its number: 0 is any order, more is mostly ascending.
        fc.constantFrom(0, 1, 40),
        (steps, drift) => run(steps, drift),
      ),
      { numRuns: 60, endOnFailure: true },
    )
  })

  it('holds no more places than it needs, with a late timer at its head and others that come and go', () => {
    const heap = new TimerHeap<Item>()
    heap.add(new Item(1))
    let farthest = 0
    for (let time = 2; time < 300_000; time++) {
      const item = new Item(time)
      heap.add(item)
      farthest = Math.max(farthest, item.position)
      heap.remove(item)
    }
    heap.add(new Item(300_000))
    // A position in the queue is 2 ** 30 and the place.
    expect(farthest - 2 ** 30).toBeLessThan(128)
    expect(heap.earliest).toBe(1)
    expect(heap.count).toBe(2)
  })

  it('keeps the timers of four inputs, each in order by itself but at another time, in queues', () => {
    const heap = new TimerHeap<Item>()
    const times: number[] = []
    for (let i = 0; i < 4_000; i++) {
      const item = new Item(i * 10 + (i % 4) * 5_000)
      heap.add(item)
      times.push(item.timestamp)
      // A position in a queue is 2 ** 30 and more.
      expect(item.position).toBeGreaterThanOrEqual(2 ** 30)
    }
    expect(drain(heap)).toEqual(times.sort((a, b) => a - b))
  })

  it('goes on as before once very many have come in order and all of them are gone', () => {
    const heap = new TimerHeap<Item>()
    for (let time = 0; time < 10_000; time++) heap.add(new Item(time))
    expect(drain(heap)).toHaveLength(10_000)
    heap.add(new Item(20_000))
    heap.add(new Item(20_001))
    heap.add(new Item(15_000))
    expect(drain(heap)).toEqual([15_000, 20_000, 20_001])
  })

  it('keeps a hundred thousand in order, of which every third is removed', () => {
    const heap = new TimerHeap<Item>()
    const items = Array.from(
      { length: 100_000 },
      (_, i) => new Item(i % 10 === 0 ? 100_000 - i : i),
    )
    for (const item of items) heap.add(item)
    for (let i = 0; i < items.length; i += 3) heap.remove(items[i]!)
    const left = items.filter((_, i) => i % 3 !== 0).map((item) => item.timestamp)
    expect(drain(heap)).toEqual(left.sort((a, b) => a - b))
  })
})

function run(steps: readonly Step[], drift: number): void {
  const heap = new TimerHeap<Item>()
  let model: Item[] = []
  for (const [number, one] of steps.entries()) {
    if (one.kind === 'add') {
      const item = new Item(one.timestamp + number * drift)
      heap.add(item)
      model.push(item)
    } else if (one.kind === 'late') {
      const earliest = heap.earliest
      heap.beginLate()
      const gone = new Set<Item>()
      for (let left = model.length; left > model.length * one.kept; left--) {
        const { late } = heap
        gone.add(late!)
        heap.remove(late!)
      }
      model = model.filter((item) => !gone.has(item))
      // It never is the earliest that goes while there are others.
      if (model.length > 0) expect(heap.earliest).toBe(earliest)
    } else if (model.length > 0) {
      const gone = one.kind === 'take' ? heap.first! : model[one.index % model.length]!
      heap.remove(gone)
      expect(gone.position).toBe(-1)
      model = model.filter((item) => item !== gone)
    }
    const earliest = Math.min(...model.map((item) => item.timestamp))
    expect(heap.count).toBe(model.length)
    expect(heap.earliest).toBe(earliest)
    expect(heap.first?.timestamp ?? Infinity).toBe(earliest)
    expect(model.every((item) => item.position >= 0)).toBe(true)
  }
  const left = model.map((item) => item.timestamp)
  expect(drain(heap)).toEqual(left.sort((a, b) => a - b))
}

function drain(heap: TimerHeap<Item>): number[] {
  const timestamps: number[] = []
  for (let first = heap.first; first !== undefined; first = heap.first) {
    heap.remove(first)
    timestamps.push(first.timestamp)
  }
  return timestamps
}
