import { expect, it } from 'vitest'
import { MapRootCell } from '../../../runtime/state/map-cell.ts'
import { MapStore } from '../../../runtime/state/map-store.ts'
import { Spill } from '../../../runtime/state/spill.ts'
import { ABSENT, type CellState, type StateCell } from '../../../runtime/state/state-cell.ts'
import { StateTable } from '../../../runtime/state/state-table.ts'
import { SlowStore } from '../../harness/slow-store.ts'

/** A table of one map state, in pages of two or three keys, of which the test says what leaves memory. */
function openTable() {
  const store = new SlowStore()
  const spill = new Spill({
    store,
    maxPendingBytes: 1e9,
    maxFilterBytes: 1_024,
    landed: (cell) => table.landed(cell),
    isInBase: () => false,
    wake() {},
    fail(error) {
      throw error
    },
  })
  const table = new StateTable({
    spill,
    strict: undefined,
    makeRoom() {},
    maxParallelism: 128,
    range: { first: 0, last: 127 },
  })
  const state: CellState = {
    ...{ stateId: 1, uid: 'op', name: 'map', kind: 'map', version: 1, upcasts: undefined },
    ...{ slot: table.addSlots(1), path: 'op/map', host: table, ttl: undefined },
    ...{ averageBytes: 0, elementBytes: 0, untilSample: 1, samples: 0, hasText: false },
  }
  const maps = new MapStore(table, 24)
  const row = () => {
    table.setCurrentKey('k', 1)
    return table.row ?? table.openRow(state)
  }
  const evict = (isChosen: (cell: StateCell) => boolean): void => {
    const cells = Array.from({ length: table.cache.positions }, (_, i) => table.cache.at(i) ?? [])
    for (const cell of cells.flat()) if (isChosen(cell)) table.evict(cell)
    spill.flush()
  }
  const land = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await store.land()
  }
  return {
    store,
    table,
    evict,
    land,
    put(keys: readonly number[]) {
      for (const key of keys) table.write(maps.obtain(row(), state, key), key)
      // Nothing waits for a checkpoint.
      table.changes.begin(1, 0)
      table.changes.begin(2, 1)
    },
    clear: () => maps.clear(row(), state),
    found: (keys: readonly number[]) =>
      keys.filter((key) => {
        const cell = maps.find(row(), state, key)
        return cell !== undefined && table.peek(cell) !== ABSENT
      }),
  }
}

it('shows nothing of a map whose removal is under way when all else of it has left memory (R22)', async () => {
  const keys = Array.from({ length: 20 }, (_, i) => i)
  for (const [again, hadRoot] of [
    [[], false],
    [[], true],
    [[7, 8, 9], false],
    [[7, 8, 9], true],
  ] as const) {
    const { store, table, evict, land, put, clear, found } = openTable()
    if (hadRoot) {
      put(keys)
      evict(() => true)
      await land()
      clear()
      evict(() => true)
      await land()
    }
    expect([store.landed.size, table.cache.count]).toEqual([0, 0])
    put(keys)
    evict((cell) => !(cell instanceof MapRootCell))
    await land()
    clear()
    evict(() => true)
    // The pages have gone, the entries are on their way.
    await store.land()
    expect([store.landed.size, table.rows.count]).toEqual([20, 0])
    if (again.length > 0) {
      put(again)
      evict(() => true)
    }
    expect(found(keys)).toEqual(again)
    await land()
    expect(found(keys)).toEqual(again)
  }
})
