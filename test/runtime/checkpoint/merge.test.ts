import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EntryMerger } from '../../../runtime/checkpoint/entry-merger.ts'
import { createFileStorage } from '../../../runtime/checkpoint/file-storage.ts'
import { mergeSegments } from '../../../runtime/checkpoint/merge.ts'
import { openSegment } from '../../../runtime/checkpoint/segment-reader.ts'
import { writeSegment } from '../../../runtime/checkpoint/segment-writer.ts'
import type { StateEntry } from '../../../runtime/state/state-backend.ts'
import { clear, put, remove, show } from '../../harness/checkpoint-fixtures.ts'
import { FaultFileSystem } from '../../harness/fault-file-system.ts'

/** Merges sequences, the oldest first, fed in pieces of `piece` entries. */
function merge(
  sources: readonly (readonly StateEntry[])[],
  { piece = 100, limit = 100, dropTombstones = false } = {},
): StateEntry[] {
  const merger = new EntryMerger(sources.length, { dropTombstones })
  const positions = sources.map(() => 0)
  const output: StateEntry[] = []
  const feed = (source: number): void => {
    const next = sources[source]!.slice(positions[source], positions[source]! + piece)
    positions[source]! += next.length
    if (next.length === 0) merger.end(source)
    else merger.feed(source, next)
  }
  sources.forEach((_, source) => feed(source))
  for (;;) {
    const batch: StateEntry[] = []
    const hungry = merger.merge(batch, limit)
    output.push(...batch)
    if (hungry !== undefined) feed(hungry)
    else if (batch.length === 0) return output
  }
}

const lines = (entries: readonly StateEntry[]) => entries.map(show)

/** What a chain of segments means: applies one after another, entry by entry, to a plain map. */
function meaningOf(
  segments: readonly (readonly StateEntry[])[],
  before: ReadonlyMap<string, string> = new Map(),
): Map<string, string> {
  const state = new Map(before)
  for (const segment of segments) {
    // Within a segment a clear comes first, so what it removes is all from older ones.
    for (const entry of segment) {
      const key = Buffer.from(entry.key).toString('latin1')
      if (entry.kind === 'put') state.set(key, Buffer.from(entry.value).toString('latin1'))
      else if (entry.kind === 'delete') state.delete(key)
      else for (const other of state.keys()) if (other.startsWith(key)) state.delete(other)
    }
  }
  return state
}

/** Segments with few letters, so that keys meet and begin with one another. */
const segment = fc
  .uniqueArray(
    fc.record({
      letters: fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 4 }),
      group: fc.constantFrom(1, 1, 1, 2),
      kind: fc.constantFrom('put', 'put', 'delete', 'clear'),
      value: fc.nat(99),
    }),
    {
      selector: ({ letters, group, kind }) => `${group}:${letters}:${kind === 'clear'}`,
      maxLength: 14,
    },
  )
  .map((entries) =>
    entries
      .map(({ letters, group, kind, value }) => {
        if (kind === 'put') return put(group, letters, String(value))
        return kind === 'delete' ? remove(group, letters) : clear(group, letters)
      })
      .sort((a, b) => Buffer.compare(a.key, b.key) || (a.kind === 'clear' ? -1 : 1)),
  )

const segments = fc.array(segment, { minLength: 1, maxLength: 6 })
const pieces = fc.record({
  piece: fc.integer({ min: 1, max: 5 }),
  limit: fc.integer({ min: 1, max: 7 }),
})

