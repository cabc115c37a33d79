import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../../../runtime/bytes.ts'
import { KeyedBackend } from '../../../runtime/state/keyed-backend.ts'
import { isFullPiece, writeEntryValue } from '../../../runtime/state/snapshot-format.ts'
import type { StateEntry } from '../../../runtime/state/state-backend.ts'
import {
  applySegment,
  backendContext,
  type Contents,
  encodeAll,
  hex,
  NO_CONTENTS,
  settle,
  toRestore,
  within,
} from '../../contract/state-harness.ts'
import { FakeBase } from '../../contract/fake-base.ts'
import { registerAll } from '../../contract/state-model.ts'
import { listSteps, pieceBytes, StatePlay } from '../../contract/state-property.ts'
import { LaggingStore } from '../../harness/slow-store.ts'

const ELEMENTS = 25_000

/** An element of about 50 bytes; numbers tell them apart. */
const elementOf = (n: number) => ({ n, text: `element number ${n} of a long list` })

/** A store that counts what is read of it. */
class CountingStore extends LaggingStore {
  bytesRead = 0

  override read(key: Uint8Array): Uint8Array | undefined {
    const value = super.read(key)
    this.bytesRead += value?.length ?? 0
    return value
  }
}

describe('lists in pieces (R23)', () => {
  it('are what plain arrays are, through evictions, checkpoints and restores (R16, R24, R25, R28)', async () => {
    await fc.assert(
      fc.asyncProperty(
        listSteps,
        fc.constantFrom(1, 2_000, 6_000, 1_000_000),
        fc.boolean(),
        pieceBytes,
        (all, cacheBytes, strict, listPieceBytes) =>
          new StatePlay(
            () =>
              new KeyedBackend(
                backendContext({ cacheBytes, strict, listPieceBytes }),
                new LaggingStore(),
              ),
          ).run(all),
      ),
      { numRuns: 80, endOnFailure: true },
    )
  })

  async function open(contents: Contents = NO_CONTENTS, isLazy = false) {
    const store = new CountingStore()
    // Nothing that is not in use stays in memory.
    const backend = new KeyedBackend(backendContext({ cacheBytes: 1 }), store)
    const handles = registerAll(backend)
    await backend.restore(isLazy ? [] : toRestore(contents))
    if (isLazy) {
      const base = new FakeBase(contents)
      const read = base.read.bind(base)
      base.read = (key) => {
        const value = read(key)
        store.bytesRead += value?.length ?? 0
        return value
      }
      backend.adopt(base)
    }
    return { backend, store, ...handles }
  }

  /** Contents with a list of about 1 MB. */
  async function longList(): Promise<Contents> {
    const { backend, list } = await open()
    within(backend, 'a', () =>
      list.addAll(Array.from({ length: ELEMENTS }, (_, n) => elementOf(n))),
    )
    const contents = applySegment(NO_CONTENTS, encodeAll(backend, backend.beginSnapshot(1, 0)))
    await backend.close()
    return contents
  }

  it.each([false, true])(
    'are not loaded and not written as a whole for what is added, loaded on first use: %s (R23, R24)',
    async (isLazy) => {
      let contents = await longList()
      const full = [...contents.values()].filter(({ key }) => isFullPiece(key))
      const size = toRestore(contents).reduce((sum, { value }) => sum + value.length, 0)
      expect(size).toBeGreaterThan(1_000_000)
      expect(full.length).toBeGreaterThan(100)
      const piece = Math.max(...full.map(({ value }) => value.length))
      expect(piece).toBeLessThan(8_192)
      const { backend, store, list } = await open(contents, isLazy)
      await settle(backend)
      const keysOfFull = new Set(full.map(({ key }) => Buffer.from(key).toString('hex')))
      for (let i = 0; i < 100; i++) {
        store.bytesRead = 0
        for (let n = 0; n < 100; n++) {
          within(backend, 'a', () => list.add(elementOf(ELEMENTS + i * 100 + n)))
          if (n % 10 === 0) await settle(backend)
        }
        // The last piece, at each of ten times.
        expect(store.bytesRead).toBeLessThan(11 * 2 * piece)
        const entries = encodeAll(backend, backend.beginSnapshot(i + 2, i + 1))
        const written = entries.reduce((sum, { value }) => sum + value.length, 0)
        // What was added, and what of the last piece stood there before.
        expect(written).toBeLessThan(100 * 60 + 2 * piece)
        expect(entries.some(({ key }) => keysOfFull.has(Buffer.from(key).toString('hex')))).toBe(
          false,
        )
        contents = applySegment(contents, entries)
        backend.checkpointCompleted(i + 2)
      }
      const expected = Array.from({ length: ELEMENTS + 10_000 }, (_, n) => elementOf(n))
      expect(within(backend, 'a', () => list.get())).toEqual(expected)
      expect([backend.entryCount, within(backend, 'a', () => list.isEmpty())]).toEqual([1, false])
      await backend.close()
      const again = await open(contents, isLazy)
      expect(within(again.backend, 'a', () => again.list.get())).toEqual(expected)
      await again.backend.close()
    },
  )

  it('leave one tombstone when they are cleared or replaced, and nothing in the store (R24)', async () => {
    const contents = await longList()
    const { backend, store, list } = await open(contents)
    await settle(backend)
    within(backend, 'a', () => list.clear())
    const cleared = encodeAll(backend, backend.beginSnapshot(2, 1))
    expect(cleared.map(({ kind }) => kind)).toEqual(['clear'])
    encodeAll(backend, backend.beginSnapshot(3, 2))
    await settle(backend)
    await settle(backend)
    expect([store.landed.size, backend.entryCount]).toEqual([0, 0])
    within(backend, 'a', () => list.update(['new']))
    const after = applySegment(contents, cleared)
    expect(after.size).toBe(0)
    expect(encodeAll(backend, backend.beginSnapshot(4, 3)).map(({ kind }) => kind)).toEqual(['put'])
    await backend.close()
  })

  it('say nothing of a long list that came and went since the base', async () => {
    const backend = new KeyedBackend(backendContext({}), new LaggingStore())
    const { list } = registerAll(backend)
    await backend.restore([])
    for (let round = 0; round < 2; round++) {
      within(backend, 'a', () => list.addAll(Array.from({ length: 1_000 }, (_, n) => n)))
      within(backend, 'a', () => list.addAll(Array.from({ length: 1_000 }, (_, n) => n)))
      within(backend, 'a', () => list.clear())
    }
    expect(encodeAll(backend, backend.beginSnapshot(1, 0))).toEqual([])
    await backend.close()
  })

  it('are as they were where they are short, and where an older version has written a long one (R27)', async () => {
    const { backend, list } = await open()
    within(backend, 'a', () => [1, 2, 3].forEach((n) => list.add(n)))
    const entries = encodeAll(backend, backend.beginSnapshot(1, 0))
    await backend.close()
    expect(entries.map(({ value }) => Buffer.from(value).toString('hex'))).toEqual([
      Buffer.from(storedValue([1, 2, 3])).toString('hex'),
    ])
    const long = Array.from({ length: 5_000 }, (_, n) => n)
    const [entry] = entries as [StateEntry]
    const old = { ...entry, value: storedValue(long) }
    const contents = new Map([[hex(entry.key), old]])
    const later = await open(contents)
    expect(within(later.backend, 'a', () => later.list.get())).toEqual(long)
    within(later.backend, 'a', () => later.list.add(5_000))
    const written = encodeAll(later.backend, later.backend.beginSnapshot(2, 1))
    expect(written.length).toBeGreaterThan(4)
    within(later.backend, 'a', () => expect(later.list.get()).toEqual([...long, 5_000]))
    await later.backend.close()
  })

  it('do not let what is changed in the array that `get` returns pass unseen (R16)', async () => {
    const options = { strict: true, listPieceBytes: 100 }
    const backend = new KeyedBackend(backendContext(options), undefined)
    const { list } = registerAll(backend)
    await backend.restore([])
    within(backend, 'a', () => list.addAll([1, 2, 3, 4].map(elementOf)))
    const change = (with_: (elements: { n: number }[]) => void) => () =>
      within(backend, 'a', () => with_(list.get() as { n: number }[]))
    const mutated = expect.objectContaining({ code: 'MR_STATE_MUTATED' })
    expect(change((elements) => (elements[0]!.n = 7))).toThrow(mutated)
    const fresh = () => within(backend, 'a', () => list.update([1, 2, 3, 4].map(elementOf)))
    fresh()
    expect(change((elements) => elements.push(elementOf(5)))).toThrow(mutated)
    fresh()
    expect(change((elements) => elements.reverse())).toThrow(mutated)
    fresh()
    change((elements) => {
      elements[0]!.n = 7
      elements.pop()
      list.update(elements)
    })()
    expect(within(backend, 'a', () => list.get().map((one) => (one as { n: number }).n))).toEqual([
      7, 2, 3,
    ])
    await backend.close()
  })

  it('give another state a value of its own of what is in them (R16)', async () => {
    const backend = new KeyedBackend(backendContext({ listPieceBytes: 100 }), undefined)
    const { list, value } = registerAll(backend)
    await backend.restore([])
    within(backend, 'a', () => list.addAll([1, 2, 3, 4].map(elementOf)))
    within(backend, 'a', () => {
      const first = list.get()[0] as { n: number }
      value.update(first)
      first.n = 7
      list.update(list.get())
      expect([value.value(), list.get()[0]]).toEqual([elementOf(1), { ...elementOf(1), n: 7 }])
    })
    await backend.close()
  })
})

function storedValue(list: readonly unknown[]): Uint8Array {
  const writer = new ByteWriter()
  writeEntryValue(writer, 1, list, 'op/list')
  return writer.copy()
}
