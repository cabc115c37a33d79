import { type Duration, parseDuration } from '../../runtime/duration.ts'
import { givenText, StreamError } from '../../runtime/errors.ts'
import { isErrorHandling } from '../../runtime/operator.ts'
import { checkOptionNames, type OptionNames } from '../../runtime/option-names.ts'
import type { Source } from '../../runtime/source.ts'
import { bytes } from '../bytes-format.ts'
import type { MessageFormat } from '../message-format.ts'
import type { OnBadKafkaRecord } from './bad-message.ts'
import { checkConnection, CONNECTION_NAMES, type KafkaConnection } from './connection.ts'
import { type ClusterOptions, KafkaCluster, type KafkaSourceClient } from './kafka-cluster.ts'
import { KafkaEnumerator, type KafkaEnumeratorState } from './kafka-enumerator.ts'
import { isTopicName, type KafkaTopic } from './kafka-topic.ts'
import { KafkaReader, type KafkaReaderOptions } from './kafka-reader.ts'
import type { KafkaRecord } from './kafka-record.ts'
import type { KafkaSplit } from './kafka-split.ts'
import type { KafkaEnd, KafkaStart } from './start-offsets.ts'
import { loadKafkaJs } from './load-kafkajs.ts'

const FROM = 'kafkaSource()'
const MIB = 1024 * 1024

/** Options of `kafkaSource()`; those of the connection stand among them. */
export interface KafkaSourceOptions<V, K = Uint8Array, T = V> extends KafkaConnection {
  /**
   * A topic, several, or a pattern for their names, in which internal topics do not count; or what `kafkaTopic()` made, which has
   * the formats with it.
   */
  readonly topics: string | readonly string[] | RegExp | KafkaTopic<V, K>
  /** How the bytes of a value are read, such as `json<Order>()`. Only where `topics` are names. */
  readonly value?: MessageFormat<V>
  /** How the bytes of a key are read, for `record`. Default `bytes()`. Only where `topics` are names. */
  readonly key?: MessageFormat<K>
  /**
   * Makes the record of the stream out of one of the topic: for keys, headers, offsets, and tombstones. The argument is valid
   * during the call only. Default: the value, and a tombstone is a record that cannot be read.
   */
  readonly record?: (record: KafkaRecord<K, V>) => T
  /** Where the partitions of the first start begin. Those found later begin at their first record. Default `earliest`. */
  readonly start?: KafkaStart
  /** Where reading ends. Default: it does not; with it the source is bounded. */
  readonly end?: KafkaEnd
  /** Between two looks for new topics and partitions; 0 for none. Default five minutes; none with `end`. */
  readonly discoveryInterval?: Duration
  /** What transactions that are open or aborted have written. Default `read_committed`: left out. */
  readonly isolation?: 'read_committed' | 'read_uncommitted'
  /** What to do with records that cannot be read. Default `fail`. */
  readonly onError?: OnBadKafkaRecord
  /**
   * What to do when the partition no longer has, or does not have yet, the offset to go on from. Default `fail`
   * (`MR_KAFKA_OFFSET_GONE`), as records would be lost or read twice.
   */
  readonly whenOffsetGone?: 'fail' | 'earliest' | 'latest'
  /**
   * A group for which the positions of each completed checkpoint are committed, so that tools for Kafka can show the lag. Nothing
   * is ever read from it. Default: none.
   */
  readonly commitGroup?: string
  /** How long a broker waits for a first record before it answers. Default 500 ms. */
  readonly fetchMaxWait?: Duration
  /** How much of one partition is fetched at once; so much and one fetch more may wait in memory for each. Default 1 MiB. */
  readonly fetchMaxPartitionBytes?: number
}

const NAMES: OptionNames<KafkaSourceOptions<unknown, unknown, unknown>> = {
  ...CONNECTION_NAMES,
  topics: true,
  value: true,
  key: true,
  record: true,
  start: true,
  end: true,
  discoveryInterval: true,
  isolation: true,
  onError: true,
  whenOffsetGone: true,
  commitGroup: true,
  fetchMaxWait: true,
  fetchMaxPartitionBytes: true,
}

