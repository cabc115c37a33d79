import { parseArgs } from 'node:util'
import { kafkaCampaign } from './campaign.ts'

const usage = `npm run crash:kafka -- [--kills N] [--broker-kills N] [--seed S]

Counts the records of each key from a topic of Kafka to another, exactly once, in processes that are killed with SIGKILL at random
moments (start, recovery, records, transaction, commit), while the broker is killed and started again; lets each job end, and compares
what the Java client reads of its output (read_committed) with an independent computation: each record once, those of a key in order.

  --kills N         kills of the job (default 300)
  --broker-kills N  kills of the broker (default 50)
  --seed S          seed of the campaign (default: drawn, and printed)

Needs Java and Maven. Exit 1 when something differs.`

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '300' },
    'broker-kills': { type: 'string', default: '50' },
    seed: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  console.log(usage)
} else {
  const seed = Number(values.seed ?? Date.now() % 1_000_000)
  console.log(`Seed ${seed}`)
  const { kills, brokerKills, cases, failure } = await kafkaCampaign({
    kills: Number(values.kills),
    brokerKills: Number(values['broker-kills']),
    seed,
    tell: (line) => console.log(line),
  })
  console.log(`${kills} kills of the job and ${brokerKills} of the broker in ${cases} cases.`)
  console.log(failure ?? 'No record lost, none doubled, all in order.')
  process.exitCode = failure === undefined ? 0 : 1
}
