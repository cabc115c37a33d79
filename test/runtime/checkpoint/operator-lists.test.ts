import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitLists } from '../../../runtime/checkpoint/operator-lists.ts'

/** "a0,a1|a2" as the lists of two subtasks. */
function listsOf(text: string): string[][] {
  return text.split('|').map((list) => list.split(',').filter((item) => item !== ''))
}

/** The lists of all subtasks, as the section writes them: `a0,a1; b2 | a2; b0`. */
function shown(spread: readonly Readonly<Record<string, string[]>>[]): string {
  const lists = spread.map((own) =>
    Object.values(own)
      .filter((list) => list.length > 0)
      .map((list) => list.join(','))
      .join('; '),
  )
  return lists.join(' | ')
}

describe('splitting operator lists', () => {
  it.each([
    { a: 'a0,a1|a2,a3', to: 3, gives: 'a0,a1 | a2 | a3' },
    { a: 'a0,a1,a2|a3,a4', to: 2, gives: 'a0,a1,a2 | a3,a4' },
    { a: 'a0,a1|a2,a3,a4', to: 3, gives: 'a0,a1 | a2,a3 | a4' },
    { a: 'a0', b: 'b0', to: 2, gives: 'a0 | b0' },
    { a: 'a0|a1|a2|a3', b: 'b0|b1|b2|', to: 3, gives: 'a0,a1; b2 | a2; b0 | a3; b1' },
    { a: 'i0,i1,i2|i3,i4,i5,i6,i7', to: 4, gives: 'i0,i1 | i2,i3 | i4,i5 | i6,i7' },
  ])('spreads $a and $b over $to subtasks as the table says (semantics 2.9)', (row) => {
    const states = [{ name: 'A', lists: listsOf(row.a) }]
    if (row.b !== undefined) states.push({ name: 'B', lists: listsOf(row.b) })
    expect(shown(splitLists(states, row.to))).toBe(row.gives)
  })

  it('loses and doubles no item, and gives each subtask as many but for one (semantics 2.9)', () => {
    const lists = fc.array(fc.array(fc.nat(), { maxLength: 9 }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(fc.array(lists, { maxLength: 4 }), fc.integer({ min: 1, max: 7 }), (all, to) => {
        const states = all.map((one, index) => ({ name: String(index), lists: one }))
        const spread = splitLists(states, to)
        expect(spread).toHaveLength(to)
        const rescaled = states.filter((state) => state.lists.length !== to)
        for (const { name, lists: before } of states) {
          const after = spread.map((own) => own[name]!)
          expect(before.flat().toSorted()).toEqual(after.flat().toSorted())
          if (before.length === to) expect(after).toEqual(before)
        }
        const totals = spread.map((own) =>
          rescaled.reduce((sum, { name }) => sum + own[name]!.length, 0),
        )
        // The extra items of all lists go round, so no subtask gets two of them before another got one.
        expect(Math.max(...totals) - Math.min(...totals)).toBeLessThanOrEqual(1)
      }),
    )
  })
})
