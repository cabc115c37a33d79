import {
  count,
  slidingEventTimeWindows,
  tumblingEventTimeWindows,
  type WindowFunction,
} from 'millrace'
import { bidsOf } from '../events.ts'
import { highest } from '../highest.ts'
import type { Query } from '../query.ts'

interface Row {
  readonly window_start: number
  readonly window_end: number
  readonly auction: number
  readonly num: number
}

const SLIDE = '2s'

/**
 * The auctions with the most bids of the last ten seconds, every two seconds.
 *
 * All rows of a sliding window have its last timestamp, and one such window ends with each slide: a tumbling one of that
 * length gathers them.
 */
export const query: Query<Row> = (events) =>
  bidsOf(events)
    .map((bid) => bid.auction)
    .keyBy((auction) => auction)
    .window(slidingEventTimeWindows('10s', SLIDE))
    .aggregate(count(), countOfAuction, { uid: 'bids-of-auction' })
    .keyBy((row) => row.window_start)
    .window(tumblingEventTimeWindows(SLIDE))
    .aggregate(
      highest((row: Row) => row.num),
      (rows, _ctx, out) => rows.forEach((row) => out.emit(row)),
      { uid: 'most-bids' },
    )

const countOfAuction: WindowFunction<number, Row, number> = (num, { key, window }, out) =>
  out.emit({ window_start: window.start, window_end: window.end, auction: key, num })
