import { parseArgs } from 'node:util'
import { SeededRandom } from '../../../runtime/clock.ts'
import { KinesisServer } from '../../servers/kinesis-server.ts'
import { KinesisCase } from './kinesis-case.ts'

const usage = `npm run crash:kinesis -- [--rounds N] [--seed S]

Counts the records of each key of a stream of Kinesis (a stand-in) into files, exactly once, in processes that are killed with SIGKILL at
random moments, at changing parallelism, while the stream is written, split and merged, and requests are throttled, fail or get lost;
then compares: each record once, those of a key in order.

  --rounds N  rounds of a new stream each, with three kills (default 100)
  --seed S    seed of the campaign (default: drawn, and printed)

Exit 1 when something differs.`

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    seed: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  console.log(usage)
} else {
  const first = Number(values.seed ?? Date.now() % 1_000_000)
  const server = await KinesisServer.start()
  console.log(`Seed ${first}`)
  let [kills, records, reshardings] = [0, 0, 0]
  for (let round = 0; round < Number(values.rounds) && process.exitCode !== 1; round++) {
    const seed = first + round
    const random = new SeededRandom(seed)
    const { endpoint } = server
    const outcome = await new KinesisCase({
      endpoint,
      random,
      seed,
      writingMs: 6_000,
      kills: 3,
    }).run()
    kills += outcome.kills
    records += outcome.records
    reshardings += outcome.reshardings
    const faults = [...outcome.faults.values()].reduce((a, b) => a + b, 0)
    console.log(
      `round ${round + 1}: ${outcome.records} records, ${outcome.reshardings} splits and merges, ${faults} faults, ${outcome.kills} kills`,
    )
    if (outcome.problems.length > 0) {
      console.log(`seed ${seed}, ${outcome.folder}:\n${outcome.problems.join('\n')}`)
      process.exitCode = 1
    }
  }
  await server.stop()
  console.log(`${kills} kills, ${records} records, ${reshardings} splits and merges.`)
  if (process.exitCode !== 1) console.log('No record lost, none doubled, all in order per key.')
}
