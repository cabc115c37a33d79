import { parseArgs } from 'node:util'
import { child } from '../fraud.ts'
import { whole } from '../option-values.ts'
import { showSpread, spreadOf } from '../spread.ts'
import { FastKinesis, roundedRecords } from './fast-kinesis.ts'

const SHARDS = 2

export const kinesisHelp = `kinesis [--rounds 5] [--records 600000]
  Reads and parses records of 200 bytes from two shards, in one subtask with checkpoints every second, against a bare loop of GetRecords
  and JSON.parse for each shard in one thread, in turn, from a service that only hands out what is there: records a second and CPU
  seconds from the first record on, as ratios engine / bare.`

interface Figures {
  readonly records: number
  readonly wallSeconds: number
  readonly cpuSeconds: number
}

export async function kinesisBench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '5' },
      records: { type: 'string', default: '600000' },
    },
  })
  const records = roundedRecords(SHARDS, whole('--records', values.records))
  const rounds = whole('--rounds', values.rounds)
  const service = await FastKinesis.start(SHARDS, records)
  const [bare, engine]: Figures[][] = [[], []]
  try {
    for (let round = 1; round <= rounds; round++) {
      bare!.push(await child<Figures>('aws/kinesis-bare.ts', [service.endpoint, String(SHARDS)]))
      engine!.push(await child<Figures>('aws/kinesis-engine.ts', [service.endpoint]))
      const [a, b] = [bare!.at(-1)!, engine!.at(-1)!]
      console.log(`round ${round}: bare ${show(a)}, engine ${show(b)}`)
      if (a.records === records && b.records === records) continue
      console.log(`  WRONG: ${records} records are there`)
      process.exitCode = 1
    }
  } finally {
    service.stop()
  }
  const speed = spreadOf(engine!.map((one, i) => bare![i]!.wallSeconds / one.wallSeconds))
  const cpu = spreadOf(engine!.map((one, i) => one.cpuSeconds / bare![i]!.cpuSeconds))
  console.log(`engine / bare: records a second ${showSpread(speed)}, CPU ${showSpread(cpu)}`)
  console.log(JSON.stringify({ bench: 'kinesis', records, speed, cpu, bare, engine }))
}

function show({ records, wallSeconds, cpuSeconds }: Figures): string {
  const rate = Math.round(records / wallSeconds / 1_000)
  return `${rate} k/s (${wallSeconds.toFixed(2)} s, CPU ${cpuSeconds.toFixed(2)} s)`
}
