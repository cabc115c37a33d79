import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadAwsService } from '../runtime/aws/aws-client.ts'
import {
  AWS_CONNECTION_NAMES,
  type AwsConnection,
  checkAwsConnection,
} from '../runtime/aws/aws-connection.ts'
import { S3 } from '../runtime/aws/s3-store.ts'
import { isS3Url, parseS3Url } from '../runtime/aws/s3-url.ts'
import { type Duration, parseDuration } from '../runtime/duration.ts'
import { StreamError } from '../runtime/errors.ts'
import { type FileSystem, nodeFileSystem } from '../runtime/file-system.ts'
import { checkOptionNames, type OptionNames } from '../runtime/option-names.ts'
import type { Sink } from '../runtime/sink.ts'
import { checkFileOutput, prepareFileOutput } from './file-output.ts'
import { type FilePart, FileSinkCommitter } from './file-sink-committer.ts'
import { FileSinkWriter } from './file-sink-writer.ts'
import type { FileFormat, WriteFormat } from './format.ts'
import { COMPRESSORS, type FileCompression } from './compression.ts'
import { loadS3Sink } from './s3/load-s3-sink.ts'

const DEFAULT_ROLL_BYTES = 128 * 1024 * 1024
const DEFAULT_ROLL_INTERVAL = '1m'

/** Options of `fileSink()`. */
export interface FileSinkOptions<T> {
  /**
   * The directory; created where it is missing. Relative to the working directory, or in S3 as `s3://bucket/prefix`, which needs the
   * package `@aws-sdk/client-s3`.
   */
  readonly dir: string | URL
  /** How records become bytes: `json()`, `csv()` with its columns; in S3 also `parquet()`. */
  readonly format: WriteFormat<T> | FileFormat<T>
  /** Of JSON and CSV; adds `.gz` or `.zst` to the names. Parquet has an option of its own. Default none. */
  readonly compression?: FileCompression
  /** A file that has reached so many bytes is followed by the next one. Default 128 MiB. */
  readonly rollSize?: number
  /** A file that is so old is followed by the next one. Default one minute. */
  readonly rollInterval?: Duration
  /** How to reach S3, for a `dir` that begins with `s3://`. Default: region and keys as the SDK finds them. */
  readonly s3?: AwsConnection
}

const FILE_SINK: OptionNames<FileSinkOptions<unknown>> = {
  dir: true,
  format: true,
  compression: true,
  rollSize: true,
  rollInterval: true,
  s3: true,
}

/**
 * Writes records into files, exactly once.
 *
 * Finished files lie flat in the directory as `part-<lineage>-<checkpoint>-<subtask>-<n>.jsonl`. A file appears under such a
 * name, complete, after the checkpoint that it belongs to; every checkpoint with records finishes one or more files a subtask.
 * Files in progress begin with a dot: a reader that takes finished names only never sees a record twice, nor half a
 * record. Nothing else is written there. Directory and files are private to the user (0700, 0600).
 *
 * Finished files must stay where they are until a checkpoint that began after they appeared has completed: until then a restart
 * looks for them. Use a directory for one sink only. Output of another run in the directory is an error, unless
 * `--output replace` or `--output keep` is given. When a job has to go back to an older checkpoint, files of later ones are
 * removed first.
 *
 * In S3 it is an `s3Sink` (of `millrace/aws`) with these options, and writes objects in the same way; that one has more, such as
 * partitions.
 *
 * @example
 * stream.sinkTo(fileSink({ dir: 'out/alerts', format: json<Alert>() }), { uid: 'alerts' })
 */
export function fileSink<T>(options: FileSinkOptions<T>): Sink<T> {
  const checked = checkOptions(options)
  return isS3Url(checked.dir) ? sinkInS3(checked, options) : sinkOnDisk(nodeFileSystem, checked)
}

/** As `fileSink`, on another file system. */
export function fileSinkOn<T>(
  fileSystem: FileSystem,
  options: FileSinkOptions<T>,
): Sink<T, FilePart> {
  return sinkOnDisk(fileSystem, checkOptions(options))
}

interface CheckedFileSink<T> {
  /** A path, or `s3://…`. */
  readonly dir: string
  readonly format: FileSinkOptions<T>['format']
  readonly compression: FileCompression
  readonly rollBytes: number
  readonly rollIntervalMs: number
}

