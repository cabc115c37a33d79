import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { RunningProcess } from '../cluster/process.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import { describeKafkaWithJava, type TestKafka } from '../servers/kafka-for-tests.ts'
import type { CountedInput } from './attack/growing-job.ts'

const JOB = new URL('./attack/growing-job.ts', import.meta.url)
const KEYS = 20
const makeFolder = temporaryFolders()

/** Sends the ids from `from` on, those of a key to one partition and in order. */
async function send(kafka: TestKafka, topic: string, from: number, to: number): Promise<void> {
  const producer = kafka.client.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  // Each round of partitions has keys of its own, which begin in the partitions that it has added.
  const messages = Array.from({ length: to - from }, (_, i) => {
    const id = from + i
    const [round, number] = [Math.floor(id / 1_000), id % KEYS]
    const value = JSON.stringify({ id })
    return { key: `${round}-${number}`, value, partition: number % (2 + 2 * round) }
  })
  await producer.send({ topic, messages })
  await producer.disconnect()
}

async function counts(kafka: TestKafka, topic: string): Promise<CountedInput[]> {
  const records = await kafka.read(topic)
  return records.map(({ value }) => JSON.parse(value!.toString()) as CountedInput)
}

/** Waits until so many records are there, or some time is over. */
async function untilThere(kafka: TestKafka, topic: string, count: number): Promise<void> {
  const end = Date.now() + 20_000
  while ((await counts(kafka, topic)).length < count && Date.now() < end) await sleep(100)
}

describeKafkaWithJava('a job that is rescaled while its topics grow', (kafka) => {
  it('2 → 3 → 1 with kills between loses and doubles nothing, and shuts out the ids of subtasks that are no more', async () => {
    const [input, output] = [await kafka.createTopic(2), await kafka.createTopic(2)]
    const folder = await makeFolder()
    const admin = await kafka.admin()
    const grow = (topic: string, count: number) =>
      admin.createPartitions({ topicPartitions: [{ topic, count }] })
    const run = (dir: string, parallelism: number) => {
      const params = { brokers: kafka.brokers, input, output }
      const options = { dir: join(folder, dir), parallelism, params, checkpointInterval: '50ms' }
      return new RunningProcess(JOB, options)
    }
    await send(kafka, input, 0, 1_000)
    const first = run('state', 2)
    await first.until('checkpoint')
    await grow(input, 4)
    await send(kafka, input, 1_000, 2_000)
    await untilThere(kafka, output, 1_500)
    await first.kill()
    const second = run('state', 3)
    await second.until('checkpoint')
    await grow(input, 6)
    await grow(output, 3)
    await send(kafka, input, 2_000, 2_700)
    await untilThere(kafka, output, 2_300)
    second.child.kill('SIGSTOP')
    await cp(join(folder, 'state'), join(folder, 'copy'), { recursive: true })
    const third = run('copy', 1)
    await third.until('checkpoint')
    second.child.kill('SIGCONT')
    await send(kafka, input, 2_700, 3_000)
    await untilThere(kafka, output, 3_000)
    await second.ended
    await third.kill()
    expect(['MR_KAFKA_FENCED', 'MR_OUTPUT_CONFLICT']).toContain(second.told.at(-1)?.code)
    const found = await counts(kafka, output)
    expect(found.map(({ id }) => id).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 3_000 }, (_, id) => id),
    )
    for (const [key, those] of Map.groupBy(found, (one) => one.key)) {
      const byCount = those.toSorted((a, b) => a.count - b.count)
      expect([key, byCount.map(({ count }) => count)]).toEqual([key, byCount.map((_, i) => i + 1)])
      const ids = byCount.map(({ id }) => id)
      expect(ids).toEqual(ids.toSorted((a, b) => a - b))
    }
  })
})
