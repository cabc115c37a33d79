import { AWS_CONNECTION_NAMES, type AwsConnection } from '../../runtime/aws/aws-connection.ts'
import type { S3Place } from '../../runtime/aws/s3-url.ts'
import { parseS3Url } from '../../runtime/aws/s3-url.ts'
import { type Duration, parseDuration } from '../../runtime/duration.ts'
import { givenText, StreamError } from '../../runtime/errors.ts'
import { checkOptionNames, type OptionNames } from '../../runtime/option-names.ts'
import type { FileFormat, WriteFormat } from '../format.ts'
import { TextFileEncoder } from '../text-file-encoder.ts'
import { COMPRESSORS, type FileCompression } from '../compression.ts'
import { failedWrites } from './failed-write.ts'
import { PART_BYTES } from './object-upload.ts'
import { type CheckedGlueTable, checkGlueTable, type GlueTable } from './glue-options.ts'
import type { ObjectKind } from './open-objects.ts'
import { PartitionPaths, type Partitions } from './partitions.ts'
import type { S3WriterOptions } from './s3-writer.ts'

const DEFAULT_ROLL_BYTES = 128 * 1024 * 1024
const DEFAULT_ROLL_INTERVAL = '1m'
/** S3 takes 10,000 parts an upload; the last object grows beyond its size by less than a part. */
const MAX_ROLL_BYTES = 9_900 * PART_BYTES
/** So many characters of text are turned into bytes at once, and compressed at once. */
const BLOCK_LENGTH = 64 * 1024
const COMPRESSED_BLOCK_LENGTH = 1024 * 1024

/** What goes with each object, in the names of S3's API. */
export interface S3ObjectSettings {
  /** Such as `STANDARD_IA` or `GLACIER_IR`. Default: that of the bucket. */
  readonly StorageClass?: string
  /** `AES256`, `aws:kms` or `aws:kms:dsse`. Default: that of the bucket. */
  readonly ServerSideEncryption?: string
  readonly SSEKMSKeyId?: string
  readonly SSEKMSEncryptionContext?: string
  readonly BucketKeyEnabled?: boolean
  readonly ACL?: string
  /** Such as `team=data&stage=raw`. */
  readonly Tagging?: string
  readonly CacheControl?: string
}

/** Options of `s3Sink()`: what and where, and how to reach S3. */
export interface S3SinkOptions<T> extends AwsConnection {
  /** `s3://bucket/prefix`; objects lie below it. Use a prefix for one sink only. */
  readonly path: string
  /** How records become bytes: `json()`, `csv()` with its columns, `parquet()`, `avroFile()`. */
  readonly format: WriteFormat<T> | FileFormat<T>
  /** Of JSON and CSV; adds `.gz` or `.zst` to the names. Parquet and Avro have options of their own. Default none. */
  readonly compression?: FileCompression
  /** Folders by event time and by fields, outermost first, as `dt=2026-11-22/country=DE/`. Default none. */
  readonly partitions?: Partitions<T>
  /**
   * The table of the Glue catalogue over these objects, which gets new partitions with the checkpoint that has their first objects.
   * Needs the package `@aws-sdk/client-glue`. Default: none is told.
   */
  readonly glue?: GlueTable
  /** An object that has reached so many bytes is followed by the next one. Default 128 MiB, at most 48 GiB. */
  readonly rollSize?: number
  /** An object that is so old is followed by the next one. Default one minute. */
  readonly rollInterval?: Duration
  /**
   * True: objects go on over checkpoints, until `rollSize` or `rollInterval` ends them, so that their size and the delay do not depend on
   * the checkpoint interval. Records are seen when their object has ended, not with the next checkpoint; a stop ends all
   * objects, a crash leaves them open to the next run, which ends them. Default false: each checkpoint ends all objects.
   */
  readonly spansCheckpoints?: boolean
  /**
   * What becomes of a record that the format cannot hold, or that has no place: the job fails (default), it is left out and counted as
   * `recordsSkipped`, or it goes below another prefix of the bucket as a line of JSON (`code`, `error`, `timestamp`, `record`), counted
   * as `recordsToErrorPrefix`, exactly once like all output.
   */
  readonly onError?: 'fail' | 'skip' | { readonly prefix: string }
  /** Storage class, encryption and the like, of all objects. */
  readonly settings?: S3ObjectSettings
}

const S3_SINK: OptionNames<S3SinkOptions<unknown>> = {
  ...AWS_CONNECTION_NAMES,
  path: true,
  format: true,
  compression: true,
  partitions: true,
  glue: true,
  rollSize: true,
  rollInterval: true,
  spansCheckpoints: true,
  onError: true,
  settings: true,
}

const SETTINGS: OptionNames<S3ObjectSettings> = {
  StorageClass: true,
  ServerSideEncryption: true,
  SSEKMSKeyId: true,
  SSEKMSEncryptionContext: true,
  BucketKeyEnabled: true,
  ACL: true,
  Tagging: true,
  CacheControl: true,
}

/** Checked options, with all defaults. */
export interface CheckedS3Sink<T> {
  readonly place: S3Place
  readonly settings: S3ObjectSettings
  readonly writer: Omit<S3WriterOptions<T>, 'token'>
  /** The names of the partitions. */
  readonly partitions: readonly string[]
  readonly glue: CheckedGlueTable | undefined
}

