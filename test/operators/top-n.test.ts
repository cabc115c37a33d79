import fc from 'fast-check'
import type { DataStream, TopNRanking } from 'millrace'
import { operatorHarness, verifyOperator } from 'millrace/testing'
import { describe, expect, it } from 'vitest'
import { TopList } from '../../operators/top-n.ts'

interface Score {
  readonly game: string
  readonly player: string
  readonly points: number
}

const score = (player: string, points: number, game = 'go'): Score => ({ game, player, points })

const podium =
  (n: number, ranking: TopNRanking<Score> = { by: (s) => s.points }) =>
  (scores: DataStream<Score>) =>
    scores
      .keyBy((s) => s.game)
      .topN(n, { uid: 'podium', ...ranking })
      .map((list) => list.map((s) => s.player).join(''))

const scores = [
  score('a', 5),
  score('b', 9),
  score('c', 5),
  score('x', 1, 'chess'),
  score('d', 9),
  score('e', 4),
  score('f', 10),
]

describe('topN of a keyed stream', () => {
  it('emits the list of the key whenever it changes, best first, of equal ones the earlier', async () => {
    await verifyOperator(podium(3), {
      input: scores.map((value) => ({ value })),
      expected: ['a', 'ba', 'bac', 'x', 'bda', 'fbd'],
    })
  })

  it('ranks by a comparison as Array.sort does', async () => {
    await verifyOperator(podium(2, { compare: (a, b) => a.points - b.points }), {
      input: scores.map((value) => ({ value })),
      expected: ['a', 'ab', 'ac', 'x', 'ea'],
    })
  })

  it('gives a list the timestamp of the record that changed it', async () => {
    const harness = await operatorHarness(podium(1))
    harness.processElement(score('a', 5), 20)
    harness.processElement(score('b', 4), 30)
    harness.processElement(score('c', 6), 10)
    expect(harness.outputRecords()).toEqual([
      { value: 'a', timestamp: 20 },
      { value: 'c', timestamp: 10 },
    ])
    await harness.close()
  })

  it.each([0, -1, 1.5, NaN, Infinity, '3'])('refuses lists of length %o', async (n) => {
    await expect(operatorHarness(podium(n as number))).rejects.toMatchObject({
      code: 'MR_OPTION_INVALID',
    })
  })

  it.each([{}, { by: 1 }, { by: () => 1, compare: () => 1 }])(
    'refuses the ranking %o',
    async (ranking) => {
      await expect(
        operatorHarness(podium(1, ranking as unknown as TopNRanking<Score>)),
      ).rejects.toMatchObject({ code: 'MR_OPTION_INVALID' })
    },
  )

  it.each([
    ['NaN', { by: () => NaN }, 1, 'MR_AGGREGATE_INVALID'],
    ['undefined', { by: () => undefined }, 1, 'MR_AGGREGATE_INVALID'],
    ['two types', { by: (s: Score) => (s.points === 5 ? 5 : 'x') }, 2, 'MR_AGGREGATE_INVALID'],
    ['a promise', { by: async () => 1 }, 1, 'MR_FUNCTION_ASYNC'],
    ['no number', { compare: () => true }, 1, 'MR_AGGREGATE_INVALID'],
    ['a promise to compare', { compare: async () => 1 }, 1, 'MR_FUNCTION_ASYNC'],
  ])('fails at a rank that is %s', async (_, ranking, records, code) => {
    const harness = await operatorHarness(podium(3, ranking as never))
    for (const one of scores.slice(0, records - 1)) harness.processElement(one)
    expect(() => harness.processElement(scores[records - 1]!)).toThrow(
      expect.objectContaining({ code, fields: expect.objectContaining({ operator: 'podium' }) }),
    )
    await harness.close()
  })

  it('keeps what sorting all records keeps, random records', () => {
    const records = fc.array(fc.nat(12), { maxLength: 40, size: 'max' })
    fc.assert(
      fc.property(records, fc.integer({ min: 1, max: 8 }), (ranks, n) => {
        const list = ranks.map((rank, id) => ({ rank, id }))
        const top = new TopList(n, { by: ({ rank }: { rank: number }) => rank })
        let kept: readonly unknown[] = []
        for (const [i, record] of list.entries()) {
          const after = top.add(kept, record)
          const sorted = list.slice(0, i + 1).toSorted((a, b) => b.rank - a.rank)
          expect(after).toEqual(sorted.slice(0, n))
          expect(after === kept).toBe(!after.includes(record))
          kept = after
        }
        // A job that keeps fewer goes on from longer lists.
        const shorter = new TopList(1, { by: ({ rank }: { rank: number }) => rank })
        if (kept.length > 0) expect(shorter.add(kept, { rank: -1, id: -1 })).toEqual([kept[0]])
      }),
    )
  })
})
