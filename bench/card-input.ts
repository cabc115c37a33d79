import { createReadStream, createWriteStream, existsSync, renameSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { constants, createGzip, gunzipSync } from 'node:zlib'

const root = fileURLToPath(new URL('../', import.meta.url))

/** The whole card file where it is there, else the bundled slice. */
export function cardFile(): { readonly path: string; readonly isWhole: boolean } {
  const shared = process.env['MILLRACE_SHARED'] ?? join(root, '../shared')
  const whole = join(shared, 'data/sparkov-cards.csv.gz')
  return existsSync(whole)
    ? { path: whole, isWhole: true }
    : { path: join(root, 'examples/data/card-transactions.csv.gz'), isWhole: false }
}

/**
 * The card file repeated, `seq` and time shifted each time, as one gzip file in the temporary folder; made once and kept.
 *
 * Repetitions follow each other by a day, so that the rules see no transaction of the one before.
 */
export async function repeatedCards(times: number): Promise<{ path: string; rows: number }> {
  const { path, isWhole } = cardFile()
  const text = gunzipSync(await readFile(path))
    .toString('latin1')
    .trimEnd()
  const [header, ...lines] = text.split('\n')
  const rows = lines.length * times
  const name = `millrace-cards-${isWhole ? 'whole' : 'slice'}-x${times}.csv.gz`
  const target = join(tmpdir(), name)
  if (existsSync(target)) return { path: target, rows }
  const parts = lines.map((line) => {
    const first = line.indexOf(',')
    const second = line.indexOf(',', first + 1)
    return { ts: Number(line.slice(first + 1, second)), rest: line.slice(second) }
  })
  const span = parts.at(-1)!.ts - parts[0]!.ts + 86_400
  function* repeated(): Generator<Buffer> {
    yield Buffer.from(`${header}\n`, 'latin1')
    for (let time = 0; time < times; time++) {
      let block = ''
      for (const [index, { ts, rest }] of parts.entries()) {
        block += `${time * parts.length + index},${ts + time * span}${rest}\n`
        if (block.length < 65_536) continue
        yield Buffer.from(block, 'latin1')
        block = ''
      }
      yield Buffer.from(block, 'latin1')
    }
  }
  const gzip = createGzip({ level: constants.Z_DEFAULT_COMPRESSION })
  await pipeline(Readable.from(repeated()), gzip, createWriteStream(`${target}.part`))
  renameSync(`${target}.part`, target)
  return { path: target, rows }
}

/** Reads a file once, so that the first of two contenders does not pay for a cold page cache. */
export async function warm(path: string): Promise<void> {
  for await (const chunk of createReadStream(path)) void chunk
}
