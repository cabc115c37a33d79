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
    const ahead = new ReadAhead(files, { ahead: 32 })
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

  it('asks for the parts of a piece at once', async () => {
    const { files, reads } = counted({ a: 100 })
    let most = 0
    let waiting = 0
    const slow: SnapshotFiles = {
      stat: (name) => files.stat(name),
      async read(name, offset, length) {
        most = Math.max(most, ++waiting)
        await Promise.resolve()
        waiting--
        return files.read(name, offset, length)
      },
    }
    const ahead = new ReadAhead(slow, { ahead: 32, part: 10 })
    for (let offset = 0; offset < 100; offset += 10) {
      const bytes = await ahead.read('a', offset, 10)
      expect([...bytes]).toEqual(Array.from({ length: 10 }, (_, index) => offset + index))
    }
    expect(most).toBe(3)
    expect(reads.slice(0, 5)).toEqual([
      ['a', 0, 10],
      ['a', 10, 10],
      ['a', 20, 10],
      ['a', 30, 12],
      ['a', 40, 10],
    ])
  })

  it('leaves reads here and there as they are', async () => {
    const { files, reads } = counted({ a: 1_000 })
    const ahead = new ReadAhead(files, { ahead: 32 })
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
          const ahead = new ReadAhead(files, { ahead: 32, most: 80, part: 7 })
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

  it('reads hardly anything twice where many files are read in turn, however little it may keep', async () => {
    for (const count of [1, 3, 10, 40]) {
      const names = Array.from({ length: count }, (_, index) => `f${index}`)
      const { files, reads } = counted(Object.fromEntries(names.map((name) => [name, 1_000])))
      const ahead = new ReadAhead(files, { ahead: 100, most: 400 })
      for (let offset = 0; offset < 1_000; offset += 10) {
        for (const name of names) await ahead.read(name, offset, 10)
      }
      const bytes = reads.reduce((sum, [, , length]) => sum + length, 0)
      expect(bytes / (count * 1_000), `${count} files`).toBeLessThan(2)
      if (count <= 3) expect(reads.length / count).toBeLessThan(15)
    }
  })

  it('goes on in large pieces however many files were left unread behind their beginnings', async () => {
    const names = Array.from({ length: 60 }, (_, index) => `f${index}`)
    const { files, reads } = counted(Object.fromEntries(names.map((name) => [name, 1_000])))
    const ahead = new ReadAhead(files, { ahead: 100, most: 400 })
    for (const name of names) {
      for (let offset = 0; offset < 550; offset += 10) await ahead.read(name, offset, 10)
    }
    expect(reads.length / names.length).toBeLessThan(8)
  })
})
