import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CheckpointStorage } from '../../runtime/checkpoint/checkpoint-storage.ts'
import { createFileStorage } from '../../runtime/checkpoint/file-storage.ts'
import { LocalMerger, type SegmentMerger } from '../../runtime/checkpoint/segment-merger.ts'
import { writeSegment } from '../../runtime/checkpoint/segment-writer.ts'
import type { SegmentReference } from '../../runtime/checkpoint/manifest.ts'
import { SystemClock } from '../../runtime/clock.ts'
import { nodeFileSystem } from '../../runtime/file-system.ts'
import { MergeThread } from '../../runtime/job/merge-thread.ts'
import { put } from '../harness/checkpoint-fixtures.ts'

let directory: string
let storage: CheckpointStorage
let thread: MergeThread
let segments: SegmentReference[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-merge-'))
  storage = createFileStorage({ directory, fileSystem: nodeFileSystem })
  thread = new MergeThread(directory)
  await storage.reserveId(0)
  segments = []
  for (let n = 0; n < 3; n++) {
    const entries = Array.from({ length: 2_000 }, (_, i) =>
      put(i >> 4, `${n} ${String(i).padStart(6, '0')}`, 'x'.repeat(100)),
    )
    entries.sort((a, b) => Buffer.compare(a.key, b.key))
    segments.push((await writeSegment(storage, 1, `s${n}`, entries))!)
  }
})

afterEach(async () => {
  await thread.close()
  await rm(directory, { recursive: true })
})

async function merged(merger: SegmentMerger, signal = new AbortController().signal) {
  const pieces: Uint8Array[] = []
  const merge = merger.merge({ segments, isBeginning: true, bytesPerSecond: Infinity }, signal)
  let next = await merge.next()
  for (; next.done !== true; next = await merge.next()) pieces.push(next.value)
  return {
    bytes: Buffer.concat(pieces).toString('latin1'),
    contents: next.value,
    pieces: pieces.length,
  }
}

describe('segments merged in a thread of its own (R29)', () => {
  it('become byte for byte what they would here, one merge beside another', async () => {
    const here = await merged(new LocalMerger(storage, new SystemClock()))
    expect(here.contents.entries).toBe(6_000)
    // More than the thread keeps ready.
    expect(here.pieces).toBeGreaterThan(8)
    expect(await Promise.all([merged(thread), merged(thread)])).toEqual([here, here])
  })

  it('fail with the error that it met, which does not end the thread', async () => {
    const path = join(directory, segments[1]!.file)
    const intact = await readFile(path)
    const damaged = Buffer.from(intact)
    damaged[100]! ^= 1
    await writeFile(path, damaged)
    await expect(merged(thread)).rejects.toMatchObject({ code: 'MR_CHECKPOINT_CORRUPT' })
    await writeFile(path, intact)
    expect((await merged(thread)).contents.entries).toBe(6_000)
  })

  it('end when they are called off, in the middle too', async () => {
    const reason = new Error('called off')
    await expect(merged(thread, AbortSignal.abort(reason))).rejects.toBe(reason)
    const controller = new AbortController()
    const request = { segments, isBeginning: true, bytesPerSecond: 1 }
    const merge = thread.merge(request, controller.signal)
    const waiting = merge.next()
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    expect((await merged(thread)).contents.entries).toBe(6_000)
  })

  it('fail when the thread ends, and the next one has a thread again', async () => {
    const request = { segments, isBeginning: true, bytesPerSecond: 1 }
    const merge = thread.merge(request, new AbortController().signal)
    const waiting = expect(merge.next()).rejects.toMatchObject({ code: 'MR_CHECKPOINT_FAILED' })
    await thread.close()
    await waiting
    expect((await merged(thread)).contents.entries).toBe(6_000)
  })
})
