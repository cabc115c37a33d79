import { parseArgs } from 'node:util'
import { EventTable } from './event-table.ts'
import { drawCase, MAX_EVENTS, type OracleCase } from './oracle-case.ts'
import { OPERATORS } from './operators.ts'
import { Progress } from './progress.ts'
import { failureLine, runCase, shrinkCase } from './run-case.ts'

const usage = `npm run oracle -- --seed S [--from K] [--count N] [--max-events N] [--operator NAME] [--keep-going]

Asks an oracle what random jobs must put out: each case draws an operator, its input, parallelism, backend and interruptions,
runs it, and compares with DuckDB or plain arrays. Case K of seed S is always the same case.

  --seed S         seed of the campaign (default 1)
  --from K         number of the first case (default 0): goes on where a campaign has stopped
  --count N        how many cases (default 1000)
  --max-events N   events of the largest case (default ${MAX_EVENTS}); with others, cases have numbers of their own
  --operator NAME  draw from this operator only; such cases have numbers of their own
  --keep-going     go on after a difference, and say at the end how many there were

Exit 1 at the first difference: the case is then printed as one line that says how to run it again, and the smallest case
found that still fails. Operators: ${[...new Set(OPERATORS)].map(({ name }) => name).join(', ')}.
`

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    count: { type: 'string', default: '1000' },
    'max-events': { type: 'string', default: String(MAX_EVENTS) },
    operator: { type: 'string' },
    'keep-going': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(usage)
else process.exitCode = await campaign()

async function campaign(): Promise<number> {
  const numbers = [values.seed, values.from, values.count, values['max-events']].map(Number)
  const operators = OPERATORS.filter(({ name }) => name === (values.operator ?? name))
  if (!numbers.every(Number.isSafeInteger) || operators.length === 0) {
    console.error(usage)
    return 2
  }
  const [seed, from, count, maxEvents] = numbers as [number, number, number, number]
  const table = await EventTable.open()
  const progress = new Progress(seed, from)
  const failing = new Map<string, number>()
  for (let number = from; number < from + count; number++) {
    const of = drawCase(seed, number, { operators, maxEvents })
    const verdict = await runCase(of, table)
    progress.add(of, verdict)
    if (verdict.problem === '') continue
    console.error(failureLine(of, verdict.problem))
    if (!values['keep-going']) {
      console.error(await smallestFailure(of, table))
      return 1
    }
    failing.set(of.operator.name, (failing.get(of.operator.name) ?? 0) + 1)
  }
  const found = [...failing].map(([name, cases]) => `${cases} of ${name}`)
  console.log(
    `${progress.line}: ${found.length === 0 ? 'no difference' : `differences: ${found.join(', ')}`}`,
  )
  return found.length === 0 ? 0 : 1
}

async function smallestFailure(of: OracleCase, table: EventTable): Promise<string> {
  const smallest = await shrinkCase(of, table)
  const { problem } = await runCase(smallest, table)
  return `smallest found: ${failureLine(smallest, problem)}`
}
