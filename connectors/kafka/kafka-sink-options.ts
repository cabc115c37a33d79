import { type Duration, parseDuration } from '../../runtime/duration.ts'
import { givenText, StreamError } from '../../runtime/errors.ts'
import { checkOptionNames, type OptionNames } from '../../runtime/option-names.ts'
import type { MessageFormat } from '../message-format.ts'
import { COMPRESSIONS, compress, type KafkaCompression } from './compression.ts'
import {
  type CheckedConnection,
  checkConnection,
  CONNECTION_NAMES,
  type KafkaConnection,
} from './connection.ts'
import { isTopicName, type KafkaTopic } from './kafka-topic.ts'
import type { SinkOutput } from './sink-output.ts'
import type { TopicWriterOptions } from './topic-writer.ts'
import type { WhenMarkerLost } from './transaction-session.ts'

const FROM = 'kafkaSink()'

/** Options of `kafkaSink()`; those of the connection stand among them. */
export interface KafkaSinkOptions<V, K = Uint8Array, T = V> extends KafkaConnection {
  /** The topic, which must be there: its name, or what `kafkaTopic()` made, which has the formats with it. */
  readonly topic: string | KafkaTopic<V, K>
  /** How values become bytes, such as `json<Order>()`. Only where `topic` is a name. */
  readonly value?: MessageFormat<V>
  /** How keys become bytes, such as `string()`. Only where `topic` is a name. */
  readonly key?: MessageFormat<K>
  /** The value of a record; null writes a tombstone, which deletes its key. Default: the record itself. */
  readonly toValue?: (record: T) => V | null
  /** The key of a record; null for none. Needs a format of keys. Default: no record has a key. */
  readonly toKey?: (record: T) => K | null
  /**
   * The partition of a record, from 0 to `partitions - 1`. Default: by the key, as the Java client does it; records without a key go
   * round, 16 KiB to each partition.
   */
  readonly partition?: (record: T, partitions: number) => number
  /** Headers of a record, by name. Default: none. */
  readonly headers?: (record: T) => Readonly<Record<string, string | Uint8Array>>
  /** Timestamp of a record in milliseconds. Default: its event time, or the time at which it is written where it has none. */
  readonly timestamp?: (record: T) => number
  /** Default `exactly-once`. */
  readonly guarantee?: 'exactly-once' | 'at-least-once'
  /** Default `none`. Gzip and zstd come with Node, `snappy` needs the package snappy, `lz4` the package lz4-napi. */
  readonly compression?: KafkaCompression
  /** At-least-once: how long a record may wait for others to go with it. Default 5 ms. */
  readonly linger?: Duration
  /**
   * Exactly-once: what the transactional ids, and the groups of their markers, begin with; a hyphen and the number of the subtask
   * follow. No other job may have the same: by it a run finds output that it does not continue, of another job or of an earlier start
   * of this one, and stops with `MR_OUTPUT_CONFLICT`. Default `millrace-<topic>-<uid>`. Give one where several jobs have sinks of
   * one uid for one topic, and where the rights of the user depend on it.
   */
  readonly transactionalIdPrefix?: string
  /**
   * Exactly-once: how long writing one checkpoint may take before the brokers give its transaction up; at most what
   * `transaction.max.timeout.ms` of the brokers says. Nothing is lost then, but the attempt fails. Default one minute.
   */
  readonly transactionTimeout?: Duration
  /** Exactly-once: a topic with two partitions for markers; made where it is missing. No records are in it. Default `millrace-markers`. */
  readonly markerTopic?: string
  /**
   * Exactly-once: what to do after a restart when the marker that says whether records of the checkpoint were committed is gone, as
   * after seven days without a run. Default `fail` (`MR_KAFKA_MARKER_LOST`); `replay` writes them, perhaps a second time; `skip`
   * takes them for written.
   */
  readonly whenMarkerLost?: WhenMarkerLost
}

const NAMES: OptionNames<KafkaSinkOptions<unknown, unknown, unknown>> = {
  ...CONNECTION_NAMES,
  topic: true,
  value: true,
  key: true,
  toValue: true,
  toKey: true,
  partition: true,
  headers: true,
  timestamp: true,
  guarantee: true,
  compression: true,
  linger: true,
  transactionalIdPrefix: true,
  transactionTimeout: true,
  markerTopic: true,
  whenMarkerLost: true,
}

const FUNCTIONS = ['toValue', 'toKey', 'partition', 'headers', 'timestamp'] as const

/** Checked options, with all defaults. */
export interface CheckedSink<T, K, V> {
  readonly guarantee: 'exactly-once' | 'at-least-once'
  readonly writer: TopicWriterOptions<T, K, V>
  readonly lingerMs: number
  readonly output: SinkOutput
  readonly whenMarkerLost: WhenMarkerLost
}

