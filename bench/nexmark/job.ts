/** A query of Nexmark as the harness runs it: the source before it, and a sink that counts behind it. */
import { boundedOutOfOrderness, job, noRestart, param } from 'millrace'
import { QUERIES } from './queries.ts'
import { type QueryName, ROWS } from './query.ts'
import { report } from './report.ts'
import { rowsSink } from './rows-sink.ts'
import { nexmarkSource } from './source.ts'

export default job(
  'nexmark',
  {
    params: {
      query: param.string('q0', 'Name of the query'),
      events: param.number(1_000_000, 'Events that are made before the clock starts'),
      rounds: param.number(1, 'How often they are replayed'),
      group: param.number(1, 'Groups of so many events are shuffled'),
      rows: param.string('', 'Folder for the rows; they are counted only where it is empty'),
    },
    restart: noRestart(),
  },
  (env, { query, events, rounds, group, rows }) => {
    const name = query as QueryName
    const source = nexmarkSource({ events, rounds, group, onFirst: (log) => log(report('first')) })
    // All of a group lies within so many ms.
    const watermarks = boundedOutOfOrderness(Math.ceil((group - 1) / 10))
    QUERIES[name](env.fromSource(source, { uid: 'events', watermarks })).sinkTo(
      rowsSink<object>(ROWS[name], rows === '' ? {} : { directory: rows }),
      { uid: 'rows' },
    )
  },
)
