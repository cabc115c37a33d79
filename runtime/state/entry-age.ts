import type { CellTtl } from './cell-ttl.ts'
import { type LastAccess, lastAccessIn, readTimedEntryValue } from './snapshot-format.ts'
import { ABSENT, type CellState, EVICTED, type StateCell } from './state-cell.ts'

type TimedState = CellState & { readonly ttl: CellTtl }

/**
 * When the part of an entry was used that has not been used for longest: its value, or one of the elements of a list;
 * -Infinity where no time is known. The values of lists are decoded for that, others are not.
 */
export function oldestAccessIn(stored: Uint8Array, { kind, ttl }: TimedState): number {
  if (kind !== 'list') return lastAccessIn(stored, ttl.domain)
  const access: LastAccess = { lastAccess: -Infinity, elementAccesses: undefined }
  readTimedEntryValue(stored, ttl.domain, access)
  return oldestOf(access)
}

/** The same of a cell; Infinity where there is no value. */
export function oldestAccessOf(cell: StateCell, state: TimedState): number {
  const { value, encoded } = cell
  if (value === ABSENT) return Infinity
  // Only the spill knows: as if there were none, so that it is loaded.
  if (value === EVICTED && encoded === undefined) return -Infinity
  if (value === EVICTED) return oldestAccessIn(encoded!, state)
  return state.kind === 'list' ? oldestOf(cell) : cell.lastAccess
}

function oldestOf({ elementAccesses }: LastAccess): number {
  if (elementAccesses === undefined) return -Infinity
  let oldest = Infinity
  for (const access of elementAccesses) if (access < oldest) oldest = access
  return oldest
}
