/** A state that consists of items: the list of each old subtask, in their order. */
export interface SpreadList<T = unknown> {
  readonly name: string
  readonly lists: readonly (readonly T[])[]
}

/**
 * Spreads the items of several lists over new subtasks (semantics 2.9): all items in their order, so many in a row for each
 * subtask, and one more for each of the first ones where they do not go even. Who is first with a list is who came next after
 * those that got one more of the list before it, so that many small lists do not all land on subtask 0. Where the number of
 * subtasks stays, each keeps its own. Pure.
 */
export function splitLists<T>(
  states: readonly SpreadList<T>[],
  parallelism: number,
): Record<string, T[]>[] {
  const spread = Array.from({ length: parallelism }, (): Record<string, T[]> => ({}))
  let first = 0
  for (const { name, lists } of states) {
    if (lists.length === parallelism) {
      for (const [subtask, list] of lists.entries()) spread[subtask]![name] = [...list]
      continue
    }
    const items = lists.flat()
    const each = Math.floor(items.length / parallelism)
    const extra = items.length % parallelism
    for (let turn = 0, at = 0; turn < parallelism; turn++) {
      const end = at + each + (turn < extra ? 1 : 0)
      spread[(first + turn) % parallelism]![name] = items.slice(at, end)
      at = end
    }
    first = (first + extra) % parallelism
  }
  return spread
}

/**
 * The same where some items belong to a certain subtask: each gets its own first, in their order, and then its share of those
 * that have no owner. Pure.
 */
export function splitByOwner<T>(
  states: readonly SpreadList<T>[],
  parallelism: number,
  ownerOf: (item: T) => number | undefined,
): Record<string, T[]>[] {
  const others = states.map(({ name, lists }) => ({
    name,
    lists: lists.map((list) => list.filter((item) => ownerOf(item) === undefined)),
  }))
  const spread = splitLists(others, parallelism)
  for (const { name, lists } of states) {
    const owned = Array.from({ length: parallelism }, (): T[] => [])
    for (const item of lists.flat()) {
      const owner = ownerOf(item)
      if (owner !== undefined) owned[owner]!.push(item)
    }
    for (const [subtask, state] of spread.entries()) {
      state[name] = [...owned[subtask]!, ...state[name]!]
    }
  }
  return spread
}
