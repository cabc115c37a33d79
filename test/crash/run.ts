import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { SeededRandom } from '../../runtime/clock.ts'
import { FAILPOINTS } from '../../runtime/failpoint.ts'
import { expectedAlerts, parseTransactions } from '../fraud/expected-alerts.ts'
import { type CrashCase, crashCase, randomPlans, splitByCard } from './campaign.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

const usage = `npm run crash -- [--kills N] [--seed S] [--failpoints]

Kills the fraud job with SIGKILL at random moments, on one file and on eight, at parallelism 2 and 4, with checkpoint
intervals from 50 ms to 1 s, lets it end, and compares what it committed with an independent computation.

  --kills N      how many kills in all (default 200)
  --seed S       seed of the campaign (default: drawn, and printed)
  --failpoints   crash at every named point of the protocol instead, and once more in the recovery that follows
`

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string' },
    failpoints: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(usage)
else process.exitCode = await campaign()

async function campaign(): Promise<number> {
  const seed = Number(values.seed ?? Date.now() % 1_000_000)
  const random = new SeededRandom(seed)
  console.log(`seed ${seed}`)
  const folder = await mkdtemp(join(tmpdir(), 'millrace-campaign-'))
  try {
    const bundled = join(root, 'examples/data/card-transactions.csv.gz')
    const text = gunzipSync(await readFile(bundled)).toString()
    const expected = expectedAlerts(parseTransactions(text))
    const single = join(folder, 'cards.csv')
    await writeFile(single, text)
    const eight = join(folder, 'eight')
    await splitByCard(text, 8, eight)
    const base = { job: join(root, 'examples/fraud-detection.ts'), expected }
    return values.failpoints
      ? await namedPoints({ ...base, input: eight })
      : await randomKills(random, base, [single, eight, bundled])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

type Base = Pick<CrashCase, 'job' | 'expected'>

async function randomKills(random: SeededRandom, base: Base, inputs: string[]): Promise<number> {
  const wanted = Number(values.kills)
  let kills = 0
  let jobs = 0
  while (kills < wanted) {
    const one: CrashCase = {
      ...base,
      input: inputs[jobs % inputs.length]!,
      parallelism: random.next() < 0.5 ? 2 : 4,
      checkpointInterval: `${Math.floor(50 * 20 ** random.next())}ms`,
      rate: Math.floor(6_000 + random.next() * 20_000),
    }
    const plans = randomPlans(random, Math.min(wanted - kills, 2 + Math.floor(random.next() * 6)))
    const outcome = await crashCase(one, plans)
    jobs++
    kills += outcome.kills
    const label = `${one.input.split('/').at(-1)} p=${one.parallelism} every ${one.checkpointInterval}`
    if (outcome.problems.length > 0) return report(label, outcome.problems)
    console.log(`${kills}/${wanted} kills, ${jobs} jobs: ${label}, ${outcome.kills} kills, output equal`)
  }
  console.log(`${kills} kills, ${jobs} jobs, no difference`)
  return 0
}

async function namedPoints(base: Base & { input: string }): Promise<number> {
  for (const failpoint of FAILPOINTS) {
    for (const count of [1, 4]) {
      const one: CrashCase = {
        ...base,
        parallelism: 2,
        checkpointInterval: '150ms',
        rate: 20_000,
      }
      // Once by name, and at the same point again in the recovery that follows.
      const plan = { failpoint: `${failpoint}:${count}` }
      const outcome = await crashCase(one, [plan, { failpoint: `${failpoint}:1` }])
      const label = `${failpoint}:${count}`
      if (outcome.problems.length > 0) return report(label, outcome.problems)
      console.log(`${label}: ${outcome.kills} kills, output equal`)
    }
  }
  return 0
}

function report(label: string, problems: readonly string[]): number {
  console.error(`DIFFERENT: ${label}`)
  for (const problem of problems.slice(0, 20)) console.error(`  ${problem}`)
  return 1
}
