import type { CheckpointStorage } from '../../runtime/checkpoint/checkpoint-storage.ts'
import {
  type CheckpointManifest,
  MANIFEST_VERSION,
  type ManifestSubtask,
  type SegmentReference,
} from '../../runtime/checkpoint/manifest.ts'
import { type ChainKey, chainKey } from '../../runtime/checkpoint/segment-chains.ts'
import type { StateEntry } from '../../runtime/state/state-backend.ts'

/** A manifest of a small job; `subtasks` and what else matters to a test as given. */
export function manifestOf(
  checkpointId: number,
  changes: Partial<CheckpointManifest> = {},
): CheckpointManifest {
  return {
    version: MANIFEST_VERSION,
    millrace: '0.1.0',
    job: 'fraud',
    lineage: '0123456789abcdef',
    checkpointId,
    kind: 'checkpoint',
    ancestry: [{ lineage: 'fedcba9876543210', checkpointId: 7 }],
    createdAt: 1_700_000_000_000 + checkpointId,
    params: { input: 'cards.csv', rate: 0, strict: false },
    workingDirectory: '/home/me',
    sources: { 'job.ts': 'ab12' },
    parallelism: 2,
    maxParallelism: 128,
    operators: [
      {
        uid: 'cards',
        name: 'cards',
        kind: 'source',
        parallelism: 2,
        identity: { path: 'cards.csv' },
      },
      { uid: 'counts', name: 'counts', kind: 'process', parallelism: 2 },
    ],
    states: [
      { stateId: 1, uid: 'counts', name: 'seen', kind: 'map', version: 1 },
      { stateId: 2, uid: 'counts', name: '!event-timers', kind: 'timers', version: 1 },
    ],
    subtasks: [],
    enumerators: { cards: Uint8Array.of(0, 1, 2) },
    ...changes,
  }
}

/** The chains of a checkpoint, for a run whose subtasks all go on with their own. */
export function continuingOf(
  base: CheckpointManifest | undefined,
): Map<ChainKey, readonly SegmentReference[]> {
  return new Map(
    base?.subtasks.map((part) => [chainKey(part.vertex, part.subtaskIndex), part.segments]),
  )
}

/** The part of one subtask that names these segments. */
export function partOf(
  subtaskIndex: number,
  segments: readonly SegmentReference[],
  vertex = 'counts',
): ManifestSubtask {
  return {
    vertex,
    subtaskIndex,
    segments,
    operatorState: { counts: Uint8Array.of(1, 2, 3) },
    watermarks: { counts: 5, cards: null, alerts: 'max' },
    isFinished: false,
  }
}

/** Writes a file of some bytes and names it as a segment; its content is not that of one. */
export async function writeFile(
  storage: CheckpointStorage,
  checkpointId: number,
  name: string,
  content = `${checkpointId} ${name}`,
): Promise<SegmentReference> {
  const writer = await storage.create(checkpointId, name)
  await writer.write(Buffer.from(content))
  const { name: file, bytes } = await writer.finish()
  return { file, bytes, entries: 1, range: { first: 0, last: 127 } }
}

/** An entry of key group `group` and state 1, whose key goes on with these letters. */
export function put(group: number, letters: string, value = letters): StateEntry {
  return { key: keyOf(group, letters), kind: 'put', value: new Uint8Array(Buffer.from(value)) }
}

export function remove(group: number, letters: string): StateEntry {
  return { key: keyOf(group, letters), kind: 'delete', value: new Uint8Array(0) }
}

export function clear(group: number, letters: string): StateEntry {
  return { key: keyOf(group, letters), kind: 'clear', value: new Uint8Array(0) }
}

/** An entry as a line: `put 3:abc=value`. */
export function show({ key, kind, value }: StateEntry): string {
  const name = `${kind} ${key[0]! * 256 + key[1]!}:${Buffer.from(key.subarray(4)).toString('latin1')}`
  return kind === 'put' ? `${name}=${Buffer.from(value).toString('latin1')}` : name
}

function keyOf(group: number, letters: string): Uint8Array {
  return new Uint8Array([group >> 8, group & 0xff, 0, 1, ...Buffer.from(letters, 'latin1')])
}
