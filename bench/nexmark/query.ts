import type { DataStream } from 'millrace'
import type { NexmarkEvent } from './model.ts'

/**
 * A query as an ordinary millrace job: from the events to its rows, without the sink. `queries/q5.ts` exports that of q5 as
 * `query`.
 *
 * A row is a plain object with the columns of `ROWS`, numbers and texts, in that order. Where a query refines its result, as
 * many rows come as it likes; the last one of each key counts.
 *
 * @example
 * export const query: Query<Q2Row> = (events) => events.filter<Bid>((event) => event.kind === 'bid').flatMap(…)
 */
export type Query<Row extends object> = (events: DataStream<NexmarkEvent>) => DataStream<Row>

/** How the rows of a query look. */
export interface RowFormat {
  readonly columns: readonly string[]
  /** The columns that say which row it is, where later rows replace earlier ones. */
  readonly key?: readonly string[]
}

/** The queries and their rows. */
export const ROWS = {
  q0: { columns: ['auction', 'bidder', 'price', 'ts'] },
  q1: { columns: ['auction', 'bidder', 'price_milli_eur', 'ts'] },
  q2: { columns: ['auction', 'price', 'ts'] },
  q3: { columns: ['name', 'city', 'state', 'id'] },
  q4: { columns: ['category', 'sum_final', 'n_auctions', 'avg_final'], key: ['category'] },
  q5: { columns: ['window_start', 'window_end', 'auction', 'num'] },
  q7: { columns: ['auction', 'price', 'bidder', 'ts', 'window_start'] },
  q8: { columns: ['id', 'name', 'ws'] },
  q9: {
    columns: ['id', 'seller', 'category', 'auction_ts', 'expires', 'bidder', 'price', 'bid_ts'],
  },
  q11: { columns: ['bidder', 'bid_count', 'starttime', 'endtime'] },
  q12: { columns: ['bidder', 'bid_count', 'window_start'] },
  /** One row at the end of each day. */
  q15: {
    columns: ['total_bids', 'r1', 'r2', 'r3', 'tb', 'b1', 'b2', 'b3', 'ta', 'a1', 'a2', 'a3'],
  },
  q17: {
    columns: ['auction', 'total_bids', 'r1', 'r2', 'r3', 'mn', 'mx', 'avg_price', 'sum_price'],
    key: ['auction'],
  },
  q18: { columns: ['bidder', 'auction', 'last_ts'], key: ['bidder', 'auction'] },
  q19: { columns: ['auction', 'price', 'rank_number'], key: ['auction', 'rank_number'] },
  q20: { columns: ['auction', 'bidder', 'price', 'ts', 'seller', 'expires'] },
} as const satisfies Record<string, RowFormat>

export type QueryName = keyof typeof ROWS
