import { writeFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import avsc from 'avsc'
import { avroFile } from '../../../connectors/formats/avro-file.ts'
import { parquet } from '../../../connectors/formats/parquet-format.ts'
import type { S3SinkOptions } from '../../../connectors/s3/s3-sink-options.ts'
import { askDuckDb } from '../../harness/duckdb.ts'

/** A row of a play; its text decides whether its object is held in checkpoints or uploaded, and is another one in each row. */
export interface PlayRow {
  readonly id: number
  readonly text: string
}

/** How the rows of a play are written, and found again. */
export interface PlayFormat extends Pick<S3SinkOptions<PlayRow>, 'format' | 'compression'> {
  /** The ids in an object; fails for one that is not whole. `path` is that of a file that may be written. */
  idsIn(body: Uint8Array, path: string): readonly number[] | Promise<readonly number[]>
}

const lines = { suffix: '.txt', encode: ({ text }: PlayRow) => `${text}\n` }
const idsOfLines = (body: Uint8Array) =>
  Buffer.from(body)
    .toString()
    .trimEnd()
    .split('\n')
    .map((row) => Number.parseInt(row, 10))

export const PLAY_FORMATS: Readonly<Record<'lines' | 'gzip' | 'avro' | 'parquet', PlayFormat>> = {
  lines: { format: lines, idsIn: idsOfLines },
  gzip: { format: lines, compression: 'gzip', idsIn: (body) => idsOfLines(gunzipSync(body)) },
  avro: {
    format: avroFile<PlayRow>({
      schema: {
        type: 'record',
        name: 'Row',
        fields: [
          { name: 'id', type: 'long' },
          { name: 'text', type: 'string' },
        ],
      },
      compression: 'none',
    }),
    async idsIn(body, path) {
      await writeFile(path, body)
      const ids: number[] = []
      for await (const row of avsc.createFileDecoder(path)) ids.push((row as PlayRow).id)
      return ids
    },
  },
  parquet: {
    // Cuts find rows that make a group, and such as do not.
    format: parquet({
      schema: { id: 'int64', text: 'string' },
      compression: 'none',
      rowGroupRows: 10,
    }),
    async idsIn(body, path) {
      await writeFile(path, body)
      const rows = await askDuckDb(`select id::int as id from read_parquet('${path}')`)
      return rows.map(({ id }) => id as number)
    },
  },
}
