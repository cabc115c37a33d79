import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareKeys } from '../../../runtime/checkpoint/entry-order.ts'
import { mergeEntries } from '../../../runtime/checkpoint/merge.ts'
import { EntrySorter } from '../../../runtime/rewrite/entry-sorter.ts'
import type { KeyGroupRange, StateEntry } from '../../../runtime/state/state-backend.ts'
import { clear, put, show } from '../../harness/checkpoint-fixtures.ts'
import { temporaryFolders } from '../job/temporary-folder.ts'

const makeFolder = temporaryFolders()

const entry: fc.Arbitrary<StateEntry> = fc
  .tuple(
    fc.nat(5),
    fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 3 }),
    fc.nat(99),
    fc.nat(9),
  )
  .map(([group, letters, value, kind]) =>
    kind === 0 ? clear(group, letters) : put(group, `${letters}.`, String(value)),
  )

async function sorted(sorter: EntrySorter, range: KeyGroupRange): Promise<string[]> {
  const shown: string[] = []
  const sources = await sorter.sorted(range)
  for await (const batch of mergeEntries(sources, { dropTombstones: true })) {
    shown.push(...batch.map(show))
  }
  return shown
}

/** What is left when they are applied one after another. */
function applied(entries: readonly StateEntry[], { first, last }: KeyGroupRange): string[] {
  const left = new Map<string, StateEntry>()
  for (const one of entries) {
    const key = Buffer.from(one.key).toString('latin1')
    if (one.kind === 'put') left.set(key, one)
    else for (const other of left.keys()) if (other.startsWith(key)) left.delete(other)
  }
  return [...left.values()]
    .filter(({ key }) => key[1]! >= first && key[1]! <= last)
    .sort((a, b) => compareKeys(a.key, b.key))
    .map(show)
}

describe('sorting entries', () => {
  it('leaves what is left when they are applied in turn, whatever fits into memory (R29)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(entry, { minLength: 1, maxLength: 120, size: 'max' }),
        fc.constantFrom(1, 1_000, 5_000, 1e9),
        fc.record({ first: fc.nat(3), last: fc.integer({ min: 2, max: 5 }) }),
        async (entries, runBytes, range) => {
          const directory = join(await makeFolder(), 'sorting')
          const sorter = new EntrySorter({ directory, runBytes, maxRuns: 4 })
          for (const one of entries) await sorter.add(one)
          // Clears within a run come before what they clear, whichever was first: the writer adds them as pairs.
          const isOrdered = runBytes === 1 || entries.every(({ kind }) => kind === 'put')
          if (isOrdered) expect(await sorted(sorter, range)).toEqual(applied(entries, range))
          else await sorted(sorter, range)
          expect(existsSync(directory) ? readdirSync(directory).length : 0).toBeLessThanOrEqual(4)
          await sorter.close()
          expect(existsSync(directory)).toBe(false)
        },
      ),
      { numRuns: 60 },
    )
  })
})
