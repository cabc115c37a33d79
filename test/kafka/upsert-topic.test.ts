import { expect, expectTypeOf, it } from 'vitest'
import {
  collectionSink,
  collectionSource,
  job,
  json,
  noWatermarks,
  type Source,
  string,
  tableJoin,
  type Upsert,
} from 'millrace'
import { kafkaTopic, kafkaUpsertSink, kafkaUpsertSource } from 'millrace/kafka'
import { testJob } from 'millrace/testing'
import { describeKafkaWithJava } from '../servers/kafka-for-tests.ts'

interface Card {
  readonly limit: number
}

describeKafkaWithJava('a compacted topic', (kafka) => {
  const { brokers } = kafka
  const change = (key: string, limit: number | null): Upsert<string, Card> => ({
    key,
    value: limit === null ? null : { limit },
  })

  it('is written as a table, with tombstones, and read as one', async () => {
    const name = await kafka.createTopic(2, { 'cleanup.policy': 'compact' })
    const cards = kafkaTopic({ name, key: string(), value: json<Card>() })
    const changes = [
      change('a', 1),
      change('b', 2),
      change('a', 3),
      change('b', null),
      change('c', 4),
    ]
    const writing = job('write-cards', {}, (env) => {
      env
        .fromSource(collectionSource(changes), { uid: 'changes' })
        .sinkTo(kafkaUpsertSink({ brokers, topic: cards }), { uid: 'cards' })
    })
    await testJob(writing, { parallelism: 1 })
    const written = await kafka.read(name)
    // Brokers may have left out older rows already.
    const lastOf = (wanted: string) => {
      const last = written.findLast(({ key }) => key!.toString() === wanted)!
      return last.value === null ? null : last.value.toString()
    }
    expect(['a', 'b', 'c'].map(lastOf)).toEqual(['{"limit":3}', null, '{"limit":4}'])

    const reading = job('read-cards', {}, (env) => {
      const source = kafkaUpsertSource({ brokers, topics: cards, end: 'latest' })
      expectTypeOf(source).toExtend<Source<Upsert<string, Card>>>()
      const table = env.fromSource(source, {
        uid: 'cards',
        watermarks: noWatermarks(),
        readFirst: true,
      })
      env
        .fromSource(collectionSource(['a', 'b', 'c', 'd']), { uid: 'payments' })
        .keyBy((card) => card)
        .connect(table.keyBy(({ key }) => key))
        .process(
          tableJoin((card: string, row?: Card) => `${card} ${row?.limit ?? 'none'}`),
          { uid: 'joined' },
        )
        .sinkTo(collectionSink(), { uid: 'out' })
    })
    const { collected } = await testJob(reading, { parallelism: 2 })
    expect(collected['out']!.toSorted()).toEqual(['a 3', 'b none', 'c 4', 'd none'])
  })

  it('has a key in every record', async () => {
    const name = await kafka.createTopic(1)
    const producer = kafka.client.producer()
    await producer.connect()
    await producer.send({ topic: name, messages: [{ value: '{"limit":1}' }] })
    await producer.disconnect()
    const reading = job('read-cards', {}, (env) => {
      const source = kafkaUpsertSource({
        brokers,
        topics: name,
        key: string(),
        value: json<Card>(),
        end: 'latest',
      })
      env
        .fromSource(source, { uid: 'cards', watermarks: noWatermarks() })
        .sinkTo(collectionSink(), { uid: 'out' })
    })
    await expect(testJob(reading)).rejects.toMatchObject({
      code: 'MR_BAD_RECORD',
      message: expect.stringContaining('no key'),
    })
    const withoutKeys = { brokers, topics: name, value: json<Card>() }
    expect(() => kafkaUpsertSource(withoutKeys)).toThrow(/key is undefined/)
    expect(() => kafkaUpsertSink({ brokers, topic: name, value: json<Card>() })).toThrow(
      /key is undefined/,
    )
  })
})
