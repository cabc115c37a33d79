import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { monotonicMs } from '../monotonic.ts'
import { durationMs, whole } from '../option-values.ts'
import { argsOf, CHAIN, ENTRY_BYTES, writeCheckpoint } from '../restore.ts'
import { showSpread, spreadOf } from '../spread.ts'
import { inFolder } from '../temporary-folder.ts'
import { type Child, endFile, type Line, type RecoverySetting, startChild } from './child.ts'
import { checkRows, type Differences, RowCheck } from './rows.ts'

export const recoveryHelp = `recovery [--state-mb 10,100,1000] [--parallelism 2] [--kills 3] [--seconds 5] [--checkpoint-interval 1s] [--memory 2gb]
         [--rate N] [--built] [--json FILE]
  Records at a steady rate, half of what the job takes at most with that much state (measured first, unless --rate says it); the
  process is killed with SIGKILL, again and again, and started at once from its last checkpoint. Milliseconds since the kill: until
  its exit is seen, the new process is up, the job begins, it is restored, the first record has been processed, and it has caught
  up with the schedule. The committed rows are compared with what the records must give: exit 1 where any is lost or doubled.
  --seconds N   least time before each kill
  --built       with what "npm run build" has made, as in an installed package: without types to be stripped at each start`

/** How long the highest rate is measured. */
const MEASURE_MS = 5_000
/** So long it may take until the job keeps up with the schedule. */
const PATIENCE_MS = 60_000
/** The end of the input is told so long before it comes. */
const NOTICE_MS = 1_000
/** More than any job takes. */
const UNLIMITED = 1e9
/** Later than any benchmark ends. */
const NEVER_MS = 365 * 86_400_000

type Fixed = Pick<RecoverySetting, 'parallelism' | 'memory' | 'checkpointMs' | 'keys' | 'nodeArgs'>

interface Plan extends Omit<Fixed, 'keys'> {
  readonly sizes: readonly number[]
  readonly kills: number
  readonly seconds: number
  readonly rate: number | undefined
  readonly json: string | undefined
}

/** Milliseconds since the kill. */
interface Recovery {
  readonly exitSeen: number
  readonly up: number
  readonly begun: number
  readonly restored: number
  readonly firstRecord: number
  /** Undefined where that took a minute. */
  readonly caughtUp: number | undefined
}

interface Outcome {
  readonly bench: 'recovery'
  readonly stateMb: number
  readonly parallelism: number
  readonly rate: number
  readonly records: number
  readonly recoveries: readonly Recovery[]
  readonly differences: Differences
}

export async function recoveryBench(args: string[]): Promise<void> {
  const plan = parsePlan(args)
  const outcomes: Outcome[] = []
  for (const mb of plan.sizes) {
    const outcome = await measure(plan, mb)
    outcomes.push(outcome)
    console.log(JSON.stringify(outcome))
    if (Object.values(outcome.differences).some((n) => n !== 0)) process.exitCode = 1
    if (plan.json !== undefined) {
      writeFileSync(plan.json, `${JSON.stringify(outcomes, null, 1)}\n`)
    }
  }
  console.table(outcomes.map(tableLine))
}

async function measure(plan: Plan, mb: number): Promise<Outcome> {
  const { parallelism, memory, checkpointMs, nodeArgs, kills, seconds } = plan
  const keys = Math.floor((mb * 1e6) / ENTRY_BYTES)
  const fixed = { parallelism, memory, checkpointMs, nodeArgs, keys }
  const rate = plan.rate ?? Math.floor((await inFolder((one) => highestRate(one, fixed))) / 2)
  return inFolder(async (folder) => {
    await makeState(folder, fixed)
    const setting = { ...fixed, folder, rate, startAt: monotonicMs() }
    const recoveries: Recovery[] = []
    let child = startChild(setting)
    for (let kill = 1; kill <= kills; kill++) {
      await untilSteady(child, monotonicMs() + seconds * 1_000)
      const { killedAt, exitedAt } = await child.kill()
      child = startChild(setting)
      recoveries.push(await recoveryOf(child, { parallelism, killedAt, exitedAt }))
    }
    const count = Math.ceil(((monotonicMs() + NOTICE_MS - setting.startAt) * rate) / 1_000)
    writeFileSync(`${endFile(folder)}.new`, String(count))
    renameSync(`${endFile(folder)}.new`, endFile(folder))
    await child.finished()
    const differences = await checkRows(join(folder, 'out'), new RowCheck(count, keys))
    return {
      bench: 'recovery',
      stateMb: mb,
      parallelism,
      rate,
      records: count,
      recoveries,
      differences,
    }
  })
}

