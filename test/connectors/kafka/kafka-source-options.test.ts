import { describe, expect, expectTypeOf, it } from 'vitest'
import { json, type Sink, type Source, string } from 'millrace'
import { kafkaSink, kafkaSource, kafkaTopic } from 'millrace/kafka'

const good = { brokers: 'localhost:9092', topics: 'orders', value: json() }

describe('kafkaSource() refuses', () => {
  it.each<[string, object, RegExp]>([
    ['no brokers', { brokers: undefined }, /brokers is undefined/],
    ['an address without a port', { brokers: 'a:1,localhost' }, /brokers is "localhost"/],
    ['an address with a protocol', { brokers: ['kafka://a:1'] }, /brokers is "kafka:\/\/a:1"/],
    ['no topic', { topics: [] }, /topics is an object/],
    ['a name that no topic can have', { topics: 'a b' }, /topics is "a b"/],
    ['no format', { value: undefined }, /value is undefined/],
    ['a format twice', { topics: kafkaTopic({ name: 'a', value: json() }) }, /kafkaTopic\(\)/],
    ['a start that is none', { start: 'first' }, /start is "first".*"earliest", "latest"/],
    ['a start with two places', { start: { timestamp: 1, committed: 'g' } }, /start is an object/],
    ['a time that is none', { start: { timestamp: 1.5 } }, /start\.timestamp is 1\.5/],
    ['a group without a name', { start: { committed: '' } }, /start\.committed is ""/],
    ['an offset below zero', { start: { offsets: { orders: { 0: -1 } } } }, /orders\[0\] is -1/],
    ['an end that is none', { end: 'never' }, /end is "never"/],
    ['no offsets', { end: { offsets: {} } }, /end\.offsets is an object/],
    ['another isolation', { isolation: 'serializable' }, /isolation is "serializable"/],
    ['another way out of gaps', { whenOffsetGone: 'none' }, /whenOffsetGone is "none"/],
    ['a group to commit for without a name', { commitGroup: '' }, /commitGroup is ""/],
    ['no bytes to fetch', { fetchMaxPartitionBytes: 0 }, /fetchMaxPartitionBytes is 0/],
    ['a record that is no function', { record: {} }, /record is an object/],
    ['another onError', { onError: 'ignore' }, /onError is "ignore"/],
    ['an option that is unknown', { topic: 'orders' }, /the option "topic".*write "topics"/],
    ['another mechanism', { sasl: { mechanism: 'oauth' } }, /sasl\.mechanism is "oauth"/],
    ['no user', { sasl: { mechanism: 'plain', password: 'p' } }, /sasl\.username is undefined/],
    ['a certificate without a key', { tls: { cert: 'PEM' } }, /tls is "one of cert and key"/],
  ])('%s', (_name, options, message) => {
    const given = { ...good, ...options } as never
    expect(() => kafkaSource(given)).toThrow(message)
    expect(() => kafkaSource(given)).toThrow(
      expect.objectContaining({ code: 'MR_SOURCE_INVALID' }) as Error,
    )
  })

  it('a password that is missing, without showing one', () => {
    const sasl = { mechanism: 'plain', username: 'u', password: 7 }
    expect(() => kafkaSource({ ...good, sasl } as never)).toThrow(/sasl\.password is "missing"/)
  })

  it('nothing that is right', () => {
    const topic = kafkaTopic({ name: 'orders', value: json(), key: string() })
    expect(kafkaSource({ brokers: ['[::1]:9092', 'b:1'], topics: topic }).boundedness).toBe(
      'unbounded',
    )
    const ending = kafkaSource({ ...good, topics: /^a/, end: 'latest' })
    expect(ending.boundedness).toBe('bounded')
    expect(ending.identity).toEqual({ topics: '/^a/', ends: 'yes' })
    expect(kafkaSource({ ...good, topics: ['b', 'a', 'b'] }).identity).toEqual({
      topics: 'a,b',
      ends: 'never',
    })
  })
})

it('the types of records follow from the formats, and from what is made of them', () => {
  interface Order {
    readonly n: number
  }
  const { brokers } = good
  const orders = kafkaTopic({ name: 'orders', value: json<Order>(), key: string() })
  expectTypeOf(kafkaSource({ brokers, topics: 'a', value: json<Order>() })).toEqualTypeOf<
    Source<Order>
  >()
  expectTypeOf(kafkaSource({ brokers, topics: orders })).toEqualTypeOf<Source<Order>>()
  const keyed = kafkaSource({
    brokers,
    topics: orders,
    record: ({ key, value }) => ({ key, value }),
  })
  expectTypeOf(keyed).toEqualTypeOf<Source<{ key: string | null; value: Order | null }>>()
  expectTypeOf(kafkaSink({ brokers, topic: orders })).toEqualTypeOf<Sink<Order>>()
  const sink = kafkaSink({ brokers, topic: orders, toValue: (n: number) => ({ n }) })
  expectTypeOf(sink).toEqualTypeOf<Sink<number>>()
})
