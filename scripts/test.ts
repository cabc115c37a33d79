/**
 * `npm test`: types, lint, format and all tests, with the seconds of each, and one closing line.
 *
 * Steps that compute have the machine for themselves, one after another. Those that wait for servers run side by side behind them,
 * and what they print comes one after another too. Fails when a step fails, and when all of it took longer than 18 minutes.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { missingForMaven } from '../test/servers/maven-jars.ts'
import { missingForMoto } from '../test/servers/moto-server.ts'
import { RunningStep, type Step } from './running-step.ts'

const LIMIT_SECONDS = 18 * 60

/** Tests with servers wait for other processes: when those hang, so would they. They share the machine. */
const FETCH_LIMIT_SECONDS = 5 * 60
const KAFKA_LIMIT_SECONDS = 9 * 60
const AWS_LIMIT_SECONDS = 9 * 60

const help = `npm test [-- --only types|lint|format|unit|cluster|kafka|aws]

Checks types, lint and format, and runs all tests. Exit 0 when everything passes.
`

/** What of Vitest's results matters here. */
interface Report {
  readonly numPassedTests?: number
  readonly numFailedTests?: number
  readonly numPendingTests?: number
  readonly numTodoTests?: number
  readonly testResults?: readonly {
    readonly name: string
    /** Why a file failed outside of its tests. */
    readonly message?: string
    readonly assertionResults: readonly {
      readonly status: string
      readonly fullName: string
      readonly failureMessages?: readonly string[]
    }[]
  }[]
}

interface Counts {
  passed: number
  failed: number
  skipped: number
  /** What failed, a line each: told again at the end, where it is found. */
  readonly failures: string[]
}

const folder = mkdtempSync(join(tmpdir(), 'millrace-test-'))

const computing: readonly Step[] = [
  { name: 'types', command: 'tsc', args: ['-p', 'tsconfig.json'] },
  { name: 'types of tests', command: 'tsc', args: ['-p', 'tsconfig.test.json'] },
  { name: 'lint', command: 'oxlint', args: ['--deny-warnings'] },
  vitest('unit'),
  vitest('cluster'),
]

/** It waits for downloads, beside the first steps. What fails in it is tried again, and told, where a server is started. */
const fetchServers: Step = {
  name: 'fetch',
  command: 'node',
  args: ['scripts/fetch-servers.ts'],
  limitSeconds: FETCH_LIMIT_SECONDS,
}

/** Steps that, one after another, leave two fifths of two cores idle: they wait for servers, or have one thread. */
const waiting: readonly Step[] = [
  { ...vitest('kafka'), limitSeconds: KAFKA_LIMIT_SECONDS, skipReason: missingForMaven() },
  { ...vitest('aws'), limitSeconds: AWS_LIMIT_SECONDS, skipReason: missingForMoto() },
  { name: 'format', command: 'prettier', args: ['--check', '--log-level', 'warn', '.'] },
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
  const isChosen = ({ name }: Step): boolean => only === undefined || name.startsWith(only)
  const alone = computing.filter(isChosen)
  const sideBySide = waiting.filter(isChosen)
  if (alone.length + sideBySide.length === 0 || (args.length > 0 && only === undefined)) {
    console.error(help)
    return 2
  }
  const startedAt = performance.now()
  const counts: Counts = { passed: 0, failed: 0, skipped: 0, failures: [] }
  const lines: string[] = []
  const settle = async (running: RunningStep): Promise<void> => {
    const { step } = running
    console.log(`\n── ${step.name} ──`)
    const { code, seconds } = await running.ended()
    lines.push(
      `${step.name.padEnd(16)} ${seconds.toFixed(1).padStart(6)} s  ${code === 0 ? 'ok' : 'FAILED'}`,
    )
    addCounts(counts, step, code)
  }
  const fetching = sideBySide.some(({ report }) => report !== undefined)
    ? new RunningStep(fetchServers)
    : undefined
  for (const step of alone) await settle(new RunningStep(step))
  await fetching?.ended()
  for (const running of sideBySide.map((step) => new RunningStep(step))) await settle(running)
  rmSync(folder, { recursive: true, force: true })
  const seconds = (performance.now() - startedAt) / 1_000
  const isSlow = seconds > LIMIT_SECONDS
  if (isSlow) counts.failed++
  console.log(`\n${[...counts.failures, ...lines].join('\n')}`)
  console.log(
    `${'all'.padEnd(16)} ${seconds.toFixed(1).padStart(6)} s${isSlow ? '  TOO SLOW' : ''}`,
  )
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
  return counts.failed > 0 ? 1 : 0
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
  for (const { name, message = '', assertionResults } of report.testResults ?? []) {
    if (message !== '') {
      counts.failures.push(`failed: ${relative(process.cwd(), name)}: ${firstLine([message])}`)
    }

    for (const { status, fullName, failureMessages } of assertionResults) {
      if (status === 'passed') continue
      const line = `${status}: ${relative(process.cwd(), name)}: ${fullName}`
      if (status === 'failed') counts.failures.push(`${line}: ${firstLine(failureMessages)}`)
      else console.log(line)
    }
  }
}

function firstLine([message = '']: readonly string[] = []): string {
  return message.split('\n', 1)[0]!
}
