import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ByteWriter } from '../../../runtime/bytes.ts'
import type { Key } from '../../../runtime/key.ts'
import { MapDirectory } from '../../../runtime/state/map-directory.ts'
import { MapIndex, orderOf } from '../../../runtime/state/map-index.ts'

const PAGE_BYTES = 40

/** The keys of a map in pages as plain values: what `MapPages` does with cells. */
class Pages {
  directory = MapDirectory.ofOne()
  readonly pages: Map<number, MapIndex> = new Map([[0, new MapIndex()]])

  at(position: number): MapIndex {
    return this.pages.get(this.directory.number(position))!
  }

  add(key: Key, atEnd: boolean): void {
    const order = orderOf(key)
    let position = this.directory.find(order)
    const page = this.at(position)
    page.add(order, key)
    if (page.keyBytes <= PAGE_BYTES || page.size === 1) return
    const isLast = position === this.directory.size - 1 && page.sorted().at(-1) === order
    for (const { low, index } of page.cut(PAGE_BYTES, atEnd && isLast)) {
      this.pages.set(this.directory.insert(++position, low), index)
    }
  }

  delete(key: Key): void {
    const position = this.directory.find(orderOf(key))
    const page = this.at(position)
    page.delete(orderOf(key))
    if (page.size > 0 || this.directory.size === 1) return
    this.pages.delete(this.directory.number(position))
    this.directory.delete(position)
  }

  /** As a working copy keeps it, and back. */
  store(): void {
    const writer = new ByteWriter()
    this.directory.write(writer)
    const stored = writer.copy()
    expect(MapDirectory.isIn(stored)).toBe(true)
    const { bytes } = this.directory
    this.directory = MapDirectory.read(stored)
    expect([this.directory.bytes, this.directory.isSure]).toEqual([bytes, true])
    for (const [number, page] of this.pages) {
      writer.length = 0
      page.write(writer)
      this.pages.set(number, MapIndex.read(writer.copy()))
    }
  }
}

const someKey: fc.Arbitrary<Key> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.integer({ min: -40, max: 40 }),
  fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 2 }),
)
const steps = fc.array(
  fc.record({
    what: fc.constantFrom('add', 'add', 'add', 'delete', 'store'),
    key: someKey,
  }),
  { minLength: 50, maxLength: 300, size: 'max' },
)

it('finds every key in the page that it was put into, pages in the order of keys (R17, R23)', () => {
  fc.assert(
    fc.property(steps, fc.boolean(), (all, atEnd) => {
      const pages = new Pages()
      const plain = new Map<string, Key>()
      for (const { what, key } of all) {
        const order = orderOf(key)
        if (what === 'add') {
          pages.add(key, atEnd)
          if (!plain.has(order)) plain.set(order, key)
        } else if (what === 'delete') {
          pages.delete(key)
          plain.delete(order)
        } else pages.store()
        const page = pages.at(pages.directory.find(order))
        expect(page.has(order)).toBe(plain.has(order))
      }
      const found: string[] = []
      for (let position = 0; position < pages.directory.size; position++) {
        const page = pages.at(position)
        found.push(...page.sorted())
        // Cut into parts that are equal but for one key.
        const largest = Math.max(0, ...page.sorted().map(({ length }) => length))
        expect(page.keyBytes).toBeLessThanOrEqual(PAGE_BYTES + largest)
        if (pages.directory.size > 1) expect(page.size).toBeGreaterThan(0)
      }
      expect(found).toEqual([...plain.keys()].sort())
      expect(found.every((order) => pages.at(pages.directory.find(order)).has(order))).toBe(true)
      expect(pages.pages.size).toBe(pages.directory.size)
    }),
    { numRuns: 60 },
  )
})

it('cuts what is far too large into several pages, and what grows at its end without leaving halves', () => {
  const index = new MapIndex()
  for (let i = 0; i < 100; i++) index.add(orderOf(i), i)
  const sizes = (): number[] => [
    index.size,
    ...index.cut(90, false).map((piece) => piece.index.size),
  ]
  expect(index.keyBytes).toBe(900)
  const pieces = index.cut(90, false)
  expect([index, ...pieces.map((piece) => piece.index)].map(({ size }) => size)).toEqual(
    Array.from({ length: 10 }, () => 10),
  )
  expect(sizes().at(-1)).toBe(5)
  const two = new MapIndex()
  for (const key of ['aaaa', 'b']) two.add(orderOf(key), key)
  expect(two.cut(1, false).map(({ index: { size } }) => size)).toEqual([1])
  const growing = new Pages()
  for (let i = 0; i < 400; i++) growing.add(i, true)
  expect(growing.directory.size).toBe(100)
})

it('begins a page with no more of its first key than tells it from the one before (R23)', () => {
  const index = new MapIndex()
  for (const letter of ['a', 'b']) {
    const key = letter.repeat(1_000)
    index.add(orderOf(key), key)
  }
  expect(index.cut(1, false)[0]!.low.length).toBe(2)
})

it('is cut at bounds that are given, and says that it may have pages without keys', () => {
  const directory = MapDirectory.cutAt([Buffer.from([16, 1]), Buffer.from([16, 200])])
  const writer = new ByteWriter()
  directory.write(writer)
  for (const same of [directory, MapDirectory.read(writer.copy())]) {
    expect([same.size, same.isSure]).toEqual([3, false])
    expect(['\x10\x00', '\x10\x01', '\x10\xc7', '\x10\xc8'].map((low) => same.find(low))).toEqual([
      0, 1, 1, 2,
    ])
    same.delete(0)
    expect([same.number(same.find('')), same.number(same.find('\x10\xc8'))]).toEqual([1, 2])
    same.delete(1)
    expect(same.insert(1, '\x10\xc8')).toBe(3)
  }
})
