import {
  boundedOutOfOrderness,
  collectionSink,
  collectionSource,
  type Duration,
  job,
} from 'millrace'
import type { JobModule } from 'millrace'
import type { NexmarkEvent } from '../../../bench/nexmark/model.ts'
import { ROWS, type Query, type QueryName, type RowFormat } from '../../../bench/nexmark/query.ts'
import { query as q0 } from '../../../bench/nexmark/queries/q0.ts'
import { query as q1 } from '../../../bench/nexmark/queries/q1.ts'
import { query as q11 } from '../../../bench/nexmark/queries/q11.ts'
import { query as q12 } from '../../../bench/nexmark/queries/q12.ts'
import { query as q15 } from '../../../bench/nexmark/queries/q15.ts'
import { query as q17 } from '../../../bench/nexmark/queries/q17.ts'
import { query as q18 } from '../../../bench/nexmark/queries/q18.ts'
import { query as q19 } from '../../../bench/nexmark/queries/q19.ts'
import { query as q2 } from '../../../bench/nexmark/queries/q2.ts'
import { query as q20 } from '../../../bench/nexmark/queries/q20.ts'
import { query as q3 } from '../../../bench/nexmark/queries/q3.ts'
import { query as q4 } from '../../../bench/nexmark/queries/q4.ts'
import { query as q5 } from '../../../bench/nexmark/queries/q5.ts'
import { query as q7 } from '../../../bench/nexmark/queries/q7.ts'
import { query as q8 } from '../../../bench/nexmark/queries/q8.ts'
import { query as q9 } from '../../../bench/nexmark/queries/q9.ts'
import type { Row } from './reference.ts'

const QUERIES: Readonly<Record<QueryName, Query<object>>> = {
  q0,
  q1,
  q2,
  q3,
  q4,
  q5,
  q7,
  q8,
  q9,
  q11,
  q12,
  q15,
  q17,
  q18,
  q19,
  q20,
}

export const QUERY_NAMES: readonly QueryName[] = Object.keys(QUERIES) as QueryName[]

/** A job of one query: reads `events`, which are out of order by so much at most, and writes into `rows`. */
export function queryJob(
  name: QueryName,
  disorder: Duration,
  events: readonly NexmarkEvent[] = [],
): JobModule {
  return job(name, {}, (env) => {
    const source = env.fromSource(collectionSource(events), {
      uid: 'events',
      watermarks: boundedOutOfOrderness(disorder, (event: NexmarkEvent) => event.ts),
    })
    QUERIES[name](source).sinkTo(collectionSink(), { uid: 'rows' })
  })
}

/** The columns of the rows that a query has put out, in their order. */
export function rowsOf(name: QueryName, collected: readonly unknown[]): Row[] {
  const { columns } = ROWS[name]
  return collected.map((row) => columns.map((column) => (row as Record<string, number>)[column]!))
}

/** The last row of each key where a query refines its result, else all; as sorted lines, to be compared. */
export function resultOf(name: QueryName, rows: readonly Row[]): string[] {
  const { columns, key }: RowFormat = ROWS[name]
  const places = key?.map((column) => columns.indexOf(column))
  const last = new Map(
    rows.map((row, index) => [places?.map((at) => row[at]).join() ?? index, row.join()]),
  )
  return [...last.values()].sort()
}
