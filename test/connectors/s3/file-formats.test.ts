import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import avsc from 'avsc'
import { avroFile } from '../../../connectors/formats/avro-file.ts'
import { parquet } from '../../../connectors/formats/parquet-format.ts'
import { s3SinkOn } from '../../../connectors/s3/s3-sink.ts'
import type { S3SinkOptions } from '../../../connectors/s3/s3-sink-options.ts'
import type { Sink } from '../../../runtime/sink.ts'
import { sinkContract } from '../../contract/sink.ts'
import { askDuckDb } from '../../harness/duckdb.ts'
import { temporaryFolders } from '../temporary-folder.ts'
import { MemoryBucket } from './memory-bucket.ts'

const newFolder = temporaryFolders()

interface Row {
  readonly id: number
  readonly text: string
}

/** The rows of a file, from its path. */
type Read = (path: string) => Promise<readonly object[]>

function contractOf(name: string, format: S3SinkOptions<Row>['format'], read: Read): void {
  sinkContract({
    name: `s3, ${name}`,
    guarantee: 'exactly-once',
    open: async () => {
      const bucket = new MemoryBucket()
      const options = { path: 's3://lake/rows', format }
      return {
        create: () => s3SinkOn<Row>(() => bucket.store(), options) as Sink<unknown>,
        async read() {
          const texts: string[] = []
          for (const { body } of bucket.objects.values()) {
            const path = join(await newFolder(), 'rows')
            await writeFile(path, body)
            texts.push(...(await read(path)).map((row) => JSON.stringify(row)))
          }
          return texts
        },
      }
    },
  })
}

contractOf('Parquet', parquet({ schema: { id: 'int32', text: 'string' } }), (path) =>
  askDuckDb(`select id, text from read_parquet('${path}')`),
)

const schema = {
  type: 'record',
  name: 'Row',
  fields: [
    { name: 'id', type: 'int' },
    { name: 'text', type: 'string' },
  ],
}

contractOf('Avro', avroFile<Row>({ schema }), async (path) => {
  const rows: object[] = []
  for await (const row of avsc.createFileDecoder(path)) rows.push(row as object)
  return rows
})