describe('merging', () => {
  it('takes the newest entry of each key', () => {
    const merged = merge([
      [put(1, 'a', 'old'), put(1, 'b', 'old'), put(1, 'c', 'old')],
      [put(1, 'a', 'new'), remove(1, 'b'), put(1, 'd', 'new')],
    ])
    expect(lines(merged)).toEqual(['put 1:a=new', 'delete 1:b', 'put 1:c=old', 'put 1:d=new'])
  })

  it('removes with a clear what is older below its key, and only that', () => {
    const merged = merge([
      [put(1, 'a'), put(1, 'b', 'old'), put(1, 'b1', 'old'), put(1, 'b2', 'old'), put(1, 'c')],
      [clear(1, 'b'), put(1, 'b1', 'same')],
      [put(1, 'b3', 'new')],
    ])
    expect(lines(merged)).toEqual([
      'put 1:a=a',
      'clear 1:b',
      'put 1:b1=same',
      'put 1:b3=new',
      'put 1:c=c',
    ])
  })

  it('lets what has the key of a clear survive in the same segment only', () => {
    const merged = merge([[put(1, 'b', 'old')], [clear(1, 'b'), put(1, 'b', 'new')]], { piece: 1 })
    expect(lines(merged)).toEqual(['clear 1:b', 'put 1:b=new'])
  })

  it('keeps tombstones for older segments, and drops them where there are none', () => {
    const sources = [
      [put(1, 'a'), put(1, 'b')],
      [remove(1, 'a'), clear(1, 'b'), remove(1, 'z')],
    ]
    expect(lines(merge(sources))).toEqual(['delete 1:a', 'clear 1:b', 'delete 1:z'])
    expect(lines(merge(sources, { dropTombstones: true }))).toEqual([])
  })

  it('gives ascending entries that mean the same on top of any older state', () => {
    fc.assert(
      fc.property(segments, segment, pieces, (sources, older, sizes) => {
        const merged = merge(sources, sizes)
        const before = meaningOf([older])
        expect(meaningOf([merged], before)).toEqual(meaningOf(sources, before))
        for (const [i, entry] of merged.entries()) {
          const order = i === 0 ? -1 : Buffer.compare(merged[i - 1]!.key, entry.key)
          const isClearFirst =
            order === 0 && merged[i - 1]!.kind === 'clear' && entry.kind !== 'clear'
          expect(order < 0 || isClearFirst).toBe(true)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('gives the state itself when tombstones are dropped', () => {
    fc.assert(
      fc.property(segments, pieces, (sources, sizes) => {
        const merged = merge(sources, { ...sizes, dropTombstones: true })
        expect(merged.every((entry) => entry.kind === 'put')).toBe(true)
        expect(meaningOf([merged])).toEqual(meaningOf(sources))
      }),
      { numRuns: 2_000 },
    )
  })

  it('may be done in any order of neighbours (R29)', () => {
    fc.assert(
      fc.property(segments, fc.nat(5), fc.nat(5), (sources, a, b) => {
        const from = Math.min(a, b, sources.length - 1)
        const to = Math.min(Math.max(a, b) + 1, sources.length)
        const folded = sources.toSpliced(from, to - from, merge(sources.slice(from, to)))
        expect(meaningOf(folded)).toEqual(meaningOf(sources))
        expect(lines(merge(folded, { dropTombstones: true }))).toEqual(
          lines(merge(sources, { dropTombstones: true })),
        )
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('mergeSegments', () => {
  it('merges files within a range of key groups, in batches', async () => {
    const storage = createFileStorage({
      directory: '/storage',
      fileSystem: new FaultFileSystem(['/storage']),
    })
    await storage.reserveId(0)
    const values = (from: number, step: number, value: string) =>
      Array.from({ length: 3_000 }, (_, i) => i * step + from).map((n) =>
        put(n % 7, String(n).padStart(6, '0'), value.repeat(60)),
      )
    const sort = (entries: StateEntry[]) => entries.sort((a, b) => Buffer.compare(a.key, b.key))
    const sources = [sort(values(0, 1, 'a')), sort(values(0, 2, 'b')), sort(values(500, 3, 'c'))]
    const readers = await Promise.all(
      sources.map(async (entries, i) =>
        openSegment(storage, (await writeSegment(storage, 1, `s-${i}`, entries))!),
      ),
    )
    const merged: StateEntry[] = []
    const range = { first: 2, last: 4 }
    for await (const batch of mergeSegments(readers, range, { dropTombstones: true })) {
      expect(batch.length).toBeLessThanOrEqual(1_024)
      merged.push(...batch)
    }
    const expected = merge(sources).filter(({ key }) => key[1]! >= 2 && key[1]! <= 4)
    expect(lines(merged)).toEqual(lines(expected))
  })

  it('gives nothing for nothing', async () => {
    const batches = []
    for await (const batch of mergeSegments([], { first: 0, last: 1 }, { dropTombstones: false })) {
      batches.push(batch)
    }
    expect(batches).toEqual([])
  })
})
