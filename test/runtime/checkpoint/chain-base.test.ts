import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../../../runtime/bytes.ts'
import { type ChainBase, isPinning, openChain } from '../../../runtime/checkpoint/chain-base.ts'
import { compareKeys } from '../../../runtime/checkpoint/entry-order.ts'
import { createFileStorage } from '../../../runtime/checkpoint/file-storage.ts'
import type { SegmentReference } from '../../../runtime/checkpoint/manifest.ts'
import { writeSegment } from '../../../runtime/checkpoint/segment-writer.ts'
import { encodeKey, writeKey } from '../../../runtime/key-encoding.ts'
import { writePrefix } from '../../../runtime/state/snapshot-format.ts'
import type { StateEntry } from '../../../runtime/state/state-backend.ts'
import { applySegment, hex, NO_CONTENTS, toRestore } from '../../contract/state-harness.ts'
import { FaultFileSystem } from '../../harness/fault-file-system.ts'

const ALL = { first: 0, last: 9 }
const MAP = 2

/** The key of the value of a key (state 1), or of an entry of its map (state 2), or what stands before these. */
function keyOf(group: number, name: number, state: number, field?: number): Uint8Array {
  const writer = new ByteWriter()
  writePrefix(writer, { keyGroup: group, key: `user-${name}`, namespace: undefined }, state)
  if (field !== undefined) writeKey(writer, field)
  return writer.copy()
}

async function storageOf() {
  const fileSystem = new FaultFileSystem(['/storage'])
  const storage = createFileStorage({ directory: '/storage', fileSystem })
  if (!isPinning(storage)) throw new Error('files cannot be pinned')
  await storage.reserveId(0)
  return { fileSystem, storage }
}

/** One change of the state of a key; large ones, so that segments have several blocks. */
const change = fc.record({
  group: fc.nat(2),
  name: fc.nat(6),
  what: fc.constantFrom('put', 'put', 'put', 'delete', 'put-field', 'put-field', 'remove', 'clear'),
  field: fc.nat(40),
  bytes: fc.nat(4_000),
})

/** The segments of a chain: changes by key, where a clear removes what the same segment would have had. */
const chains = fc
  .array(fc.array(change, { minLength: 1, maxLength: 60, size: 'max' }), {
    minLength: 1,
    maxLength: 5,
  })
  .map((segments) => segments.map(segmentOf))

function segmentOf(
  changes: readonly {
    readonly group: number
    readonly name: number
    readonly what: string
    readonly field: number
    readonly bytes: number
  }[],
): StateEntry[] {
  const entries = new Map<string, StateEntry>()
  for (const { group, name, what, field, bytes } of changes) {
    const isMap = what === 'put-field' || what === 'remove'
    const key =
      what === 'clear'
        ? keyOf(group, name, MAP)
        : isMap
          ? keyOf(group, name, MAP, field)
          : keyOf(group, name, 1)
    const kind = what === 'clear' ? 'clear' : what.startsWith('put') ? 'put' : 'delete'
    const value = new Uint8Array(kind === 'put' ? bytes : 0).fill(field)
    entries.set(hex(key), { key, kind, value })
  }
  return [...entries.values()].sort((a, b) => compareKeys(a.key, b.key))
}

async function open(segments: readonly StateEntry[][]) {
  const { fileSystem, storage } = await storageOf()
  const chain: SegmentReference[] = []
  for (const [i, entries] of segments.entries()) {
    chain.push((await writeSegment(storage, 1, `s-${i}`, entries))!)
  }
  return { fileSystem, storage, chain, base: await openChain(storage, chain, ALL) }
}

