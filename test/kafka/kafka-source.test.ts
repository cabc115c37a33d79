import { beforeAll, describe, expect, expectTypeOf, it } from 'vitest'
import { json, outputTag, type Source, string } from 'millrace'
import { kafkaSource, type KafkaSourceOptions } from 'millrace/kafka'
import { CompressionTypes, type Message } from 'kafkajs'

import { sourceContract } from '../contract/source.ts'
import {
  readSource as readSourceWith,
  SourceRun,
  type SourceRunOptions,
} from '../contract/source-run.ts'
import { SystemClock } from '../../runtime/clock.ts'
import { describeKafka, type TestKafka } from '../servers/kafka-for-tests.ts'
import { makeTopics } from '../servers/make-topics.ts'

interface Order {
  readonly n: number
}

// Brokers delete records that are older than the retention of their topic, by their own time.
const T0 = Date.now() - 3_600_000
const REAL = { realClock: new SystemClock() }

/** Sends numbers to one partition each, by `n % partitions`, a minute apart in time. */
async function send(
  kafka: TestKafka,
  topic: string,
  partitions: number,
  from: number,
  to: number,
  options: { readonly compression?: CompressionTypes } = {},
): Promise<void> {
  // Where one of its partitions is not ready, the client sends the others of that broker again, too.
  const producer = kafka.client.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const messages: Message[] = []
  for (let n = from; n < to; n++) {
    messages.push({
      key: `key-${n}`,
      value: JSON.stringify({ n }),
      partition: n % partitions,
      timestamp: String(T0 + n * 60_000),
      headers: { kind: `header-${n}` },
    })
  }
  await producer.send({ topic, messages, ...options })
  await producer.disconnect()
}

const readSource = <T>(source: Source<T>) => readSourceWith(source, REAL)
const start = <T>(source: Source<T>, options: SourceRunOptions = {}) =>
  new SourceRun(source, { ...REAL, ...options }).start()
const numbers = (values: readonly Order[]) => values.map(({ n }) => n).toSorted((a, b) => a - b)
const upTo = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

