import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  AWS_CONNECTION_NAMES,
  type AwsConnection,
  checkAwsConnection,
} from '../runtime/aws/aws-connection.ts'
import { loadAwsService } from '../runtime/aws/aws-client.ts'
import { S3 } from '../runtime/aws/s3-store.ts'
import { isS3Url, parseS3Url } from '../runtime/aws/s3-url.ts'
import type { Clock } from '../runtime/clock.ts'
import { type Duration, parseDuration } from '../runtime/duration.ts'
import { givenText, StreamError } from '../runtime/errors.ts'
import { isErrorHandling } from '../runtime/operator.ts'
import { checkOptionNames, type OptionNames } from '../runtime/option-names.ts'
import type { Source } from '../runtime/source.ts'
import type { OnBadRecord } from './bad-record.ts'
import { FileEnumerator, type FileEnumeratorState } from './file-enumerator.ts'
import { FileReader } from './file-reader.ts'
import type { FileSplit } from './file-split.ts'
import type { InputFiles } from './input-files.ts'
import { localFiles } from './local-files.ts'
import type { ReadFormat } from './read-format.ts'
import { S3Files } from './s3-files.ts'

/** Options of `fileSource()`. */
export interface FileSourceOptions<T> {
  /**
   * A file, a folder (the files directly in it) or a glob such as `data/*.csv.gz`; relative to the working directory, or in S3 as
   * `s3://bucket/prefix`, which needs the package `@aws-sdk/client-s3`.
   */
  readonly path: string | URL
  /** How bytes become records: `csv(…)` or `json()`. */
  readonly format: ReadFormat<T>
  /** Records per second over all subtasks; 0, the default, is as fast as possible. */
  readonly rate?: number
  /** What to do with records that cannot be read. Default `fail`. */
  readonly onError?: OnBadRecord
  /**
   * Between two looks for new files in the folder or glob; the source does not end then. A file must be whole when it appears:
   * write it under a name that begins with a dot, and rename it. Default: none; the files of the first start are read, and that is all.
   */
  readonly discoveryInterval?: Duration
  /** How to reach S3, for paths that begin with `s3://`. Default: region and keys as the SDK finds them. */
  readonly s3?: AwsConnection
}

const FILE_SOURCE: OptionNames<FileSourceOptions<unknown>> = {
  path: true,
  format: true,
  rate: true,
  onError: true,
  discoveryInterval: true,
  s3: true,
}

/**
 * Reads files once, plain or gzip (recognised by their content): one split a file. Bounded, unless new files are looked for.
 *
 * The listing is kept in the checkpoints; files must not change while the job exists. A resume
 * goes on at the exact record: plain files seek there, gzip is inflated from the start again (about 300 MB of data a second).
 * A file that has changed fails the job (`MR_INPUT_CHANGED`); a plain file that has grown is accepted with
 * `--allow-grown-input`. The rate is divided by the number of subtasks that have files at the start, so it sinks when one
 * of them has read its share earlier.
 *
 * @example
 * env.fromSource(fileSource({ path: 'orders/*.jsonl.gz', format: json<Order>() }), { uid: 'orders' })
 */
export function fileSource<T>(options: FileSourceOptions<T>): Source<T> {
  checkOptionNames(options, FILE_SOURCE, 'fileSource()', 'MR_SOURCE_INVALID')
  const { format, rate = 0, onError = 'fail' } = options
  const given = options.path instanceof URL ? fileURLToPath(options.path) : options.path
  if (typeof given !== 'string' || given === '') {
    throw invalid('path', given, 'the path of a file or folder, or a glob')
  }
  if (!(rate >= 0 && rate < Infinity))
    throw invalid('rate', rate, 'records per second, 0 for no limit')
  if (!isErrorHandling(onError))
    throw invalid('onError', onError, '"fail", "skip" or an output tag')
  if (typeof (format as Partial<ReadFormat<T>> | undefined)?.createDecoder !== 'function') {
    throw invalid('format', format, 'a format that can read, such as csv() or json()')
  }
  const isInS3 = isS3Url(given)
  if (!isInS3 && options.s3 !== undefined) {
    throw invalid('s3', 'settings', 's3 for paths such as s3://bucket/prefix only')
  }
  const path = isInS3 ? given : resolve(given)
  const discoveryIntervalMs =
    options.discoveryInterval === undefined
      ? 0
      : parseDuration(options.discoveryInterval, 'fileSource(): discoveryInterval')
  const filesFor = isInS3 ? s3Files(path, options.s3 ?? {}) : () => localFiles
  const source: Source<T, FileSplit, FileEnumeratorState> = {
    kind: 'file',
    boundedness: discoveryIntervalMs > 0 ? 'unbounded' : 'bounded',
    identity: { path },
    createEnumerator: (context, restored) => {
      const files = filesFor(context)
      return new FileEnumerator({ path, files, discoveryIntervalMs }, context, restored)
    },
    createReader: (context) =>
      new FileReader<T>(context, { files: filesFor(context), format, onError, rate }),
  }
  return source
}

/** Who reads files, as far as the files have to know. */
interface Reading {
  readonly uid: string
  readonly clock: Clock
}

function s3Files(path: string, given: AwsConnection): (reading: Reading) => InputFiles {
  parseS3Url(path, 'fileSource(): path', 'MR_SOURCE_INVALID')
  checkOptionNames(given, AWS_CONNECTION_NAMES, 'fileSource(): s3', 'MR_SOURCE_INVALID')
  const connection = checkAwsConnection(given, 'fileSource(): s3', 'MR_SOURCE_INVALID')
  loadAwsService(S3, 'fileSource()')
  return ({ uid, clock }) => new S3Files({ connection, clock, operator: uid })
}

function invalid(option: string, found: unknown, wanted: string): StreamError {
  return new StreamError(
    'MR_SOURCE_INVALID',
    `fileSource(): ${option} is ${givenText(found)} (${typeof found}), so no records can be read; give ${wanted}.`,
    { option, found: String(found) },
  )
}
