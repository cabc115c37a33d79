import { parseArgs } from 'node:util'
import { SeededRandom } from '../../../runtime/clock.ts'
import { proxiedBroker } from './proxied-broker.ts'
import { drawZombie, LONG_STOP, zombieCase } from './zombie-case.ts'

const usage = `node -C @millrace/source test/kafka/attack/zombies.ts [--tries N] [--seed S] [--delay MS] [--long]

Stops a process at random moments, lets another one go on from a copy of its state, and then the first one, too. Exit 1 when
something of the first appears, it ends without an error, or it harms the other.

  --tries N   default 30
  --seed S    default: drawn, and printed
  --delay MS  what each answer of the broker takes more, so that most stops hit a transaction (default 0)
  --long      the new process is at work when the old one goes on, whose requests and transactions have all taken too long`

const { values } = parseArgs({
  options: {
    tries: { type: 'string', default: '30' },
    seed: { type: 'string' },
    delay: { type: 'string', default: '0' },
    long: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(usage)
else {
  const seed = Number(values.seed ?? Date.now() % 1_000_000)
  console.log(`Seed ${seed}`)
  const broker = await proxiedBroker()
  broker.proxy.delayMs = Number(values.delay)
  for (let i = 0; i < Number(values.tries); i++) {
    const drawn = drawZombie(new SeededRandom(seed + i))
    const plan = values.long ? { ...drawn, ...LONG_STOP } : drawn
    const { zombie, heir, problems } = await zombieCase(broker.kafka, plan)
    const isGood = problems.length === 0 && heir === 'finished' && /^MR_(KAFKA|OUTPUT)/.test(zombie)
    console.log(`${i + 1}: ${zombie}, the other ${heir} ${problems.join('; ')}`)
    if (!isGood) process.exitCode = 1
  }
  await broker.stop()
}
