import { compareKeys } from '../checkpoint/entry-order.ts'
import type { SnapshotEntry } from './snapshot-entry.ts'

/** An entry in the order of its snapshot, with what it is compared by. */
export interface OrderedEntry {
  /** Key group, key, namespace and sub-key as bytes. */
  readonly order: Uint8Array
  readonly stored: Uint8Array
  readonly entry: () => SnapshotEntry
}

/** What became of one entry from one snapshot to another. */
export interface SnapshotChange {
  readonly change: 'added' | 'removed' | 'changed'
  readonly uid: string
  readonly state: string
  /** As it was, undefined where it was not there. */
  readonly before: SnapshotEntry | undefined
  /** As it is, undefined where it is no longer there. */
  readonly after: SnapshotEntry | undefined
}

/** Compares two ascending sequences; holds one entry of each. */
export async function* compareEntries(
  before: AsyncIterator<OrderedEntry>,
  after: AsyncIterator<OrderedEntry>,
): AsyncGenerator<Omit<SnapshotChange, 'uid' | 'state'>> {
  try {
    yield* compare(before, after)
  } finally {
    await before.return?.()
    await after.return?.()
  }
}

async function* compare(
  before: AsyncIterator<OrderedEntry>,
  after: AsyncIterator<OrderedEntry>,
): AsyncGenerator<Omit<SnapshotChange, 'uid' | 'state'>> {
  let left = await before.next()
  let right = await after.next()
  while (left.done !== true || right.done !== true) {
    const order = orderOf(left, right)
    if (order < 0) {
      yield { change: 'removed', before: left.value!.entry(), after: undefined }
    } else if (order > 0) {
      yield { change: 'added', before: undefined, after: right.value!.entry() }
    } else if (compareKeys(left.value!.stored, right.value!.stored) !== 0) {
      yield { change: 'changed', before: left.value!.entry(), after: right.value!.entry() }
    }
    if (order <= 0) left = await before.next()
    if (order >= 0) right = await after.next()
  }
}

function orderOf(left: IteratorResult<OrderedEntry>, right: IteratorResult<OrderedEntry>): number {
  if (left.done === true) return 1
  return right.done === true ? -1 : compareKeys(left.value.order, right.value.order)
}
