import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StreamError } from '../../runtime/errors.ts'
import {
  hashKey,
  keyGroupOf,
  keyGroupRange,
  murmur,
  subtaskOfKeyGroup,
} from '../../runtime/key-group.ts'
import type { Key } from '../../runtime/key.ts'
import { anyKey } from '../harness/arbitrary-values.ts'

/** Hashes as Java computes them, written with 64-bit arithmetic, as a second opinion. */
const int32 = (value: bigint): number => Number(BigInt.asIntN(32, value))

function naiveString(text: string): number {
  let hash = 0n
  for (let i = 0; i < text.length; i++) hash = hash * 31n + BigInt(text.charCodeAt(i))
  return int32(hash)
}

function naiveBigint(number: bigint): number {
  let hash = 0n
  const words: bigint[] = []
  for (let rest = number < 0n ? -number : number; rest > 0n; rest >>= 32n)
    words.unshift(rest & 0xffff_ffffn)
  for (const word of words) hash = hash * 31n + word
  return int32(number < 0n ? -hash : hash)
}

describe('hash of a key', () => {
  it('is that of a Java string (R19)', () => {
    const known: [string, number][] = [
      ['', 0],
      ['a', 97],
      ['key1', 3_288_498],
      ['test1', 110_251_487],
      ['user-1', -836_031_825],
      ['hello', 99_162_322],
    ]
    for (const [key, hash] of known) expect([key, hashKey(key)]).toEqual([key, hash])
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (key) => {
        expect(hashKey(key)).toBe(naiveString(key))
      }),
    )
  })

  it('is that of an Integer within int32, of a Long for other safe integers, of a Double otherwise (R19)', () => {
    const known: [number, number][] = [
      [0, 0],
      [-0, 0],
      [42, 42],
      [-1, -1],
      [2 ** 31 - 1, 2 ** 31 - 1],
      [-(2 ** 31), -(2 ** 31)],
      // Long.hashCode: (int) (v ^ (v >>> 32))
      [2 ** 31, -(2 ** 31)],
      [2 ** 32, 1],
      [-(2 ** 31) - 1, -(2 ** 31)],
      [1_717_000_000_000, -986_918_001],
      [Number.MAX_SAFE_INTEGER, -2_097_152],
      [Number.MIN_SAFE_INTEGER, -2_097_151],
      // Double.hashCode of 0.5, 1.5, 0.1, 2^53, infinities
      [0.5, 1_071_644_672],
      [1.5, 1_073_217_536],
      [0.1, -1_507_852_285],
      [2 ** 53, 1_128_267_776],
      [Infinity, 2_146_435_072],
      [-Infinity, -1_048_576],
    ]
    for (const [key, hash] of known) expect([key, hashKey(key)]).toEqual([key, hash])
    fc.assert(
      fc.property(fc.maxSafeInteger(), (key) => {
        const bits = BigInt.asUintN(64, BigInt(key))
        const isInt = key === (key | 0)
        expect(hashKey(key)).toBe(isInt ? key | 0 : int32(bits ^ (bits >> 32n)))
      }),
    )
  })

  it('of a tuple is put together of those of its elements (R19)', () => {
    fc.assert(
      fc.property(fc.array(anyKey, { maxLength: 5, size: 'max' }), (tuple) => {
        const hash = tuple.reduce((sum: bigint, key) => sum * 31n + BigInt(hashKey(key)), 1n)
        expect(hashKey(tuple)).toBe(int32(hash))
      }),
    )
  })

  it('is that of a BigInteger for a bigint (R19)', () => {
    const known: [bigint, number][] = [
      [0n, 0],
      [1n, 1],
      [-1n, -1],
      [2n ** 32n, 31],
      [2n ** 31n, -(2 ** 31)],
      [-(2n ** 31n), -(2 ** 31)],
      [2n ** 64n + 5n, 966],
    ]
    for (const [key, hash] of known) expect([key, hashKey(key)]).toEqual([key, hash])
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 260n), max: 2n ** 260n }), (key) => {
        expect(hashKey(key)).toBe(naiveBigint(key))
      }),
    )
  })

  it('is 31·h + e from 1 for bytes and tuples (R19)', () => {
    expect(hashKey(new Uint8Array())).toBe(1)
    expect(hashKey(new Uint8Array([1, 2, 255]))).toBe(((31 + 1) * 31 + 2) * 31 - 1)
    expect(hashKey([])).toBe(1)
    expect(hashKey(['a', 'b'])).toBe((31 + 97) * 31 + 98)
    expect(hashKey(['a', ['b', 1n]])).toBe((31 + 97) * 31 + ((31 + 98) * 31 + 1))
    expect(hashKey(Buffer.from('ab'))).toBe(hashKey(new Uint8Array([97, 98])))
  })
})

