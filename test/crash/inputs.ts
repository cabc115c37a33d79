import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expectedAlerts, parseTransactions } from '../fraud/expected-alerts.ts'
import { expectedLedger } from './ledger-rows.ts'

/** The same rows in three shapes, and what each job must make of them. */
export interface CrashInputs {
  readonly rows: number
  readonly single: string
  /** A folder of eight files, cut by card. */
  readonly eight: string
  readonly gzip: string
  readonly alerts: readonly string[]
  readonly ledger: readonly string[]
}

/** Writes the inputs of a campaign: the first rows of a card file. */
export async function makeInputs(text: string, rows: number, folder: string): Promise<CrashInputs> {
  const start = `${text
    .trimEnd()
    .split('\n')
    .slice(0, rows + 1)
    .join('\n')}\n`
  const transactions = parseTransactions(start)
  const single = join(folder, 'cards.csv')
  const eight = join(folder, 'eight')
  const gzip = join(folder, 'cards.csv.gz')
  await writeFile(single, start)
  await writeFile(gzip, gzipSync(start))
  await splitByCard(start, 8, eight)
  return {
    rows: transactions.length,
    single,
    eight,
    gzip,
    alerts: expectedAlerts(transactions),
    ledger: expectedLedger(transactions),
  }
}

/** Cuts a card file into several by card, the order of each card kept. */
export async function splitByCard(text: string, parts: number, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const [header, ...lines] = text.trimEnd().split('\n')
  const files: string[][] = Array.from({ length: parts }, () => [header!])
  for (const line of lines) {
    const card = line.split(',')[2]!
    let sum = 0
    for (const digit of card) sum = (sum * 31 + digit.charCodeAt(0)) % 1_000_003
    files[sum % parts]!.push(line)
  }
  for (const [index, file] of files.entries()) {
    await writeFile(join(folder, `cards-${index}.csv`), `${file.join('\n')}\n`)
  }
}
