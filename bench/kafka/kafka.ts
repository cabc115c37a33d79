import { parseArgs } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import { KafkaServer } from '../../test/servers/kafka-server.ts'
import { makeTopics } from '../../test/servers/make-topics.ts'
import { readCommitted } from '../../test/servers/read-committed.ts'
import { child } from '../fraud.ts'
import type { LatencyHistogram } from '../latency/histogram.ts'
import { listOf, whole } from '../option-values.ts'
import { showSpread, spreadOf } from '../spread.ts'
import { fill, PARTITIONS } from './input.ts'
import { passThroughLatency } from './latency.ts'

const MODES = ['read', 'at-least-once', 'exactly-once', 'latency'] as const

export const kafkaHelp = `kafka [--rounds 3] [--records 1000000] [--modes ${MODES.join(',')}]
  Consume, key, count and produce records of 200 bytes at parallelism 2, checkpoints every second, against bare kafkajs doing the same
  in two threads, in turn on one real broker: records a second and CPU seconds from the first record to the last one written, as
  ratios engine / bare. \`read\` only reads and parses. What was written is counted by the Java client in the first round. \`latency\` passes
  5,000 records a second on, at least once: from a producer through the job to a consumer, 20 s after a warm-up of 8 s.`

interface Figures {
  readonly wallSeconds: number
  readonly cpuSeconds: number
}

export async function kafkaBench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '3' },
      records: { type: 'string', default: '1000000' },
      modes: { type: 'string', default: MODES.join(',') },
    },
  })
  const records = whole('--records', values.records)
  const rounds = whole('--rounds', values.rounds)
  const modes = listOf('--modes', values.modes, MODES)
  const server = await KafkaServer.start({ javaOptions: ['-XX:TieredStopAtLevel=4'], heap: '1g' })
  try {
    const kafka = new Kafka({ brokers: [server.brokers], logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    await admin.connect()
    const topic = async (name: string): Promise<string> => {
      await makeTopics(admin, { topic: name, numPartitions: PARTITIONS })
      return name
    }
    const input = await topic('input')
    if (modes.some((mode) => mode !== 'latency')) {
      console.log(`filling a topic with ${records} records`)
      await fill(kafka, input, records)
    }
    for (const mode of modes) {
      if (mode === 'latency') {
        showLatency(await passThroughLatency(kafka, server.brokers))
        continue
      }
      const bare: Figures[] = []
      const engine: Figures[] = []
      for (let round = 1; round <= rounds; round++) {
        const from = [server.brokers, input]
        const bareOutput = await topic(`bare-${mode}-${round}`)
        bare.push(await run('bare-run.ts', [...from, bareOutput, mode, String(records)]))
        const output = await topic(`engine-${mode}-${round}`)
        engine.push(await run('engine-run.ts', [...from, output, mode]))
        console.log(
          `${mode}, round ${round}: bare ${show(bare.at(-1)!, records)}, engine ${show(engine.at(-1)!, records)}`,
        )
        if (mode !== 'read' && round === 1) await count(server, output, records)
        await admin.deleteTopics({ topics: [bareOutput, output] })
      }
      const speed = spreadOf(engine.map((one, i) => bare[i]!.wallSeconds / one.wallSeconds))
      const cpu = spreadOf(engine.map((one, i) => one.cpuSeconds / bare[i]!.cpuSeconds))
      console.log(
        `${mode}: engine / bare: records a second ${showSpread(speed)}, CPU ${showSpread(cpu)}`,
      )
      console.log(JSON.stringify({ bench: 'kafka', mode, records, speed, cpu, bare, engine }))
    }
    await admin.disconnect()
  } finally {
    await server.stop()
  }
}

function showLatency(histogram: LatencyHistogram): void {
  const ms = (percent: number) => histogram.percentile(percent) / 1_000
  const figures = { records: histogram.size, p50: ms(50), p99: ms(99), p999: ms(99.9) }
  console.log(
    `latency of ${figures.records} records: p50 ${figures.p50} ms, p99 ${figures.p99} ms, p99.9 ${figures.p999} ms`,
  )
  console.log(JSON.stringify({ bench: 'kafka', mode: 'latency', ...figures }))
}

function run(script: string, args: readonly string[]): Promise<Figures> {
  return child<Figures>(`kafka/${script}`, args, ['--disable-warning=TimeoutNegativeWarning'])
}

async function count(server: KafkaServer, topic: string, records: number): Promise<void> {
  const found = await readCommitted({ brokers: server.brokers, topic, timeoutMs: 300_000 })
  if (found.length === records) return
  console.log(`  WRONG: ${found.length} records were written instead of ${records}`)
  process.exitCode = 1
}

function show({ wallSeconds, cpuSeconds }: Figures, records: number): string {
  const rate = Math.round(records / wallSeconds / 1_000)
  return `${rate} k/s (${wallSeconds.toFixed(2)} s, CPU ${cpuSeconds.toFixed(2)} s)`
}