function check(base: ChainBase, segments: readonly StateEntry[][]): void {
  let contents = NO_CONTENTS
  for (const segment of segments) contents = applySegment(contents, segment)
  const look = (key: Uint8Array): void => {
    const expected = contents.get(hex(key))?.value
    const found = base.read(key)
    expect(found === undefined ? undefined : hex(found)).toBe(
      expected === undefined ? undefined : hex(expected),
    )
    if (expected !== undefined) expect(base.mightHold(key)).toBe(true)
  }
  for (let group = 0; group < 3; group++) {
    for (let name = 0; name < 7; name++) {
      look(keyOf(group, name, 1))
      const prefix = keyOf(group, name, MAP)
      for (let field = 0; field <= 40; field++) look(keyOf(group, name, MAP, field))
      const below = toRestore(contents).filter(({ key }) => hex(key).startsWith(hex(prefix)))
      expect(base.subKeys(prefix).map(hex)).toEqual(
        below.map(({ key }) => hex(key).slice(prefix.length * 2)),
      )
      if (below.length > 0) expect(base.mightHold(prefix)).toBe(true)
      checkPieces(base, prefix)
    }
  }
}

/** Cut at its bounds, and elsewhere, a map has the same sub-keys. */
function checkPieces(base: ChainBase, prefix: Uint8Array): void {
  const all = base.subKeys(prefix).map(hex)
  const bounds = base.bounds(prefix)
  expect(bounds.map(hex)).toEqual([...new Set(bounds.map(hex))].sort())
  const fields = Array.from({ length: 14 }, (_, i) => encodeKey(i * 3))
  for (const cuts of [bounds, fields]) {
    const pieces = [undefined, ...cuts].map((from, i) => base.subKeys(prefix, from, cuts[i]))
    expect(pieces.flat().map(hex)).toEqual(all)
    for (const [i, piece] of pieces.entries()) {
      const from = i === 0 ? '' : hex(cuts[i - 1]!)
      expect(piece.map(hex).every((subKey) => subKey >= from)).toBe(true)
    }
  }
}