/** Checks the options of a sink; `MR_SINK_INVALID`, and `MR_DEPENDENCY_MISSING` for a compression that needs a package. */
export function checkSinkOptions<T, K, V>(
  options: KafkaSinkOptions<V, K, T>,
): CheckedSink<T, K, V> {
  checkOptionNames(options, NAMES, FROM, 'MR_SINK_INVALID')
  const connection = checkConnection(options, FROM, 'MR_SINK_INVALID')
  const { topic, value, key } = checkTopic(options)
  for (const name of FUNCTIONS) {
    const given: unknown = options[name]
    if (given !== undefined && typeof given !== 'function') throw invalid(name, given, 'a function')
  }
  if (options.toKey !== undefined && key === undefined) {
    throw invalid('key', key, 'the format of the keys that toKey returns, such as string()')
  }
  const { compression = 'none' } = options
  checkOne('compression', compression, COMPRESSIONS)
  // Finds a missing package where the job is built.
  compress(compression, Buffer.alloc(1))
  const writer: TopicWriterOptions<T, K, V> = {
    connection,
    topic,
    value,
    key,
    compression,
    mapping: {
      toValue: options.toValue ?? ((record) => record as unknown as V),
      toKey: options.toKey,
      headers: options.headers,
      timestamp: options.timestamp,
      partition: options.partition,
    },
  }
  const { guarantee = 'exactly-once' } = options
  checkOne('guarantee', guarantee, ['exactly-once', 'at-least-once'])
  const lingerMs = parseDuration(options.linger ?? 5, `${FROM}: linger`)
  const { whenMarkerLost = 'fail' } = options
  checkOne('whenMarkerLost', whenMarkerLost, ['fail', 'replay', 'skip'])
  const output = checkOutput(options, connection, topic)
  return { guarantee, writer, lingerMs, output, whenMarkerLost }
}

function checkOutput(
  options: Pick<
    KafkaSinkOptions<unknown>,
    'transactionalIdPrefix' | 'transactionTimeout' | 'markerTopic'
  >,
  connection: CheckedConnection,
  topic: string,
): SinkOutput {
  const { transactionalIdPrefix: prefix, markerTopic = 'millrace-markers' } = options
  if (
    prefix !== undefined &&
    (typeof prefix !== 'string' || !/^[\x21-\x7e]{1,200}$/.test(prefix))
  ) {
    throw invalid('transactionalIdPrefix', prefix, 'a name of up to 200 ASCII characters')
  }
  if (!isTopicName(markerTopic)) throw invalid('markerTopic', markerTopic, 'the name of a topic')
  if (markerTopic === topic) throw invalid('markerTopic', markerTopic, 'another topic than topic')
  const given = options.transactionTimeout ?? '1m'
  const transactionTimeoutMs = parseDuration(given, `${FROM}: transactionTimeout`)
  if (!(transactionTimeoutMs >= 1_000 && transactionTimeoutMs < 2 ** 31)) {
    throw invalid('transactionTimeout', given, 'at least one second')
  }
  return {
    connection,
    topic,
    markerTopic,
    transactionTimeoutMs,
    prefixOf: (uid) => prefix ?? `millrace-${topic}-${uid}`,
  }
}

function checkTopic<T, K, V>({
  topic,
  value,
  key,
}: KafkaSinkOptions<V, K, T>): {
  readonly topic: string
  readonly value: MessageFormat<V>
  readonly key: MessageFormat<K> | undefined
} {
  const isObject = typeof topic === 'object' && topic !== null
  const name = isObject ? topic.name : topic
  if (!isTopicName(name)) throw invalid('topic', name, 'the name of a topic, or a kafkaTopic()')
  if (isObject) {
    if (value !== undefined || key !== undefined) {
      const twice = value === undefined ? 'key' : 'value'
      throw invalid(twice, 'given twice', 'it with the topic only')
    }
    checkFormat('topic.value', topic.value)
    if (topic.key !== undefined) checkFormat('topic.key', topic.key)
    return { topic: name, value: topic.value, key: topic.key }
  }
  checkFormat('value', value)
  if (key !== undefined) checkFormat('key', key)
  return { topic: name, value: value as MessageFormat<V>, key }
}

function checkFormat(option: string, format: unknown): void {
  const { createMessageWriter } = (format ?? {}) as { createMessageWriter?: unknown }
  if (typeof createMessageWriter !== 'function') {
    throw invalid(option, format, 'a format of messages, such as json(), string() or bytes()')
  }
}

function checkOne(option: string, given: unknown, known: readonly string[]): void {
  if (!known.includes(given as string)) {
    throw invalid(option, given, `one of ${known.map((one) => `"${one}"`).join(', ')}`)
  }
}

function invalid(option: string, found: unknown, wanted: string): StreamError {
  const shown = typeof found === 'object' && found !== null ? 'an object' : givenText(found)
  return new StreamError(
    'MR_SINK_INVALID',
    `${FROM}: ${option} is ${shown} (${typeof found}), so no records can be written; give ${wanted}.`,
    { option, found: shown },
  )
}
