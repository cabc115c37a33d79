import type { ManifestSubtask, OwnStates } from '../checkpoint/manifest.ts'
import { invariant, StreamError } from '../errors.ts'
import { plainEntry, type SnapshotEntry } from '../inspect/snapshot-entry.ts'
import { canonicalKey, encodeKey, keyProblem } from '../key-encoding.ts'
import type { Key } from '../key.ts'
import { broadcastStatesIn, decodeVersioned, encodeBroadcast } from '../state/broadcast-format.ts'
import { compareKeys } from '../checkpoint/entry-order.ts'
import { decodeValue, encodeValue } from '../value-codec.ts'
import type { EditPlan } from './edit-plan.ts'

type Change = (entry: SnapshotEntry<never>) => unknown

/** Edits what stands in the manifest for each subtask: what operators keep, and their broadcast states. */
export async function editOwn(
  parts: readonly ManifestSubtask[],
  { own }: EditPlan,
): Promise<ManifestSubtask[]> {
  const broadcast = new Map<string, ReadonlyMap<string, Uint8Array>>()
  for (const [uid, edits] of own.broadcast) {
    for (const [name, edit] of edits) {
      if (edit.edit !== 'broadcast') continue
      const pairs = await pairsOf(edit.entries, uid, name)
      const bytes = encodeBroadcast(pairs, name, edit.descriptor.version)
      broadcast.set(uid, new Map([...(broadcast.get(uid) ?? []), [name, bytes]]))
    }
  }
  return parts.map((part) => {
    const operatorState: Record<string, Uint8Array> = { ...part.operatorState }
    for (const uid of Object.keys(part.watermarks)) {
      const change = own.operator.get(uid)
      const data = operatorState[uid]
      if (change !== undefined && data !== undefined) {
        put(operatorState, uid, changedOwn(data, change, uid, part.subtaskIndex))
      }
      const edits = own.broadcast.get(uid)
      if (edits === undefined) continue
      const states = editBroadcast(operatorState[uid], edits)
      for (const [name, bytes] of broadcast.get(uid) ?? []) states.set(name, bytes)
      operatorState[uid] = encodeValue(states, uid)
    }
    return { ...part, operatorState }
  })
}

/** Edits the states of enumerators. */
export function editEnumerators(enumerators: OwnStates, { own }: EditPlan): OwnStates {
  const edited: Record<string, Uint8Array> = { ...enumerators }
  for (const [uid, change] of own.enumerator) {
    put(edited, uid, changedOwn(edited[uid]!, change, uid, 0))
  }
  return edited
}

function put(states: Record<string, Uint8Array>, uid: string, data: Uint8Array | undefined): void {
  if (data === undefined) delete states[uid]
  else states[uid] = data
}

function changedOwn(
  data: Uint8Array,
  change: Change | 'drop',
  uid: string,
  subtask: number,
): Uint8Array | undefined {
  const value =
    change === 'drop'
      ? undefined
      : change(plainEntry(subtask, decodeValue(data)) as SnapshotEntry<never>)
  return value === undefined ? undefined : encodeValue(value, `state of operator "${uid}"`)
}

function editBroadcast(
  data: Uint8Array | undefined,
  edits: ReadonlyMap<
    string,
    EditPlan['own']['broadcast'] extends Map<string, Map<string, infer E>> ? E : never
  >,
): Map<string, Uint8Array> {
  const before =
    data === undefined ? new Map<string, Uint8Array>() : broadcastStatesIn(decodeValue(data))
  invariant(before !== undefined, 'broadcast state was stored as something else')
  const states = new Map<string, Uint8Array>()
  for (const [name, bytes] of before) {
    const edit = edits.get(name)
    if (edit === undefined) states.set(name, bytes)
    else if (edit.edit === 'rename') states.set(edit.to, bytes)
    else if (edit.edit === 'change') states.set(name, changedPairs(bytes, edit.change, name))
  }
  return states
}

function changedPairs(bytes: Uint8Array, change: Change, name: string): Uint8Array {
  const { version, entries } = decodeVersioned(bytes)
  const pairs = entries.flatMap(([key, before]): [Key, unknown][] => {
    const value = change(plainEntry(key, before, version) as SnapshotEntry<never>)
    return value === undefined && before !== undefined ? [] : [[key, value]]
  })
  return encodeBroadcast(pairs, name, version)
}

/** In the order of the encoded keys (R17), the last of each key. */
async function pairsOf(
  entries: Iterable<readonly [Key, unknown]> | AsyncIterable<readonly [Key, unknown]>,
  uid: string,
  name: string,
): Promise<(readonly [Key, unknown])[]> {
  const pairs = new Map<unknown, readonly [Key, unknown]>()
  for await (const pair of entries) {
    const problem = keyProblem(pair[0])
    if (problem !== undefined) {
      throw new StreamError(
        'MR_KEY_INVALID',
        `A key for broadcast state "${name}" of operator "${uid}" is ${problem}; it cannot be written; keys are strings, numbers, bigints, bytes or tuples of these.`,
        { uid, state: name },
      )
    }
    pairs.set(canonicalKey(pair[0]), pair)
  }
  return [...pairs.values()].sort(([a], [b]) => compareKeys(encodeKey(a), encodeKey(b)))
}
