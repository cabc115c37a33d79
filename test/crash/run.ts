import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { FAILPOINTS, SAVEPOINT_POINTS } from '../../runtime/failpoint.ts'
import {
  type Campaign,
  failureLines,
  namedPoints,
  randomKills,
  savepointPoints,
  summaryOf,
} from './campaign.ts'
import { makeInputs } from './inputs.ts'
import { mutantLines, testMutants } from './mutants.ts'

const bundled = fileURLToPath(
  new URL('../../examples/data/card-transactions.csv.gz', import.meta.url),
)

const POINTS: readonly string[] = [...FAILPOINTS, ...SAVEPOINT_POINTS]

const usage = `npm run crash -- [--kills N] [--seed S] [--case I] [--rows N] | --failpoints [POINT…] | --mutants [NAME…]

Runs jobs in processes of their own, kills them with SIGKILL at random moments (start, recovery, records, checkpoint, commit)
or stops them with Ctrl-C, tells them to take savepoints and starts from those, lets each end, and compares what it committed with an independent computation: on one file and on
eight, at parallelism 1 to 4 and from one to another, with checkpoints every 50 ms to 1 s, with state that does not fit into memory, with
changes that wait for their checkpoint in files, and with output that rolls; also in the middle of a fold or a removal, with disks that are slow and fail for a while, with state that is loaded late, and
with "millrace checkpoints gc" in between. After each kill it looks for rows that should not be there, and for what the state directory has grown to.

  --kills N      how many kills in all (default 200)
  --seed S       seed of the campaign (default: drawn, and printed)
  --case I       only the case of that number
  --rows N       rows of input (default 12000)
  --failpoints   crash at every named point of the protocol instead, again in the recovery that follows, and once more;
                 with names, only at those
  --mutants      break the engine in a copy of the tree, one way after another, and show which test turns red; with names,
                 only those

Exit 1 when something differs: it then prints how to run that case again, and the folder in which it is kept. Of mutants
exit 1 when one survives, or when a test is not green without it.

Points: ${POINTS.join(', ')}.

Mutants:
${mutantLines().join('\n')}
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string' },
    case: { type: 'string' },
    rows: { type: 'string', default: '12000' },
    failpoints: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(usage)
else if (values.mutants) process.exitCode = await testMutants(positionals)
else process.exitCode = await crash()

async function allPoints(options: Parameters<typeof namedPoints>[0]): Promise<Campaign> {
  const { only = [] } = options
  const ofSavepoints = only.filter((name) => (SAVEPOINT_POINTS as readonly string[]).includes(name))
  if (only.length > 0 && ofSavepoints.length === only.length) return savepointPoints(options)
  const campaign = await namedPoints(options)
  if (campaign.failure !== undefined || (only.length > 0 && ofSavepoints.length === 0))
    return campaign
  for (const line of summaryOf(campaign)) options.tell(line)
  return savepointPoints({ ...options, only: ofSavepoints })
}

async function crash(): Promise<number> {
  const unknown = positionals.filter((name) => !POINTS.includes(name))
  if (unknown.length > 0 || (positionals.length > 0 && !values.failpoints)) {
    console.error(usage)
    return 2
  }
  const folder = await mkdtemp(join(tmpdir(), 'millrace-campaign-'))
  const text = gunzipSync(await readFile(bundled)).toString()
  const inputs = await makeInputs(text, Number(values.rows), folder)
  const seed = Number(values.seed ?? Date.now() % 1_000_000)
  const tell = (line: string): void => console.log(line)
  let campaign: Campaign
  let again: string
  if (values.failpoints) {
    campaign = await allPoints({ inputs, only: positionals, tell })
    again = `npm run crash -- --failpoints ${campaign.failure?.case.label.split(':')[0]}`
  } else {
    console.log(`seed ${seed}`)
    const only = values.case === undefined ? undefined : Number(values.case)
    campaign = await randomKills({ seed, kills: Number(values.kills), inputs, only, tell })
    again = `npm run crash -- --seed ${seed} --case ${(only ?? 0) + campaign.cases - 1}`
  }
  for (const line of summaryOf(campaign)) console.log(line)
  if (campaign.failure === undefined) {
    await rm(folder, { recursive: true })
    console.log('no difference')
    return 0
  }
  for (const line of failureLines(campaign)) console.error(line)
  console.error(`  input: ${folder}`)
  console.error(`  again: ${again} --rows ${values.rows}`)
  return 1
}
