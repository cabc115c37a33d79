import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BlockCache } from '../../../runtime/checkpoint/block-cache.ts'

const KIB = 1_024
/** Room for three blocks. */
const MAX_BYTES = 60 * KIB

const contentOf = (segment: number, block: number): number => (segment * 50 + block * 3) & 0xff

describe('the cache of blocks', () => {
  const asked = fc.record({
    segment: fc.nat(1),
    block: fc.nat(3),
    isDamaged: fc.boolean(),
  })

  it('has for each block what was read of it, also where others could not be read (R27)', () => {
    fc.assert(
      fc.property(fc.array(asked, { minLength: 30, maxLength: 60 }), (all) => {
        const cache = new BlockCache(MAX_BYTES)
        for (const { segment, block, isDamaged } of all) {
          const length = block === 3 ? 50 * KIB : 16 * KIB + block
          const get = (): Uint8Array =>
            cache.get(segment, block, length, (target) => {
              target.fill(isDamaged ? 0xff : contentOf(segment, block))
              if (isDamaged) throw new Error('damaged')
            })
          let found: Uint8Array
          try {
            found = get()
          } catch {
            continue
          }
          const content = contentOf(segment, block)
          expect(Buffer.alloc(length, content).equals(found)).toBe(true)
          expect(cache.byteLength).toBeLessThanOrEqual(MAX_BYTES)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('keeps those that were used last', () => {
    const cache = new BlockCache(MAX_BYTES)
    const read: number[] = []
    const get = (block: number): void => {
      cache.get(0, block, 16 * KIB, () => void read.push(block))
    }
    for (const block of [1, 2, 3, 1, 4, 1, 3, 2]) get(block)
    expect(read).toEqual([1, 2, 3, 4, 2])
  })
})
