import { boundedOutOfOrderness, dataGeneratorSource, job, json, param } from 'millrace'
import { eventTime, kinesisSource, s3Sink } from 'millrace/aws'
import { parquet } from 'millrace/formats'
import { type Click, clickOf } from './generated/clicks.ts'

/**
 * Clicks into a table in S3, exactly once: Parquet, partitioned by the hour in which they happened and by country, as Athena, Glue and
 * DuckDB read it. What is broken goes to another prefix.
 *
 *     SELECT page, count(*) FROM read_parquet('s3://lake/clicks/**', hive_partitioning = true) WHERE country = 'DE' GROUP BY page
 */
export default job(
  'clickstream-to-lake',
  {
    params: {
      stream: param.string('', 'Stream of clicks in Kinesis; without one they are generated'),
      count: param.number(100_000, 'How many clicks are generated; 0 never ends'),
      lake: param.string('s3://lake/clicks', 'Where the table is'),
      table: param.string('', 'DATABASE.TABLE of Glue that gets the partitions; none if empty'),
    },
  },
  (env, { stream, count, lake, table }) => {
    const [database = '', name = ''] = table.split('.')
    const clicks =
      stream === ''
        ? dataGeneratorSource({ generate: clickOf, ...(count > 0 && { count }) })
        : kinesisSource({ stream, value: json<Click>() })
    env
      .fromSource(clicks, {
        uid: 'clicks',
        watermarks: boundedOutOfOrderness('3s', ({ at }) => at),
      })
      .sinkTo(
        s3Sink<Click>({
          path: lake,
          format: parquet({
            schema: { id: 'int64', user: 'string', page: 'string', at: 'timestamp', took: 'int32' },
          }),
          partitions: {
            dt: eventTime('day'),
            hour: eventTime('hour'),
            country: ({ country }) => country,
          },
          ...(table !== '' && { glue: { database, table: name } }),
          onError: { prefix: 'broken-clicks' },
        }),
        { uid: 'lake' },
      )
  },
)
