import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What a reader of an output folder sees. */
export interface CommittedOutput {
  /** All rows of finished files, sorted. */
  readonly rows: readonly string[]
  readonly files: readonly string[]
  /** Names that are no finished part: nothing that a reader could mistake for output may be left. */
  readonly strangers: readonly string[]
}

/** Reads finished files only, as any consumer would; half a line is an error of its own kind. */
export async function readCommitted(folder: string): Promise<CommittedOutput> {
  let names: string[]
  try {
    names = await readdir(folder)
  } catch {
    return { rows: [], files: [], strangers: [] }
  }
  const files = names.filter((name) => /^part-[0-9a-f]+-\d+-\d+-\d+\.jsonl$/.test(name)).sort()
  const strangers = names.filter((name) => !files.includes(name))
  const rows: string[] = []
  for (const file of files) {
    const text = await readFile(join(folder, file), 'utf8')
    if (text !== '' && !text.endsWith('\n')) rows.push(`half a record at the end of ${file}`)
    rows.push(...text.split('\n').filter((line) => line !== ''))
  }
  return { rows: rows.sort(), files, strangers }
}
