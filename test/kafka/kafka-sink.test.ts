import { expect, it } from 'vitest'
import { json, string } from 'millrace'
import { kafkaSink, type KafkaSinkOptions, kafkaTopic } from 'millrace/kafka'
import { checkConnection } from '../../connectors/kafka/connection.ts'
import type { KafkaSinkClient } from '../../connectors/kafka/kafka-sink-client.ts'
import { KafkaSinkCluster } from '../../connectors/kafka/kafka-sink-cluster.ts'
import { kafkaSinkOn } from '../../connectors/kafka/kafka-sink.ts'
import { SystemClock } from '../../runtime/clock.ts'
import { type AttemptOptions, SinkAttempt } from '../connectors/kafka/sink-attempt.ts'
import { describeKafkaWithJava, type TestKafka } from '../servers/kafka-for-tests.ts'
import { javaPartitions } from '../servers/read-committed.ts'

interface Row {
  readonly key: string | null
  readonly text: string | null
}

const row = (text: string | null, key: string | null = null): Row => ({ key, text })

/** A sink of rows: their texts as values, null for a tombstone. */
function rowSink(
  kafka: TestKafka,
  topic: string,
  options: Partial<KafkaSinkOptions<string, string, Row>> = {},
) {
  return kafkaSink<string, string, Row>({
    brokers: kafka.brokers,
    topic: kafkaTopic({ name: topic, value: string(), key: string() }),
    toKey: ({ key }) => key,
    toValue: ({ text }) => text,
    ...options,
  })
}

async function texts(kafka: TestKafka, topic: string): Promise<readonly string[]> {
  return (await kafka.read(topic)).map(({ value }) => String(value)).sort()
}

class Crash extends Error {}

/** A client of the broker whose n-th call breaks, before or after it was done, and which is dead then. */
function crashing(kafka: TestKafka, at: number, isDone: boolean, counter: { calls: number }) {
  const { brokers } = kafka
  const connection = checkConnection({ brokers }, 'test', 'MR_SINK_INVALID')
  const client: KafkaSinkClient = new KafkaSinkCluster(connection, 'sink')
  return new Proxy(client, {
    get(target, name) {
      const method = Reflect.get(target, name, target) as (...args: unknown[]) => Promise<unknown>
      return async (...args: unknown[]) => {
        if (name === 'close') return method.apply(target, args)
        const call = counter.calls++
        if (call > at || (call === at && !isDone)) throw new Crash()
        const answer = await method.apply(target, args)
        if (call === at) throw new Crash()
        return answer
      }
    },
  })
}

