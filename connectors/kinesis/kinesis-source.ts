import { type Clock, SystemRandom } from '../../runtime/clock.ts'
import { type Duration, parseDuration } from '../../runtime/duration.ts'
import { givenText, StreamError } from '../../runtime/errors.ts'
import { isErrorHandling } from '../../runtime/operator.ts'
import { checkOptionNames, type OptionNames } from '../../runtime/option-names.ts'
import type { Source } from '../../runtime/source.ts'
import {
  AWS_CONNECTION_NAMES,
  type AwsConnection,
  checkAwsConnection,
} from '../../runtime/aws/aws-connection.ts'
import { loadAwsService } from '../../runtime/aws/aws-client.ts'
import type { MessageFormat } from '../message-format.ts'
import type { OnBadKinesisRecord } from './bad-kinesis-record.ts'
import { type FanOutClient, KinesisFanOut } from './fan-out-client.ts'
import { KINESIS, KinesisStream, type StreamClient, type StreamUse } from './kinesis-client.ts'
import { KinesisEnumerator, type KinesisEnumeratorState } from './kinesis-enumerator.ts'
import { KinesisReader, type KinesisReaderOptions } from './kinesis-reader.ts'
import type { KinesisRecord } from './kinesis-record.ts'
import type { KinesisSplit } from './kinesis-split.ts'
import type { KinesisEnd, KinesisStart } from './kinesis-start.ts'

const FROM = 'kinesisSource()'
const MAX_RECORDS = 10_000
const DISCOVERY_MS = 10_000
const MIB = 1024 * 1024

/** Options of `kinesisSource()`; those of the connection stand among them. */
export interface KinesisSourceOptions<V, T = V> extends AwsConnection {
  /** Name of the stream, or its ARN. */
  readonly stream: string
  /** How the bytes of a record are read, such as `json<Click>()`. */
  readonly value: MessageFormat<V>
  /**
   * Makes the record of the stream out of one of Kinesis: for partition keys, sequence numbers, arrival. The argument is valid
   * during the call only. Default: the value.
   */
  readonly record?: (record: KinesisRecord<V>) => T
  /** Where the shards of the first start begin. Those found later begin at their first record. Default `latest`. */
  readonly start?: KinesisStart
  /** Where reading ends. Default: it does not; with it the source is bounded. */
  readonly end?: KinesisEnd
  /**
   * Between two looks for new shards. 0: only where one has ended, whose children are looked for at once in any case. Default
   * ten seconds.
   */
  readonly discoveryInterval?: Duration
  /** What to do with records that cannot be read. Default `fail`. */
  readonly onError?: OnBadKinesisRecord
  /**
   * What to do when the shard no longer has the record to go on behind. Default `fail` (`MR_KINESIS_POSITION_GONE`), as records
   * would be lost. `earliest`: its oldest record.
   */
  readonly whenPositionGone?: 'fail' | 'earliest'
  /**
   * The least time from one fetch of a shard to the next. Default 200 ms: AWS allows five a second and shard to all consumers
   * together. Throttling makes it longer by itself.
   */
  readonly pollInterval?: Duration
  /**
   * Name of a consumer with enhanced fan-out, which is registered if it is not there: the service sends the records of each
   * shard, at a rate of its own (AWS charges for it). Two jobs must not have the same. Default: none, shards are polled.
   */
  readonly consumer?: string
  /**
   * What becomes of the consumer when the job ends, or is restarted. Default `keep`. `deregister`: it is taken away, but for a
   * process that is killed, and a restart waits until it is there anew.
   */
  readonly consumerAtEnd?: 'keep' | 'deregister'
  /** How many records one fetch brings at most, up to 10,000, the default; AWS ends it at 10 MiB too. */
  readonly fetchMaxRecords?: number
  /** Beyond so much that waits in memory no more of a shard is fetched; one fetch more may wait. Default 4 MiB. */
  readonly bufferBytes?: number
}

const NAMES: OptionNames<KinesisSourceOptions<unknown, unknown>> = {
  ...AWS_CONNECTION_NAMES,
  stream: true,
  value: true,
  record: true,
  start: true,
  end: true,
  discoveryInterval: true,
  onError: true,
  whenPositionGone: true,
  pollInterval: true,
  consumer: true,
  consumerAtEnd: true,
  fetchMaxRecords: true,
  bufferBytes: true,
}

/**
 * Reads a stream of Kinesis, exactly once: one split a shard. Needs the package `@aws-sdk/client-kinesis`.
 *
 * Positions are part of the checkpoints and of nothing else. Shards that come of a split or a merge are read when those before
 * them have been, so that the records of a key keep their order. Aggregates of the Kinesis Producer Library are taken apart. The
 * timestamp of a record is its arrival, unless the watermark strategy takes one out of the record. Watermarks are those of
 * each shard; the one that is furthest behind is read first.
 *
 * The counter `lagMs` says how far the shard that is furthest behind is behind its newest record.
 *
 * @example
 * env.fromSource(
 *   kinesisSource({ stream: 'clicks', region: 'eu-central-1', value: json<Click>() }),
 *   { uid: 'clicks' },
 * )
 */
export function kinesisSource<V, T = V>(options: KinesisSourceOptions<V, T>): Source<T> {
  return kinesisSourceOn(
    {
      stream: (use) => new KinesisStream(use),
      fanOut: (use, consumer) => new KinesisFanOut(use, consumer),
    },
    options,
  )
}

/** Makes the clients of a source. */
export interface StreamClients {
  stream(use: StreamUse): StreamClient
  fanOut(use: StreamUse, consumer: string): FanOutClient
}

