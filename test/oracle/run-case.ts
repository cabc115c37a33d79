import { testJob } from '../../testing/test-job.ts'
import { caseJob } from './case-job.ts'
import type { EventTable } from './event-table.ts'
import { type InlineResult, runInline } from './inline-cluster.ts'
import { judge } from './judge.ts'
import type { SpillCounts } from './watched-state.ts'
import {
  describeCase,
  MAX_EVENTS,
  type OracleCase,
  parallelismsOf,
  reduced,
} from './oracle-case.ts'

/** What a case came to. */
export interface Verdict {
  /** What was wrong; empty when nothing was. */
  readonly problem: string
  /** Interruptions that happened. */
  readonly crashes: number
  readonly rows: number
  /** What has gone through LevelDB. */
  readonly spilled: SpillCounts
}

const NOTHING: SpillCounts = { written: 0, readBack: 0 }

/** Runs a case with its interruptions and compares with the oracle; what the job fails with is a problem too. */
export async function runCase(of: OracleCase, table: EventTable): Promise<Verdict> {
  let outcome: InlineResult
  try {
    outcome = await (of.backend === 'memory' ? inSimulation(of) : onLevelDb(of))
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { problem: `the job fails: ${text}`, crashes: 0, rows: 0, spilled: NOTHING }
  }
  const { collected, crashes, spilled } = outcome
  const rows = Object.values(collected).reduce((sum, { length }) => sum + length, 0)
  return { problem: await judge(of, collected, table), crashes, rows, spilled }
}

async function inSimulation(of: OracleCase): Promise<InlineResult> {
  const { crashAt, settings } = of
  const result = await testJob(caseJob(of), {
    parallelism: parallelismsOf(of),
    crashAt,
    seed: of.number,
    checkpointInterval: settings.checkpointIntervalMs,
    storageFaults: settings.storageFaults,
    strict: settings.strict,
    maxSteps: 3_000_000,
  })
  return { collected: result.collected, crashes: result.crashes.length, spilled: NOTHING }
}

function onLevelDb(of: OracleCase): Promise<InlineResult> {
  const { crashAt, settings, number } = of
  const { checkpointIntervalMs, strict, cacheBytes } = settings
  return runInline({
    job: caseJob(of),
    parallelisms: parallelismsOf(of),
    seed: number,
    crashAt,
    checkpointIntervalMs,
    strict,
    cacheBytes,
  })
}

/** A smaller case that still fails: fewer events, fewer interruptions. At most about twenty runs. */
export async function shrinkCase(failing: OracleCase, table: EventTable): Promise<OracleCase> {
  let smallest = failing
  const fails = async (candidate: OracleCase): Promise<boolean> => {
    const isSmaller = (await runCase(candidate, table)).problem !== ''
    if (isSmaller) smallest = candidate
    return isSmaller
  }
  await fails(reduced(smallest, { crashAt: [] }))
  for (const point of smallest.crashAt) {
    await fails(reduced(smallest, { crashAt: smallest.crashAt.filter((other) => other !== point) }))
  }
  let perSplit = Math.max(...smallest.stream.splits.map(({ length }) => length))
  for (let step = perSplit >> 1; step > 0; step >>= 1) {
    if (await fails(reduced(smallest, { perSplit: perSplit - step }))) perSplit -= step
  }
  return smallest
}

/** One line with which a failing case can be looked at and run again. */
export function failureLine(of: OracleCase, problem: string): string {
  const most = of.maxEvents === MAX_EVENTS ? '' : ` --max-events ${of.maxEvents}`
  const again = `npm run oracle -- --seed ${of.seed} --from ${of.number} --count 1${most}`
  return JSON.stringify({ problem, again, ...describeCase(of) })
}
