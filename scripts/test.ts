/**
 * `npm test`: types, lint, format and all tests, one after another, with the seconds of each, and one closing line.
 *
 * Fails when a step fails, and when all of it took longer than 18 minutes.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { missingForMaven } from '../test/servers/maven-jars.ts'
import { missingForMoto } from '../test/servers/moto-server.ts'

const LIMIT_SECONDS = 18 * 60

/** Tests with servers wait for other processes: when those hang, so would they. The first time they are downloaded, too. */
const KAFKA_LIMIT_SECONDS = 7 * 60
const AWS_LIMIT_SECONDS = 5 * 60

const help = `npm test [-- --only types|lint|format|unit|cluster|kafka|aws]

Checks types, lint and format, and runs all tests. Exit 0 when everything passes.
`

interface Step {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** Where Vitest leaves its results. */
  readonly report?: string
  /** When it is ended, which counts as a failure. Default: never. */
  readonly limitSeconds?: number
  /** Why tests of it are skipped, in one line for all of them. Default: each is told by name. */
  readonly skipReason?: string | undefined
}

/** What of Vitest's results matters here. */
interface Report {
  readonly numPassedTests?: number
  readonly numFailedTests?: number
  readonly numPendingTests?: number
  readonly numTodoTests?: number
  readonly testResults?: readonly {
    readonly name: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

interface Counts {
  passed: number
  failed: number
  skipped: number
}

const folder = mkdtempSync(join(tmpdir(), 'millrace-test-'))

const steps: readonly Step[] = [
  { name: 'types', command: 'tsc', args: ['-p', 'tsconfig.json'] },
  { name: 'types of tests', command: 'tsc', args: ['-p', 'tsconfig.test.json'] },
  { name: 'lint', command: 'oxlint', args: ['--deny-warnings'] },
  { name: 'format', command: 'prettier', args: ['--check', '--log-level', 'warn', '.'] },
  vitest('unit'),
  vitest('cluster'),
  { ...vitest('kafka'), limitSeconds: KAFKA_LIMIT_SECONDS, skipReason: missingForMaven() },
  { ...vitest('aws'), limitSeconds: AWS_LIMIT_SECONDS, skipReason: missingForMoto() },
]

function vitest(project: string): Step {
  const report = join(folder, `${project}.json`)
  const reporters = ['--reporter=dot', '--reporter=json', `--outputFile.json=${report}`]
  return {
    name: project,
    command: 'vitest',
    args: ['run', '--project', project, ...reporters],
    report,
  }
}

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    console.log(help)
    return 0
  }
  const only = args[0] === '--only' ? args[1] : undefined
  const chosen = steps.filter((step) => only === undefined || step.name.startsWith(only))
  if (chosen.length === 0 || (args.length > 0 && only === undefined)) {
    console.error(help)
    return 2
  }
  const startedAt = performance.now()
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  const lines: string[] = []
  for (const step of chosen) {
    console.log(`\n── ${step.name} ──`)
    const before = performance.now()
    const code = await run(step)
    const seconds = ((performance.now() - before) / 1_000).toFixed(1)
    lines.push(`${step.name.padEnd(16)} ${seconds.padStart(6)} s  ${code === 0 ? 'ok' : 'FAILED'}`)
    addCounts(counts, step, code)
  }
  rmSync(folder, { recursive: true, force: true })
  const seconds = (performance.now() - startedAt) / 1_000
  const isSlow = seconds > LIMIT_SECONDS
  if (isSlow) counts.failed++
  console.log(`\n${lines.join('\n')}`)
  console.log(
    `${'all'.padEnd(16)} ${seconds.toFixed(1).padStart(6)} s${isSlow ? '  TOO SLOW' : ''}`,
  )
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
  return counts.failed > 0 ? 1 : 0
}

function run(step: Step): Promise<number> {
  return new Promise((resolve) => {
    const timeout = (step.limitSeconds ?? 0) * 1_000
    const child = spawn(step.command, step.args, {
      stdio: 'inherit',
      timeout,
      killSignal: 'SIGKILL',
    })
    child.on('error', (error) => {
      console.error(`${step.command} cannot be started: ${error.message}; run npm ci first.`)
      resolve(1)
    })
    child.on('close', (code, signal) => {
      if (signal !== null && timeout > 0) {
        console.error(`${step.name} was ended after ${step.limitSeconds} s at most.`)
      }
      resolve(code ?? 1)
    })
  })
}

/**
 * Adds what a step counted: its tests, or itself as one check. A run that failed outside of tests counts as failed. Tests without
 * a result are told by name: skipped ones, and the one in which a process ended.
 */
function addCounts(counts: Counts, step: Step, code: number): void {
  if (step.report === undefined) {
    if (code === 0) counts.passed++
    else counts.failed++
    return
  }
  const report: Report = existsSync(step.report)
    ? (JSON.parse(readFileSync(step.report, 'utf8')) as Report)
    : {}
  const failed = report.numFailedTests ?? 0
  counts.passed += report.numPassedTests ?? 0
  counts.failed += code !== 0 && failed === 0 ? 1 : failed
  const skipped = (report.numPendingTests ?? 0) + (report.numTodoTests ?? 0)
  counts.skipped += skipped
  if (step.skipReason !== undefined) {
    console.log(`skipped: ${skipped} tests of ${step.name}: ${step.skipReason}`)
    return
  }
  for (const { name, assertionResults } of report.testResults ?? []) {
    for (const { status, fullName } of assertionResults) {
      if (status === 'passed' || status === 'failed') continue
      console.log(`${status}: ${relative(process.cwd(), name)}: ${fullName}`)
    }
  }
}
