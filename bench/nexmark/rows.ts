import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The rows in a folder's files of CSV, in the order of their texts: how they were spread makes no difference. */
export function sortedRows(folder: string): string[] {
  const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
  return texts.flatMap(linesOf).sort()
}

/** The rows of one file; none where it is not there, as nothing was written. */
export function sortedRowsOf(file: string): string[] {
  return existsSync(file) ? linesOf(readFileSync(file, 'utf8')).sort() : []
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}

/** What the first difference between two sorted lists of rows is; undefined where they are equal. */
export function firstDifference(
  found: readonly string[],
  expected: readonly string[],
): string | undefined {
  const index = found.findIndex((row, at) => row !== expected[at])
  if (index === -1 && found.length === expected.length) return undefined
  const at = index === -1 ? found.length : index
  const counts = `${found.length} rows instead of ${expected.length}`
  return `${counts}, the first that differs is ${found[at] ?? 'missing'} instead of ${expected[at] ?? 'none'}`
}
