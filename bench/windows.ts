import { parseArgs } from 'node:util'
import { median, showSpread, type Spread } from './spread.ts'
import { type SessionCost, sessionCosts } from './windows-sessions.ts'
import { slidingCosts } from './windows-sliding.ts'

export const windowsHelp = `windows [--rounds 9] [--sessions 1,10,100,1000,10000,100000]
  CPU time of window operators without a job around them, in memory. Sliding 1 h / 1 min against tumbling 1 h, aggregated, with
  1,000 records per key and slide: cost per record and cost of firing apart, as ratios of one run with minimum, median and
  maximum. Then sessions: cost of a record that makes one longer, by the number of open sessions of its key, and
  of the same record in as many tumbling windows.`

export async function windowsBench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '9' },
      sessions: { type: 'string', default: '1,10,100,1000,10000,100000' },
    },
  })
  const rounds = Number(values.rounds)
  const costs = await slidingCosts(rounds)
  const sliding: Sliding = {
    perRecordNs: medians(costs.recordsNs),
    perWindowNs: medians(costs.windowsNs),
    ratio: costs.ratio,
  }
  showSliding(sliding)
  const sessions = await sessionCosts(values.sessions.split(',').map(Number), rounds)
  showSessions(sessions)
  console.log(JSON.stringify({ bench: 'windows', sliding, sessions }))
}

/** Medians of the rounds, by contender. */
interface Sliding {
  readonly perRecordNs: Readonly<Record<string, number>>
  readonly perWindowNs: Readonly<Record<string, number>>
  readonly ratio: Spread
}

function medians(of: Readonly<Record<string, readonly number[]>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(of).map(([name, values]) => [name, Math.round(median(values))]),
  )
}

function showSliding({ perRecordNs, perWindowNs, ratio }: Sliding): void {
  for (const [name, ns] of Object.entries(perRecordNs)) {
    const firing = (perWindowNs[name]! / 1_000).toFixed(1)
    console.log(`${name.padEnd(32)} ${ns} ns a record, ${firing} µs to fire a window`)
  }
  console.log(`sliding 1 h / 1 min in panes : tumbling 1 h, per record: ${showSpread(ratio)}\n`)
}

function showSessions(costs: readonly SessionCost[]): void {
  for (const { open, recordNs, tumblingNs, beginNs, fireNs } of costs) {
    const count = open.toLocaleString('en').padStart(9)
    console.log(
      `${count} open sessions: ${recordNs} ns a record of one of them (tumbling windows: ${tumblingNs}), ${beginNs} ns to begin one, ${fireNs} ns to fire it`,
    )
  }
}
