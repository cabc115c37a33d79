import fc from 'fast-check'
import { expect, it } from 'vitest'
import { IndexedHeap } from '../../../runtime/channel/indexed-heap.ts'

it('has the least at hand, whatever was put in, changed and taken out', () => {
  const size = 24
  const call = fc.tuple(fc.nat(size - 1), fc.option(fc.integer({ min: -50, max: 50 }), { freq: 3 }))
  fc.assert(
    fc.property(fc.array(call, { maxLength: 150, size: 'max' }), (calls) => {
      const heap = new IndexedHeap(size)
      const naive = new Map<number, number>()
      for (const [member, rank] of calls) {
        if (rank === null) {
          heap.delete(member)
          naive.delete(member)
        } else {
          heap.set(member, rank)
          naive.set(member, rank)
        }
        expect([heap.size, heap.has(member), heap.least]).toEqual([
          naive.size,
          naive.has(member),
          Math.min(...naive.values()),
        ])
        expect(naive.get(heap.first ?? -1)).toBe(naive.size === 0 ? undefined : heap.least)
      }
      // Emptied in order, so that every place in the heap is looked at.
      while (naive.size > 0) {
        const [member] = [...naive].sort(([, one], [, other]) => one - other)[0]!
        expect(heap.least).toBe(naive.get(member))
        heap.delete(member)
        naive.delete(member)
      }
    }),
  )
})
