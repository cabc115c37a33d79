import { describe, expect, it } from 'vitest'
import { createFileStorage } from '../../../runtime/checkpoint/file-storage.ts'
import { foldSegments } from '../../../runtime/checkpoint/fold.ts'
import type { SegmentReference } from '../../../runtime/checkpoint/manifest.ts'
import { openSegment } from '../../../runtime/checkpoint/segment-reader.ts'
import { LocalMerger } from '../../../runtime/checkpoint/segment-merger.ts'
import { writeSegment } from '../../../runtime/checkpoint/segment-writer.ts'
import type { Clock } from '../../../runtime/clock.ts'
import type { StateEntry } from '../../../runtime/state/state-backend.ts'
import { clear, put, remove, show } from '../../harness/checkpoint-fixtures.ts'
import { FaultFileSystem } from '../../harness/fault-file-system.ts'

const MIB = 1_024 * 1_024

/** Time passes only while someone waits, and by `stepMs` whenever it is asked for. */
function waitingClock(stepMs = 0) {
  const waited: number[] = []
  let now = 0
  let turns = 0
  const clock: Clock = {
    now: () => now,
    elapsed: () => (now += stepMs),
    schedule: (delayMs, callback) => {
      waited.push(delayMs)
      now += delayMs
      queueMicrotask(callback)
      return () => {}
    },
    nextTurn: (callback) => {
      turns++
      queueMicrotask(callback)
    },
  }
  return { clock, waited, turns: () => turns }
}

async function setUp() {
  const fileSystem = new FaultFileSystem(['/storage'])
  const storage = createFileStorage({ directory: '/storage', fileSystem })
  await storage.reserveId(0)
  const write = async (...entries: StateEntry[]) => (await writeSegment(storage, 1, 's', entries))!
  const read = async (reference: SegmentReference) => {
    const lines: string[] = []
    const reader = await openSegment(storage, reference)
    for await (const block of reader.blocks({ first: 0, last: 65_535 }))
      lines.push(...block.map(show))
    return lines
  }
  const fold = async (
    segments: readonly SegmentReference[],
    options: { isBeginning?: boolean; clock?: Clock; signal?: AbortSignal } = {},
  ) => {
    const merger = new LocalMerger(storage, options.clock ?? waitingClock().clock)
    const { isBeginning = true, signal = new AbortController().signal } = options
    const request = { segments, isBeginning, bytesPerSecond: MIB }
    return foldSegments(merger, await storage.create(1, 'fold-counts-0'), request, signal)
  }
  return { fileSystem, storage, write, read, fold }
}

describe('folding (R29)', () => {
  it('makes one segment of several, which means the same', async () => {
    const { write, read, fold } = await setUp()
    const chain = [
      await write(
        ...[put(1, 'a', 'old'), put(1, 'b', 'old'), put(5, 'kept', 'first'), put(9, 'c', 'old')],
      ),
      await write(remove(1, 'a'), put(1, 'b', 'new'), put(6, 'kept', 'second')),
      await write(clear(9, ''), put(9, 'd', 'new')),
    ]
    const folded = await fold(chain)
    expect(folded).toMatchObject({ entries: 4, range: { first: 1, last: 9 } })
    expect(await read(folded!)).toEqual([
      'put 1:b=new',
      'put 5:kept=first',
      'put 6:kept=second',
      'put 9:d=new',
    ])
  })

  it('keeps tombstones when older segments are left', async () => {
    const { write, read, fold } = await setUp()
    const chain = [
      await write(put(1, 'a'), put(1, 'b1')),
      await write(remove(1, 'a'), clear(1, 'b')),
    ]
    expect(await read((await fold(chain, { isBeginning: false }))!)).toEqual([
      'delete 1:a',
      'clear 1:b',
    ])
  })

  it('leaves no file when nothing is left', async () => {
    const { write, fold, fileSystem } = await setUp()
    const chain = [await write(put(1, 'a')), await write(remove(1, 'a'))]
    expect(await fold(chain)).toBeUndefined()
    expect(fileSystem.files().filter((file) => file.includes('fold'))).toEqual([])
  })

  it('takes from a segment only the key groups that the reference names (R28)', async () => {
    const { write, read, fold } = await setUp()
    const whole = await write(put(1, 'a'), put(2, 'b'), put(3, 'c'))
    const newer = await write(put(2, 'b', 'new'))
    const folded = await fold([{ ...whole, range: { first: 2, last: 3 } }, newer])
    expect(await read(folded!)).toEqual(['put 2:b=new', 'put 3:c=c'])
  })

  it('reads at a limited rate', async () => {
    const { write, fold } = await setUp()
    const entries = Array.from({ length: 3_000 }, (_, i) =>
      put(1, String(i).padStart(6, '0'), 'x'.repeat(1_000)),
    )
    const large = await write(...entries)
    const { clock, waited } = waitingClock()
    await fold([large, await write(put(2, 'a'))], { clock })
    const total = waited.reduce((sum, ms) => sum + ms, 0)
    expect(total).toBeGreaterThan((large.bytes / MIB) * 1_000 * 0.8)
    expect(total).toBeLessThan((large.bytes / MIB) * 1_000 * 1.2)
    expect(Math.max(...waited)).toBeLessThan(500)
  })

  it('does not wait for a small one, and lets others have their turn in a slow one', async () => {
    const { write, fold } = await setUp()
    const entries = Array.from({ length: 20_000 }, (_, i) => put(1, String(i).padStart(6, '0'), ''))
    const chain = [await write(...entries), await write(put(1, 'a'))]
    const quick = waitingClock()
    await fold([await write(put(1, 'a')), await write(put(1, 'b'))], { clock: quick.clock })
    expect(quick.waited).toEqual([])
    expect(quick.turns()).toBe(0)
    const slow = waitingClock(30)
    await fold(chain, { clock: slow.clock })
    expect(slow.turns()).toBeGreaterThan(5)
  })

  it('removes its file when it fails or is called off', async () => {
    const { write, fold, fileSystem } = await setUp()
    const chain = [await write(put(1, 'a')), await write(put(1, 'b'))]
    await expect(fold(chain, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i)
    const path = `/storage/${chain[1]!.file}`
    const bytes = await fileSystem.read(path, 0, chain[1]!.bytes)
    bytes[3]! ^= 1
    fileSystem.overwrite(path, bytes)
    await expect(fold(chain)).rejects.toMatchObject({
      code: 'MR_CHECKPOINT_CORRUPT',
      message: expect.stringContaining(chain[1]!.file) as string,
    })
    expect(fileSystem.files().filter((file) => file.includes('fold'))).toEqual([])
  })
})
