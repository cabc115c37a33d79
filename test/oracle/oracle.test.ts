import { describe, expect, it } from 'vitest'
import { differenceOf, orderProblem } from './judge.ts'
import { describeCase, drawCase, eventCount, reduced } from './oracle-case.ts'
import { OPERATORS } from './operators.ts'

describe('a case', () => {
  it('is the same for the same seed and number, whatever was drawn before', () => {
    const cases = [5, 6, 7].map((number) => describeCase(drawCase(3, number)))
    expect(describeCase(drawCase(3, 6))).toEqual(cases[1])
    expect(describeCase(drawCase(4, 6))).not.toEqual(cases[1])
  })

  it('comes of every operator, backend and parallelism, with and without crashes', () => {
    const cases = Array.from({ length: 300 }, (_, number) => drawCase(1, number))
    expect(new Set(cases.map(({ operator }) => operator)).size).toBe(new Set(OPERATORS).size)
    expect(new Set(cases.map(({ backend, parallelism }) => backend + parallelism)).size).toBe(4)
    expect(new Set(cases.map(({ stream }) => stream.certainty)).size).toBe(3)
    expect(cases.some(({ crashAt }) => crashAt.length === 0)).toBe(true)
    expect(cases.some(({ crashAt }) => crashAt.length > 2)).toBe(true)
    expect(Math.max(...cases.map(({ stream }) => eventCount(stream)))).toBeGreaterThan(4_000)
  })

  it('goes on at other parallelisms where no more than one source subtask, or none, must decide on time (R12, R41)', () => {
    const cases = Array.from({ length: 300 }, (_, number) => drawCase(1, number))
    const rescaled = cases.filter(({ goesOnAt }) => goesOnAt.length > 0)
    expect(rescaled.length).toBeGreaterThan(50)
    for (const { stream, operator, sourceParallelism } of rescaled) {
      if (stream.certainty === 'exact') expect([operator.inputs, sourceParallelism]).toEqual([1, 1])
    }
  })

  it('becomes smaller by events at the end of its splits', () => {
    const of = drawCase(1, 0)
    expect(reduced(of, { perSplit: 1 }).stream.splits).toEqual(
      of.stream.splits.map((events) => events.slice(0, 1)),
    )
  })
})

describe('the judge', () => {
  it('compares rows as multisets', () => {
    expect(
      differenceOf(
        [
          ['a', 1],
          ['b', 2],
        ],
        [
          ['b', 2],
          ['a', 1],
        ],
      ),
    ).toBe('')
    expect(
      differenceOf(
        [
          ['a', 1],
          ['a', 1],
        ],
        [['a', 1]],
      ),
    ).toMatch(/^0 rows are missing .* 1 are too much/)
    expect(differenceOf([], [['a', null]])).toMatch(/^1 rows are missing \(\["a",null\]\), 0 are/)
  })

  it('compares rows of one key in their order', () => {
    expect(
      orderProblem(
        [
          ['a', 1],
          ['b', 2],
          ['a', 3],
        ],
        [
          ['b', 2],
          ['a', 1],
          ['a', 3],
        ],
      ),
    ).toBe('')
    expect(
      orderProblem(
        [
          ['a', 3],
          ['a', 1],
        ],
        [
          ['a', 1],
          ['a', 3],
        ],
      ),
    ).toMatch(/^key a: row 0 is/)
  })
})
