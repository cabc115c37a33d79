import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createFileStorage } from '../../../runtime/checkpoint/file-storage.ts'
import type { SegmentReference } from '../../../runtime/checkpoint/manifest.ts'
import { openSegment } from '../../../runtime/checkpoint/segment-reader.ts'
import { writeSegment } from '../../../runtime/checkpoint/segment-writer.ts'
import type { StateEntry } from '../../../runtime/state/state-backend.ts'
import { clear, put, remove, show } from '../../harness/checkpoint-fixtures.ts'
import { FaultFileSystem } from '../../harness/fault-file-system.ts'

const ALL = { first: 0, last: 65_535 }

async function storageOf() {
  const fileSystem = new FaultFileSystem(['/storage'])
  const storage = createFileStorage({ directory: '/storage', fileSystem })
  await storage.reserveId(0)
  const write = (entries: Iterable<StateEntry>) => writeSegment(storage, 1, 'counts-0-1', entries)
  const read = async (reference: SegmentReference, range = ALL) => {
    const lines: string[] = []
    const reader = await openSegment(storage, reference)
    for await (const block of reader.blocks(range)) lines.push(...block.map(show))
    return lines
  }
  return { fileSystem, storage, write, read }
}

/** Enough entries for several blocks: 40 key groups of 100 values of about 150 bytes. */
function* manyEntries(): Generator<StateEntry> {
  for (let group = 10; group < 50; group++) {
    for (let i = 100; i < 200; i++) yield put(group, `key-${i}`, 'v'.repeat(100 + ((i * 7) % 100)))
  }
}