describeKafkaWithJava('kafkaSink on a broker', (kafka) => {
  it.each(['exactly-once', 'at-least-once'] as const)(
    'writes keys, values, tombstones, headers and times, with partitions as the Java client: %s',
    async (guarantee) => {
      const topic = await kafka.createTopic(7)
      const headers = ({ text }: Row) => ({ kind: `é-${text}`, bytes: new Uint8Array([0, 255]) })
      const attempt = await SinkAttempt.start(rowSink(kafka, topic, { guarantee, headers }))
      const keys = Array.from({ length: 60 }, (_, i) => 'ключ-ab'.slice(0, i % 8) + i)
      attempt.write(0, ...keys.map((key) => row(`v-${key}`, key)), row(null, 'gone'))
      await attempt.checkpoint()
      await attempt.close()
      const records = await kafka.read(topic)
      const partitions = await javaPartitions(
        keys.map((key) => Buffer.from(key)),
        7,
      )
      const byKey = new Map(records.map((record) => [record.key!.toString(), record]))
      expect(keys.map((key) => byKey.get(key)?.partition)).toEqual(partitions)
      expect(byKey.get(keys[9]!)).toMatchObject({
        value: Buffer.from(`v-${keys[9]}`),
        timestamp: attempt.time,
        headers: [
          ['kind', Buffer.from(`é-v-${keys[9]}`)],
          ['bytes', Buffer.from([0, 255])],
        ],
      })
      expect(byKey.get('gone')?.value).toBe(null)
      expect(records).toHaveLength(61)
    },
  )

  it.each(['gzip', 'zstd', 'snappy', 'lz4'] as const)(
    'compresses by %s, in chunks below the limit',
    async (compression) => {
      const topic = await kafka.createTopic(1, { 'max.message.bytes': '100000' })
      const attempt = await SinkAttempt.start(rowSink(kafka, topic, { compression }))
      const rows = Array.from({ length: 400 }, (_, i) => `${i}`.padStart(3, '0').repeat(400))
      attempt.write(0, ...rows.map((text) => row(text)))
      await attempt.checkpoint()
      await attempt.close()
      expect(await texts(kafka, topic)).toEqual(rows)
    },
  )

  it('spreads records without a key over the partitions, and writes more than a request holds', async () => {
    const topic = await kafka.createTopic(3)
    const attempt = await SinkAttempt.start(rowSink(kafka, topic))
    const text = 'x'.repeat(1_000)
    for (let i = 0; i < 12_000; i++) attempt.write(0, row(text))
    await attempt.checkpoint()
    await attempt.close()
    const counts = [0, 0, 0]
    for (const { partition } of await kafka.read(topic)) counts[partition]!++
    expect(counts.reduce((a, b) => a + b)).toBe(12_000)
    expect(Math.min(...counts)).toBeGreaterThan(3_000)
  })

  it.each(['exactly-once', 'at-least-once'] as const)(
    'sends keys to partitions that the topic has got since: %s',
    async (guarantee) => {
      const topic = await kafka.createTopic(1)
      let later = 0
      class LaterClock extends SystemClock {
        override elapsed(): number {
          return super.elapsed() + later
        }
      }
      const clock = new LaterClock()
      const attempt = await SinkAttempt.start(rowSink(kafka, topic, { guarantee }), { clock })
      await (await kafka.admin()).createPartitions({ topicPartitions: [{ topic, count: 4 }] })
      const partitions = new Set<number>()
      for (let round = 0; partitions.size < 4; round++) {
        expect(round).toBeLessThan(50)
        // The partitions may take a moment to show.
        later += 6 * 60_000
        const keys = Array.from({ length: 20 }, (_, i) => `${round}-${i}`)
        attempt.write(0, ...keys.map((key) => row('x', key)))
        await attempt.checkpoint()
        for (const { partition } of await kafka.read(topic)) partitions.add(partition)
      }
      await attempt.close()
    },
  )

  it('writes each record once with a crash before or after any call to the brokers (R33)', async () => {
    const topic = await kafka.createTopic(2)
    const expected: string[] = []
    for (let at = 0, isOver = false; !isOver; at++) {
      for (const isDone of [false, true]) {
        const name = `${at}${isDone ? 'a' : 'b'}`
        // Another job each time.
        const transactionalIdPrefix = `${topic}-${name}`
        const whole = rowSink(kafka, topic, { transactionalIdPrefix })
        const first = await SinkAttempt.start(whole, { parallelism: 2 })
        first.write(0, row(`${name}-1`), row(`${name}-2`))
        first.write(1, row(`${name}-3`))
        let from = await first.publish()
        await first.close()
        expected.push(`${name}-1`, `${name}-2`, `${name}-3`)
        const counter = { calls: 0 }
        const sink = kafkaSinkOn<string, string, Row>(
          { makeClient: () => crashing(kafka, at, isDone, counter), clock: new SystemClock() },
          {
            brokers: kafka.brokers,
            topic: kafkaTopic({ name: topic, value: string(), key: string() }),
            toValue: ({ text }) => text,
            transactionalIdPrefix,
          },
        )
        try {
          const second = await SinkAttempt.start(sink, { parallelism: 1, from })
          second.write(0, row(`${name}-4`))
          from = await second.publish()
          expected.push(`${name}-4`)
          await second.commit()
          await second.close()
          isOver = true
        } catch (error) {
          if (!(error instanceof Error && /Crash|Error:/.test(`${error.name} ${error.message}`))) {
            throw error
          }
        }
        const third = await SinkAttempt.start(whole, { parallelism: 3, from })
        await third.close()
      }
      expect(at).toBeLessThan(80)
    }
    expect(await texts(kafka, topic)).toEqual(expected.sort())
  }, 120_000)

  it('shuts out a zombie, whose records never appear', async () => {
    const topic = await kafka.createTopic(1)
    const zombie = await SinkAttempt.start(rowSink(kafka, topic))
    zombie.write(0, row('a'))
    const from = await zombie.publish()
    const heir = await SinkAttempt.start(rowSink(kafka, topic), { from })
    zombie.write(0, row('late'))
    await zombie.publish()
    await expect(zombie.commit()).rejects.toMatchObject({ code: 'MR_KAFKA_FENCED' })
    heir.write(0, row('b'))
    await heir.checkpoint()
    expect(await texts(kafka, topic)).toEqual(['a', 'b'])
    await heir.close()
    await zombie.close()
  })

  it('commits what is pending at another parallelism, 2 → 3 → 1', async () => {
    const topic = await kafka.createTopic(2)
    const options: AttemptOptions = {}
    let from
    for (const parallelism of [2, 3, 1]) {
      const attempt: SinkAttempt<Row> = await SinkAttempt.start(rowSink(kafka, topic), {
        ...options,
        parallelism,
        ...(from === undefined ? {} : { from }),
      })
      for (let i = 0; i < parallelism; i++) attempt.write(i, row(`${parallelism}-${i}`))
      from = await attempt.publish()
      await attempt.close()
    }
    await (await SinkAttempt.start(rowSink(kafka, topic), { from: from! })).close()
    expect(await texts(kafka, topic)).toEqual(['1-0', '2-0', '2-1', '3-0', '3-1', '3-2'])
  })

  it('asks when the marker is gone with its group', async () => {
    const topic = await kafka.createTopic(1)
    const first = await SinkAttempt.start(rowSink(kafka, topic), { lineage: topic })
    first.write(0, row('a'))
    const from = await first.checkpoint()
    await first.close()
    await (await kafka.admin()).deleteGroups([`millrace-${topic}-sink-0`])
    const again = SinkAttempt.start(rowSink(kafka, topic), { from })
    await expect(again).rejects.toMatchObject({
      code: 'MR_KAFKA_MARKER_LOST',
      fields: { transactionalId: `millrace-${topic}-sink-0`, marker: 'missing' },
    })
    const skipping = rowSink(kafka, topic, { whenMarkerLost: 'skip' })
    await (await SinkAttempt.start(skipping, { from })).close()
    expect(await texts(kafka, topic)).toEqual(['a'])
  })

  it.each(['exactly-once', 'at-least-once'] as const)(
    'says which topic is missing, and which record is too large: %s',
    async (guarantee) => {
      await expect(
        SinkAttempt.start(rowSink(kafka, 'no-such-topic', { guarantee, retryTimeout: '3s' })),
      ).rejects.toMatchObject({
        code: 'MR_KAFKA_TOPIC_MISSING',
        message: expect.stringContaining('"no-such-topic"'),
      })
      const topic = await kafka.createTopic(1, { 'max.message.bytes': '5000' })
      const attempt = await SinkAttempt.start(rowSink(kafka, topic, { guarantee }))
      attempt.write(0, row('a'.repeat(4_000)), row('b'.repeat(3_000)))
      await attempt.checkpoint()
      expect(() => attempt.write(0, row('c'.repeat(6_000)))).toThrow(
        expect.objectContaining({
          code: 'MR_KAFKA_RECORD_TOO_LARGE',
          message: expect.stringContaining('5000 at most'),
        }),
      )
      await attempt.close()
    },
  )

  it('says what the brokers allow where transactions may take longer', async () => {
    const topic = await kafka.createTopic(1)
    const sink = rowSink(kafka, topic, { transactionTimeout: '1h' })
    await expect(SinkAttempt.start(sink)).rejects.toMatchObject({
      code: 'MR_KAFKA_TRANSACTION_TIMEOUT',
      message: expect.stringContaining('900 s at most'),
    })
  })

  it('says who is there when no broker is', async () => {
    const sink = kafkaSink({
      brokers: '127.0.0.1:9',
      topic: 'out',
      value: json(),
      retryTimeout: '1s',
    })
    await expect(SinkAttempt.start(sink)).rejects.toMatchObject({
      code: 'MR_KAFKA_UNAVAILABLE',
      message: expect.stringContaining('127.0.0.1:9'),
    })
  })
})
