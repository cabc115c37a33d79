import {
  boundedOutOfOrderness,
  collectionSink,
  collectionSource,
  type Duration,
  job,
  type JobModule,
} from 'millrace'
import { QUERIES } from '../../../bench/nexmark/queries.ts'
import type { NexmarkEvent } from '../../../bench/nexmark/model.ts'
import { ROWS, type QueryName, type RowFormat } from '../../../bench/nexmark/query.ts'
import type { Row } from './reference.ts'

export const QUERY_NAMES: readonly QueryName[] = Object.keys(QUERIES) as QueryName[]

/** A job of one query: reads `events`, which are out of order by so much at most, and writes into `rows`. */
export function queryJob(name: QueryName, disorder: Duration): JobModule {
  return job(name, {}, (env) => {
    const source = env.fromSource(collectionSource<NexmarkEvent>([]), {
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
