import { ByteWriter } from '../bytes.ts'
import { compareKeys } from '../checkpoint/entry-order.ts'
import { StreamError } from '../errors.ts'
import { keyText } from '../inspect/key-text.ts'
import {
  decodeEntry,
  decodeList,
  listPrefix,
  type SnapshotEntry,
} from '../inspect/snapshot-entry.ts'
import {
  type FrontPieces,
  stateIdIn,
  writeEntryValue,
  writeTimedEntryValue,
} from '../state/snapshot-format.ts'
import type { StateEntry } from '../state/state-backend.ts'
import type { StateKind } from '../state/state.ts'
import { listEntries } from './list-entries.ts'

/** What becomes of the entries of one state. */
export type EntryAction =
  | 'keep'
  | {
      readonly change: (entry: SnapshotEntry<never>) => unknown
      readonly kind: StateKind | 'timers'
      /** For messages. */
      readonly what: string
    }

/**
 * The entries that are left of a snapshot, ascending as they came: by state id kept, changed, or (without an action) left out.
 */
export async function* editEntries(
  batches: AsyncIterable<readonly StateEntry[]>,
  actions: ReadonlyMap<number, EntryAction>,
): AsyncGenerator<readonly StateEntry[]> {
  let list: StateEntry[] = []
  let listAction: Exclude<EntryAction, 'keep'> | undefined
  for await (const batch of batches) {
    const edited: StateEntry[] = []
    for (const entry of batch) {
      const isPiece = list.length > 0 && isSameList(list[0]!, entry)
      if (list.length > 0 && !isPiece) {
        edited.push(...changeList(list, listAction!))
        list = []
      }
      const action = actions.get(stateIdIn(entry.key))
      if (action === undefined) continue
      if (action === 'keep') edited.push(entry)
      else if (action.kind === 'list') {
        list.push(entry)
        listAction = action
      } else edited.push(...changeEntry(entry, action))
    }
    if (edited.length > 0) yield edited
  }
  if (list.length > 0) yield changeList(list, listAction!)
}

function isSameList(a: StateEntry, b: StateEntry): boolean {
  return compareKeys(listPrefix(a.key), listPrefix(b.key)) === 0
}

type Change = Exclude<EntryAction, 'keep'>

function changeEntry(stored: StateEntry, { change, kind, what }: Change): StateEntry[] {
  const entry = decodeEntry(stored, kind)
  const value = change(entry as SnapshotEntry<never>)
  if (Object.is(value, entry.value)) return [stored]
  if (value === undefined) return []
  return [{ ...stored, value: encodeChanged(entry, value, what) }]
}

/** A list whose elements have changed is written anew, all its pieces. */
function changeList(pieces: readonly StateEntry[], { change, what }: Change): StateEntry[] {
  const entry = decodeList(pieces)
  const value = change(entry as SnapshotEntry<never>)
  if (Object.is(value, entry.value)) return [...pieces]
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return []
  if (!Array.isArray(value)) throw noList(entry, what)
  if (entry.elementVersions !== undefined) throw mixedVersions(entry, what)
  const prefix = listPrefix(pieces[0]!.key)
  const { elementAccesses, lastAccess = -Infinity } = entry
  const list = value as readonly unknown[]
  const all = elementAccesses && list.map((_, i) => elementAccesses[i] ?? lastAccess)
  return listEntries(prefix, list, (start, end, front) => {
    const accesses = all?.slice(start, end)
    return encodeChanged(
      { ...entry, elementAccesses: accesses },
      list.slice(start, end),
      what,
      front,
    )
  })
}

/** With the version and the time of last access that it had. */
function encodeChanged(
  entry: SnapshotEntry,
  value: unknown,
  what: string,
  front?: FrontPieces,
): Uint8Array {
  const { version, timeDomain: domain, elementAccesses } = entry
  const writer = new ByteWriter()
  if (domain === undefined) writeEntryValue(writer, version, value, what, front)
  else {
    const access = { lastAccess: lastAccessOf(entry), elementAccesses: elementAccesses?.slice() }
    writeTimedEntryValue(writer, { version, value, what, domain, access, front })
  }
  return writer.copy()
}

/** Of a list that of the element that was used last. */
function lastAccessOf({ lastAccess = -Infinity, elementAccesses }: SnapshotEntry): number {
  if (elementAccesses === undefined) return lastAccess
  return elementAccesses.reduce((a, b) => Math.max(a, b), -Infinity)
}

function noList({ key }: SnapshotEntry, what: string): StreamError {
  return new StreamError(
    'MR_VALUE_UNSUPPORTED',
    `The list of key ${keyText(key)} of ${what} is changed into something that is no array; it could not be read, so nothing was written; return an array of its elements, or undefined to drop it.`,
  )
}

/** Whoever changes such a list would have to say of each element which version it is of by then. */
function mixedVersions({ key, elementVersions }: SnapshotEntry, what: string): StreamError {
  const versions = [...new Set(elementVersions)].sort((a, b) => a - b).join(' and ')
  return new StreamError(
    'MR_STATE_INCOMPATIBLE',
    `The list of key ${keyText(key)} of ${what} has elements of schema versions ${versions}, as it was added to and not read since they changed; what it is changed into has no version, so nothing was written; leave it as it is, drop it, or put another list in its place with putEntries.`,
  )
}