describeKafka('kafkaSource', (kafka) => {
  const { brokers } = kafka
  const orders = (
    options: Omit<Partial<KafkaSourceOptions<Order>>, 'topics'> & { topics: string },
  ) => kafkaSource({ brokers, value: json<Order>(), end: 'latest', ...options })

  describe('as any source', () => {
    let topic: string
    beforeAll(async () => {
      topic = await kafka.createTopic(1)
      await send(kafka, topic, 1, 0, 5)
    })
    sourceContract({
      name: 'kafka topic',
      create: () => orders({ topics: topic }),
      expected: upTo(0, 5).map((n) => ({ n })),
      runOptions: REAL,
    })
  })

  it('hands out key, value, headers, time and place', async () => {
    const topic = await kafka.createTopic(2)
    await send(kafka, topic, 2, 0, 4)
    const producer = kafka.client.producer()
    await producer.connect()
    await producer.send({
      topic,
      messages: [{ key: 'gone', value: null, partition: 1, timestamp: String(T0) }],
    })
    await producer.disconnect()
    const source = kafkaSource({
      brokers,
      topics: topic,
      key: string(),
      value: json<Order>(),
      end: 'latest',
      record: (record) => ({
        place: [record.topic, record.partition, record.offset],
        key: record.key,
        n: record.value?.n ?? null,
        kind: record.header('kind'),
        time: record.timestamp,
      }),
    })
    expectTypeOf(source).toExtend<Source<{ n: number | null; key: string | null }>>()
    const run = await start(source)
    await run.read()
    await run.close()
    expect(run.records.filter(({ splitId }) => splitId === `${topic}[1]`)).toEqual([
      ...[1, 3].map((n, i) => ({
        value: {
          place: [topic, 1, i],
          key: `key-${n}`,
          n,
          kind: `header-${n}`,
          time: T0 + n * 60_000,
        },
        timestamp: T0 + n * 60_000,
        splitId: `${topic}[1]`,
        subtaskIndex: 0,
      })),
      {
        value: { place: [topic, 1, 2], key: 'gone', n: null, kind: undefined, time: T0 },
        timestamp: T0,
        splitId: `${topic}[1]`,
        subtaskIndex: 0,
      },
    ])
  })

  it('starts and ends where it is told', async () => {
    const topic = await kafka.createTopic(2)
    await send(kafka, topic, 2, 0, 20)
    const read = async (options: Omit<Partial<KafkaSourceOptions<Order>>, 'topics'>) =>
      numbers(await readSource(orders({ topics: topic, ...options })))
    expect(await read({})).toEqual(upTo(0, 20))
    expect(await read({ start: 'latest' })).toEqual([])
    expect(await read({ start: { timestamp: T0 + 7 * 60_000 } })).toEqual(upTo(7, 20))
    expect(await read({ start: { timestamp: T0 + 7 * 60_000 - 1 } })).toEqual(upTo(7, 20))
    expect(await read({ start: { timestamp: T0 + 86_400_000 } })).toEqual([])
    expect(await read({ end: { timestamp: T0 + 7 * 60_000 } })).toEqual(upTo(0, 7))
    expect(await read({ start: { offsets: { [topic]: { 0: 8 } } } })).toEqual(
      upTo(0, 20).filter((n) => n % 2 === 1 || n >= 16),
    )
    expect(await read({ start: { offsets: { [topic]: { 0: 8 } }, otherwise: 'latest' } })).toEqual([
      16, 18,
    ])
    expect(await read({ end: { offsets: { [topic]: { 1: 3 } } } })).toEqual([1, 3, 5])
  })

  it('starts where a group has committed, and says so where it has not', async () => {
    const topic = await kafka.createTopic(2)
    const groupId = `group-${topic}`
    await send(kafka, topic, 2, 0, 10)
    const from = (otherwise?: 'earliest' | 'latest') =>
      orders({ topics: topic, start: { committed: groupId, ...(otherwise && { otherwise }) } })
    await expect(readSource(from())).rejects.toMatchObject({ code: 'MR_KAFKA_OFFSET_MISSING' })
    expect(await readSource(from('latest'))).toEqual([])
    const admin = await kafka.admin()
    await admin.setOffsets({ groupId, topic, partitions: [{ partition: 1, offset: '3' }] })
    expect(numbers(await readSource(from('earliest')))).toEqual([0, 2, 4, 6, 7, 8, 9])
  })

  it('commits positions of completed checkpoints for monitoring, and reads nothing from them', async () => {
    const topic = await kafka.createTopic(1)
    const commitGroup = `monitor-${topic}`
    await send(kafka, topic, 1, 0, 10)
    const admin = await kafka.admin()
    const committed = async () => {
      const [found] = await admin.fetchOffsets({ groupId: commitGroup, topics: [topic] })
      return found!.partitions.map(({ offset }) => offset)
    }
    const run = await start(orders({ topics: topic, commitGroup }))
    await run.read(4)
    run.snapshot(1)
    await run.read(6)
    expect(await committed()).toEqual(['-1'])
    run.complete(1)
    await run.close()
    expect(await committed()).toEqual(['4'])
    expect(await readSource(orders({ topics: topic, commitGroup }))).toHaveLength(10)
  })

  it('reads topics by pattern, and finds new topics and partitions while it runs', async () => {
    const first = await kafka.createTopic(1)
    await send(kafka, first, 1, 0, 5)
    const pattern = new RegExp(`^${first}(-later)?$`, 'g')
    const source = kafkaSource({
      brokers,
      topics: pattern,
      value: json<Order>(),
      start: 'latest',
      discoveryInterval: 50,
      fetchMaxWait: 50,
    })
    const run = await start(source, { parallelism: 2 })
    await send(kafka, first, 1, 5, 8)
    await run.read(3)
    const admin = await kafka.admin()
    await admin.createPartitions({ topicPartitions: [{ topic: first, count: 3 }] })
    const later = `${first}-later`
    await makeTopics(admin, { topic: later, numPartitions: 2 })
    await send(kafka, later, 2, 100, 110)
    await send(kafka, first, 3, 8, 20)
    await run.read(3 + 12 + 10)
    expect(numbers(run.values)).toEqual([...upTo(5, 20), ...upTo(100, 110)])
    expect(run.logs.join(' ')).toContain(`${later}[1]`)
    // What it found is part of the checkpoint: nothing is found again.
    const restored = run.snapshot(1)
    await run.close()
    const again = await start(source, { parallelism: 2, restored })
    await send(kafka, later, 2, 110, 114)
    await again.read(4)
    expect(numbers(again.values)).toEqual(upTo(110, 114))
    await again.close()
  })

  it('leaves out what transactions have aborted, between those of others', async () => {
    const topic = await kafka.createTopic(1)
    const producers = await Promise.all(
      upTo(0, 4).map(async (i) => {
        const producer = kafka.client.producer({
          transactionalId: `${topic}-${i}`,
          maxInFlightRequests: 1,
          idempotent: true,
        })
        await producer.connect()
        return producer
      }),
    )
    let n = 0
    const committed: number[] = []
    for (let round = 0; round < 6; round++) {
      const transactions = []
      for (const producer of producers) transactions.push(await producer.transaction())
      const written: number[][] = transactions.map(() => [])
      for (let step = 0; step < 12; step++) {
        const which = (step * 7 + round) % transactions.length
        written[which]!.push(n)
        await transactions[which]!.send({
          topic,
          messages: [{ value: JSON.stringify({ n: n++ }), partition: 0 }],
        })
      }
      for (const [i, transaction] of transactions.entries()) {
        // Only one in four commits: many aborted ones overlap.
        if ((i + round) % 4 === 0) {
          committed.push(...written[i]!)
          await transaction.commit()
        } else {
          await transaction.abort()
        }
      }
    }
    await Promise.all(producers.map((producer) => producer.disconnect()))
    committed.sort((a, b) => a - b)
    const read = async (offset: number) =>
      numbers(
        await readSource(orders({ topics: topic, start: { offsets: { [topic]: { 0: offset } } } })),
      )
    // The broker answers a commit before all can see it.
    await expect.poll(() => read(0), { timeout: 20_000 }).toEqual(committed)
    // From each place: the defect of the client is in fetches that begin in the middle.
    const all = kafkaSource({
      brokers,
      topics: topic,
      value: json<Order>(),
      end: 'latest',
      record: ({ offset, value }) => ({ offset, n: value!.n }),
    })
    const places = await readSource(all)
    const uncommitted = await readSource(orders({ topics: topic, isolation: 'read_uncommitted' }))
    expect(numbers(uncommitted)).toEqual(upTo(0, n))
    for (let offset = 0; offset < 100; offset += 3) {
      expect(await read(offset)).toEqual(
        places.filter((place) => place.offset >= offset).map((place) => place.n),
      )
    }
  })

  it('ends behind control records, of which nothing is seen', async () => {
    const topic = await kafka.createTopic(1)
    const producer = kafka.client.producer({
      transactionalId: topic,
      maxInFlightRequests: 1,
      idempotent: true,
    })
    await producer.connect()
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ value: '{"n":0}', partition: 0 }] })
    await transaction.abort()
    await producer.disconnect()
    const run = await start(orders({ topics: topic }))
    expect(await run.read()).toEqual([])
    expect([run.isEnded, run.counters.get('lag') ?? 0]).toEqual([true, 0])
    await run.close()
  })

  it('reads what is compressed, and goes on within a batch', async () => {
    const topic = await kafka.createTopic(1)
    await send(kafka, topic, 1, 0, 100, { compression: CompressionTypes.GZIP })
    const run = await start(orders({ topics: topic }))
    await run.read(37)
    const restored = run.snapshot(1)
    await run.close()
    const again = await start(orders({ topics: topic }), { restored })
    expect(numbers(await again.read())).toEqual(upTo(37, 100))
    await again.close()
  })

  it('tells of records that cannot be read: fails, skips, or hands them on', async () => {
    const topic = await kafka.createTopic(1)
    const producer = kafka.client.producer()
    await producer.connect()
    const values = ['{"n":0}', '{"n":', null, '{"n":3}']
    await producer.send({ topic, messages: values.map((value) => ({ key: 'k', value })) })
    await producer.disconnect()
    await expect(readSource(orders({ topics: topic }))).rejects.toMatchObject({
      code: 'MR_BAD_RECORD',
      message: expect.stringContaining(`${topic}[0] at offset 1`),
      fields: { topic, partition: 0, offset: 1 },
    })
    const skipping = await start(orders({ topics: topic, onError: 'skip' }))
    expect(numbers(await skipping.read())).toEqual([0, 3])
    expect(skipping.counters.get('recordsSkipped')).toBe(2)
    await skipping.close()
    const tagged = await start(orders({ topics: topic, onError: outputTag('bad') as never }))
    expect(numbers(await tagged.read())).toEqual([0, 3])
    expect(tagged.side).toMatchObject([
      {
        tag: 'bad',
        value: { topic, partition: 0, offset: 1, value: new TextEncoder().encode('{"n":') },
      },
      { tag: 'bad', value: { offset: 2, value: null, key: new TextEncoder().encode('k') } },
    ])
    await tagged.close()
  })

  it('fails where the offset to go on from is gone, or goes on where it is told', async () => {
    const topic = await kafka.createTopic(1)
    await send(kafka, topic, 1, 0, 10)
    const first = await start(orders({ topics: topic }))
    await first.read(3)
    const restored = first.snapshot(1)
    await first.close()
    const admin = await kafka.admin()
    // It has to know the leader first.
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '6' }] })
    const go = (whenOffsetGone: 'fail' | 'earliest' | 'latest') =>
      start(orders({ topics: topic, whenOffsetGone }), { restored })
    const failing = await go('fail')
    await expect(failing.read()).rejects.toMatchObject({
      code: 'MR_KAFKA_OFFSET_GONE',
      fields: { topic, partition: 0, offset: 3, first: 6, last: 10 },
    })
    await failing.close()
    const earliest = await go('earliest')
    expect(numbers(await earliest.read())).toEqual(upTo(6, 10))
    expect(earliest.counters.get('offsetsReset')).toBe(1)
    await earliest.close()
    const latest = await go('latest')
    expect(await latest.read()).toEqual([])
    await latest.close()
  })

  it('fails for a topic that is not there, and for one that is deleted while it is read', async () => {
    await expect(readSource(orders({ topics: 'no-such-topic' }))).rejects.toMatchObject({
      code: 'MR_KAFKA_TOPIC_MISSING',
      fields: { topic: 'no-such-topic' },
    })
    const topic = await kafka.createTopic(1)
    await send(kafka, topic, 1, 0, 3)
    const source = kafkaSource({
      brokers,
      topics: topic,
      value: json<Order>(),
      discoveryInterval: 0,
      retryTimeout: '3s',
    })
    const run = await start(source)
    await run.read(3)
    const admin = await kafka.admin()
    await admin.deleteTopics({ topics: [topic] })
    await expect(run.read()).rejects.toMatchObject({
      code: 'MR_KAFKA_TOPIC_MISSING',
      fields: { topic },
    })
    await run.close()
  })

  it('says for how long it tried which address, where no broker is', async () => {
    const source = kafkaSource({
      brokers: '127.0.0.1:1',
      topics: 'orders',
      value: json<Order>(),
      retryTimeout: '3s',
    })
    await expect(readSource(source)).rejects.toMatchObject({
      code: 'MR_KAFKA_UNAVAILABLE',
      message: expect.stringMatching(/127\.0\.0\.1:1/),
    })
  })
})
