import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { KafkaSinkOptions } from '../../connectors/kafka/kafka-sink-options.ts'
import { kafkaSink } from '../../connectors/kafka/kafka-sink.ts'
import { string } from '../../connectors/string-format.ts'
import { SinkAttempt, type SinkCheckpoint } from '../connectors/kafka/sink-attempt.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import { describeKafkaServer } from '../servers/kafka-for-tests.ts'
import { runNumbers } from './attack/numbers-run.ts'
import { type ProxiedBroker, proxiedBroker } from './attack/proxied-broker.ts'

const makeFolder = temporaryFolders()

describeKafkaServer('what is taken away from a sink that runs', () => {
  let broker: ProxiedBroker
  let markerTopic: string
  let markers = 0

  beforeAll(async () => {
    broker = await proxiedBroker()
  })

  afterAll(() => broker.stop())

  const sinkTo = (topic: string, more: Partial<KafkaSinkOptions<string>> = {}) =>
    kafkaSink<string>({
      brokers: broker.brokers,
      topic,
      value: string(),
      markerTopic,
      retryTimeout: '2s',
      ...more,
    })

  const values = async (topic: string): Promise<string[]> =>
    (await broker.kafka.read(topic)).map(({ value }) => value!.toString())

  /** Runs a sink for a checkpoint, does something, and tells how the next checkpoint ends, and after how many requests. */
  async function outcomeOf(
    guarantee: 'exactly-once' | 'at-least-once',
    harm: (topic: string, transactionalId: string) => Promise<unknown>,
  ) {
    markerTopic = `markers-${++markers}`
    const topic = await broker.kafka.createTopic(1)
    const attempt = await SinkAttempt.start(sinkTo(topic, { guarantee }))
    attempt.write(0, 'a')
    await attempt.checkpoint()
    await harm(topic, `millrace-${topic}-sink-0`)
    const total = () => [...broker.proxy.requests.values()].reduce((a, b) => a + b, 0)
    const [requests, begin] = [total(), performance.now()]
    attempt.write(0, 'b')
    let pending: SinkCheckpoint | undefined
    const next = async () => {
      pending = await attempt.publish()
      await attempt.commit()
    }
    const found = await next().then(
      () => ({ code: 'none', message: '' }),
      (error: { code: string; message: string }) => error,
    )
    const took = performance.now() - begin
    const closing = performance.now()
    await attempt.close()
    const closed = performance.now() - closing
    return {
      code: found.code,
      message: found.message,
      took,
      closed,
      requests: total() - requests,
      topic,
      pending,
    }
  }

  it.each(['exactly-once', 'at-least-once'] as const)(
    'the topic is named when it is deleted, after a few tries: %s',
    async (guarantee) => {
      const found = await outcomeOf(guarantee, async (topic) =>
        (await broker.kafka.admin()).deleteTopics({ topics: [topic] }),
      )
      expect(found).toMatchObject({
        code: 'MR_KAFKA_TOPIC_MISSING',
        message: expect.stringContaining(`"${found.topic}"`),
      })
      expect(found.took).toBeLessThan(15_000)
      expect(found.closed).toBeLessThan(1_000)
      expect(found.requests).toBeLessThan(300)
    },
  )

  it('the marker topic is named when it is deleted, and what is pending is a question then', async () => {
    const found = await outcomeOf('exactly-once', async () =>
      (await broker.kafka.admin()).deleteTopics({ topics: [markerTopic] }),
    )
    expect(found).toMatchObject({
      code: 'MR_KAFKA_TOPIC_MISSING',
      message: expect.stringContaining(`"${markerTopic}"`),
    })
    expect(found.took).toBeLessThan(15_000)
    expect(found.requests).toBeLessThan(600)
    const again = SinkAttempt.start(sinkTo(found.topic), { from: found.pending! })
    await expect(again).rejects.toMatchObject({ code: 'MR_KAFKA_MARKER_LOST' })
    expect(await values(found.topic)).toEqual(['a'])
  })

  it('goes on where the group of its marker is deleted, with a new marker', async () => {
    const found = await outcomeOf('exactly-once', async (_, id) =>
      (await broker.kafka.admin()).deleteGroups([id]),
    )
    expect(found.code).toBe('none')
    await (await SinkAttempt.start(sinkTo(found.topic), { from: found.pending! })).close()
    expect(await values(found.topic)).toEqual(['a', 'b'])
  })

  it('shuts out a job when another one begins with its prefix, and then does not let it begin', async () => {
    markerTopic = 'markers-two'
    const topic = await broker.kafka.createTopic(1)
    const sink = () => sinkTo(topic, { transactionalIdPrefix: `two-${topic}` })
    const one = await SinkAttempt.start(sink())
    one.write(0, 'one')
    await one.publish()
    const two = await SinkAttempt.start(sink())
    two.write(0, 'two')
    await expect(one.commit()).rejects.toMatchObject({
      code: 'MR_KAFKA_FENCED',
      message: expect.stringContaining('a transactionalIdPrefix of its own'),
    })
    await two.checkpoint()
    await expect(SinkAttempt.start(sink())).rejects.toMatchObject({
      code: 'MR_OUTPUT_CONFLICT',
      message: expect.stringContaining('give each job a prefix of its own'),
    })
    expect(await values(topic)).toEqual(['two'])
    await one.close()
    await two.close()
  })

  it('leaves nothing that keeps a process alive, be it finished or failed', async () => {
    const dir = await makeFolder()
    const topic = await broker.kafka.createTopic(1)
    const run = (name: string, params: Record<string, string>) =>
      runNumbers({
        dir: join(dir, name),
        params: { brokers: broker.brokers, topic, count: 20, rate: 0, ...params },
      })
    const runs = [run('good', {}), run('bad', { transactionTimeout: '1h' })]
    const lasts = runs.map(async (one) => {
      await one.until('ended')
      const begin = performance.now()
      await one.ended
      expect(performance.now() - begin).toBeLessThan(3_000)
      return one.told.at(-1)
    })
    expect(await Promise.all(lasts)).toMatchObject([
      { status: 'finished' },
      { code: 'MR_KAFKA_TRANSACTION_TIMEOUT' },
    ])
  })
})
