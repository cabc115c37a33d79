import { parseArgs } from 'node:util'
import { parquet } from '../connectors/formats/parquet-format.ts'
import { CODECS, type ParquetCompression } from '../connectors/formats/parquet-library.ts'
import { cpuNs } from './cpu-time.ts'
import { whole } from './option-values.ts'

export const parquetHelp = `parquet [--rows 300000] [--rounds 5]
  Rows a second of CPU time that parquet() writes, by compression: clicks of seven columns (int64, timestamp, three texts, a decimal, a
  boolean). Median of the rounds, which take the compressions in turn; beside it the bytes a row.`

const schema = {
  id: 'int64',
  at: 'timestamp',
  user: 'string',
  country: 'string',
  url: 'string',
  price: { decimal: [12, 2] },
  isNew: 'boolean',
} as const

const click = (i: number) => ({
  id: i * 7_919,
  at: 1_717_000_000_000 + i * 13,
  user: `user-${(i * 7_919) % 20_000}`,
  country: ['DE', 'FR', 'GB', 'US', 'BR'][i % 5]!,
  url: `/products/${(i * 31) % 5_000}?ref=${i % 97}`,
  price: (i % 10_000) / 100,
  isNew: i % 3 === 0,
})

export async function parquetBench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rows: { type: 'string', default: '300000' },
      rounds: { type: 'string', default: '5' },
    },
  })
  const count = whole('--rows', values.rows)
  const rounds = whole('--rounds', values.rounds)
  const rows = Array.from({ length: count }, (_, i) => click(i))
  const compressions = Object.keys(CODECS) as ParquetCompression[]
  const speeds = new Map(compressions.map((one) => [one, [] as number[]]))
  const bytes = new Map<string, number>()
  for (let round = 0; round < rounds; round++) {
    for (const compression of compressions) {
      const begin = cpuNs()
      bytes.set(compression, write(compression, rows))
      speeds.get(compression)!.push((count / (cpuNs() - begin)) * 1e9)
    }
  }
  const results = compressions.map((compression) => {
    const sorted = speeds.get(compression)!.sort((a, b) => a - b)
    const rowsPerSecond = Math.round(sorted[Math.floor(sorted.length / 2)]!)
    const bytesPerRow = Number((bytes.get(compression)! / count).toFixed(1))
    return { compression, rowsPerSecond, bytesPerRow }
  })
  console.table(results)
  console.log(JSON.stringify({ bench: 'parquet', rows: count, rounds, results }))
}

/** Writes all rows as a sink does; the length of the file. */
function write(compression: ParquetCompression, rows: readonly ReturnType<typeof click>[]): number {
  const encoder = parquet({ schema, compression }).createEncoder()
  let bytes = 0
  for (const row of rows) {
    encoder.add(row)
    if (encoder.isFull) bytes += encoder.take().byteLength
  }
  return bytes + encoder.end().byteLength
}
