import { ByteWriter } from '../bytes.ts'
import { compareKeys } from '../checkpoint/entry-order.ts'
import {
  decodeEntry,
  joinPieces,
  listPrefix,
  type SnapshotEntry,
} from '../inspect/snapshot-entry.ts'
import {
  stateIdIn,
  writeEntryValue,
  writePiece,
  writeTimedEntryValue,
} from '../state/snapshot-format.ts'
import type { StateEntry } from '../state/state-backend.ts'
import type { StateKind } from '../state/state.ts'

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

/** A list whose elements have changed is written in one piece. */
function changeList(pieces: readonly StateEntry[], { change, what }: Change): StateEntry[] {
  const entry = joinPieces(pieces.map((piece) => decodeEntry(piece, 'list')))
  const value = change(entry as SnapshotEntry<never>)
  if (Object.is(value, entry.value)) return [...pieces]
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return []
  const writer = new ByteWriter()
  writer.append(listPrefix(pieces[0]!.key))
  writePiece(writer, 0)
  return [{ key: writer.copy(), kind: 'put', value: encodeChanged(entry, value, what) }]
}

/** With the version and the time of last access that it had. */
function encodeChanged(entry: SnapshotEntry, value: unknown, what: string): Uint8Array {
  const { version, timeDomain: domain, lastAccess = -Infinity, elementAccesses } = entry
  const writer = new ByteWriter()
  if (domain === undefined) writeEntryValue(writer, version, value, what)
  else {
    const isList = elementAccesses !== undefined && Array.isArray(value)
    const accesses = isList ? value.map((_, i) => elementAccesses[i] ?? lastAccess) : undefined
    const access = { lastAccess, elementAccesses: accesses }
    writeTimedEntryValue(writer, { version, value, what, domain, access })
  }
  return writer.copy()
}
