import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defaultMemory, parseMemory, splitMemory } from '../../../runtime/job/memory.ts'
import { planOf } from './plans.ts'

const MIB = 1_024 * 1_024

describe('memory', () => {
  it.each([
    ['512mb', 512 * MIB],
    ['2g', 2_048 * MIB],
    ['1.5GiB', 1_536 * MIB],
    ['64 KB', 65_536],
    ['1000', 1_000],
    [4_096, 4_096],
  ])('reads %j', (value, bytes) => expect(parseMemory(value)).toBe(bytes))

  it.each(['', 'mb', '-1mb', '0', '1tb', '1e3', 0, -5, NaN, Infinity])('refuses %j', (value) => {
    expect(() => parseMemory(value)).toThrow(expect.objectContaining({ code: 'MR_OPTION_INVALID' }))
  })

  it('takes a quarter of what the process may use, within bounds (N15)', () => {
    expect(defaultMemory(4_096 * MIB, 0)).toBe(1_024 * MIB)
    expect(defaultMemory(4_096 * MIB, 2_048 * MIB)).toBe(512 * MIB)
    expect(defaultMemory(512 * MIB, 0)).toBe(256 * MIB)
    expect(defaultMemory(512 * 1_024 * MIB, 2 ** 63)).toBe(2_048 * MIB)
  })

  it('splits it so that heaps and channels stay within, and caches within the heaps (N15)', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 16 }),
        fc.integer({ min: 860, max: 100_000 }),
        (parallelism, mb) => {
          const split = splitMemory(mb * MIB, planOf({ parallelism }))
          const channels = parallelism * (parallelism - 1)
          expect(
            (split.heapMb + split.youngHeapMb) * MIB * parallelism + split.channelBytes * channels,
          ).toBeLessThanOrEqual(mb * MIB)
          expect(split.cacheBytesPerSlot).toBeLessThan((split.heapMb * MIB * 2) / 3)
          expect(split.channelBytes).toBeLessThanOrEqual(256 * 1_024)
        },
      ),
    )
  })

  it('leaves each heap room for code beside its cache, also with the least memory (N15)', () => {
    for (const mb of [54, 64, 128, 1_024]) {
      const split = splitMemory(mb * MIB, planOf({ parallelism: 1 }))
      // Near its limit V8 gives up, with little to collect and little time for anything else.
      expect(17.5 * MIB + split.cacheBytesPerSlot).toBeLessThan(0.8 * split.heapMb * MIB)
    }
  })

  it('refuses too little memory and says how much is needed', () => {
    expect(() => splitMemory(100 * MIB, planOf({ parallelism: 4 }))).toThrow(/give at least 214mb/)
    expect(() => splitMemory(512, planOf({ parallelism: 4 }))).toThrow(
      /^memory is 512 bytes \(a number without a unit means bytes\) for 4 worker threads/,
    )
  })
})
