import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { names } from './state-folder.ts'

const FINISHED = /^part-([0-9a-f]{16})-(\d+)-\d+-\d+\.jsonl$/
const PENDING = /^\.part-[0-9a-f]{16}-(\d+)-\d+-\d+\.jsonl\.pending$/
const IN_PROGRESS = /^\.part-[0-9a-f]{16}-\d+-\d+-\d+(\.jsonl)?\.in-progress$/

/** A file that a reader takes for output. */
export interface FinishedFile {
  readonly name: string
  readonly lineage: string
  readonly checkpointId: number
  readonly text: string
}

/** What a reader of an output folder sees, and what lies beside it. */
export interface CommittedOutput {
  /** All rows of finished files, sorted. */
  readonly rows: readonly string[]
  readonly files: readonly FinishedFile[]
  /** Checkpoints of files that wait for their commit. */
  readonly pending: readonly number[]
  /** Names that are no finished part: nothing that a reader could mistake for output may be left. */
  readonly strangers: readonly string[]
  /** Strangers that the sink never writes, not even for a while. */
  readonly foreign: readonly string[]
}

/** Reads finished files only, as any consumer would; half a line is an error of its own kind. */
export async function readCommitted(folder: string): Promise<CommittedOutput> {
  const all = await names(folder)
  const files: FinishedFile[] = []
  const rows: string[] = []
  for (const name of all) {
    const found = FINISHED.exec(name)
    if (found === null) continue
    const text = await readFile(join(folder, name), 'utf8')
    files.push({ name, lineage: found[1]!, checkpointId: Number(found[2]), text })
    if (!text.endsWith('\n')) rows.push(`half a record at the end of ${name}`)
    for (const line of text.split('\n')) if (line !== '') rows.push(line)
  }
  const strangers = all.filter((name) => !FINISHED.test(name))
  return {
    rows: rows.sort(),
    files,
    pending: strangers.flatMap((name) => {
      const found = PENDING.exec(name)
      return found === null ? [] : [Number(found[1])]
    }),
    strangers,
    foreign: strangers.filter((name) => !PENDING.test(name) && !IN_PROGRESS.test(name)),
  }
}