describe('key group', () => {
  it('mixes as Flink does (R19)', () => {
    const known: [number, number, number][] = [
      [0, 593_689_054, 94],
      [1, 68_075_478, 86],
      [2, 1_085_422_463, 127],
      [3, 847_579_505, 113],
      [42, 1_134_849_565, 29],
      [100, 616_682_048, 64],
      [-1, 1_982_413_648, 80],
      [2_147_483_647, 1_653_689_534, 62],
      [-2_147_483_648, 1_718_298_732, 108],
    ]
    for (const [key, mixed, keyGroup] of known) {
      expect([key, murmur(key), keyGroupOf(key, 128)]).toEqual([key, mixed, keyGroup])
    }
  })

  it('puts strings where Flink puts them (R19)', () => {
    const known: [string, number, [number, number, number]][] = [
      ['', 94, [1, 2, 2]],
      ['a', 81, [1, 1, 2]],
      ['b', 22, [0, 0, 0]],
      ['key1', 41, [0, 0, 1]],
      ['key2', 27, [0, 0, 0]],
      ['key3', 91, [1, 2, 2]],
      ['test1', 40, [0, 0, 1]],
      ['user-1', 121, [1, 2, 3]],
      ['hello', 35, [0, 0, 1]],
    ]
    for (const [key, keyGroup, subtasks] of known) {
      const group = keyGroupOf(key, 128)
      const found = [2, 3, 4].map((parallelism) => subtaskOfKeyGroup(group, 128, parallelism))
      expect([key, group, found]).toEqual([key, keyGroup, subtasks])
    }
  })

  it('is within the maximum parallelism for every key, and the same for −0 and 0', () => {
    expect(keyGroupOf(-0, 1024)).toBe(keyGroupOf(0, 1024))
    fc.assert(
      fc.property(anyKey, fc.integer({ min: 1, max: 32_768 }), (key: Key, maxParallelism) => {
        const keyGroup = keyGroupOf(key, maxParallelism)
        expect(Number.isInteger(keyGroup) && keyGroup >= 0 && keyGroup < maxParallelism).toBe(true)
      }),
    )
  })
})

describe('key-group ranges', () => {
  it('are those of Flink (R19)', () => {
    const known: [number, number, string][] = [
      [128, 2, '0-63|64-127'],
      [128, 3, '0-42|43-85|86-127'],
      [128, 4, '0-31|32-63|64-95|96-127'],
      [128, 5, '0-25|26-51|52-76|77-102|103-127'],
      [10, 3, '0-3|4-6|7-9'],
      [10, 4, '0-2|3-4|5-7|8-9'],
      [7, 3, '0-2|3-4|5-6'],
    ]
    for (const [maxParallelism, parallelism, expected] of known) {
      const ranges = Array.from({ length: parallelism }, (_, subtask) => {
        const { first, last } = keyGroupRange(subtask, parallelism, maxParallelism)
        return `${first}-${last}`
      })
      expect(ranges.join('|')).toBe(expected)
    }
  })

  it('hold exactly the key groups that go to their subtask', () => {
    const sizes = fc
      .integer({ min: 1, max: 2_000 })
      .chain((maxParallelism) =>
        fc.tuple(fc.constant(maxParallelism), fc.integer({ min: 1, max: maxParallelism })),
      )
    fc.assert(
      fc.property(sizes, ([maxParallelism, parallelism]) => {
        let next = 0
        for (let subtask = 0; subtask < parallelism; subtask++) {
          const { first, last } = keyGroupRange(subtask, parallelism, maxParallelism)
          const owners = [first, last].map((keyGroup) =>
            subtaskOfKeyGroup(keyGroup, maxParallelism, parallelism),
          )
          // An assertion for each of them would take most of the time.
          if (first !== next || owners.some((owner) => owner !== subtask)) {
            expect({ subtask, first, owners }).toEqual({ subtask, first: next, owners: [] })
          }
          next = last + 1
        }
        expect(next).toBe(maxParallelism)
      }),
    )
  })

  it('do not exist for a subtask that there is not', () => {
    expect(() => keyGroupRange(2, 2, 128)).toThrow(StreamError)
    expect(() => keyGroupRange(0, 129, 128)).toThrow(StreamError)
  })
})