/**
 * Reads topics of Kafka, exactly once: one split a partition, without a consumer group. Needs the package `kafkajs` 2.2.4.
 *
 * Positions are part of the checkpoints and of nothing else: a restart goes on there, whatever was committed. The timestamp of
 * a record is that of Kafka, unless the watermark strategy takes one out of the record. Watermarks are those of each partition;
 * the partition that is furthest behind is read first. With more subtasks than partitions some have nothing to do.
 *
 * The counter `lag` says how many records are behind the last look at the ends of the partitions (of their stable part, with
 * `read_committed`).
 *
 * @example
 * env.fromSource(
 *   kafkaSource({ brokers: 'localhost:9092', topics: 'orders', value: json<Order>() }),
 *   { uid: 'orders' },
 * )
 */
export function kafkaSource<V, K = Uint8Array, T = V>(
  options: KafkaSourceOptions<V, K, T>,
): Source<T> {
  return kafkaSourceOn((use) => new KafkaCluster(use), options)
}

/** As `kafkaSource`, on another client. */
export function kafkaSourceOn<V, K = Uint8Array, T = V>(
  makeClient: (use: ClusterOptions) => KafkaSourceClient,
  options: KafkaSourceOptions<V, K, T>,
): Source<T> {
  checkOptionNames(options, NAMES, FROM, 'MR_SOURCE_INVALID')
  const connection = checkConnection(options, FROM, 'MR_SOURCE_INVALID')
  const { start = 'earliest', end, commitGroup, onError = 'fail' } = options
  const { whenOffsetGone = 'fail', isolation = 'read_committed' } = options
  const { topics, value, key } = checkTopics(options)
  checkOne('isolation', isolation, ['read_committed', 'read_uncommitted'])
  checkOne('whenOffsetGone', whenOffsetGone, ['fail', 'earliest', 'latest'])
  checkStart('start', start, ['earliest', 'latest'], ['timestamp', 'committed', 'offsets'])
  if (end !== undefined) checkStart('end', end, ['latest'], ['timestamp', 'offsets'])
  if (!isErrorHandling(onError))
    throw invalid('onError', onError, '"fail", "skip" or an output tag')
  if (options.record !== undefined && typeof options.record !== 'function') {
    throw invalid('record', options.record, 'a function that makes the record of the stream')
  }
  if (commitGroup !== undefined && (typeof commitGroup !== 'string' || commitGroup === '')) {
    throw invalid('commitGroup', commitGroup, 'the name of a group')
  }
  const maxPartitionBytes = options.fetchMaxPartitionBytes ?? MIB
  if (!(Number.isSafeInteger(maxPartitionBytes) && maxPartitionBytes > 0)) {
    throw invalid('fetchMaxPartitionBytes', maxPartitionBytes, 'a whole number of bytes')
  }
  const discoveryIntervalMs =
    end === undefined
      ? parseDuration(options.discoveryInterval ?? '5m', `${FROM}: discoveryInterval`)
      : 0
  const readerOptions: KafkaReaderOptions<T, K, V> = {
    connection,
    key,
    value,
    record: options.record,
    onError,
    limits: {
      maxWaitMs: parseDuration(options.fetchMaxWait ?? 500, `${FROM}: fetchMaxWait`),
      maxBytes: Math.max(50 * MIB, maxPartitionBytes),
      maxPartitionBytes,
      isolationLevel: isolation === 'read_committed' ? 1 : 0,
    },
    maxWaitingBytes: maxPartitionBytes,
    whenOffsetGone,
    commitGroup,
  }
  loadKafkaJs(FROM)
  const source: Source<T, KafkaSplit, KafkaEnumeratorState> = {
    kind: 'kafka',
    boundedness: end === undefined ? 'unbounded' : 'bounded',
    identity: {
      topics: topics instanceof RegExp ? String(topics) : topics.join(','),
      // Splits of a checkpoint keep their ends, or have none: it would never end, or end early.
      ends: end === undefined ? 'never' : 'yes',
    },
    createEnumerator: (context, restored) => {
      const { uid, clock } = context
      const client = makeClient({ connection, clock, operator: uid, from: FROM })
      const { brokers } = connection
      return new KafkaEnumerator(
        context,
        client,
        { topics, start, end, discoveryIntervalMs, brokers },
        restored,
      )
    },
    createReader: (context) => {
      const { uid, clock } = context
      const client = makeClient({ connection, clock, operator: uid, from: FROM })
      return new KafkaReader<T, K, V>(context, client, readerOptions)
    },
  }
  return source
}

