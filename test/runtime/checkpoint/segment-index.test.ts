import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../../../runtime/bytes.ts'
import { compareKeys, startsWith } from '../../../runtime/checkpoint/entry-order.ts'
import { SegmentFilterBuilder } from '../../../runtime/checkpoint/segment-filter.ts'
import {
  decodeBlock,
  decodeFooter,
  decodeIndex,
  FOOTER_BYTES,
  SegmentEncoder,
} from '../../../runtime/checkpoint/segment-format.ts'
import { SegmentIndex, SegmentIndexWriter } from '../../../runtime/checkpoint/segment-index.ts'
import { writeKey } from '../../../runtime/key-encoding.ts'
import { hashBytes } from '../../../runtime/key-hash.ts'
import { writePrefix } from '../../../runtime/state/snapshot-format.ts'
import { LaidOutEntry } from '../../../runtime/state/entry-place.ts'
import type { StateEntry } from '../../../runtime/state/state-backend.ts'
import { hex } from '../../contract/state-harness.ts'

const hashOf = (key: Uint8Array): number => hashBytes(key, 0, key.length)

/** The key of an entry of a map, or without `field` what stands before it. */
function mapKey(keyGroup: number, key: string, field?: number): Uint8Array {
  const writer = new ByteWriter()
  writePrefix(writer, { keyGroup, key, namespace: undefined }, 1)
  if (field !== undefined) writeKey(writer, field)
  return writer.copy()
}

function segmentOf(entries: readonly StateEntry[]): { bytes: Uint8Array; index: SegmentIndex } {
  const encoder = new SegmentEncoder()
  const laidOut = new LaidOutEntry()
  const parts = entries.flatMap((entry) => encoder.add(laidOut.lay(entry))?.slice() ?? [])
  const bytes = Buffer.concat([...parts, encoder.finish()])
  const footer = decodeFooter(bytes.subarray(bytes.length - FOOTER_BYTES))
  const { indexOffset, indexBytes } = footer
  return {
    bytes,
    index: decodeIndex(bytes.subarray(indexOffset, indexOffset + indexBytes), footer),
  }
}

const value = new Uint8Array(700)

/** Keys in several blocks: up to 60 maps of up to 40 entries, 23 of which fill a block. */
const maps = fc.uniqueArray(
  fc.record({
    group: fc.nat(5),
    name: fc.nat(99),
    fields: fc.integer({ min: 0, max: 40 }),
    isCleared: fc.boolean(),
  }),
  { selector: ({ group, name }) => group * 100 + name, minLength: 5, maxLength: 30, size: 'max' },
)

describe('the index of a segment', () => {
  it('leads to the block of every key, and knows what every block may hold (R27)', () => {
    fc.assert(
      fc.property(maps, (given) => {
        const entries = given.flatMap(({ group, name, fields, isCleared }) => {
          const owner = `user-${name}`
          const own: StateEntry[] = isCleared
            ? [{ key: mapKey(group, owner), kind: 'clear', value: new Uint8Array(0) }]
            : []
          for (let field = 0; field < fields; field++) {
            own.push({ key: mapKey(group, owner, field), kind: 'put', value })
          }
          return own
        })
        entries.sort((a, b) => compareKeys(a.key, b.key))
        const { bytes, index } = segmentOf(entries)
        const blocks = Array.from({ length: index.length }, (_, number) => {
          const info = index.block(number)
          return decodeBlock(bytes.subarray(info.offset, info.offset + info.bytes), info)
        })
        expect(blocks.flat().map(({ key }) => hex(key))).toEqual(entries.map(({ key }) => hex(key)))
        for (const [number, block] of blocks.entries()) {
          for (const { key } of block) {
            expect(index.find(key)).toBe(number)
            expect(index.mightHold(number, hashOf(key))).toBe(true)
          }
          for (const { group, name } of given) {
            const prefix = mapKey(group, `user-${name}`)
            if (!block.some(({ key }) => startsWith(key, prefix))) continue
            expect(index.mightHold(number, hashOf(prefix))).toBe(true)
          }
        }
        expect(index.find(new Uint8Array([0, 0, 0, 0]))).toBe(-1)
      }),
      { numRuns: 30 },
    )
  })

  it('takes about one key in a hundred for being there that is not', () => {
    const keyed = (first: number): Uint8Array[] =>
      Array.from({ length: 20_000 }, (_, i) => mapKey(first, `user-${i}`))
    const { index } = segmentOf(
      keyed(1)
        .sort(compareKeys)
        .map((key) => ({ key, kind: 'put', value: new Uint8Array(80) })),
    )
    let found = 0
    for (const key of keyed(2)) {
      const hash = hashOf(key)
      for (let number = 0; number < 10; number++) if (index.mightHold(number, hash)) found++
    }
    expect(found / 200_000).toBeGreaterThan(0.002)
    expect(found / 200_000).toBeLessThan(0.02)
  })

  it('is what segments already hold: these bytes must never change', () => {
    const filter = new SegmentFilterBuilder()
    const laidOut = new LaidOutEntry()
    filter.add(laidOut.lay({ key: mapKey(1, 'a', 1), kind: 'put', value }))
    filter.add(laidOut.lay({ key: mapKey(1, 'a', 2), kind: 'put', value }))
    const built = filter.build()
    expect(hex(built)).toBe('3589131d')
    const writer = new SegmentIndexWriter()
    const firstKey = mapKey(1, 'a', 1)
    writer.add({ bytes: 1_000, entries: 2, crc: 0x01020304, firstKey, lastGroup: 5, filter: built })
    const bytes = writer.finish()
    expect(hex(bytes)).toBe(`e8030000020000000403020105001104${hex(firstKey)}${hex(built)}`)
    const index = new SegmentIndex(bytes)
    expect(index.block(0)).toEqual({
      number: 0,
      offset: 0,
      bytes: 1_000,
      entries: 2,
      firstGroup: 1,
      lastGroup: 5,
      crc: 0x01020304,
    })
  })

  it('is refused where it breaks off', () => {
    const writer = new SegmentIndexWriter()
    writer.add({
      bytes: 1,
      entries: 1,
      crc: 1,
      firstKey: mapKey(1, 'a'),
      lastGroup: 1,
      filter: new Uint8Array(2),
    })
    const bytes = writer.finish()
    for (let cut = 1; cut < bytes.length; cut++) {
      expect(() => new SegmentIndex(bytes.slice(0, cut))).toThrow()
    }
  })
})
