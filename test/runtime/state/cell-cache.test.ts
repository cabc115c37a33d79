import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CellCache } from '../../../runtime/state/cell-cache.ts'
import { RowCell } from '../../../runtime/state/row-cell.ts'
import type { CellState, StateCell } from '../../../runtime/state/state-cell.ts'
import { StateRow } from '../../../runtime/state/state-row.ts'

function cell(): StateCell {
  const row = new StateRow('k', 0, 'k', undefined, undefined)
  return new RowCell(row, { slot: 0 } as CellState)
}

type Step =
  | { readonly do: 'add' | 'evict' | 'endCallback' }
  | { readonly do: 'use' | 'remove'; readonly which: number }

const steps = fc.array(
  fc.oneof(
    { arbitrary: fc.constantFrom<Step>({ do: 'add' }), weight: 4 },
    { arbitrary: fc.record({ do: fc.constant('use'), which: fc.nat(1_000) }), weight: 4 },
    { arbitrary: fc.record({ do: fc.constant('remove'), which: fc.nat(1_000) }), weight: 2 },
    { arbitrary: fc.constantFrom<Step>({ do: 'evict' }, { do: 'endCallback' }), weight: 3 },
  ) as fc.Arbitrary<Step>,
  { minLength: 400, maxLength: 1_000, size: 'max' },
)

/** The same as a list that closes up at once, and a hand that names the cell it stands at. */
class Model {
  readonly cells: StateCell[] = []
  readonly used: Set<StateCell> = new Set()
  fresh: StateCell[] = []
  hand = 0

  remove(cell: StateCell): void {
    const at = this.cells.indexOf(cell)
    this.cells.splice(at, 1)
    if (at < this.hand) this.hand--
  }

  next(): StateCell | undefined {
    for (;;) {
      if (this.cells.length === 0) return undefined
      if (this.hand >= this.cells.length) this.hand = 0
      const cell = this.cells[this.hand]!
      if (!this.used.delete(cell)) return cell
      this.hand++
    }
  }
}

describe('CellCache', () => {
  it('offers what was not used since the hand last came by, oldest first, and each cell in turn', () => {
    const cache = new CellCache()
    const cells = Array.from({ length: 4 }, cell)
    for (const each of cells) cache.add(each, 10)
    cache.endCallback()
    cells[0]!.isReferenced = true
    cells[2]!.isReferenced = true
    expect(cache.next()).toBe(cells[1])
    cache.remove(cells[1]!)
    expect(cache.next()).toBe(cells[3])
    cache.remove(cells[3]!)
    expect(cache.bytes).toBe(20)
    const last = [cache.next()]
    cache.remove(last[0]!)
    last.push(cache.next())
    cache.remove(last[1]!)
    expect(last).toEqual([cells[0], cells[2]])
    expect([cache.next(), cache.bytes, cache.count]).toEqual([undefined, 0, 0])
  })

  it('does not count the uses of a new cell in the callback that brought it in', () => {
    const cache = new CellCache()
    const [old, once] = [cell(), cell()]
    cache.add(old, 10)
    cache.endCallback()
    old.isReferenced = true
    cache.add(once, 10)
    once.isReferenced = true
    cache.endCallback()
    expect(cache.next()).toBe(once)
  })

  it('does not stay with what is new when the hand has come to the end', () => {
    const cache = new CellCache()
    const [old, other] = [cell(), cell()]
    for (const each of [old, other]) cache.add(each, 10)
    cache.endCallback()
    old.isReferenced = true
    expect(cache.next()).toBe(other)
    cache.remove(other)
    cache.add(cell(), 10)
    cache.endCallback()
    expect(cache.next()).toBe(old)
  })

  it('does as a list with a hand does, whatever comes, is used and leaves', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const cache = new CellCache()
        const model = new Model()
        for (const step of all) {
          const { cells } = model
          if (step.do === 'add') {
            const added = cell()
            if (model.hand >= cells.length) model.hand = 0
            cache.add(added, 1)
            cells.push(added)
            model.used.add(added)
            model.fresh.push(added)
          } else if (step.do === 'endCallback') {
            cache.endCallback()
            for (const each of model.fresh) model.used.delete(each)
            model.fresh = []
          } else if (step.do === 'evict') {
            const evicted = cache.next()
            expect(evicted).toBe(model.next())
            if (evicted === undefined) continue
            cache.remove(evicted)
            model.remove(evicted)
          } else if ('which' in step && cells.length > 0) {
            const chosen = cells[step.which % cells.length]!
            if (step.do === 'use') {
              chosen.isReferenced = true
              model.used.add(chosen)
            } else {
              cache.remove(chosen)
              model.remove(chosen)
            }
          }
          expect(cache.count).toBe(cells.length)
        }
        const left: StateCell[] = []
        for (let at = 0; at < cache.positions; at++) left.push(...[cache.at(at) ?? []].flat())
        expect(left).toEqual(model.cells)
        for (const each of left) expect(cache.at(each.position)).toBe(each)
        expect(cache.positions).toBeLessThan(model.cells.length * 2 + 200)
      }),
      { numRuns: 50 },
    )
  })

  it('counts the bytes of what is in it', () => {
    const cache = new CellCache()
    const [first, second] = [cell(), cell()]
    cache.add(first, 10)
    cache.add(second, 20)
    cache.resize(first, 100)
    cache.remove(second)
    cache.remove(second)
    cache.resize(second, 1_000)
    expect([cache.bytes, cache.count, second.bytes]).toEqual([100, 1, 1_000])
  })
})
