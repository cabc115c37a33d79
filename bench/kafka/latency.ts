import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Kafka } from 'kafkajs'
import { startJob } from 'millrace'
import { makeTopics } from '../../test/servers/make-topics.ts'
import { LatencyHistogram } from '../latency/histogram.ts'
import { inFolder } from '../temporary-folder.ts'
import { PARTITIONS } from './input.ts'

/** A record with the time at which it was handed to the producer. */
export interface Stamped {
  readonly n: number
  readonly atMs: number
  readonly pad: string
}

const RATE = 5_000
const EVERY_MS = 5
const WARM_UP_MS = 8_000
const MEASURED_MS = 20_000

/** From the producer to the consumer behind the job, both of kafkajs in this process. */
export async function passThroughLatency(kafka: Kafka, brokers: string): Promise<LatencyHistogram> {
  const [input, output] = ['latency-in', 'latency-out']
  const admin = kafka.admin()
  await admin.connect()
  const topics = [input, output].map((topic) => ({ topic, numPartitions: PARTITIONS }))
  await makeTopics(admin, ...topics)
  await admin.disconnect()
  const histogram = new LatencyHistogram()
  await inFolder(async (folder) => {
    const running = startJob(fileURLToPath(new URL('pass-job.ts', import.meta.url)), {
      params: { brokers, input, output },
      parallelism: 2,
      dir: join(folder, 'state'),
      checkpointInterval: '1s',
      print: () => {},
    })
    const begin = performance.now()
    const isMeasured = () => performance.now() - begin > WARM_UP_MS
    const consumer = kafka.consumer({ groupId: `latency-${process.pid}`, maxWaitTimeInMs: 100 })
    await consumer.connect()
    await consumer.subscribe({ topics: [output], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        const now = performance.now()
        if (!isMeasured()) return
        for (const { value } of batch.messages) {
          histogram.add((now - (JSON.parse(value!.toString()) as Stamped).atMs) * 1_000)
        }
      },
    })
    const producer = kafka.producer({ idempotent: true })
    await producer.connect()
    const pad = 'x'.repeat(150)
    let n = 0
    const from = performance.now()
    while (performance.now() - begin < WARM_UP_MS + MEASURED_MS) {
      const due = Math.floor(((performance.now() - from) / 1_000) * RATE)
      const messages = []
      for (const end = Math.min(due, n + 1_000); n < end; n++) {
        const value = JSON.stringify({ n, atMs: performance.now(), pad } satisfies Stamped)
        messages.push({ value, partition: n % PARTITIONS })
      }
      // Not waited for: the rate is that of the clock.
      if (messages.length > 0) void producer.send({ topic: input, messages })
      await sleep(EVERY_MS)
    }
    await sleep(1_000)
    await running.stop({ drain: false })
    await running.result
    await producer.disconnect()
    await consumer.disconnect()
  })
  return histogram
}
