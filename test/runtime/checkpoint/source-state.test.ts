import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type SourceState, spreadSplits } from '../../../runtime/checkpoint/source-state.ts'

const timeOf = (splitId: string) => ({ splitId, status: 'active' as const, generator: splitId })

function reader(splits: readonly string[], noMoreSplits = true): SourceState {
  return { splits, times: splits.map(timeOf), noMoreSplits }
}

const parallelism = fc.integer({ min: 1, max: 7 })
/** How many splits each old reader has. */
const sizes = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 7, size: 'max' })

function readersOf(counts: readonly number[]): SourceState[] {
  return counts.map((count, subtask) =>
    reader(Array.from({ length: count }, (_, index) => `${subtask}.${index}`)),
  )
}

describe('spreading the splits of readers', () => {
  it.each([
    { from: 'a,b|c', to: 1, gives: 'a,b,c' },
    { from: 'a,b|c', to: 3, gives: 'a | b | c' },
    { from: 'a|b', to: 3, gives: 'a | b | ' },
    { from: 'a,b,c|d,e|', to: 2, gives: 'a,b,c | d,e' },
    { from: '|', to: 3, gives: ' |  | ' },
  ])('deals $from out to $to readers (semantics 2.9)', ({ from, to, gives }) => {
    const readers = from
      .split('|')
      .map((splits) => reader(splits.split(',').filter((split) => split !== '')))
    const spread = spreadSplits(readers, to)
    expect(spread.map(({ splits }) => splits.join(',')).join(' | ')).toBe(gives)
  })

  it('gives each split to exactly one reader, in their order, as many to each but for one (R31, semantics 2.9)', () => {
    fc.assert(
      fc.property(sizes, parallelism, (counts, to) => {
        fc.pre(counts.length !== to)
        const readers = readersOf(counts)
        const spread = spreadSplits(readers, to).map(({ splits }) => splits)
        expect(spread).toHaveLength(to)
        expect(spread.flat()).toEqual(readers.flatMap(({ splits }) => splits))
        const lengths = spread.map((splits) => splits.length)
        expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('takes status and generator of each split along (R11)', () => {
    fc.assert(
      fc.property(sizes, parallelism, (counts, to) => {
        for (const { splits, times } of spreadSplits(readersOf(counts), to)) {
          for (const split of splits) expect(times).toContainEqual(timeOf(split as string))
        }
      }),
    )
  })

  it('says that no more come only where all readers had been told: the rest may go to any of them (R11, R31)', () => {
    const told = (all: readonly boolean[], to: number): boolean[] => {
      const readers = all.map((noMoreSplits) => reader([], noMoreSplits))
      return spreadSplits(readers, to).map(({ noMoreSplits }) => noMoreSplits)
    }
    expect(told([true, true], 3)).toEqual([true, true, true])
    expect(told([true, false], 3)).toEqual([false, false, false])
    expect(told([true, false], 1)).toEqual([false])
  })
})
