import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

export const BUNDLED = join(process.cwd(), 'examples/data/card-transactions.csv.gz')

/** The whole card file, where it is there: in `$MILLRACE_SHARED`, default `../shared`. */
export function wholeFile(): string | undefined {
  const path = join(process.env['MILLRACE_SHARED'] ?? '../shared', 'data/sparkov-cards.csv.gz')
  return existsSync(path) ? path : undefined
}

export function readCards(path: string): string {
  return gunzipSync(readFileSync(path)).toString()
}

/** The same rows in another order: each is moved by at most `boundSeconds` of event time. */
export function shuffleWithin(text: string, boundSeconds: number, random: () => number): string {
  const [header, ...lines] = text.trimEnd().split('\n')
  const keyed = lines.map((line) => {
    const ts = Number(line.split(',', 2)[1])
    return { line, at: ts + random() * boundSeconds }
  })
  keyed.sort((a, b) => a.at - b.at)
  return `${[header, ...keyed.map(({ line }) => line)].join('\n')}\n`
}
