import type { StoredList, StoredLists } from '../state/operator-list-format.ts'
import { splitLists } from './operator-lists.ts'

/**
 * Spreads the lists that users have declared over new subtasks (semantics 2.9): each subtask gets its share of one, or its own
 * where their number stays, and all items of a union list. Items stay as they are encoded. Pure.
 *
 * Where all old subtasks have finished, union lists are shared out too: nobody takes up their part any more, and they would
 * grow with every restart.
 */
export function spreadLists(
  states: readonly StoredLists[],
  parallelism: number,
  hasFinished: boolean,
): Map<string, StoredList>[] {
  const heads = new Map(states.flatMap((lists) => [...lists]))
  const named = [...heads.keys()].map((name) => ({
    name,
    lists: states.map((lists) => lists.get(name)?.items ?? []),
  }))
  const isUnion = (name: string): boolean => heads.get(name)!.kind === 'union-list' && !hasFinished
  const shares = splitLists(
    named.filter(({ name }) => !isUnion(name)),
    parallelism,
  )
  return shares.map((share) => {
    const spread = named.map(({ name, lists }): [string, StoredList] => {
      const { kind, version } = heads.get(name)!
      return [name, { kind, version, items: isUnion(name) ? lists.flat() : share[name]! }]
    })
    return new Map(spread)
  })
}