describe('a chain of segments as a level of state', () => {
  it('says of every key what the merge of all segments holds (R28)', async () => {
    await fc.assert(
      fc.asyncProperty(chains, async (segments) => {
        const { base } = await open(segments)
        check(base, segments)
        await base.close()
      }),
      { numRuns: 60 },
    )
  })

  it('hands out the entries of some states, and of the key groups that the manifest names', async () => {
    await fc.assert(
      fc.asyncProperty(chains, fc.constantFrom(1, MAP), fc.nat(2), async (segments, id, group) => {
        const { storage, chain } = await open(segments)
        const range = { first: group, last: 9 }
        const base = await openChain(
          storage,
          chain.map((reference) => ({ ...reference, range })),
          ALL,
        )
        let contents = NO_CONTENTS
        for (const segment of segments) contents = applySegment(contents, segment)
        const found: string[] = []
        for await (const batch of base.entries(new Set([id]))) {
          found.push(...batch.map(({ key, value }) => `${hex(key)}=${hex(value)}`))
        }
        expect(found).toEqual(
          toRestore(contents)
            .filter(({ key }) => key[3] === id && key[1]! >= group)
            .map(({ key, value }) => `${hex(key)}=${hex(value)}`),
        )
        if (group > 0) expect(base.mightHold(keyOf(0, 1, 1))).toBe(false)
        await base.close()
      }),
      { numRuns: 40 },
    )
  })

  it('finds what a clear at the end of a block has removed (R24)', async () => {
    const before = Array.from({ length: 21 }, (_, name): StateEntry => {
      return { key: keyOf(0, 10 + name, MAP, 1), kind: 'put', value: new Uint8Array(700) }
    })
    const old: StateEntry[] = [{ key: keyOf(1, 1, MAP, 1), kind: 'put', value: new Uint8Array(9) }]
    for (let size = 300; size < 1_500; size += 6) {
      // The size of what comes before moves the clear over the end of the first block.
      const filler: StateEntry = {
        key: keyOf(0, 99, MAP, 1),
        kind: 'put',
        value: new Uint8Array(size),
      }
      const cleared: StateEntry[] = [
        ...before,
        filler,
        { key: keyOf(1, 1, MAP), kind: 'clear', value: new Uint8Array(0) },
        { key: keyOf(1, 1, MAP, 2), kind: 'put', value: new Uint8Array(700) },
      ]
      const { base } = await open([old, cleared])
      expect(base.read(keyOf(1, 1, MAP, 1))).toBeUndefined()
      expect(base.read(keyOf(1, 1, MAP, 2))).toHaveLength(700)
      expect(base.subKeys(keyOf(1, 1, MAP))).toHaveLength(1)
      // With an entry of the same key behind it, which may be the first of the next block.
      const same: StateEntry = { key: keyOf(1, 1, MAP), kind: 'put', value: new Uint8Array(700) }
      const other = await open([old, cleared.toSpliced(-1, 0, same)])
      expect(other.base.read(keyOf(1, 1, MAP, 1))).toBeUndefined()
      expect(other.base.read(keyOf(1, 1, MAP))).toHaveLength(700)
      expect(other.base.subKeys(keyOf(1, 1, MAP))).toHaveLength(1)
    }
  })

  it('says where a large map can be cut so that a piece is a block of each segment, without reading (R23, R28)', async () => {
    const entry = (field: number): StateEntry => {
      return { key: keyOf(1, 1, MAP, field), kind: 'put', value: new Uint8Array(1_000) }
    }
    const other: StateEntry = { ...entry(0), key: keyOf(1, 2, MAP, 1) }
    const whole = Array.from({ length: 640 }, (_, i) => entry(i))
    const part = Array.from({ length: 64 }, (_, i) => entry(300 + i / 2))
    const { base, chain, fileSystem } = await open([[...whole, other], part])
    for (const { file, bytes } of chain)
      fileSystem.overwrite(`/storage/${file}`, new Uint8Array(bytes))
    const prefix = keyOf(1, 1, MAP)
    const bounds = base.bounds(prefix)
    expect(bounds.length).toBeGreaterThan(40)
    expect(bounds.length).toBeLessThan(50)
    expect(base.bounds(prefix)).toBe(bounds)
    expect(base.bounds(keyOf(1, 3, MAP))).toEqual([])
    const again = await open([[...whole, other], part])
    const pieces = [undefined, ...bounds].map((from, i) =>
      again.base.subKeys(prefix, from, bounds[i]),
    )
    expect(pieces.flat().length).toBe(640 + 32)
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(2 * 16)
  })

  it('stays readable when its files have been removed (R28, R29)', async () => {
    const segments = [[{ key: keyOf(1, 1, 1), kind: 'put', value: Uint8Array.of(7) } as const]]
    const { base, chain, fileSystem } = await open(segments)
    for (const { file } of chain) await fileSystem.unlink(`/storage/${file}`)
    expect(base.read(keyOf(1, 1, 1))).toEqual(Uint8Array.of(7))
  })

  it('names file and key groups of a block that is damaged (R27)', async () => {
    const many = Array.from({ length: 100 }, (_, name): StateEntry => {
      return { key: keyOf(name % 2, name, 1), kind: 'put', value: new Uint8Array(1_000) }
    }).sort((a, b) => compareKeys(a.key, b.key))
    const { base, chain, fileSystem } = await open([many])
    const path = `/storage/${chain[0]!.file}`
    const bytes = await fileSystem.read(path, 0, chain[0]!.bytes)
    bytes[bytes.length >> 2]! ^= 1
    fileSystem.overwrite(path, bytes)
    const damage = {
      code: 'MR_CHECKPOINT_CORRUPT',
      fields: { file: chain[0]!.file, firstKeyGroup: 0, lastKeyGroup: 0 },
    }
    const failures = many.flatMap(({ key }) => {
      try {
        base.read(key)
        return []
      } catch (error) {
        return [error]
      }
    })
    expect(failures.length).toBeGreaterThan(10)
    for (const failure of failures) expect(failure).toMatchObject(damage)
  })
})
