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

/** Entries of few keys; `clears` among them. */
function someEntries(clears: boolean): fc.Arbitrary<StateEntry[]> {
  const entry = fc
    .record({
      group: fc.nat(5),
      letters: fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 2 }),
      value: fc.nat(99),
      isClear: fc.nat(9).map((one) => clears && one === 0),
    })
    .map(({ group, letters, value, isClear }) =>
      isClear ? clear(group, letters) : put(group, `${letters}.`, String(value)),
    )
  return fc.array(entry, { minLength: 1, maxLength: 120, size: 'max' })
}

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

async function expectSorted(
  entries: readonly StateEntry[],
  runBytes: number,
  range: KeyGroupRange,
): Promise<void> {
  const directory = join(await makeFolder(), 'sorting')
  const sorter = new EntrySorter({ directory, runBytes, maxRuns: 4 })
  for (const one of entries) await sorter.add(one)
  expect(await sorted(sorter, range)).toEqual(applied(entries, range))
  expect(existsSync(directory) ? readdirSync(directory).length : 0).toBeLessThanOrEqual(4)
  await sorter.close()
  expect(existsSync(directory)).toBe(false)
}

/** Each try writes files: looking for a smaller failure would take minutes. */
const WITH_FILES = { endOnFailure: true }

const someGroups = fc.record({ first: fc.nat(3), last: fc.integer({ min: 2, max: 5 }) })

describe('sorting entries', () => {
  it('leaves the last of each key, whatever fits into memory (R29)', async () => {
    await fc.assert(
      fc.asyncProperty(
        someEntries(false),
        fc.constantFrom(1, 300, 900, 1e9),
        someGroups,
        expectSorted,
      ),
      { numRuns: 25, ...WITH_FILES },
    )
  })

  it('lets a clear remove what came before it where clears lie within each other (R24)', async () => {
    await fc.assert(
      fc.asyncProperty(someEntries(true), fc.constant(1e9), someGroups, expectSorted),
      {
        numRuns: 500,
        ...WITH_FILES,
      },
    )
  })

  it('lets a clear remove what came before it, in its run and in others (R24)', async () => {
    await fc.assert(
      fc.asyncProperty(someEntries(true), fc.constantFrom(1, 300, 1e9), someGroups, expectSorted),
      { numRuns: 40, ...WITH_FILES },
    )
  })
})
