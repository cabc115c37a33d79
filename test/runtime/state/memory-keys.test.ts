import { expect, it } from 'vitest'
import { canonicalKey } from '../../../runtime/key-encoding.ts'
import { MemoryKeys } from '../../../runtime/state/memory-keys.ts'
import { RowTable, StateRow } from '../../../runtime/state/state-row.ts'

/** More idle rows than a table keeps. */
const MANY = 3_000

it('hands out a key once whose row has left memory and come back while keys were collected (R17, semantics 2.18)', () => {
  const rows = new RowTable()
  const use = (key: string): StateRow => {
    const row = new StateRow(key, 0, canonicalKey(key), undefined, undefined)
    row.setSlot(0, {})
    rows.use(row)
    return row
  }
  const gone = use('b')
  use('c')
  const keys = new MemoryKeys(rows, 0)
  expect(keys.collect(1)).toBe(false)
  rows.release(gone)
  for (let i = 0; i < MANY; i++) {
    const row = use(`passing ${i}`)
    row.setSlot(0, undefined)
    rows.release(row)
  }
  expect(rows.find(canonicalKey('b'))).toBeUndefined()
  use('b')
  use('a')
  while (!keys.collect(1_000));
  expect(keys.take(0).map(({ key }) => key)).toEqual(['c', 'b', 'a'])
})
