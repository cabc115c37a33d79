import { LOOPS } from './loops.ts'
import type { NexmarkEvent } from './model.ts'
import { type QueryName, ROWS } from './query.ts'
import { type RowValue, type Tally, tallyColumns } from './row-hash.ts'
import { shiftOf } from './rounds.ts'

/** Runs a loop over all rounds of a pool of events, and counts and hashes its rows. */
export function hashLoop(query: QueryName, events: readonly NexmarkEvent[], rounds: number): Tally {
  const tally = { rows: 0, hash: 0 }
  readAll(query, events, rounds, tallyColumns(ROWS[query].columns.length, tally))
  return { rows: tally.rows, hash: tally.hash >>> 0 }
}

/** The rows of a loop as lines of CSV, in no order. */
export function loopLines(
  query: QueryName,
  events: readonly NexmarkEvent[],
  rounds: number,
): string[] {
  const lines: string[] = []
  readAll(query, events, rounds, (...columns) => void lines.push(columns.join()))
  return lines
}

function readAll(
  query: QueryName,
  events: readonly NexmarkEvent[],
  rounds: number,
  emit: (...columns: RowValue[]) => void,
): void {
  const loop = LOOPS[query](emit)
  for (let round = 0; round < rounds; round++) loop.read(events, shiftOf(round, events.length))
  loop.end()
}
