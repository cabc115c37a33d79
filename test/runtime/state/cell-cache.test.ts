import { describe, expect, it } from 'vitest'
import { CellCache } from '../../../runtime/state/cell-cache.ts'
import { RowCell } from '../../../runtime/state/row-cell.ts'
import type { CellState, StateCell } from '../../../runtime/state/state-cell.ts'
import { StateRow } from '../../../runtime/state/state-row.ts'

function cell(): StateCell {
  const row = new StateRow({
    key: 'k',
    keyGroup: 0,
    parent: undefined,
    namespace: undefined,
    canonical: 'k',
    slots: [undefined],
  })
  return new RowCell(row, { slot: 0 } as CellState)
}

describe('CellCache', () => {
  it('offers what was not used since it was last passed over, and each cell in turn', () => {
    const cache = new CellCache()
    const cells = Array.from({ length: 4 }, cell)
    for (const each of cells) cache.add(each, 10)
    // All are new: the first round forgets that.
    expect(cache.next()).toBe(cells[0])
    cache.remove(cells[0]!)
    cells[1]!.isReferenced = true
    cells[3]!.isReferenced = true
    expect(cache.next()).toBe(cells[2])
    cache.remove(cells[2]!)
    expect(cache.bytes).toBe(20)
    const last = [cache.next()]
    cache.remove(last[0]!)
    last.push(cache.next())
    cache.remove(last[1]!)
    expect(new Set(last)).toEqual(new Set([cells[1], cells[3]]))
    expect([cache.next(), cache.bytes, cache.count]).toEqual([undefined, 0, 0])
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
