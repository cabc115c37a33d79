import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import type { Failpoint } from '../../runtime/failpoint.ts'
import { RunningProcess } from '../cluster/process.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import { describeKafkaWithJava, type TestKafka } from '../servers/kafka-for-tests.ts'

const JOB = new URL('./jobs/writing.ts', import.meta.url)
const COUNT = 300
const makeFolder = temporaryFolders()

let dir: string
beforeEach(async () => {
  dir = join(await makeFolder(), 'state')
})

function run(
  kafka: TestKafka,
  topic: string,
  options: { dir?: string; failpoint?: string; rate?: number; parallelism?: number } = {},
): RunningProcess {
  const { failpoint = '', rate = 1_000, parallelism = 2 } = options
  const params = { brokers: kafka.brokers, topic, count: COUNT, rate }
  const given = { dir: options.dir ?? dir, parallelism, params, checkpointInterval: '50ms' }
  return new RunningProcess(JOB, given, { MILLRACE_FAILPOINT: failpoint })
}

/** What a reader of committed records finds, by key. */
async function found(kafka: TestKafka, topic: string): Promise<Record<string, number[]>> {
  const byKey: Record<string, number[]> = {}
  for (const { key, value } of await kafka.read(topic)) {
    const { n } = JSON.parse(value!.toString()) as { n: number }
    ;(byKey[key!.toString()] ??= []).push(n)
  }
  for (const numbers of Object.values(byKey)) numbers.sort((a, b) => a - b)
  return byKey
}

/** The rows that a whole run writes, by key. */
const EXPECTED = Object.fromEntries(
  Array.from({ length: 10 }, (_, key) => [
    `k${key}`,
    Array.from({ length: COUNT / 10 }, (_, i) => key + 10 * i),
  ]),
)

/** Those between which the sink does something. */
/** Those of the others are hit by `npm run crash:kafka`. */
const FAILPOINTS: readonly Failpoint[] = [
  'after-prepare-output',
  'after-publish',
  'before-commit',
  'after-commit',
]

describeKafkaWithJava('a job that writes to Kafka exactly once', (kafka) => {
  it.each(FAILPOINTS)(
    'leaves no trace of a kill -9 with a transaction pending, nor of one at %s in the run that goes on (R33)',
    async (name) => {
      const topic = await kafka.createTopic(2)
      await run(kafka, topic, { failpoint: 'after-publish:2' }).ended
      const second = run(kafka, topic, { failpoint: name })
      await second.ended
      expect(second.child.signalCode).toBe('SIGKILL')
      const last = run(kafka, topic, { rate: 0, parallelism: 3 })
      await last.ended
      // On a slow machine the last checkpoint may have been the one whose commit was cut off.
      expect(['finished', 'already-finished']).toContain(last.told.at(-1)?.status)
      expect(await found(kafka, topic)).toEqual(EXPECTED)
    },
  )

  it('lets nothing of a stopped process appear that goes on when another one has taken over', async () => {
    const topic = await kafka.createTopic(2)
    const zombie = run(kafka, topic, { rate: 200 })
    await zombie.until('checkpoint')
    zombie.child.kill('SIGSTOP')
    // As on another machine, to which the state was copied.
    const copy = join(await makeFolder(), 'state')
    await cp(dir, copy, { recursive: true })
    const heir = run(kafka, topic, { dir: copy, rate: 0 })
    await heir.ended
    expect(heir.told.at(-1)).toMatchObject({ type: 'ended', status: 'finished' })
    const before = await found(kafka, topic)
    expect(before).toEqual(EXPECTED)
    zombie.child.kill('SIGCONT')
    await zombie.ended
    expect(['MR_KAFKA_FENCED', 'MR_OUTPUT_CONFLICT']).toContain(zombie.told.at(-1)?.code)
    expect(await found(kafka, topic)).toEqual(before)
  })
})
