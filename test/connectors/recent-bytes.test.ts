import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RecentBytes } from '../../connectors/recent-bytes.ts'

describe('RecentBytes', () => {
  it('gives the last bytes before any later position, whatever the chunks (R32)', () => {
    const chunk = fc.uint8Array({ minLength: 1, maxLength: 20 })
    const steps = fc.array(fc.tuple(chunk, fc.nat(20)), { maxLength: 30 })
    fc.assert(
      fc.property(steps, fc.nat(100), fc.integer({ min: 1, max: 30 }), (all, start, keep) => {
        const recent = new RecentBytes(start, keep)
        let bytes = Buffer.alloc(0)
        let position = start
        for (const [next, advance] of all) {
          recent.add(next, position)
          bytes = Buffer.concat([bytes, next])
          position = Math.min(start + bytes.length, position + advance)
          const end = position - start
          const expected = bytes.subarray(Math.max(0, end - keep), end)
          expect(Buffer.from(recent.before(position))).toEqual(expected)
        }
      }),
    )
  })

  it('lets go of chunks that lie too far back', () => {
    const recent = new RecentBytes(0, 10)
    for (let i = 0; i < 1_000; i++) recent.add(new Uint8Array(10), i * 10)
    expect(recent.before(10_000)).toHaveLength(10)
    // What lies that far back is gone.
    expect(recent.before(100)).toHaveLength(0)
  })
})