/** Fails with `MR_SINK_INVALID` for options that contradict each other or mean nothing. */
export function checkS3SinkOptions<T>(options: S3SinkOptions<T>): CheckedS3Sink<T> {
  checkOptionNames(options, S3_SINK, 's3Sink()', 'MR_SINK_INVALID')
  const { settings = {}, rollSize: rollBytes = DEFAULT_ROLL_BYTES, partitions = {} } = options
  checkOptionNames(settings, SETTINGS, 's3Sink(): settings', 'MR_SINK_INVALID')
  const place = parseS3Url(String(options.path), 's3Sink(): path', 'MR_SINK_INVALID')
  if (!(Number.isSafeInteger(rollBytes) && rollBytes > 0 && rollBytes <= MAX_ROLL_BYTES)) {
    throw invalid('rollSize', rollBytes, 'a whole number of bytes, at most 48 GiB')
  }
  const interval = options.rollInterval ?? DEFAULT_ROLL_INTERVAL
  const rollIntervalMs = parseDuration(interval, 's3Sink(): rollInterval')
  if (rollIntervalMs === 0) throw invalid('rollInterval', 0, 'a span of time above zero')
  checkPartitions(partitions as Partitions<never>)
  const names = Object.keys(partitions)
  if (options.glue !== undefined && names.length === 0) {
    throw invalid('glue', 'a table', 'partitions too: without them there is none to add to a table')
  }
  const glue = options.glue === undefined ? undefined : checkGlueTable(options.glue, options)
  const { spansCheckpoints = false } = options
  if (typeof spansCheckpoints !== 'boolean') {
    throw invalid('spansCheckpoints', spansCheckpoints, 'true or false')
  }
  const objects = { ...objectsOf(options), prefix: folder(place.prefix) }
  const onError = checkOnError(options.onError, place)
  const url = `s3://${place.bucket}/${objects.prefix}`
  const paths = new PartitionPaths(partitions)
  return {
    place,
    settings,
    partitions: names,
    glue,
    writer: { url, objects, paths, rollBytes, rollIntervalMs, onError, spansCheckpoints },
  }
}

function objectsOf<T>({ format, compression = 'none' }: S3SinkOptions<T>): ObjectKind<T> {
  const given = format as (Partial<WriteFormat<T> & FileFormat<T>> & { suffix: string }) | undefined
  const isFile = typeof given?.createEncoder === 'function'
  if (!isFile && typeof given?.encode !== 'function') {
    throw invalid('format', given, 'a format that can write files, such as json()')
  }
  if (!/^(\.[A-Za-z0-9]+)+$/.test(given.suffix ?? '')) {
    throw invalid('format.suffix', given.suffix, 'a dot with letters and digits, such as ".jsonl"')
  }
  const known = Object.keys(COMPRESSORS)
  if (!known.includes(compression)) throw invalid('compression', compression, known.join(', '))
  const { suffix, compress } = COMPRESSORS[compression]
  if (isFile) {
    const { createEncoder } = format as FileFormat<T>
    if (compression !== 'none') {
      throw invalid(
        'compression',
        compression,
        `none, since ${given.suffix} has its own: set that of the format`,
      )
    }
    return { prefix: '', suffix: given.suffix, createEncoder, compress }
  }
  const text = format as WriteFormat<T>
  const blockLength = compress === undefined ? BLOCK_LENGTH : COMPRESSED_BLOCK_LENGTH
  return {
    prefix: '',
    suffix: given.suffix + suffix,
    createEncoder: () => new TextFileEncoder(text, blockLength),
    compress,
  }
}

function checkPartitions(partitions: Partitions<never>): void {
  if (typeof partitions !== 'object' || partitions === null || Array.isArray(partitions)) {
    throw invalid(
      'partitions',
      typeof partitions,
      'an object with a function or eventTime() a name',
    )
  }
  for (const [name, one] of Object.entries(partitions)) {
    if (!/^[A-Za-z_]\w*$/.test(name)) {
      throw invalid(
        'partitions',
        name,
        'names of letters, digits and _, since they are names of columns',
      )
    }
    const isTime = typeof (one as { pattern?: unknown } | undefined)?.pattern === 'string'
    if (typeof one !== 'function' && !isTime) {
      throw invalid(`partitions.${name}`, typeof one, 'a function of the record, or eventTime()')
    }
  }
}

function checkOnError(
  onError: S3SinkOptions<never>['onError'],
  { bucket, prefix }: S3Place,
): S3WriterOptions<never>['onError'] {
  if (onError === undefined || onError === 'fail' || onError === 'skip') return onError ?? 'fail'
  if (typeof onError?.prefix !== 'string') {
    throw invalid('onError', onError, `'fail', 'skip' or { prefix: 'errors/clicks' }`)
  }
  const url = `s3://${bucket}/${onError.prefix}`
  const errors = folder(parseS3Url(url, 's3Sink(): onError.prefix', 'MR_SINK_INVALID').prefix)
  const output = folder(prefix)
  if (errors.startsWith(output) || output.startsWith(errors)) {
    throw invalid(
      'onError.prefix',
      onError.prefix,
      `a prefix apart from that of the output, "${prefix}"`,
    )
  }
  const createEncoder = () => new TextFileEncoder(failedWrites, BLOCK_LENGTH)
  return { prefix: errors, suffix: failedWrites.suffix, createEncoder, compress: undefined }
}

function folder(prefix: string): string {
  return prefix === '' ? '' : `${prefix}/`
}

function invalid(option: string, found: unknown, wanted: string): StreamError {
  const shown = typeof found === 'object' && found !== null ? 'an object' : givenText(found)
  return new StreamError(
    'MR_SINK_INVALID',
    `s3Sink(): ${option} is ${shown} (${typeof found}), so no objects can be written; give ${wanted}.`,
    { option, found: shown },
  )
}