function checkOptions<T>(options: FileSinkOptions<T>): CheckedFileSink<T> {
  checkOptionNames(options, FILE_SINK, 'fileSink()', 'MR_SINK_INVALID')
  const { format, compression = 'none', rollSize: rollBytes = DEFAULT_ROLL_BYTES } = options
  const dir = pathOf(options.dir)
  if (typeof dir !== 'string' || dir === '') throw invalid('dir', dir, 'the path of a directory')
  if (!(Number.isSafeInteger(rollBytes) && rollBytes > 0)) {
    throw invalid('rollSize', rollBytes, 'a whole number of bytes')
  }
  const rollIntervalMs = parseDuration(
    options.rollInterval ?? DEFAULT_ROLL_INTERVAL,
    'fileSink(): rollInterval',
  )
  if (rollIntervalMs === 0)
    throw invalid('rollInterval', rollIntervalMs, 'a span of time above zero')
  const isInS3 = isS3Url(dir)
  if (!isInS3 && options.s3 !== undefined) {
    throw invalid('s3', 'settings', 's3 for a dir such as s3://bucket/prefix only')
  }
  checkFormat(format, isInS3)
  const known = Object.keys(COMPRESSORS)
  if (!known.includes(compression)) throw invalid('compression', compression, known.join(', '))
  return { dir, format, compression, rollBytes, rollIntervalMs }
}

function pathOf(dir: string | URL): string {
  if (!(dir instanceof URL)) return dir
  return isS3Url(dir.href) ? dir.href : fileURLToPath(dir)
}

function sinkOnDisk<T>(
  fileSystem: FileSystem,
  { dir, rollBytes, rollIntervalMs, ...how }: CheckedFileSink<T>,
): Sink<T, FilePart> {
  const directory = resolve(dir)
  const format = how.format as WriteFormat<T>
  const compression = COMPRESSORS[how.compression]
  const rolling = { rollBytes, rollIntervalMs }
  const writerOptions = { fileSystem, directory, format, compression, ...rolling }
  return {
    kind: 'file',
    guarantee: 'exactly-once',
    identity: { directory },
    canTakeBack: true,
    checkOutput: (context) => checkFileOutput(fileSystem, directory, context),
    prepareOutput: (context) => prepareFileOutput(fileSystem, directory, context),
    createWriter: (context) => new FileSinkWriter<T>(context, writerOptions),
    createCommitter: (context) => new FileSinkCommitter(fileSystem, directory, context.uid),
  }
}

/** What is wrong is said in the names of the options here. */
function sinkInS3<T>(
  { dir, format, compression, rollBytes, rollIntervalMs }: CheckedFileSink<T>,
  { s3 = {} }: FileSinkOptions<T>,
): Sink<T> {
  const where = 'fileSink(): s3'
  parseS3Url(dir, 'fileSink(): dir', 'MR_SINK_INVALID')
  checkOptionNames(s3, AWS_CONNECTION_NAMES, where, 'MR_SINK_INVALID')
  checkAwsConnection(s3, where, 'MR_SINK_INVALID')
  loadAwsService(S3, 'fileSink()')
  return loadS3Sink()({
    ...s3,
    path: dir,
    format,
    compression,
    rollSize: rollBytes,
    rollInterval: rollIntervalMs,
  })
}

function checkFormat(
  format: Partial<WriteFormat<never> & FileFormat<never>> | undefined,
  isInS3: boolean,
): void {
  const isText = typeof format?.encode === 'function'
  const isFile = typeof format?.createEncoder === 'function'
  if (!isText && isFile && !isInS3) {
    throw invalid('format', format, `json() or csv(): ${format.suffix} is written to s3:// only`)
  }
  if (!isText && !isFile) {
    throw invalid('format', format, 'a format that can write, such as json()')
  }
  if (!/^(\.[A-Za-z0-9]+)+$/.test(format?.suffix ?? '')) {
    throw invalid(
      'format.suffix',
      format?.suffix,
      'a dot with letters and digits, such as ".jsonl"',
    )
  }
}

function invalid(option: string, found: unknown, wanted: string): StreamError {
  const shown =
    typeof found === 'string'
      ? JSON.stringify(found)
      : typeof found === 'object'
        ? 'an object'
        : String(found)
  return new StreamError(
    'MR_SINK_INVALID',
    `fileSink(): ${option} is ${shown} (${typeof found}), so no files can be written; give ${wanted}.`,
    { option, found: shown },
  )
}