/** As `kinesisSource`, on other clients. */
export function kinesisSourceOn<V, T = V>(
  clients: StreamClients,
  options: KinesisSourceOptions<V, T>,
): Source<T> {
  checkOptionNames(options, NAMES, FROM, 'MR_SOURCE_INVALID')
  const connection = checkAwsConnection(options, FROM, 'MR_SOURCE_INVALID')
  const { stream, value, record, start = 'latest', end } = options
  const { onError = 'fail', whenPositionGone = 'fail' } = options
  const { consumer, consumerAtEnd = 'keep' } = options
  const { fetchMaxRecords = MAX_RECORDS, bufferBytes = 4 * MIB } = options
  check('stream', isStream(stream), stream, 'the name of a stream, or its ARN')
  const isFormat = typeof (value as Partial<typeof value> | undefined)?.createMessageReader
  const wanted = 'a format of messages, such as json(), string() or bytes()'
  check('value', isFormat === 'function', value, wanted)
  const isRecord = record === undefined || typeof record === 'function'
  check('record', isRecord, record, 'a function that makes the record of the stream')
  check(
    'start',
    isTime(start, ['latest', 'earliest']),
    start,
    '"latest", "earliest" or a timestamp',
  )
  check('end', end === undefined || isTime(end, ['latest']), end, '"latest" or a timestamp')
  check('onError', isErrorHandling(onError), onError, '"fail", "skip" or an output tag')
  const isWhen = ['fail', 'earliest'].includes(whenPositionGone)
  check('whenPositionGone', isWhen, whenPositionGone, '"fail" or "earliest"')
  const isConsumer = consumer === undefined || /^[a-zA-Z0-9_.-]{1,128}$/.test(String(consumer))
  check('consumer', isConsumer, consumer, 'a name of letters, digits, "_", "." and "-"')
  const isAtEnd = ['keep', 'deregister'].includes(consumerAtEnd)
  check('consumerAtEnd', isAtEnd, consumerAtEnd, '"keep" or "deregister"')
  const isLimit = isWhole(fetchMaxRecords) && fetchMaxRecords <= MAX_RECORDS
  check('fetchMaxRecords', isLimit, fetchMaxRecords, `a whole number from 1 to ${MAX_RECORDS}`)
  check('bufferBytes', isWhole(bufferBytes), bufferBytes, 'a whole number of bytes')
  const discovery = parseDuration(
    options.discoveryInterval ?? DISCOVERY_MS,
    `${FROM}: discoveryInterval`,
  )
  const readerOptions: KinesisReaderOptions<T, V> = {
    stream,
    value,
    record,
    onError,
    whenPositionGone,
    pollIntervalMs: parseDuration(options.pollInterval ?? 200, `${FROM}: pollInterval`),
    maxRecords: fetchMaxRecords,
    maxWaitingBytes: bufferBytes,
    retryTimeoutMs: connection.retryTimeoutMs,
  }
  // Without looks nobody would know when all shards before the end are known.
  const discoveryIntervalMs = end === undefined ? discovery : discovery || DISCOVERY_MS
  loadAwsService(KINESIS, FROM)
  const random = new SystemRandom()
  const useOf = ({ uid, clock }: { readonly uid: string; readonly clock: Clock }): StreamUse => ({
    stream,
    connection,
    clock,
    random,
    operator: uid,
    from: FROM,
  })
  const source: Source<T, KinesisSplit, KinesisEnumeratorState> = {
    kind: 'kinesis',
    boundedness: end === undefined ? 'unbounded' : 'bounded',
    identity: {
      stream,
      // Splits of a checkpoint keep their ends, or have none: it would never end, or end early.
      ends: end === undefined ? 'never' : 'yes',
    },
    createEnumerator: (context, restored) => {
      const use = useOf(context)
      const mayDeregister = consumer !== undefined && consumerAtEnd === 'deregister'
      const fanOut = mayDeregister ? clients.fanOut(use, consumer) : undefined
      const about = { start, end, discoveryIntervalMs }
      return new KinesisEnumerator(context, clients.stream(use), fanOut, about, restored)
    },
    createReader: (context) => {
      const use = useOf(context)
      const fanOut = consumer === undefined ? undefined : clients.fanOut(use, consumer)
      return new KinesisReader<T, V>(context, clients.stream(use), fanOut, readerOptions)
    },
  }
  readings.set(source, readerOptions as KinesisReading)
  return source
}

/** How a source reads its records, whatever they are. */
export type KinesisReading = KinesisReaderOptions<unknown, unknown>

const readings: WeakMap<Source<unknown>, KinesisReading> = new WeakMap()

/** How a source that `kinesisSource` made reads its records, for who has them from elsewhere; undefined for another source. */
export function readingOf(source: Source<unknown>): KinesisReading | undefined {
  return readings.get(source)
}

function isStream(stream: unknown): boolean {
  if (typeof stream !== 'string') return false
  return /^[a-zA-Z0-9_.-]{1,128}$/.test(stream) || /^arn:[^:]+:kinesis:.*:stream\/.+$/.test(stream)
}

function isTime(given: unknown, words: readonly string[]): boolean {
  if (words.includes(given as string)) return true
  if (typeof given !== 'object' || given === null) return false
  const { timestamp, ...others } = given as { readonly timestamp?: unknown }
  const isOnly = Object.keys(others).length === 0
  return isOnly && Number.isSafeInteger(timestamp) && Number(timestamp) >= 0
}

function isWhole(given: number): boolean {
  return Number.isSafeInteger(given) && given > 0
}

function check(option: string, isGood: boolean, found: unknown, wanted: string): void {
  if (isGood) return
  const shown = typeof found === 'object' && found !== null ? 'an object' : givenText(found)
  throw new StreamError(
    'MR_SOURCE_INVALID',
    `${FROM}: ${option} is ${shown} (${typeof found}), so no records can be read; give ${wanted}.`,
    { option, found: shown },
  )
}
