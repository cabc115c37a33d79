import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ownerOf } from '../../../connectors/kafka/split-owner.ts'

describe('ownerOf', () => {
  it('deals the partitions of a topic out in turn', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 40 }), (topic, parallelism) => {
        const owners = Array.from({ length: 3 * parallelism }, (_, partition) =>
          ownerOf(topic, partition, parallelism),
        )
        for (const [i, owner] of owners.entries()) {
          expect(owner).toBe((owners[0]! + i) % parallelism)
        }
      }),
    )
  })

  it('begins where Flink does: at 31 times the Java hash of the name', () => {
    // "orders".hashCode() in Java is -1008770331.
    const start = Number(BigInt.asUintN(31, -1_008_770_331n * 31n))
    expect([2, 3, 7].map((parallelism) => ownerOf('orders', 0, parallelism))).toEqual(
      [2, 3, 7].map((parallelism) => start % parallelism),
    )
    // An empty name hashes to 0.
    expect(ownerOf('', 5, 4)).toBe(1)
  })
})
