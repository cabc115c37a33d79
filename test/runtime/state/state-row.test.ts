import fc from 'fast-check'
import { expect, it } from 'vitest'
import { canonicalKey } from '../../../runtime/key-encoding.ts'
import type { Key } from '../../../runtime/key.ts'
import { RowTable, StateRow } from '../../../runtime/state/state-row.ts'

const simple = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.nat(2 ** 27),
  fc.double({ noNaN: true }),
  fc.integer({ min: -4, max: 0 }).map((whole) => whole - 0.5),
  fc.string({ unit: fc.constantFrom('\0', 'a', 'n', 'k', 's', '1') }),
  fc.bigInt({ min: -5n, max: 5n }),
)
const keys: fc.Arbitrary<Key> = fc.oneof(
  simple,
  fc.uint8Array({ maxLength: 3 }),
  fc.tuple(fc.nat(2 ** 26 + 1), fc.nat(2 ** 26 + 1)),
  fc.array(simple, { maxLength: 3 }),
)

const zeroed = (key: Key): Key => (key === 0 ? 0 : key)

it('says its key and namespace, whatever they are, before and after they are in memory of their own (R19)', () => {
  fc.assert(
    fc.property(keys, keys, (key, namespace) => {
      const rows = new RowTable()
      const top = new StateRow(key, 7, canonicalKey(key), undefined, undefined)
      const row = new StateRow(key, 7, canonicalKey(namespace), top, namespace)
      const plain = (one: Key): unknown =>
        Array.isArray(one) ? one.map((part) => plain(part as Key)) : zeroed(one)
      expect(plain(top.key)).toEqual(plain(key))
      expect(plain(row.key)).toEqual(plain(key))
      rows.use(row)
      expect(plain(row.key)).toEqual(plain(key))
      expect(plain(row.namespace!)).toEqual(plain(namespace))
      expect(rows.find(canonicalKey(key))).toBe(top)
      expect(top.within(canonicalKey(namespace))).toBe(row)
      rows.release(row)
      expect(top.isIdle).toBe(true)
      expect(top.within(canonicalKey(namespace))).toBeUndefined()
    }),
    { numRuns: 2_000 },
  )
})

it('has as many slots as are asked for, each with what was put into it (R16)', () => {
  const row = new StateRow('k', 0, 'k', undefined, undefined)
  const contents = Array.from({ length: 9 }, (_, slot) => ({ slot }))
  for (const slot of [8, 0, 3, 2, 1]) row.setSlot(slot, contents[slot])
  for (let slot = 0; slot < 9; slot++) {
    expect(row.slot(slot)).toBe([8, 0, 3, 2, 1].includes(slot) ? contents[slot] : undefined)
  }
  row.setSlot(3, undefined)
  row.setSlot(0, undefined)
  expect([row.slot(0), row.slot(3), row.slot(8)]).toEqual([undefined, undefined, contents[8]])
})

it('keeps as many idle rows as there are rows in use, and drops the others in parts (R22)', () => {
  fc.assert(
    fc.property(fc.nat(5_000), fc.boolean(), (used, areNumbers) => {
      const rows = new RowTable()
      const row = (i: number): StateRow => {
        const key = areNumbers ? i : `key ${i}`
        return new StateRow(key, 0, canonicalKey(key), undefined, undefined)
      }
      for (let i = 0; i < used; i++) rows.use(row(i))
      let mostIdle = 0
      for (let i = used; i < used + 20_000; i++) {
        const passing = row(i)
        rows.use(passing)
        rows.release(passing)
        mostIdle = Math.max(mostIdle, rows.kept - rows.count)
      }
      expect(mostIdle).toBe(Math.max(1_024, used))
      expect(rows.count).toBe(used)
      const isThere = (i: number): boolean =>
        rows.find(canonicalKey(areNumbers ? i : `key ${i}`))?.isIdle === false
      expect(Array.from({ length: used }, (_, i) => isThere(i)).every(Boolean)).toBe(true)
    }),
    { numRuns: 20 },
  )
})
