import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../../../runtime/bytes.ts'
import { createFileStorage } from '../../../runtime/checkpoint/file-storage.ts'
import { foldSegments } from '../../../runtime/checkpoint/fold.ts'
import type { SegmentReference } from '../../../runtime/checkpoint/manifest.ts'
import { LocalMerger } from '../../../runtime/checkpoint/segment-merger.ts'
import { writeSegment } from '../../../runtime/checkpoint/segment-writer.ts'
import { lowestStoredVersion } from '../../../runtime/checkpoint/stored-versions.ts'
import { SystemClock } from '../../../runtime/clock.ts'
import {
  writeEntryValue,
  writeNoValue,
  writePrefix,
  writeTimerKey,
} from '../../../runtime/state/snapshot-format.ts'
import type { StateEntry } from '../../../runtime/state/state-backend.ts'
import { manifestOf, partOf } from '../../harness/checkpoint-fixtures.ts'
import { FaultFileSystem } from '../../harness/fault-file-system.ts'

function bytesOf(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter()
  write(writer)
  return writer.copy()
}

function entry(stateId: number, key: string, version: number | 'deleted'): StateEntry {
  const owner = { keyGroup: 5, key, namespace: undefined }
  return {
    kind: version === 'deleted' ? 'delete' : 'put',
    key: bytesOf((writer) => writePrefix(writer, owner, stateId)),
    value:
      version === 'deleted'
        ? new Uint8Array()
        : bytesOf((writer) => writeEntryValue(writer, version, key, 'v')),
  }
}

function timer(stateId: number): StateEntry {
  const owner = { keyGroup: 5, key: 'a', namespace: undefined }
  return {
    kind: 'put',
    key: bytesOf((writer) => writeTimerKey(writer, owner, stateId, 7)),
    value: bytesOf(writeNoValue),
  }
}

async function setUp() {
  const storage = createFileStorage({
    directory: '/storage',
    fileSystem: new FaultFileSystem(['/storage']),
  })
  await storage.reserveId(0)
  const write = async (...entries: StateEntry[]) => (await writeSegment(storage, 1, 's', entries))!
  const merger = new LocalMerger(storage, new SystemClock())
  const fold = async (...segments: SegmentReference[]) => {
    const request = { segments, isBeginning: true, bytesPerSecond: 1e9 }
    const target = await storage.create(1, 'folded')
    return (await foldSegments(merger, target, request, new AbortController().signal))!
  }
  return { write, fold }
}

describe('what a segment says of the versions in it', () => {
  it('is the lowest of each state; deletions and timers have none (R5)', async () => {
    const { write } = await setUp()
    const segment = await write(
      ...(['deleted', 3, 2, 3] as const).map((version, n) => entry(1, `a${n}`, version)),
      timer(2),
      entry(700, 'a', 300),
    )
    expect(segment.versions).toEqual({ 1: 2, 700: 300 })
  })

  it('goes up where older values are folded away, and only there (R5, R29)', async () => {
    const { write, fold } = await setUp()
    const first = await write(entry(1, 'a', 1), entry(1, 'b', 2), entry(2, 'a', 1))
    const second = await write(entry(1, 'a', 3), entry(2, 'a', 'deleted'))
    const third = await write(entry(1, 'b', 3))
    const lowest = (...segments: SegmentReference[]) => {
      const manifest = manifestOf(9, { subtasks: [partOf(0, segments), partOf(1, [third])] })
      return [1, 2, 3].map((stateId) => lowestStoredVersion(manifest, stateId))
    }
    expect(lowest(first, second)).toEqual([1, 1, undefined])
    const folded = await fold(first, second)
    expect(lowest(folded)).toEqual([2, undefined, undefined])
    expect(lowest(await fold(folded, third))).toEqual([3, undefined, undefined])
    const { versions: _, ...unknown } = third
    expect(lowest(unknown)).toEqual([1, 1, 1])
  })
})
