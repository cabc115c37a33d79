import { existsSync, writeFileSync } from 'node:fs'
import {
  boundedOutOfOrderness,
  collectionSink,
  fixedDelayRestart,
  job,
  type Out,
  param,
  RestartableError,
} from 'millrace'
import type { NexmarkEvent } from '../../../bench/nexmark/model.ts'
import { QUERIES } from '../../../bench/nexmark/queries.ts'
import type { QueryName } from '../../../bench/nexmark/query.ts'
import { nexmarkSource } from '../../../bench/nexmark/source.ts'

/** Queries of Nexmark over one stream, out of order by a group; fails once, as soon as a file is there. */
export default job(
  'nexmark-queries',
  {
    params: {
      queries: param.string('q0', 'Names of the queries'),
      events: param.number(100_000, 'How many there are'),
      group: param.number(1, 'Groups of so many events are shuffled'),
      failAt: param.string('', 'File that makes it fail; a second one says that it has'),
    },
    restart: fixedDelayRestart({ attempts: 1, delay: 0 }),
  },
  (env, { queries, events, group, failAt }) => {
    const source = env
      .fromSource(nexmarkSource({ events, group }), {
        uid: 'events',
        watermarks: boundedOutOfOrderness(Math.ceil((group - 1) / 10)),
      })
      .process((event: NexmarkEvent, _ctx, out: Out<NexmarkEvent>) => {
        // One event in 500 looks.
        if (event.kind === 'person' && event.id % 10 === 0 && failAt !== '') failOnce(failAt)
        out.emit(event)
      })
    for (const name of queries.split(',')) {
      QUERIES[name as QueryName](source).sinkTo(collectionSink(), { uid: name })
    }
  },
)

function failOnce(path: string): void {
  if (!existsSync(path) || existsSync(`${path}.done`)) return
  writeFileSync(`${path}.done`, '')
  throw new RestartableError('MR_FUNCTION_FAILED', 'fails once, behind a checkpoint')
}
