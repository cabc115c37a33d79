import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../../../runtime/bytes.ts'
import { decodeList, encodeWhole } from '../../../runtime/inspect/snapshot-entry.ts'
import { editEntries } from '../../../runtime/rewrite/edit-entries.ts'
import { listEntries } from '../../../runtime/rewrite/list-entries.ts'
import {
  writeEntryValue,
  writePrefix,
  writeTimedEntryValue,
} from '../../../runtime/state/snapshot-format.ts'
import type { StateEntry } from '../../../runtime/state/state-backend.ts'
import { hex } from '../../contract/state-harness.ts'
import { anyValue } from '../../harness/arbitrary-values.ts'

const STATE = 4

/** Some take much room, so that lists are cut at many places. */
const sizedValue = fc
  .tuple(anyValue, fc.constantFrom(0, 0, 300, 5_000))
  .map(([value, size]) => (size === 0 ? value : [value, 'x'.repeat(size)]))

function prefixOf(key: string): Uint8Array {
  const writer = new ByteWriter()
  writePrefix(writer, { keyGroup: 1, key, namespace: undefined }, STATE)
  return writer.copy()
}

function entriesOf(
  list: readonly unknown[],
  versionAt: (start: number) => number,
  ages?: readonly number[],
): StateEntry[] {
  return listEntries(prefixOf('a'), list, (start, end, front) => {
    const writer = new ByteWriter()
    const version = versionAt(start)
    const value = list.slice(start, end)
    if (ages === undefined) writeEntryValue(writer, version, value, 'list', front)
    else {
      const elementAccesses = ages.slice(start, end)
      const access = { lastAccess: Math.max(...elementAccesses), elementAccesses }
      writeTimedEntryValue(writer, {
        version,
        value,
        what: 'list',
        domain: 'event',
        access,
        front,
      })
    }
    return writer.copy()
  })
}

async function change(
  entries: readonly StateEntry[],
  to: (list: readonly unknown[]) => unknown,
): Promise<StateEntry[]> {
  const changed: StateEntry[] = []
  const batches = async function* () {
    for (const entry of entries) yield [entry]
  }
  const what = 'state "list" of operator "op"'
  const action = { kind: 'list', what, change: ({ value }: { value: never }) => to(value) } as const
  for await (const batch of editEntries(batches(), new Map([[STATE, action]]))) {
    changed.push(...batch)
  }
  return changed
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

describe('the entries of a list', () => {
  it('are ascending, and put together they are the list (R23)', () => {
    fc.assert(
      fc.property(
        fc.array(sizedValue, { minLength: 1, maxLength: 60, size: 'max' }),
        fc.boolean(),
        (list, isTimed) => {
          const ages = isTimed ? list.map((_, i) => 1_000 + ((i * 7) % 13)) : undefined
          const entries = entriesOf(list, () => 3, ages)
          const keys = entries.map(({ key }) => hex(key))
          expect(keys).toEqual([...new Set(keys)].sort())
          const entry = decodeList(entries)
          expect(entry).toMatchObject({ key: 'a', value: list, version: 3 })
          expect(entry.elementVersions).toBeUndefined()
          expect(entry.elementAccesses).toEqual(ages)
          expect(entry.lastAccess).toBe(ages && Math.max(...ages))
          // As if they stood in one piece.
          const writer = new ByteWriter()
          const access = { lastAccess: entry.lastAccess!, elementAccesses: ages }
          if (ages === undefined) writeEntryValue(writer, 3, list, 'list')
          else
            writeTimedEntryValue(writer, {
              version: 3,
              value: list,
              what: 'list',
              domain: 'event',
              access,
            })
          expect(hex(encodeWhole(entries, 'list'))).toBe(hex(writer.copy()))
        },
      ),
    )
  })

  it('are many where it is long, and few where it is changed into a short one', async () => {
    const long = entriesOf(numbers(5_000), () => 1)
    expect(long.length).toBeGreaterThan(4)
    const longer = await change(long, (list) => [...list, 5_000])
    expect(decodeList(longer).value).toEqual(numbers(5_001))
    const short = await change(longer, (list) => list.slice(0, 3))
    expect(short.map(({ key }) => key.at(-1))).toEqual([0])
    expect(decodeList(short).value).toEqual([0, 1, 2])
    expect(await change(long, () => [])).toEqual([])
    expect(await change(long, (list) => list)).toEqual(long)
  })

  it('tell of each element its version where they differ, and cannot be changed then', async () => {
    const list = numbers(5_000)
    const mixed = entriesOf(list, (start) => (start > 2_000 ? 2 : 1))
    const { version, elementVersions, value } = decodeList(mixed)
    expect([version, value, elementVersions!.length]).toEqual([1, list, 5_000])
    const first = elementVersions!.indexOf(2)
    expect(elementVersions!.slice(first).every((one) => one === 2)).toBe(true)
    expect(first).toBeGreaterThan(1_000)
    await expect(change(mixed, (all) => [...all, 1])).rejects.toMatchObject({
      code: 'MR_STATE_INCOMPATIBLE',
    })
    expect(await change(mixed, (all) => all)).toEqual(mixed)
    expect(await change(mixed, () => undefined)).toEqual([])
  })

  it('are not made of what is no array', async () => {
    const [entry] = entriesOf([1], () => 1)
    await expect(change([entry!], () => 5)).rejects.toMatchObject({ code: 'MR_VALUE_UNSUPPORTED' })
  })
})
