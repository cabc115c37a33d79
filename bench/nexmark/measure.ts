import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inFolder } from '../temporary-folder.ts'
import { nodeContender } from './child.ts'
import type { Contender, Iteration, Setting } from './contender.ts'
import { isPeerThere, peerContender, peerFolder } from './peer.ts'
import type { Plan } from './options.ts'
import { ROWS, type RowFormat } from './query.ts'
import { EVENTS_PER_ROUND_STEP } from './rounds.ts'
import { firstDifference, sortedRows, sortedRowsOf } from './rows.ts'

/** So long a run lasts where nobody says how many rounds it has. */
const LEAST_SECONDS = 10
/** Later runs are faster. */
const SPARE = 1.15

/** The runs that count, in the order of their turns. */
export interface Measured {
  readonly setting: Setting
  readonly rounds: number
  readonly engine: readonly Iteration[]
  readonly loop: readonly Iteration[]
  /** Empty where there is no peer. */
  readonly peer: readonly Iteration[]
  /** What is wrong with the rows; none where all are equal to those of the loop. */
  readonly differences: readonly string[]
}

/** Measures one query in one setting; progress goes to `say`. */
export async function measure(
  plan: Plan,
  setting: Setting,
  say: (line: string) => void,
): Promise<Measured> {
  const env = { MILLRACE_STATE_BACKEND: setting.state }
  const engine = nodeContender('engine-child.ts', setting, { env })
  const nodeArgs = ['--expose-gc', '--max-old-space-size=8192']
  const loop = nodeContender('loop-child.ts', setting, { nodeArgs })
  const differences: string[] = []
  try {
    differences.push(...(await differencesInRows(plan, setting, { engine, loop })))
    const rounds = plan.rounds ?? (await roundsFor(engine, setting))
    const turns = await takeTurns(plan, { setting, rounds, engine, loop, say })
    differences.push(...differencesInFigures(ROWS[setting.query], turns))
    return { setting, rounds, ...turns, differences }
  } finally {
    await Promise.all([engine.close(), loop.close()])
  }
}

/** How many rounds last long enough: doubled until a run lasts half as long, when most of it is at full speed. */
async function roundsFor(engine: Contender, { events }: Setting): Promise<number> {
  if (events % EVENTS_PER_ROUND_STEP !== 0) return 1
  for (let rounds = 2; ; rounds *= 2) {
    const { secondsToDrained: seconds } = await engine.run({ rounds })
    if (seconds >= LEAST_SECONDS / 2) return Math.ceil((SPARE * LEAST_SECONDS * rounds) / seconds)
  }
}

/** Compares the rows of one round with those of the loop, and keeps them where they are wanted. */
async function differencesInRows(
  plan: Plan,
  setting: Setting,
  { engine, loop }: { engine: Contender; loop: Contender },
): Promise<string[]> {
  const rowsOf = (contender: Contender): Promise<string[]> =>
    inFolder(async (rows) => {
      await contender.run({ rounds: 1, rows })
      return sortedRows(rows)
    })
  const expected = await rowsOf(loop)
  const found = await rowsOf(engine)
  const differences = [prefixed('engine', firstDifference(found, expected))]
  const { query } = setting
  if (plan.rows !== undefined) {
    mkdirSync(plan.rows, { recursive: true })
    writeFileSync(join(plan.rows, `${query}.csv`), [...found, ''].join('\n'))
    const folder = plan.peerFolder ?? peerFolder()
    if (plan.hasPeer && isPeerThere(folder)) {
      const rows = await peerRows(folder, setting, join(plan.rows, `${query}.flink.csv`))
      differences.push(prefixed('peer', firstDifference(rows, expected)))
    }
  }
  return differences.filter((difference) => difference !== undefined)
}

function peerRows(folder: string, setting: Setting, kept: string): Promise<string[]> {
  return inFolder(async (rows) => {
    const csv = join(rows, 'peer.csv')
    const peer = peerContender(folder, setting, { rounds: 1, warmup: 0, iterations: 1, csv })
    await peer.run({ rounds: 1 })
    await peer.close()
    copyFileSync(csv, kept)
    return sortedRowsOf(csv)
  })
}

function prefixed(who: string, difference: string | undefined): string | undefined {
  return difference === undefined ? undefined : `${who}: ${difference}`
}

interface Turns {
  readonly engine: Iteration[]
  readonly loop: Iteration[]
  readonly peer: Iteration[]
}

async function takeTurns(
  plan: Plan,
  with_: {
    readonly setting: Setting
    readonly rounds: number
    readonly engine: Contender
    readonly loop: Contender
    readonly say: (line: string) => void
  },
): Promise<Turns> {
  const { setting, rounds, engine, loop, say } = with_
  const { warmup, iterations } = plan
  const folder = plan.peerFolder ?? peerFolder()
  const hasPeer = plan.hasPeer && isPeerThere(folder)
  const peer = hasPeer ? peerContender(folder, setting, { rounds, warmup, iterations }) : undefined
  const turns: Turns = { engine: [], loop: [], peer: [] }
  try {
    for (let turn = 1; turn <= warmup + iterations; turn++) {
      const isCounted = turn > warmup
      const take = async (name: keyof Turns, contender: Contender): Promise<void> => {
        const iteration = await contender.run({ rounds })
        if (isCounted) turns[name].push(iteration)
        const { seconds, cpuSeconds } = iteration
        const perSecond = Math.round((setting.events * rounds) / seconds).toLocaleString('en')
        const when = isCounted ? `run ${turn - warmup}` : `warm-up ${turn}`
        const took = `${seconds.toFixed(2)} s, ${cpuSeconds.toFixed(2)} s CPU`
        say(`  ${when}: ${name.padEnd(6)} ${perSecond} events/s (${took})`)
      }
      await take('engine', engine)
      await take('loop', loop)
      if (peer !== undefined) await take('peer', peer)
    }
  } finally {
    await peer?.close()
  }
  return turns
}

/** Where a query refines its result, how many rows come before the last depends on the order of records. */
function differencesInFigures(format: RowFormat, { engine, loop, peer }: Turns): string[] {
  if (format.key !== undefined) return []
  const differences: string[] = []
  for (const [index, { rows, hash }] of loop.entries()) {
    const expected = `${rows} rows with hash ${hash}`
    const ran = engine[index]!
    if (ran.rows !== rows || ran.hash !== hash) {
      differences.push(`engine: ${ran.rows} rows with hash ${ran.hash} instead of ${expected}`)
    }
    const peerRows = peer[index]?.rows ?? rows
    if (peerRows !== rows) differences.push(`peer: ${peerRows} rows instead of ${rows}`)
  }
  return differences
}
