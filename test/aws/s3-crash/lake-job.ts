import {
  boundedOutOfOrderness,
  fileSource,
  job,
  json,
  type Out,
  param,
  processFunction,
  valueState,
} from 'millrace'
import { eventTime, s3Sink, type FileCompression } from 'millrace/aws'
import { avroFile, parquet } from 'millrace/formats'

/** A record of the input. */
export interface Visit {
  readonly id: number
  readonly key: string
  readonly at: number
}

/** A row of the output: the how-manieth of its key it is. */
export interface CountedVisit extends Visit {
  readonly count: number
  readonly text: string
}

/** Counts the visits of each key, slowly enough to be hit in the middle, and writes them as JSON, as Parquet and as Avro. */
export default job(
  's3-lake',
  {
    params: {
      endpoint: param.string(undefined, 'Where S3 is'),
      glueEndpoint: param.string(undefined, 'Where Glue is'),
      input: param.string(undefined, 'Folder of the visits'),
      bucket: param.string(undefined, 'Where they are put'),
      database: param.string(undefined, 'Of Glue'),
      table: param.string(undefined, 'Of that database, over the JSON'),
      compression: param.string('none', 'Of JSON'),
      padding: param.number(0, 'Bytes added to each row'),
      rollSize: param.number(1_000_000, 'Of an object'),
      spans: param.boolean(false, 'Whether objects go on over checkpoints'),
      slowMs: param.number(1, 'How long each record takes'),
    },
  },
  (env, params) => {
    const { endpoint, glueEndpoint, input, bucket, database, table } = params
    const { compression, padding, rollSize, spans, slowMs } = params
    const connection = {
      endpoint,
      region: 'eu-central-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test-secret' },
    }
    const text = 'x'.repeat(padding)
    const rows = env
      .fromSource(fileSource({ path: `${input}/*.jsonl`, format: json<Visit>() }), {
        uid: 'visits',
        watermarks: boundedOutOfOrderness('5s', (visit) => visit.at),
      })
      .map((visit) => {
        Atomics.wait(sleeper, 0, 0, slowMs)
        return visit
      })
      .keyBy((visit) => visit.key)
      .process(counted, { uid: 'count' })
      .map((row) => ({ ...row, text }))
    const partitions = {
      dt: eventTime('day'),
      hour: eventTime('hour'),
      start: (row: CountedVisit) => row.key.slice(0, 5),
    }
    const rolls = { rollSize, rollInterval: '1500ms', spansCheckpoints: spans } as const
    const common = { ...connection, partitions, ...rolls }
    rows.sinkTo(
      s3Sink({
        ...common,
        path: `s3://${bucket}/json`,
        format: json<CountedVisit>(),
        compression: compression as FileCompression,
        glue: { endpoint: glueEndpoint, database, table },
      }),
      { uid: 'json' },
    )
    rows.sinkTo(s3Sink({ ...common, path: `s3://${bucket}/parquet`, format: columns }), {
      uid: 'parquet',
    })
    rows.sinkTo(s3Sink({ ...common, path: `s3://${bucket}/avro`, format: blocks }), {
      uid: 'avro',
    })
  },
)

const columns = parquet({
  schema: { id: 'int64', key: 'string', at: 'timestamp', count: 'int32', text: 'string' },
  // Checkpoints find rows for a group, and too few for one.
  rowGroupRows: 200,
})

const blocks = avroFile<CountedVisit>({
  schema: {
    type: 'record',
    name: 'Visit',
    fields: [
      { name: 'id', type: 'long' },
      { name: 'key', type: 'string' },
      { name: 'at', type: 'long' },
      { name: 'count', type: 'int' },
      { name: 'text', type: 'string' },
    ],
  },
})

const sleeper = new Int32Array(new SharedArrayBuffer(4))

const counted = processFunction({
  state: { count: valueState<number>() },
  processElement(visit: Visit, ctx, out: Out<Visit & { readonly count: number }>) {
    const count = (ctx.state.count.value() ?? 0) + 1
    ctx.state.count.update(count)
    out.emit({ ...visit, count })
  },
})
