import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { CopiedTree } from './copied-tree.ts'
import type { Killer } from './mutant.ts'

/** How a test went: `invalid` if it says nothing, as it could not be run, or did not end, or does not exist. */
export interface Outcome {
  readonly color: 'green' | 'red' | 'invalid'
  /** What the test says, one line. */
  readonly message: string
  readonly seconds: number
}

/** A test that has not ended after so long is given up: that may be the machine's fault. */
const HANG_MS = 300_000
/** Rows of input of a crash case: enough for each of its runs. */
const CAMPAIGN_ROWS = 8_000
const MESSAGE_LENGTH = 160

/** Runs a test in a copy of the tree. */
export async function runKiller(tree: CopiedTree, killer: Killer): Promise<Outcome> {
  const startedAt = performance.now()
  const { color, message } = await verdictFor(tree, killer)
  return { color, message, seconds: (performance.now() - startedAt) / 1_000 }
}

function verdictFor(tree: CopiedTree, killer: Killer): Promise<Verdict> {
  switch (killer.kind) {
    case 'vitest':
      return runTests(tree, killer)
    case 'campaign':
      return runCampaign(tree, killer.args)
    case 'oracle':
      return askOracle(tree, killer.args)
  }
}

/** What Vitest, its reporter and a campaign say where something took too long: no proof that the test has noticed. */
const TIMED_OUT = /timed out in|STACK_TRACE_ERROR|MR_DEPLOY_TIMEOUT|a run did not end/

type Verdict = Pick<Outcome, 'color' | 'message'>

const HANGS: Verdict = { color: 'invalid', message: `does not end within ${HANG_MS / 1_000} s` }

function failure(line: string): Verdict {
  return { color: TIMED_OUT.test(line) ? 'invalid' : 'red', message: shown(line) }
}

// --- Vitest ---

interface Report {
  readonly testResults: readonly {
    readonly message: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

async function runTests(
  tree: CopiedTree,
  { project, file, title }: Extract<Killer, { kind: 'vitest' }>,
): Promise<Verdict> {
  const output = join(tree.temporary, 'report.json')
  rmSync(output, { force: true })
  const end = await run(tree, [
    join('node_modules', 'vitest', 'vitest.mjs'),
    ...['run', '--project', project, file, '--bail', '1', '-t', escaped(title)],
    ...['--reporter=json', `--outputFile.json=${output}`],
  ])
  if (end.hangs) return HANGS
  if (!existsSync(output)) return { color: 'invalid', message: lastLine(end.text) }
  return verdictOf(JSON.parse(readFileSync(output, 'utf8')) as Report)
}

function verdictOf({ testResults }: Report): Verdict {
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
  const failed = tests.find(({ status }) => status === 'failed')
  if (failed !== undefined) return failure(firstLine(failed.failureMessages[0]))
  const passed = tests.filter(({ status }) => status === 'passed').length
  if (passed > 0) return { color: 'green', message: `${passed} passed` }
  const message = testResults.map((result) => result.message).find((text) => text !== '')
  return { color: 'invalid', message: shown(firstLine(message)) || 'no test has that title' }
}

function escaped(title: string): string {
  return title.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
}

// --- Campaigns ---

async function runCampaign(tree: CopiedTree, args: readonly string[]): Promise<Verdict> {
  const script = join('test', 'crash', 'run.ts')
  const rows = ['--rows', String(CAMPAIGN_ROWS)]
  const end = await run(tree, ['-C', '@millrace/source', script, ...args, ...rows])
  if (end.hangs) return HANGS
  if (end.code === 0) return { color: 'green', message: lastLine(end.text) }
  const lines = end.text.split('\n')
  const different = lines.findIndex((line) => line.startsWith('DIFFERENT'))
  if (different === -1) return { color: 'invalid', message: lastLine(end.text) }
  return failure(firstLine(lines.slice(different + 2).join('\n')))
}

// --- The oracle ---

async function askOracle(tree: CopiedTree, args: readonly string[]): Promise<Verdict> {
  const script = join('test', 'oracle', 'main.ts')
  const end = await run(tree, ['-C', '@millrace/source', script, ...args])
  if (end.hangs) return HANGS
  if (end.code === 0) return { color: 'green', message: lastLine(end.text) }
  const problem = end.text.split('\n').find((line) => line.startsWith('{"problem":'))
  return problem === undefined
    ? { color: 'invalid', message: lastLine(end.text) }
    : failure(problem)
}

// --- Processes ---

interface ProcessEnd {
  readonly code: number | null
  readonly hangs: boolean
  readonly text: string
}

function run(tree: CopiedTree, args: readonly string[]): Promise<ProcessEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: tree.path,
      env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', TMPDIR: tree.temporary },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: what it has started ends with it.
      detached: true,
    })
    const end = (): void => {
      try {
        process.kill(-child.pid!, 'SIGKILL')
      } catch {
        // All of them have ended.
      }
    }
    process.prependListener('exit', end)
    let text = ''
    let hangs = false
    const timer = setTimeout(() => {
      hangs = true
      end()
    }, HANG_MS)
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(timer)
      end()
      process.off('exit', end)
      resolve({ code, hangs, text })
    })
  })
}

function firstLine(text: string | undefined): string {
  return (text ?? '').trim().split('\n')[0]!.trim()
}

function lastLine(text: string): string {
  return shown(text.trim().split('\n').at(-1)!.trim())
}

function shown(line: string): string {
  return line.slice(0, MESSAGE_LENGTH)
}
