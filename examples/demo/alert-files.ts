import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Alert } from '../fraud/alert.ts'

/** What a consumer finds in a folder of alerts. */
export interface AlertFiles {
  /** One line of JSON each. */
  readonly rows: readonly string[]
  readonly files: number
}

/**
 * Reads the finished files of a file sink, as any consumer would: names that begin with a dot are not finished.
 */
export async function readAlerts(folder: string): Promise<AlertFiles> {
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).sort()
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
  const rows = texts.flatMap((text) => text.split('\n').filter((line) => line !== ''))
  return { rows, files: names.length }
}

/** How many alerts each rule has raised, most first. */
export function countByRule(rows: readonly string[]): [rule: string, count: number][] {
  const counts = new Map<string, number>()
  for (const row of rows) {
    const { rule } = JSON.parse(row) as Alert
    counts.set(rule, (counts.get(rule) ?? 0) + 1)
  }
  return [...counts].sort(([, a], [, b]) => b - a)
}

/** The first row of each rule. */
export function oneOfEach(rows: readonly string[]): string[] {
  const first = new Map<string, string>()
  for (const row of rows) {
    const { rule } = JSON.parse(row) as Alert
    if (!first.has(rule)) first.set(rule, row)
  }
  return [...first.values()]
}
