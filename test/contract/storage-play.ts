import { expect } from 'vitest'
import type { CheckpointStorage } from '../../runtime/checkpoint/checkpoint-storage.ts'
import type { CheckpointManifest, SegmentReference } from '../../runtime/checkpoint/manifest.ts'
import { validateManifestFiles } from '../../runtime/checkpoint/manifest-codec.ts'
import { openSegment } from '../../runtime/checkpoint/segment-reader.ts'
import { writeSegment } from '../../runtime/checkpoint/segment-writer.ts'
import { manifestOf, partOf, put, show } from '../harness/checkpoint-fixtures.ts'

/** A storage with two checkpoints and the beginning of a third, and what must be in it. */
export interface Play {
  /** Checkpoints 1 and 2 are published; the third names a segment of its own, and those of the others. */
  readonly manifests: readonly [CheckpointManifest, CheckpointManifest, CheckpointManifest]
  /** One of each checkpoint. */
  readonly segments: readonly [SegmentReference, SegmentReference, SegmentReference]
}

export async function setUp(storage: CheckpointStorage): Promise<Play> {
  const segments: SegmentReference[] = []
  for (let id = 1; id <= 3; id++) {
    expect(await storage.reserveId(0)).toBe(id)
    segments.push(await someSegment(storage, id, 'counts-0-1'))
  }
  const manifests = [1, 2, 3].map((id) =>
    manifestOf(id, { subtasks: [partOf(0, segments.slice(0, id)), partOf(1, [])] }),
  )
  await storage.publish(manifests[0]!)
  await storage.publish(manifests[1]!)
  return { manifests, segments } as unknown as Play
}

/** Writes a segment whose entries follow from its checkpoint. */
export async function someSegment(
  storage: CheckpointStorage,
  checkpointId: number,
  name: string,
): Promise<SegmentReference> {
  return (await writeSegment(storage, checkpointId, name, entriesOf(checkpointId)))!
}

function entriesOf(checkpointId: number) {
  return ['a', 'b', 'c'].map((letter) => put(1, letter, `${letter} of ${checkpointId}`))
}

/** Reads all of a segment, and says whether it is what `someSegment` has written. */
export async function expectSegment(
  storage: CheckpointStorage,
  segment: SegmentReference,
  checkpointId: number,
): Promise<void> {
  expect(await linesOf(storage, segment)).toEqual(entriesOf(checkpointId).map(show))
}

async function linesOf(storage: CheckpointStorage, segment: SegmentReference): Promise<string[]> {
  const lines: string[] = []
  const reader = await openSegment(storage, segment)
  for await (const block of reader.blocks(segment.range)) lines.push(...block.map(show))
  return lines
}

/** All of a checkpoint is there, and is what was published. */
export async function expectWhole(
  storage: CheckpointStorage,
  play: Play,
  checkpointId: number,
): Promise<void> {
  const manifest = await storage.readManifest(checkpointId)
  expect(manifest).toEqual(play.manifests[checkpointId - 1])
  await validateManifestFiles(storage, manifest)
  const [{ segments } = { segments: [] }] = manifest.subtasks
  for (const [index, segment] of segments.entries()) {
    await expectSegment(storage, segment, index + 1)
  }
}

/** One thing that is asked of a storage with a play in it. */
export interface Act {
  readonly name: string
  /** It may be done when it has failed: the checkpoint that it may have added or removed. */
  readonly adds?: number
  readonly removes?: number
  /** Rejects, or does what it should: what it gets is looked at. */
  readonly run: (storage: CheckpointStorage, play: Play) => Promise<void>
}

/** Everything that a storage is asked to do, each act once. */
export const ACTS: readonly Act[] = [
  {
    name: 'reserving an id',
    run: async (storage) => {
      expect(await storage.reserveId(0)).toBeGreaterThan(3)
    },
  },
  {
    name: 'writing a segment',
    run: async (storage) => {
      const segment = await someSegment(storage, 3, 'counts-1-1')
      await expectSegment(storage, segment, 3)
    },
  },
  {
    name: 'publishing',
    adds: 3,
    run: async (storage, { manifests }) => {
      await storage.publish(manifests[2])
    },
  },
  {
    name: 'listing',
    run: async (storage) => {
      expect(await storage.list()).toEqual([1, 2])
    },
  },
  {
    name: 'reading a checkpoint',
    run: (storage, play) => expectWhole(storage, play, 2),
  },
  {
    name: 'pinning',
    run: async (storage, { segments }) => {
      const [{ file: name }] = segments
      const file = await storage.pin!(name)
      try {
        const head = await file.read(0, 4)
        const target = new Uint8Array(4)
        file.readSync(0, target)
        expect(Buffer.compare(target, head)).toBe(0)
      } finally {
        // It never rejects.
        await file.close()
      }
    },
  },
  {
    name: 'retaining',
    removes: 1,
    run: (storage, { manifests }) => storage.retain([manifests[1]], []),
  },
  {
    name: 'discarding',
    run: (storage) => storage.discard(3),
  },
]
