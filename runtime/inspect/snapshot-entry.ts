import { compareKeys } from '../checkpoint/entry-order.ts'
import { readKey } from '../key-encoding.ts'
import type { Key } from '../key.ts'
import {
  type LastAccess,
  readEntryKey,
  readEntryValue,
  readTimedEntryValue,
  readTimerKey,
  timeDomainIn,
  versionOf,
} from '../state/snapshot-format.ts'
import type { StateEntry } from '../state/state-backend.ts'
import type { TtlTimeDomain } from '../state/state-ttl.ts'
import type { SnapshotStateKind } from './snapshot-states.ts'

/** One entry of a state in a snapshot. */
export interface SnapshotEntry<V = unknown> {
  /** The key; of broadcast state that of the entry; of operator state and lists of subtasks the number of the subtask. */
  readonly key: Key
  /** Undefined for the default one; windows keep their contents under others. */
  readonly namespace: Key | undefined
  /** Of map state: the key within the map. */
  readonly mapKey: Key | undefined
  /** The value; of a list all elements; of a timer its timestamp; of an aggregating state the accumulator. */
  readonly value: V
  /** The schema version that it was written with. */
  readonly version: number
  /** Size of what is stored in segments, key and value; 0 for what stands in the manifest. */
  readonly bytes: number
  /** When it was last used, where it has a time to live; -Infinity where that is not known. */
  readonly lastAccess: number | undefined
  /** The same for each element of a list. */
  readonly elementAccesses: readonly number[] | undefined
  /** The clock of `lastAccess`. */
  readonly timeDomain: TtlTimeDomain | undefined
}

/** Decodes the stored entries of one state, ascending; the pieces of a list become one entry. */
export async function* decodeEntries(
  batches: AsyncIterable<readonly StateEntry[]>,
  kind: SnapshotStateKind,
): AsyncGenerator<SnapshotEntry> {
  if (kind === 'list') {
    yield* decodeLists(batches)
    return
  }
  for await (const batch of batches) for (const entry of batch) yield decodeEntry(entry, kind)
}

/** One stored entry of a state; of a list one piece. */
export function decodeEntry(entry: StateEntry, kind: SnapshotStateKind): SnapshotEntry {
  const bytes = entry.key.length + entry.value.length
  const version = versionOf(entry.value)
  if (kind === 'timers') {
    const { key, namespace, timestamp } = readTimerKey(entry.key)
    return { key, namespace, version, bytes, ...UNTIMED, mapKey: undefined, value: timestamp }
  }
  const { key, namespace, subKey } = readEntryKey(entry.key)
  const mapKey = kind === 'map' ? readKey(subKey) : undefined
  return { key, namespace, version, bytes, mapKey, ...decodeStored(entry.value) }
}

const UNTIMED = { lastAccess: undefined, elementAccesses: undefined, timeDomain: undefined }

function decodeStored(
  stored: Uint8Array,
): Pick<SnapshotEntry, 'value' | 'lastAccess' | 'elementAccesses' | 'timeDomain'> {
  const timeDomain = timeDomainIn(stored)
  if (timeDomain === undefined) return { ...UNTIMED, value: readEntryValue(stored) }
  const access: LastAccess = { lastAccess: -Infinity, elementAccesses: undefined }
  const value = readTimedEntryValue(stored, timeDomain, access)
  return { value, timeDomain, ...access }
}

/** An entry that stands in the manifest. */
export function plainEntry(key: Key, value: unknown, version = 1): SnapshotEntry {
  return { ...UNTIMED, key, namespace: undefined, mapKey: undefined, value, version, bytes: 0 }
}

async function* decodeLists(
  batches: AsyncIterable<readonly StateEntry[]>,
): AsyncGenerator<SnapshotEntry> {
  let prefix: Uint8Array | undefined
  let pieces: SnapshotEntry[] = []
  for await (const batch of batches) {
    for (const entry of batch) {
      const piece = decodeEntry(entry, 'list')
      const own = listPrefix(entry.key)
      if (prefix !== undefined && compareKeys(prefix, own) !== 0) {
        yield joinPieces(pieces)
        pieces = []
      }
      prefix = own.slice()
      pieces.push(piece)
    }
  }
  if (pieces.length > 0) yield joinPieces(pieces)
}

/** Length of the sub-key of a list. */
const PIECE_BYTES = 4

/** The key of a piece of a list without its sub-key. */
export function listPrefix(key: Uint8Array): Uint8Array {
  return key.subarray(0, key.length - PIECE_BYTES)
}

/** All pieces of one list, in their order, as one entry. */
export function joinPieces(pieces: readonly SnapshotEntry[]): SnapshotEntry {
  if (pieces.length === 1) return pieces[0]!
  const timed = pieces.filter((piece) => piece.timeDomain !== undefined)
  const accesses = pieces.flatMap((piece) => piece.elementAccesses ?? [])
  return {
    ...pieces[0]!,
    value: pieces.flatMap((piece) => piece.value as readonly unknown[]),
    version: Math.min(...pieces.map((piece) => piece.version)),
    bytes: pieces.reduce((sum, piece) => sum + piece.bytes, 0),
    lastAccess: timed.length === 0 ? undefined : Math.max(...timed.map((one) => one.lastAccess!)),
    elementAccesses: timed.length === 0 ? undefined : accesses,
    timeDomain: timed[0]?.timeDomain,
  }
}