/** The topics, and how their messages are read. */
interface ReadTopics<K, V> {
  readonly topics: readonly string[] | RegExp
  readonly key: MessageFormat<K>
  readonly value: MessageFormat<V>
}

function checkTopics<V, K, T>(options: KafkaSourceOptions<V, K, T>): ReadTopics<K, V> {
  const given = options.topics
  const ofTopic = isKafkaTopic(given) ? given : undefined
  for (const option of ['key', 'value'] as const) {
    if (ofTopic === undefined || options[option] === undefined) continue
    throw invalid(option, options[option], 'it to kafkaTopic(), which was given for topics')
  }
  const value = ofTopic?.value ?? options.value
  const key = ofTopic?.key ?? options.key ?? (bytes() as unknown as MessageFormat<K>)
  const topics = topicNames(ofTopic?.name ?? (given as Exclude<typeof given, KafkaTopic<V, K>>))
  checkFormat('value', value)
  checkFormat('key', key)
  return { topics, key, value: value! }
}

function isKafkaTopic<V, K>(given: KafkaSourceOptions<V, K>['topics']): given is KafkaTopic<V, K> {
  return typeof given === 'object' && given !== null && 'name' in given && 'value' in given
}

function topicNames(given: string | readonly string[] | RegExp): readonly string[] | RegExp {
  if (given instanceof RegExp) return given
  const topics = typeof given === 'string' ? [given] : given
  if (!Array.isArray(topics) || topics.length === 0 || !topics.every(isTopicName)) {
    throw invalid('topics', given, 'the name of a topic, several, or a pattern')
  }
  return [...new Set(topics as readonly string[])].toSorted()
}

function checkFormat(option: string, format: Partial<MessageFormat<unknown>> | undefined): void {
  if (typeof format?.createMessageReader !== 'function') {
    throw invalid(option, format, 'a format of messages, such as json(), string() or bytes()')
  }
}

function checkOne(option: string, given: unknown, known: readonly string[]): void {
  if (!known.includes(given as string)) {
    throw invalid(option, given, `one of ${known.map((one) => `"${one}"`).join(', ')}`)
  }
}

function checkStart(
  option: string,
  given: unknown,
  words: readonly string[],
  kinds: readonly string[],
): void {
  if (words.includes(given as string)) return
  const isObject = typeof given === 'object' && given !== null
  const kind = isObject ? kinds.filter((name) => name in given) : []
  if (kind.length !== 1) {
    const shown = words.map((word) => `"${word}"`).join(', ')
    throw invalid(option, given, `${shown}, or an object with one of ${kinds.join(', ')}`)
  }
  const where = given as { timestamp?: unknown; committed?: unknown; offsets?: unknown }
  if (
    'timestamp' in where &&
    !(Number.isSafeInteger(where.timestamp) && Number(where.timestamp) >= 0)
  ) {
    throw invalid(`${option}.timestamp`, where.timestamp, 'milliseconds since the epoch')
  }
  if ('committed' in where && (typeof where.committed !== 'string' || where.committed === '')) {
    throw invalid(`${option}.committed`, where.committed, 'the name of a group')
  }
  if ('offsets' in where) checkOffsets(`${option}.offsets`, where.offsets)
}

function checkOffsets(option: string, given: unknown): void {
  const byTopic = Object.entries((given ?? {}) as Record<string, unknown>)
  for (const [topic, partitions] of byTopic) {
    for (const [partition, offset] of Object.entries(
      (partitions ?? {}) as Record<string, unknown>,
    )) {
      if (/^\d+$/.test(partition) && Number.isSafeInteger(offset) && Number(offset) >= 0) continue
      throw invalid(`${option}.${topic}[${partition}]`, offset, 'an offset, a whole number from 0')
    }
  }
  if (byTopic.length === 0)
    throw invalid(option, given, 'offsets, such as { orders: { 0: 17, 1: 4 } }')
}

function invalid(option: string, found: unknown, wanted: string): StreamError {
  const shown = typeof found === 'object' && found !== null ? 'an object' : givenText(found)
  return new StreamError(
    'MR_SOURCE_INVALID',
    `${FROM}: ${option} is ${shown} (${typeof found}), so no records can be read; give ${wanted}.`,
    { option, found: shown },
  )
}
