import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SnapshotFiles } from '../../../runtime/checkpoint/checkpoint-storage.ts'
import { ReadAhead } from '../../../runtime/checkpoint/read-ahead.ts'
import { unreadable } from '../../../runtime/checkpoint/storage-errors.ts'

/** Files of bytes that count up, and the reads that they have seen. */
function counted(sizes: Readonly<Record<string, number>>) {
  const reads: [string, number, number][] = []
  const files: SnapshotFiles = {
    async read(name, offset, length) {
      reads.push([name, offset, length])
      const size = sizes[name]
      if (size === undefined) throw unreadable(name, 'is missing')
      if (offset + length > size) throw unreadable(name, `ends at byte ${size}`)
      return Uint8Array.from({ length }, (_, index) => offset + index)
    },
    async stat(name) {
      const bytes = sizes[name]
      return bytes === undefined ? undefined : { name, bytes }
    },
  }
  return { files, reads }
}

describe('ReadAhead', () => {
  it('reads a file that is read front to back in large pieces', async () => {
    const { files, reads } = counted({ a: 100 })
    const ahead = new ReadAhead(files, 32)
    for (let offset = 0; offset < 100; offset += 10) {
      const bytes = await ahead.read('a', offset, 10)
      expect([...bytes]).toEqual(Array.from({ length: 10 }, (_, index) => offset + index))
    }
    expect(reads).toEqual([
      ['a', 0, 10],
      ['a', 10, 32],
      ['a', 40, 32],
      ['a', 70, 30],
    ])
  })

  it('leaves reads here and there as they are', async () => {
    const { files, reads } = counted({ a: 1_000 })
    const ahead = new ReadAhead(files, 32)
    const wanted: [string, number, number][] = [
      ['a', 900, 10],
      ['a', 500, 10],
      ['a', 100, 10],
    ]
    for (const [name, offset, length] of wanted) await ahead.read(name, offset, length)
    expect(reads).toEqual(wanted)
  })

  it('says what the files say, whatever is read in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            name: fc.constantFrom('a', 'b', 'c', 'missing'),
            // Often where the last one ended.
            offset: fc.option(fc.nat(120), { freq: 1 }),
            length: fc.nat(60),
          }),
          { maxLength: 40 },
        ),
        async (steps) => {
          const { files } = counted({ a: 100, b: 40, c: 0 })
          const ahead = new ReadAhead(files, 32)
          const ends = new Map<string, number>()
          for (const { name, offset: given, length } of steps) {
            const offset = given ?? ends.get(name) ?? 0
            ends.set(name, offset + length)
            const [found, wanted] = await Promise.allSettled([
              ahead.read(name, offset, length),
              files.read(name, offset, length),
            ])
            expect(found).toEqual(wanted)
          }
        },
      ),
    )
  })

  it('keeps a bounded number of pieces', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `f${index}`)
    const { files, reads } = counted(Object.fromEntries(names.map((name) => [name, 100])))
    const ahead = new ReadAhead(files, 32)
    for (const offset of [0, 10, 20]) {
      for (const name of names) await ahead.read(name, offset, 10)
    }
    // By the third round only the last 16 could be there, and each of the others drives one out.
    expect(reads.length).toBeGreaterThan(100)
  })
})
