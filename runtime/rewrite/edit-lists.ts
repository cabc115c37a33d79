import { splitLists } from '../checkpoint/operator-lists.ts'
import type { ManifestSubtask } from '../checkpoint/manifest.ts'
import { StreamError } from '../errors.ts'
import { plainEntry, type SnapshotEntry } from '../inspect/snapshot-entry.ts'
import { type StoredList, storedListsIn } from '../state/operator-list-format.ts'
import { decodeValue, encodeValue } from '../value-codec.ts'
import type { ListEdit, ListEdits, OwnEdits } from './edit-plan.ts'

/** Edits the lists that subtasks keep; what is new is shared out among the subtasks of its operator. */
export async function editLists(
  parts: readonly ManifestSubtask[],
  own: OwnEdits,
): Promise<ManifestSubtask[]> {
  let edited = [...parts]
  for (const [uid, edits] of own.lists) {
    const filled = await newLists(
      edits,
      uid,
      edited.filter((part) => uid in part.watermarks).length,
    )
    let at = 0
    edited = edited.map((part) => {
      if (!(uid in part.watermarks)) return part
      const data = part.operatorState[uid]
      const lists = data === undefined ? [] : storedListsIn(decodeValue(data))
      const place = { uid, subtask: part.subtaskIndex }
      const kept = [...lists].flatMap(([name, list]) => editList(name, list, edits, place))
      const state = encodeValue(new Map([...kept, ...filled[at++]!]), uid)
      const operatorState = { ...part.operatorState, [uid]: state }
      return { ...part, operatorState }
    })
  }
  return edited
}

type NamedList = readonly [string, StoredList]

interface Place {
  readonly uid: string
  readonly subtask: number
}

/** A list as it is to be; none where it is left out. */
function editList(name: string, list: StoredList, edits: ListEdits, place: Place): NamedList[] {
  const edit = edits.get(name)
  switch (edit?.edit) {
    case undefined:
      return [[name, list]]
    case 'rename':
      return [[edit.to, list]]
    case 'change':
      return changed(name, list, edit, place)
    default:
      return []
  }
}

function changed(
  name: string,
  list: StoredList,
  { change }: Extract<ListEdit, { edit: 'change' }>,
  { uid, subtask }: Place,
): NamedList[] {
  const entry = plainEntry(subtask, list.items.map(decodeValue), list.version)
  const values = change(entry as SnapshotEntry<never>)
  if (values === undefined) return []
  if (!Array.isArray(values)) {
    throw new StreamError(
      'MR_STATE_INCOMPATIBLE',
      `State "${name}" of operator "${uid}" is a list, and its change returned ${typeof values} for subtask ${subtask}; its items cannot be told, so nothing was written; return an array, or undefined to leave the list of the subtask out.`,
      { uid, state: name },
    )
  }
  return [[name, { ...list, items: encodeAll(values, name) }]]
}

/** What each subtask gets of the lists that are filled. */
async function newLists(
  edits: ListEdits,
  uid: string,
  subtasks: number,
): Promise<(readonly NamedList[])[]> {
  const filled = new Map<string, StoredList>()
  for (const [name, edit] of edits) {
    if (edit.edit !== 'list') continue
    const values: unknown[] = []
    for await (const value of edit.items) values.push(value)
    const { kind, version } = edit.descriptor
    const items = encodeAll(values, `an item of state "${name}" of operator "${uid}"`)
    filled.set(name, { kind, version, items })
  }
  const whole = [...filled].map(([name, { items }]) => ({ name, lists: [items] }))
  return splitLists(whole, subtasks).map((share) =>
    [...filled].map(([name, list]): NamedList => [name, { ...list, items: share[name]! }]),
  )
}

function encodeAll(values: readonly unknown[], what: string): Uint8Array[] {
  return values.map((value) => encodeValue(value, what))
}
