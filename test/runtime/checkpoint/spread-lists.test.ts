import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { spreadLists } from '../../../runtime/checkpoint/spread-lists.ts'
import type { StoredList, StoredLists } from '../../../runtime/state/operator-list-format.ts'
import type { OperatorStateKind } from '../../../runtime/state/operator-state.ts'
import { decodeValue, encodeValue } from '../../../runtime/value-codec.ts'

function stored(kind: OperatorStateKind, values: readonly unknown[]): StoredList {
  return { kind, version: 1, items: values.map((value) => encodeValue(value, 'an item')) }
}

/** The lists of old subtasks, by name, as they stand in a snapshot. */
function subtasks(
  kinds: Readonly<Record<string, OperatorStateKind>>,
  lists: readonly Readonly<Record<string, readonly unknown[]>>[],
): StoredLists[] {
  return lists.map(
    (own) => new Map(Object.entries(own).map(([name, all]) => [name, stored(kinds[name]!, all)])),
  )
}

function valuesOf(spread: readonly StoredLists[]): Record<string, unknown[]>[] {
  return spread.map((lists) =>
    Object.fromEntries([...lists].map(([name, { items }]) => [name, items.map(decodeValue)])),
  )
}

const A = { A: 'operator-list' } as const
const AB = { A: 'operator-list', B: 'operator-list' } as const

describe('spreading declared lists', () => {
  it.each([
    {
      what: 'A=[a0,a1|a2,a3] → 3',
      kinds: A,
      old: [{ A: ['a0', 'a1'] }, { A: ['a2', 'a3'] }],
      now: [{ A: ['a0', 'a1'] }, { A: ['a2'] }, { A: ['a3'] }],
    },
    {
      what: 'A=[a0,a1,a2|a3,a4] → 2',
      kinds: A,
      old: [{ A: ['a0', 'a1', 'a2'] }, { A: ['a3', 'a4'] }],
      now: [{ A: ['a0', 'a1', 'a2'] }, { A: ['a3', 'a4'] }],
    },
    {
      what: 'A=[a0],B=[b0] → 2',
      kinds: AB,
      old: [{ A: ['a0'], B: ['b0'] }],
      now: [
        { A: ['a0'], B: [] },
        { A: [], B: ['b0'] },
      ],
    },
    {
      what: 'A×4,B×3 → 3',
      kinds: AB,
      old: [
        { A: ['a0'], B: ['b0'] },
        { A: ['a1'], B: ['b1'] },
        { A: ['a2'], B: ['b2'] },
        { A: ['a3'], B: [] },
      ],
      now: [
        { A: ['a0', 'a1'], B: ['b2'] },
        { A: ['a2'], B: ['b0'] },
        { A: ['a3'], B: ['b1'] },
      ],
    },
    {
      what: '8 items → 4',
      kinds: A,
      old: [{ A: [0, 1, 2, 3, 4, 5, 6] }, { A: [7] }],
      now: [{ A: [0, 1] }, { A: [2, 3] }, { A: [4, 5] }, { A: [6, 7] }],
    },
  ])('$what as the table says (semantics 2.9)', ({ kinds, old, now }) => {
    expect(valuesOf(spreadLists(subtasks(kinds, old), now.length, false))).toEqual(now)
  })

  it('gives every subtask all items of a union list, where the parallelism stays too (semantics 2.9)', () => {
    const kinds = { U: 'union-list', A: 'operator-list' } as const
    const old = subtasks(kinds, [
      { U: [1, 2], A: ['a'] },
      { U: [3], A: [] },
    ])
    expect(valuesOf(spreadLists(old, 2, false))).toEqual([
      { U: [1, 2, 3], A: ['a'] },
      { U: [1, 2, 3], A: [] },
    ])
    expect(valuesOf(spreadLists(old, 3, false)).map(({ U }) => U)).toEqual([
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
    ])
    expect(valuesOf(spreadLists(old, 1, false))).toEqual([{ U: [1, 2, 3], A: ['a'] }])
  })

  it('lets no union list whose subtasks have all finished grow (R34)', () => {
    const old = subtasks({ U: 'union-list' }, [{ U: [1, 2] }, { U: [3] }])
    expect(valuesOf(spreadLists(old, 2, true))).toEqual([{ U: [1, 2] }, { U: [3] }])
    expect(valuesOf(spreadLists(old, 3, true))).toEqual([{ U: [1] }, { U: [2] }, { U: [3] }])
  })

  it('takes bytes as they are, with kind and version, and a list that some subtasks did not have', () => {
    const bytes = encodeValue({ cents: 5 }, 'an item')
    const old = [
      new Map(),
      new Map([['A', { kind: 'operator-list', version: 3, items: [bytes] } as const]]),
    ]
    const [first, second] = spreadLists(old, 1, false)
    expect(first!.get('A')).toEqual({ kind: 'operator-list', version: 3, items: [bytes] })
    expect(first!.get('A')!.items[0]).toBe(bytes)
    expect(second).toBeUndefined()
  })

  it('shares out all items once, however often it is done, and in their order (semantics 2.9)', () => {
    const items = fc.array(fc.array(fc.nat(9), { maxLength: 8 }), { minLength: 1, maxLength: 5 })
    const moves = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(items, moves, (lists, parallelisms) => {
        let spread = subtasks(
          A,
          lists.map((list) => ({ A: list })),
        )
        for (const parallelism of parallelisms) {
          spread = spreadLists(spread, parallelism, false)
          expect(spread).toHaveLength(parallelism)
          const all = valuesOf(spread).flatMap(({ A: list }) => list!)
          expect(all.toSorted()).toEqual(lists.flat().toSorted())
        }
        // One list alone is dealt from subtask 0 on, so its order is kept all the way.
        expect(valuesOf(spread).flatMap(({ A: list }) => list!)).toEqual(lists.flat())
      }),
    )
  })
})
