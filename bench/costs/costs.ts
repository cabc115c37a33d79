import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { child } from '../fraud.ts'
import { listOf, whole } from '../option-values.ts'
import { type Spread, spreadOf } from '../spread.ts'
import { RIGS } from './rigs.ts'

export const costsHelp = `costs [--rounds 5] [--only ${Object.keys(RIGS).join()}] [--json FILE]
  The cost model of ARCHITECTURE.md: nanoseconds of CPU time that each mechanism costs a record, a timer, a pane or an entry, as
  minimum, median and maximum of the rounds, each mechanism in a process of its own. Most are the difference between two works
  that differ by it alone; the files of bench/costs/ say which. For an idle machine.
  --json FILE   write the figures to a file`

export async function costsBench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '5' },
      only: { type: 'string', default: Object.keys(RIGS).join() },
      json: { type: 'string' },
    },
  })
  const rounds = whole('--rounds', values.rounds)
  const names = listOf('--only', values.only, Object.keys(RIGS))
  const costs: Record<string, Spread> = {}
  for (const name of names) {
    const figures = await child<Record<string, number[]>>(
      'costs/run.ts',
      [name, String(rounds)],
      ['--expose-gc'],
    )
    for (const [what, ns] of Object.entries(figures)) {
      costs[what] = spreadOf(ns, 1)
      console.log(costLine(what, costs[what]))
    }
  }
  const outcome = { bench: 'costs', rounds, ns: costs }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(outcome, null, 1)}\n`)
  console.log(JSON.stringify(outcome))
}

function costLine(what: string, { min, median, max }: Spread): string {
  return `${what.padEnd(44)} ${median.toFixed(0).padStart(6)} ns (${min.toFixed(0)}–${max.toFixed(0)})`
}
