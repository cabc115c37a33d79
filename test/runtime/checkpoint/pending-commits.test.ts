import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { spreadCommits } from '../../../runtime/checkpoint/pending-commits.ts'

describe('spreading what sinks have pending', () => {
  it('gives each commit to exactly one committer, and all of one writer to the same, in order (R33, semantics 2.11)', () => {
    const writers = fc.array(fc.integer({ min: 0, max: 4 }), {
      minLength: 1,
      maxLength: 7,
      size: 'max',
    })
    fc.assert(
      fc.property(writers, fc.integer({ min: 1, max: 7 }), (counts, to) => {
        const pending = counts.map((count, writer) =>
          Array.from({ length: count }, (_, id) => ({ checkpointId: id, committables: [writer] })),
        )
        const spread = spreadCommits(pending, to)
        expect(spread).toHaveLength(to)
        const all = pending.flat()
        expect(spread.flat()).toHaveLength(all.length)
        expect(spread.flat()).toEqual(expect.arrayContaining(all))
        for (const [writer, own] of pending.entries()) {
          const mine = spread.map((list) => list.filter((one) => one.committables[0] === writer))
          expect(mine[writer % to]).toEqual(own)
        }
      }),
    )
  })
})
