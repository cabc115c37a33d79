import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Random } from '../../runtime/clock.ts'
import { readCommitted } from './committed-output.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** One job of a campaign: how it runs, and what it must put out. */
export interface CrashCase {
  readonly job: string
  /** A file or a folder. */
  readonly input: string
  readonly parallelism: number
  readonly checkpointInterval: string
  readonly rate: number
  /** The rows that an uninterrupted run commits, sorted. */
  readonly expected: readonly string[]
}

export interface CrashOutcome {
  readonly kills: number
  /** What is wrong, in words; empty if nothing is. */
  readonly problems: readonly string[]
}

/** When to kill a run: after a random time, or at a named point. */
export type KillPlan =
  | { readonly afterMs: number }
  | { readonly failpoint: string }
  | undefined

interface RunResult {
  readonly code: number | null
  readonly signal: string | null
  readonly stderr: string
}

/** Runs the job once in a process of its own, killed as planned. */
export async function runOnce(
  one: CrashCase,
  folder: string,
  kill: KillPlan,
): Promise<RunResult> {
  const args = ['-C', '@millrace/source', join(root, 'cli/main.ts'), 'run', one.job]
  args.push('--dir', join(folder, 'state'), '--parallelism', String(one.parallelism))
  args.push('--checkpoint-interval', one.checkpointInterval, '--no-progress', '--json')
  args.push('--param', `input=${one.input}`, '--param', `out=${join(folder, 'out')}`)
  args.push('--param', `rate=${one.rate}`)
  const env: NodeJS.ProcessEnv = { ...process.env, NODE_OPTIONS: '' }
  if (kill !== undefined && 'failpoint' in kill) env['MILLRACE_FAILPOINT'] = kill.failpoint
  const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const timer =
    kill !== undefined && 'afterMs' in kill
      ? setTimeout(() => child.kill('SIGKILL'), kill.afterMs)
      : undefined
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, stderr })
    })
  })
}

/** Kills runs of one job as the plans say, lets it end, and compares what it committed with what it should have. */
export async function crashCase(
  one: CrashCase,
  plans: readonly NonNullable<KillPlan>[],
): Promise<CrashOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-crash-'))
  try {
    let kills = 0
    for (const plan of plans) {
      const result = await runOnce(one, folder, plan)
      if (result.signal === 'SIGKILL') kills++
      else if (result.code !== 0) {
        return { kills, problems: [`a run ended with ${result.code}: ${result.stderr.slice(-2_000)}`] }
      }
      const doubled = await readCommitted(join(folder, 'out'))
      const early = notAmong(doubled.rows, one.expected)
      if (early.length > 0) return { kills, problems: [`after a kill: ${early[0]}`] }
    }
    const last = await runOnce(one, folder, undefined)
    if (last.code !== 0) {
      return { kills, problems: [`the last run ended with ${last.code}: ${last.stderr.slice(-2_000)}`] }
    }
    return { kills, problems: await checkEnd(one, folder) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function checkEnd(one: CrashCase, folder: string): Promise<string[]> {
  const problems: string[] = []
  const committed = await readCommitted(join(folder, 'out'))
  problems.push(...notAmong(committed.rows, one.expected), ...missingFrom(committed.rows, one.expected))
  for (const name of committed.strangers) problems.push(`left in the output folder: ${name}`)
  const kept = await stateFolders(join(folder, 'state'))
  // The newest three, and those of which a chain still names a segment: at most 15 a chain, mostly the same ones.
  if (kept.checkpoints > 40) problems.push(`${kept.checkpoints} checkpoint folders are left`)
  if (kept.work > 1) problems.push(`${kept.work} working folders are left`)
  return problems
}

/** Rows that are there more often than they should be; in the middle of a run some may be missing, none be too many. */
function notAmong(rows: readonly string[], expected: readonly string[]): string[] {
  return difference(rows, expected).map((row) => `too many: ${row}`)
}

function missingFrom(rows: readonly string[], expected: readonly string[]): string[] {
  return difference(expected, rows).map((row) => `missing: ${row}`)
}

/** What multiset a has more than b. */
function difference(a: readonly string[], b: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const row of b) counts.set(row, (counts.get(row) ?? 0) + 1)
  return a.filter((row) => {
    const left = counts.get(row) ?? 0
    counts.set(row, left - 1)
    return left <= 0
  })
}

async function stateFolders(state: string): Promise<{ checkpoints: number; work: number }> {
  let checkpoints = 0
  let work = 0
  for (const job of await names(state)) {
    work += (await names(join(state, job, 'work'))).length
    for (const lineage of await names(join(state, job, 'checkpoints'))) {
      checkpoints += (await names(join(state, job, 'checkpoints', lineage))).length
    }
  }
  return { checkpoints, work }
}

async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch {
    return []
  }
}

/** Plans for about `kills` random kills of one job: mostly in its life, some during start and recovery. */
export function randomPlans(random: Random, kills: number): { readonly afterMs: number }[] {
  return Array.from({ length: kills }, () => ({
    afterMs: Math.floor(200 + random.next() * random.next() * 3_000),
  }))
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

