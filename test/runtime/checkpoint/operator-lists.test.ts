import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitByOwner, splitLists } from '../../../runtime/checkpoint/operator-lists.ts'

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

describe('splitting lists whose items may have owners', () => {
  it('gives owners their own, in order, and shares out the others (semantics 2.9)', () => {
    const states = [{ name: 'A', lists: listsOf('a0,x0,a1|x1,a2,a3') }]
    const spread = splitByOwner(states, 3, (item) => (item.startsWith('x') ? 2 : undefined))
    expect(shown(spread)).toBe('a0,a1 | a2 | x0,x1,a3')
  })

  it('loses and doubles nothing, and keeps the order of what one owner gets (R10, semantics 2.9)', () => {
    const items = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 9 })
    const lists = fc.array(items, { minLength: 1, maxLength: 6, size: 'max' })
    fc.assert(
      fc.property(lists, fc.integer({ min: 1, max: 7 }), (all, to) => {
        let next = 0
        const numbered = all.map((list) => list.map((owner) => ({ owner, n: next++ })))
        const ownerOf = ({ owner }: { readonly owner: number }) => (owner < to ? owner : undefined)
        const spread = splitByOwner([{ name: 'A', lists: numbered }], to, ownerOf)
        const after = spread.map(({ A }) => A!)
        const ns = after.flat().map(({ n }) => n)
        expect(ns.toSorted((a, b) => a - b)).toEqual(Array.from({ length: next }, (_, n) => n))
        for (const [subtask, own] of after.entries()) {
          const owned = own.filter((item) => ownerOf(item) !== undefined)
          expect(owned).toEqual(numbered.flat().filter(({ owner }) => owner === subtask))
        }
      }),
    )
  })
})
