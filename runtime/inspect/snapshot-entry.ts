import { ByteWriter } from '../bytes.ts'
import { compareKeys } from '../checkpoint/entry-order.ts'
import { readKey } from '../key-encoding.ts'
import type { Key } from '../key.ts'
import {
  frontPiecesIn,
  type LastAccess,
  readEntryKey,
  readEntryValue,
  readTimedEntryValue,
  readTimerKey,
  timeDomainIn,
  versionOf,
  writeEntryValue,
  writeTimedEntryValue,
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
  /** The schema version of each element of a list where they differ; `version` is the lowest then. */
  readonly elementVersions?: readonly number[]
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
  for await (const pieces of piecesOfLists(batches)) yield decodeList(pieces)
}

/** The stored pieces of one list after another, in the order in which they are stored. */
export async function* piecesOfLists(
  batches: AsyncIterable<readonly StateEntry[]>,
): AsyncGenerator<readonly StateEntry[]> {
  let pieces: StateEntry[] = []
  for await (const batch of batches) {
    for (const entry of batch) {
      const first = pieces[0]
      if (first !== undefined && compareKeys(listPrefix(first.key), listPrefix(entry.key)) !== 0) {
        yield pieces
        pieces = []
      }
      pieces.push(entry)
    }
  }
  if (pieces.length > 0) yield pieces
}

/** The stored pieces of a list as one entry. */
export function decodeList(pieces: readonly StateEntry[]): SnapshotEntry {
  return joinPieces(pieces.map((piece) => decodeEntry(piece, 'list')))
}

/** The value of a list as it is stored in one piece, so that lists can be compared however they are cut. */
export function encodeWhole(pieces: readonly StateEntry[], what: string): Uint8Array {
  const [only] = pieces as [StateEntry]
  if (pieces.length === 1 && frontPiecesIn(only.value) === undefined) return only.value
  const { value, version, elementVersions, lastAccess, elementAccesses, timeDomain } =
    decodeList(pieces)
  const writer = new ByteWriter()
  if (timeDomain === undefined) writeEntryValue(writer, version, value, what)
  else {
    const access = { lastAccess: lastAccess!, elementAccesses: elementAccesses?.slice() }
    writeTimedEntryValue(writer, { version, value, what, domain: timeDomain, access })
  }
  for (const one of elementVersions ?? []) writer.varint(one)
  return writer.copy()
}

/** Length of the sub-key of a list. */
const PIECE_BYTES = 4

/** The key of a piece of a list without its sub-key. */
export function listPrefix(key: Uint8Array): Uint8Array {
  return key.subarray(0, key.length - PIECE_BYTES)
}

/** All pieces of one list as one entry, given in the order in which they are stored, in which the last piece comes first. */
function joinPieces(stored: readonly SnapshotEntry[]): SnapshotEntry {
  const [last, ...full] = stored as [SnapshotEntry, ...SnapshotEntry[]]
  if (full.length === 0) return last
  const value: unknown[] = []
  const versions: number[] = []
  const accesses: number[] = []
  let bytes = 0
  for (const piece of [...full, last]) {
    const elements = piece.value as readonly unknown[]
    const isTimed = piece.timeDomain === last.timeDomain
    for (const [i, element] of elements.entries()) {
      value.push(element)
      versions.push(piece.version)
      accesses.push((isTimed ? piece.elementAccesses?.[i] : undefined) ?? -Infinity)
    }
    bytes += piece.bytes
  }
  const version = versions.reduce((a, b) => Math.min(a, b), Infinity)
  const isMixed = versions.some((one) => one !== version)
  const isTimed = last.timeDomain !== undefined
  return {
    ...last,
    value,
    version,
    bytes,
    lastAccess: isTimed ? accesses.reduce((a, b) => Math.max(a, b), -Infinity) : undefined,
    elementAccesses: isTimed ? accesses : undefined,
    ...(isMixed ? { elementVersions: versions } : {}),
  }
}
