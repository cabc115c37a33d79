import fc from 'fast-check'
import { compressSync } from 'snappy'
import { describe, expect, it } from 'vitest'
import { compress, COMPRESSIONS, decompress } from '../../../connectors/kafka/compression.ts'

const bytes = fc.uint8Array({ maxLength: 5_000 }).map((array) => Buffer.from(array))

describe('compression', () => {
  it.each(COMPRESSIONS.slice(1))('%s gives back what it was given', (compression) => {
    const codec = COMPRESSIONS.indexOf(compression)
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 20 }), (part, times) => {
        const whole = Buffer.concat(Array.from({ length: times }, () => part))
        expect(decompress(codec, compress(compression, whole)).equals(whole)).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  it('reads snappy in the frames of the Java client', () => {
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 1, maxLength: 4 }), (blocks) => {
        const header = Buffer.from([
          0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1,
        ])
        const framed = blocks.flatMap((block) => {
          const compressed = compressSync(block)
          const length = Buffer.alloc(4)
          length.writeInt32BE(compressed.length)
          return [length, compressed]
        })
        const whole = decompress(COMPRESSIONS.indexOf('snappy'), Buffer.concat([header, ...framed]))
        expect(whole.equals(Buffer.concat(blocks))).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  it('says of a method that it does not know', () => {
    expect(() => decompress(7, Buffer.alloc(1))).toThrow(/unknown method 7/)
  })
})
