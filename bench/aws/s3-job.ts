import { createHash } from 'node:crypto'
import { boundedOutOfOrderness, dataGeneratorSource, job, json, param } from 'millrace'
import { eventTime, s3Sink } from 'millrace/aws'
import { parquet } from 'millrace/formats'
import { standIn } from '../../test/servers/aws-for-tests.ts'

interface Reading {
  readonly id: number
  readonly at: number
  readonly sensor: string
  readonly value: number
  readonly note: string
}

/** Bytes of a reading as JSON. */
export const READING_BYTES = 1_000
const NOTE_LENGTH = 910
/** As good as random, from which each note is cut at another place. */
const LETTERS = Buffer.concat(
  Array.from({ length: 12_000 }, (_, i) => createHash('sha512').update(String(i)).digest()),
).toString('base64url')

/** Rows of 1,000 bytes into objects of 32 MiB, in four partitions. */
export default job(
  's3-bench',
  {
    params: {
      endpoint: param.string(undefined),
      bucket: param.string(undefined),
      count: param.number(undefined),
      rate: param.number(0, 'Rows a second; 0: as fast as it goes'),
      format: param.string('json'),
      spans: param.boolean(false),
    },
  },
  (env, { endpoint, bucket, count, rate, format, spans }) => {
    env
      .fromSource(dataGeneratorSource({ generate: reading, count, ...(rate > 0 && { rate }) }), {
        uid: 'readings',
        watermarks: boundedOutOfOrderness('1s', ({ at }) => at),
      })
      .sinkTo(
        s3Sink<Reading>({
          ...standIn(endpoint),
          path: `s3://${bucket}/readings`,
          format: format === 'json' ? json<Reading>() : columns,
          partitions: { dt: eventTime('day'), kind: ({ id }) => id % 4 },
          rollSize: 32 * 1024 * 1024,
          spansCheckpoints: spans,
        }),
        { uid: 'lake' },
      )
  },
)

const columns = parquet({
  schema: { id: 'int64', at: 'timestamp', sensor: 'string', value: 'double', note: 'string' },
})

function reading(index: number): Reading {
  const from = (index * 7_919) % (LETTERS.length - NOTE_LENGTH)
  return {
    id: index,
    at: Date.UTC(2026, 10, 22) + index,
    sensor: `sensor-${index % 1_000}`,
    value: (index % 10_000) / 8,
    note: LETTERS.slice(from, from + NOTE_LENGTH),
  }
}
