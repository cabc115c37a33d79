import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlainChange, PlainPayment } from './expected-rule-alerts.ts'

export const BUNDLED_RULES: string = join(process.cwd(), 'examples/data/fraud-rules.jsonl')

/** The one line of the bundled rules that is refused: no payment has a field of that name. */
export const REFUSED_LINE = 10

/** The lines of the bundled rules that make sense. */
export function readRules(): PlainChange[] {
  const lines = readFileSync(BUNDLED_RULES, 'utf8').trimEnd().split('\n')
  return lines.toSpliced(REFUSED_LINE - 1, 1).map((line) => JSON.parse(line) as PlainChange)
}

/** The payments of a card file, cut at commas that are outside of quotes. */
export function parsePayments(text: string): PlainPayment[] {
  const [header, ...lines] = text.trimEnd().split('\n')
  const names = header!.split(',')
  return lines.map((line) => {
    const fields = line.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/)
    const field = (name: string): string => fields[names.indexOf(name)]!.replaceAll('"', '')
    return {
      at: Number(field('ts')) * 1_000,
      card: field('cc_num'),
      merchant: field('merchant'),
      category: field('category'),
      profile: field('profile'),
      cents: Math.round(Number(field('amt')) * 100),
      population: Number(field('city_pop')),
    }
  })
}
