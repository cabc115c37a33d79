import type { OperatorStateKind } from './operator-state.ts'

/*
 * How operator lists stand in the operator state of a subtask:
 *
 *   Map   name → list      in the order in which they are declared
 *   list                   { kind, version, items }
 *   items                  an array of bytes, an item each: what divides lists decodes none of them
 */

/** One list as it stands in a snapshot. */
export interface StoredList {
  readonly kind: OperatorStateKind
  /** Schema version of its items. */
  readonly version: number
  /** Each encoded by itself, with the value codec. */
  readonly items: readonly Uint8Array[]
}

export type StoredLists = ReadonlyMap<string, StoredList>

/** What the operator state of a subtask holds of its lists, by name: none where it is something else. */
export function storedListsIn(state: unknown): StoredLists {
  const lists = new Map<string, StoredList>()
  if (!(state instanceof Map)) return lists
  for (const [name, list] of state as ReadonlyMap<string, Partial<StoredList>>) {
    if (list.items !== undefined) lists.set(name, list as StoredList)
  }
  return lists
}
