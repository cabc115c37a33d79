import { LATE, MAIN } from './case-job.ts'
import { keyOf, keyText } from './event.ts'
import type { EventTable } from './event-table.ts'
import type { OracleCase } from './oracle-case.ts'
import type { Row } from './oracle-operator.ts'

export type Collected = Readonly<Record<string, readonly unknown[]>>

/** Compares what a case has put out with what it must; what is wrong, or an empty text. */
export async function judge(
  of: OracleCase,
  collected: Collected,
  table: EventTable,
): Promise<string> {
  const { operator, params, stream, keyKind } = of
  const events = await table.load(stream.splits, (event) => keyText(keyOf(keyKind, event.key)))
  const possiblyLate = await table.idsWhere(operator.late(params))
  const told = collected[LATE] as readonly Row[] | undefined
  const { certainty } = stream
  let late: ReadonlySet<number> = possiblyLate
  if (certainty !== 'exact') {
    // Which events are late is taken from the job where there is no one answer; it then has to be consistent with itself.
    const problem = lateProblem(told ?? [], possiblyLate, certainty)
    if (problem !== '') return problem
    late = new Set((told ?? []).map(([id]) => id as number))
  }
  await table.setLate(late)
  const question = { certainty, table, events, late }
  const rows = collected[MAIN] as readonly Row[]
  const { late: exactlyLate = late, ...expected } = await operator.expected(question, params)
  if (told !== undefined) {
    const lateRows = events.filter(({ id }) => exactlyLate.has(id)).map(({ id, t }): Row => [id, t])
    const difference = differenceOf(told, lateRows)
    if (difference !== '') return `late events: ${difference}`
  }
  if (certainty === 'loose' && operator.justify !== undefined) {
    return operator.justify(question, params, rows)
  }
  return (
    differenceOf(rows, expected.rows) ||
    (operator.isOrdered ? orderProblem(rows, expected.rows) : '')
  )
}

/** Each event is late once at most, and only where it may be (R41). */
function lateProblem(
  told: readonly Row[],
  possible: ReadonlySet<number>,
  certainty: string,
): string {
  if (certainty === 'in-time' && told.length > 0)
    return `${told.length} events are late though none can be`
  const unjust = told.filter(([id]) => !possible.has(id as number))
  if (unjust.length > 0)
    return `event ${unjust[0]![0]} is late though its own split holds the watermark back`
  return ''
}

/** What is too much and what is missing, as multisets; empty when nothing is. */
export function differenceOf(actual: readonly Row[], expected: readonly Row[]): string {
  const counts = new Map<string, number>()
  for (const row of expected) add(counts, JSON.stringify(row), 1)
  for (const row of actual) add(counts, JSON.stringify(row), -1)
  const missing = [...counts].filter(([, count]) => count > 0)
  const extra = [...counts].filter(([, count]) => count < 0)
  if (missing.length + extra.length === 0) return ''
  const shown = (rows: readonly (readonly [string, number])[]): string =>
    rows
      .slice(0, 3)
      .map(([row]) => row)
      .join(' ')
  return `${missing.length} rows are missing (${shown(missing)}), ${extra.length} are too much (${shown(extra)}), of ${expected.length}`
}

function add(counts: Map<string, number>, row: string, change: number): void {
  counts.set(row, (counts.get(row) ?? 0) + change)
}

/** Rows of one key come in their order. */
export function orderProblem(actual: readonly Row[], expected: readonly Row[]): string {
  const lines = linesByKey(expected)
  for (const [key, found] of linesByKey(actual)) {
    const at = found.findIndex((row, index) => row !== lines.get(key)![index])
    if (at !== -1) return `key ${key}: row ${at} is ${found[at]}, not ${lines.get(key)![at]}`
  }
  return ''
}

function linesByKey(rows: readonly Row[]): Map<string, string[]> {
  const lines = new Map<string, string[]>()
  for (const row of rows) {
    const key = String(row[0])
    const known = lines.get(key)
    if (known === undefined) lines.set(key, [JSON.stringify(row)])
    else known.push(JSON.stringify(row))
  }
  return lines
}
