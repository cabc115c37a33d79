import { boundedOutOfOrderness, fileSource, job, json, param } from 'millrace'
import { eventTime, s3Sink } from 'millrace/aws'
import { parquet } from 'millrace/formats'
import type { Click } from './generated/clicks.ts'

const DAY_MS = 86_400_000

/**
 * Many small objects into few large ones, exactly once: reads the lines of JSON below a raw prefix, and writes a table of Parquet below
 * another one. Objects are as large as what comes between two checkpoints, so let there be minutes between them:
 *
 *     millrace run examples/compact-lake.ts --checkpoint-interval 10m --param every=60
 */
export default job(
  'compact-lake',
  {
    params: {
      raw: param.string('s3://lake/raw/**/*.jsonl.gz', 'Small objects of clicks'),
      lake: param.string('s3://lake/curated', 'Where the table is'),
      every: param.number(
        0,
        'Seconds between two looks for new objects; 0: only those that are there',
      ),
    },
  },
  (env, { raw, lake, every }) => {
    env
      .fromSource(
        fileSource({
          path: raw,
          format: json<Click>(),
          ...(every > 0 && { discoveryInterval: every * 1_000 }),
        }),
        { uid: 'raw', watermarks: boundedOutOfOrderness('1m', ({ at }) => at) },
      )
      // A partition is written by one subtask, so that it gets one object a checkpoint and not one from each.
      .keyBy(({ at, country }) => [Math.floor(at / DAY_MS), country])
      .sinkTo(
        s3Sink<Click>({
          path: lake,
          format: parquet({
            schema: { id: 'int64', user: 'string', page: 'string', at: 'timestamp', took: 'int32' },
          }),
          partitions: { dt: eventTime('day'), country: ({ country }) => country },
          rollInterval: '1h',
        }),
        { uid: 'lake' },
      )
  },
)