describe('segments', () => {
  it('hold entries of all kinds, in order', async () => {
    const { write, read } = await storageOf()
    const entries = [
      put(1, 'a', ''),
      clear(1, 'b'),
      put(1, 'b', 'list'),
      put(1, 'b0'),
      remove(2, 'a'),
    ]
    const reference = await write(entries)
    expect(reference).toMatchObject({ entries: 5, range: { first: 1, last: 2 } })
    expect(await read(reference!)).toEqual(entries.map(show))
  })

  it('are not written when there is nothing to hold', async () => {
    const { write, fileSystem } = await storageOf()
    expect(await write([])).toBeUndefined()
    expect(fileSystem.files()).toEqual([])
  })

  it('read back whatever was written', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(fc.nat(300), fc.string({ maxLength: 8 })), {
          selector: ([group, letters]) => `${group}:${letters}`,
          maxLength: 60,
        }),
        fc.array(fc.nat(40_000), { minLength: 60, maxLength: 60 }),
        async (keys, sizes) => {
          const { write, read } = await storageOf()
          const entries = keys
            .map(([group, letters], i) => put(group, letters, 'x'.repeat(sizes[i]!)))
            .sort((a, b) => Buffer.compare(a.key, b.key))
          const reference = await write(entries)
          expect(reference === undefined ? [] : await read(reference)).toEqual(entries.map(show))
        },
      ),
      { numRuns: 30 },
    )
  })

  it('take an entry that is larger than a block', async () => {
    const { write, read } = await storageOf()
    const entries = [put(1, 'a'), put(1, 'b', 'x'.repeat(1_000_000)), put(1, 'c')]
    expect(await read((await write(entries))!)).toEqual(entries.map(show))
  })

  it('may be written from entries that the producer uses again', async () => {
    const { write, read } = await storageOf()
    const entries = [...manyEntries()]
    function* reusing(): Generator<StateEntry> {
      const key = new Uint8Array(16)
      for (const entry of entries) {
        key.set(entry.key)
        yield { key: key.subarray(0, entry.key.length), kind: entry.kind, value: entry.value }
      }
    }
    expect(await read((await write(reusing()))!)).toEqual(entries.map(show))
  })

  it.each([
    ['descending', [put(1, 'b'), put(1, 'a')]],
    ['doubled', [put(1, 'a'), put(1, 'a')]],
    ['put before its clear', [put(1, 'a'), clear(1, 'a')]],
    ['without state id', [{ ...put(1, 'a'), key: new Uint8Array([0, 1, 0]) }]],
  ])('refuse entries that are %s', async (_, entries) => {
    const { write, fileSystem } = await storageOf()
    await expect(write(entries)).rejects.toMatchObject({ code: 'MR_INTERNAL' })
    expect(fileSystem.files()).toEqual([])
  })

  it('leave nothing behind when the disk is full', async () => {
    const { write, fileSystem } = await storageOf()
    let writes = 0
    fileSystem.faults = {
      fails: ({ kind }) => (kind === 'write' && ++writes === 3 ? 'ENOSPC' : undefined),
    }
    await expect(write(manyEntries())).rejects.toMatchObject({ code: 'MR_CHECKPOINT_FAILED' })
    expect(fileSystem.files()).toEqual([])
  })

  it('leave nothing behind when the entries cannot be had', async () => {
    const { write, fileSystem } = await storageOf()
    function* failing(): Generator<StateEntry> {
      yield* manyEntries()
      throw new Error('no more')
    }
    await expect(write(failing())).rejects.toThrow('no more')
    expect(fileSystem.files()).toEqual([])
  })

  it('read only the key groups of the reference, and of those only what is asked for (R28)', async () => {
    const { write, read } = await storageOf()
    const reference = (await write(manyEntries()))!
    const within = (first: number, last: number) =>
      [...manyEntries()].filter(({ key }) => key[1]! >= first && key[1]! <= last).map(show)
    for (const [first, last] of [
      [0, 60],
      [20, 20],
      [20, 33],
      [49, 60],
      [50, 60],
      [0, 9],
    ] as const) {
      expect(await read(reference, { first, last })).toEqual(within(first, last))
      expect(await read({ ...reference, range: { first, last } })).toEqual(within(first, last))
    }
    const narrow = { ...reference, range: { first: 15, last: 25 } }
    expect(await read(narrow, { first: 20, last: 40 })).toEqual(within(20, 25))
  })

  it('load only blocks that hold something of what is asked for (R28)', async () => {
    const { write, storage } = await storageOf()
    const reader = await openSegment(storage, (await write(manyEntries()))!)
    for await (const block of reader.blocks({ first: 20, last: 20 }))
      expect(block.length).toBeGreaterThan(0)
    // 100 entries of about 160 bytes, in two blocks of 16 KiB at most, or three.
    expect(reader.bytesRead).toBeLessThan(50_000)
  })

  describe('that are damaged (R27)', () => {
    const entries = [
      put(3, 'a'),
      clear(3, 'b'),
      put(3, 'b', 'two'),
      remove(4, 'c'),
      put(300, 'd', 'four'),
    ]

    it('are never read as anything else, whichever bit is flipped', async () => {
      const { write, read, fileSystem } = await storageOf()
      const reference = (await write(entries))!
      const path = `/storage/${reference.file}`
      const bytes = await fileSystem.read(path, 0, reference.bytes)
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const damaged = bytes.slice()
        damaged[bit >> 3]! ^= 1 << (bit & 7)
        fileSystem.overwrite(path, damaged)
        await expect(read(reference)).rejects.toMatchObject({
          code: 'MR_CHECKPOINT_CORRUPT',
          message: expect.stringContaining(reference.file) as string,
        })
      }
    })

    it('are noticed when they are torn, missing, or another file', async () => {
      const { write, read, fileSystem } = await storageOf()
      const reference = (await write(entries))!
      const path = `/storage/${reference.file}`
      const bytes = await fileSystem.read(path, 0, reference.bytes)
      const corrupt = {
        code: 'MR_CHECKPOINT_CORRUPT',
        message: expect.stringContaining(reference.file) as string,
      }
      for (let length = 0; length < bytes.length; length++) {
        fileSystem.overwrite(path, bytes.slice(0, length))
        await expect(read(reference)).rejects.toMatchObject(corrupt)
        fileSystem.overwrite(path, bytes.slice().fill(0, length))
        await expect(read(reference)).rejects.toMatchObject(corrupt)
        await expect(read({ ...reference, bytes: length })).rejects.toMatchObject(corrupt)
      }
      fileSystem.overwrite(path, bytes)
      await expect(read({ ...reference, entries: 4 })).rejects.toMatchObject(corrupt)
      await fileSystem.unlink(path)
      await expect(read(reference)).rejects.toMatchObject(corrupt)
    })

    it('are told from those of another layout, which names the version', async () => {
      const { write, read, fileSystem } = await storageOf()
      const reference = (await write(entries))!
      const path = `/storage/${reference.file}`
      const bytes = Buffer.from(await fileSystem.read(path, 0, reference.bytes))
      const footer = bytes.subarray(bytes.length - 40)
      footer.writeUInt32LE(1, 24)
      footer.writeUInt32LE(crc32(footer.subarray(0, 28)), 28)
      fileSystem.overwrite(path, bytes)
      await expect(read(reference)).rejects.toMatchObject({
        code: 'MR_CHECKPOINT_VERSION',
        message: expect.stringContaining(
          `${reference.file} cannot be read: it has layout 1`,
        ) as string,
      })
    })

    it('name the key groups of a bad block, and can still be read elsewhere', async () => {
      const { write, read, fileSystem } = await storageOf()
      const reference = (await write(manyEntries()))!
      const path = `/storage/${reference.file}`
      const bytes = await fileSystem.read(path, 0, reference.bytes)
      bytes[bytes.length >> 1]! ^= 1
      fileSystem.overwrite(path, bytes)
      await expect(read(reference)).rejects.toMatchObject({
        code: 'MR_CHECKPOINT_CORRUPT',
        message: expect.stringMatching(
          /chk-1\/counts-0-1\.seg, key groups \d\d to \d\d, .*checksum of the block at byte \d+/,
        ) as string,
        fields: { file: reference.file, firstKeyGroup: expect.any(Number) as number },
      })
      expect((await read(reference, { first: 10, last: 15 })).length).toBe(600)
      expect((await read(reference, { first: 45, last: 49 })).length).toBe(500)
    })
  })
})