/** Gives a job that has never read a record so much state. */
async function makeState(folder: string, fixed: Fixed): Promise<void> {
  const child = startChild({ ...fixed, folder, rate: 1, startAt: monotonicMs() + NEVER_MS })
  await child.until((lines) => countOf(lines, 'checkpoint') >= 2)
  await child.kill()
  await writeCheckpoint(join(folder, 'state', 'recovery', 'checkpoints'), fixed.keys, CHAIN)
}

/** Records a second, once all state has been loaded. */
async function highestRate(folder: string, fixed: Fixed): Promise<number> {
  await makeState(folder, fixed)
  const all = { rate: UNLIMITED, startAt: monotonicMs() }
  const child = startChild({ ...fixed, folder, ...all })
  const loaded = (lines: readonly Line[]): Line[] =>
    lines.filter(
      (line) =>
        line.type === 'progress' && (line.recordsRead ?? 0) > 0 && line.loadedShare === undefined,
    )
  await child.until((lines) => {
    const [first, ...rest] = loaded(lines)
    return rest.length > 0 && rest.at(-1)!.at - first!.at >= MEASURE_MS
  })
  await child.kill()
  const [first, ...rest] = loaded(child.lines)
  const last = rest.at(-1)!
  return ((last.recordsRead! - first!.recordsRead!) / (last.at - first!.at)) * 1_000
}

/** At its rate, with checkpoints, and not before that moment. */
async function untilSteady(child: Child, from: number): Promise<void> {
  const isSteady = (lines: readonly Line[]): boolean =>
    countOf(lines, 'caught-up') > 0 && countOf(lines, 'checkpoint') >= 2 && lines.at(-1)!.at >= from
  const until = from + PATIENCE_MS
  await child.until((lines) => isSteady(lines) || (lines.at(-1)?.at ?? 0) > until)
  if (isSteady(child.lines)) return
  await child.kill()
  throw new Error('the job does not keep up with the schedule; set a lower --rate')
}

async function recoveryOf(
  child: Child,
  of: { readonly parallelism: number; readonly killedAt: number; readonly exitedAt: number },
): Promise<Recovery> {
  const hasCaughtUp = (lines: readonly Line[]): boolean =>
    countOf(lines, 'caught-up') >= of.parallelism
  const until = of.killedAt + PATIENCE_MS
  await child.until(
    (lines) => hasCaughtUp(lines) || (countOf(lines, 'processed') > 0 && lines.at(-1)!.at > until),
  )
  const since = (at: number): number => Math.round(at - of.killedAt)
  const first = (type: string): number => since(child.lines.find((line) => line.type === type)!.at)
  const caughtUp = child.lines.filter(({ type }) => type === 'caught-up').map(({ at }) => at)
  return {
    exitSeen: since(of.exitedAt),
    up: first('up'),
    begun: first('started'),
    restored: first('running'),
    firstRecord: first('processed'),
    caughtUp: hasCaughtUp(child.lines) ? since(Math.max(...caughtUp)) : undefined,
  }
}

function countOf(lines: readonly Line[], type: string): number {
  return lines.filter((line) => line.type === type).length
}

function tableLine({ stateMb, rate, recoveries, differences }: Outcome): Record<string, unknown> {
  const show = (figure: keyof Recovery): string => {
    const values = recoveries.map((one) => one[figure]).filter((ms) => ms !== undefined)
    return values.length === 0 ? '–' : showSpread(spreadOf(values, 0), 0)
  }
  return {
    'state MB': stateMb,
    'records/s': rate,
    'exit seen': show('exitSeen'),
    up: show('up'),
    begun: show('begun'),
    restored: show('restored'),
    'first record': show('firstRecord'),
    'caught up': show('caughtUp'),
    ...differences,
  }
}

function parsePlan(args: string[]): Plan {
  const { values } = parseArgs({
    args,
    options: {
      'state-mb': { type: 'string', default: '10,100,1000' },
      parallelism: { type: 'string', default: '2' },
      kills: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '5' },
      'checkpoint-interval': { type: 'string', default: '1s' },
      memory: { type: 'string', default: '2gb' },
      rate: { type: 'string' },
      built: { type: 'boolean', default: false },
      json: { type: 'string' },
    },
  })
  const { rate, json } = values
  return {
    sizes: values['state-mb'].split(',').map((text) => whole('--state-mb', text)),
    parallelism: whole('--parallelism', values.parallelism),
    kills: whole('--kills', values.kills),
    seconds: whole('--seconds', values.seconds),
    checkpointMs: durationMs(values['checkpoint-interval']),
    memory: values.memory,
    nodeArgs: argsOf(values.built),
    rate: rate === undefined ? undefined : whole('--rate', rate),
    json,
  }
}
