import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../../../runtime/bytes.ts'
import type { Key } from '../../../runtime/key.ts'
import { MapIndex, orderOf } from '../../../runtime/state/map-index.ts'

const key: fc.Arbitrary<Key> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc.integer({ min: -3, max: 3 }),
  fc.bigInt({ min: -3n, max: 3n }),
  fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 2 }),
)

describe('MapIndex', () => {
  it('has its keys in the order of their encodings, whatever was added and deleted in between (R17)', () => {
    const step = fc.record({ what: fc.constantFrom('add', 'add', 'delete', 'look'), key })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const index = new MapIndex()
        const plain = new Map<string, Key>()
        const check = (): void => {
          expect(index.sorted()).toEqual([...plain.keys()].sort())
          expect(index.sorted().map((order) => index.key(order))).toEqual(
            [...plain.keys()].sort().map((order) => plain.get(order)),
          )
          expect(index.size).toBe(plain.size)
        }
        for (const { what, key: stepKey } of steps) {
          const order = orderOf(stepKey)
          if (what === 'look') check()
          else if (what === 'add') {
            index.add(order, stepKey)
            if (!plain.has(order)) plain.set(order, stepKey)
          } else {
            index.delete(order)
            plain.delete(order)
          }
          expect(index.has(order)).toBe(plain.has(order))
        }
        check()
        const writer = new ByteWriter()
        index.write(writer)
        const again = MapIndex.read(writer.copy())
        expect([again.sorted(), again.bytes]).toEqual([index.sorted(), index.bytes])
      }),
    )
  })

  it('gives a list of keys that later changes leave alone', () => {
    const index = new MapIndex()
    for (const number of [3, 1, 2]) index.add(orderOf(number), number)
    const sorted = index.sorted()
    index.delete(orderOf(1))
    index.add(orderOf(0), 0)
    expect(sorted.map((order) => index.key(order))).toEqual([undefined, 2, 3])
    expect(index.sorted().map((order) => index.key(order))).toEqual([0, 2, 3])
  })
})
