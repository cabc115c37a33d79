import { dataGeneratorSource, job, json, param } from 'millrace'
import { s3Sink } from 'millrace/aws'

/** Writes numbered rows into objects that go on over checkpoints, for longer than any test takes. */
export default job(
  'spanning',
  {
    params: {
      endpoint: param.string(undefined, 'Where S3 is'),
      bucket: param.string(undefined, 'Where the rows go'),
      count: param.number(1_500),
      rate: param.number(500, 'Rows a second'),
    },
  },
  (env, { endpoint, bucket, count, rate }) => {
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
    env
      .fromSource(dataGeneratorSource({ generate: (id) => ({ id }), count, rate }), { uid: 'rows' })
      .sinkTo(
        s3Sink<{ readonly id: number }>({
          ...{ endpoint, credentials, region: 'eu-central-1' },
          path: `s3://${bucket}/rows`,
          format: json<{ readonly id: number }>(),
          partitions: { half: ({ id }) => id % 2 },
          spansCheckpoints: true,
          rollInterval: '1h',
        }),
        { uid: 'lake' },
      )
  },
)
