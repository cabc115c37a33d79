import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Duration, parseDuration } from '../runtime/duration.ts'
import { isS3Url } from '../runtime/aws/s3-url.ts'
import { StreamError } from '../runtime/errors.ts'
import { type FileSystem, nodeFileSystem } from '../runtime/file-system.ts'
import { checkOptionNames, type OptionNames } from '../runtime/option-names.ts'
import type { Sink } from '../runtime/sink.ts'
import { checkFileOutput, prepareFileOutput } from './file-output.ts'
import { type FilePart, FileSinkCommitter } from './file-sink-committer.ts'
import { FileSinkWriter } from './file-sink-writer.ts'
import type { WriteFormat } from './format.ts'

const DEFAULT_ROLL_BYTES = 128 * 1024 * 1024
const DEFAULT_ROLL_INTERVAL = '1m'

/** Options of `fileSink()`. */
export interface FileSinkOptions<T> {
  /** The directory; created where it is missing. Relative to the working directory. */
  readonly dir: string | URL
  /** How records become bytes: `json()`. */
  readonly format: WriteFormat<T>
  /** A file that has reached so many bytes is followed by the next one. Default 128 MiB. */
  readonly rollSize?: number
  /** A file that is so old is followed by the next one. Default one minute. */
  readonly rollInterval?: Duration
}

const FILE_SINK: OptionNames<FileSinkOptions<unknown>> = {
  dir: true,
  format: true,
  rollSize: true,
  rollInterval: true,
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
 * @example
 * stream.sinkTo(fileSink({ dir: 'out/alerts', format: json<Alert>() }), { uid: 'alerts' })
 */
export function fileSink<T>(options: FileSinkOptions<T>): Sink<T> {
  return fileSinkOn(nodeFileSystem, options)
}

/** As `fileSink`, on another file system. */
export function fileSinkOn<T>(
  fileSystem: FileSystem,
  options: FileSinkOptions<T>,
): Sink<T, FilePart> {
  checkOptionNames(options, FILE_SINK, 'fileSink()', 'MR_SINK_INVALID')
  const { format, rollSize: rollBytes = DEFAULT_ROLL_BYTES } = options
  const given = options.dir instanceof URL ? fileURLToPath(options.dir) : options.dir
  if (typeof given !== 'string' || given === '')
    throw invalid('dir', given, 'the path of a directory')
  if (isS3Url(given)) {
    throw invalid(
      'dir',
      given,
      'the path of a directory on disk, or write there with s3Sink() of millrace/aws',
    )
  }
  if (!(Number.isSafeInteger(rollBytes) && rollBytes > 0)) {
    throw invalid('rollSize', rollBytes, 'a whole number of bytes')
  }
  const rollIntervalMs = parseDuration(
    options.rollInterval ?? DEFAULT_ROLL_INTERVAL,
    'fileSink(): rollInterval',
  )
  if (rollIntervalMs === 0)
    throw invalid('rollInterval', rollIntervalMs, 'a span of time above zero')
  checkFormat(format)
  const directory = resolve(given)
  const writerOptions = { fileSystem, directory, format, rollBytes, rollIntervalMs }
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

function checkFormat(format: Partial<WriteFormat<never>> | undefined): void {
  if (typeof format?.encode !== 'function') {
    throw invalid('format', format, 'a format that can write, such as json()')
  }
  if (!/^(\.[A-Za-z0-9]+)+$/.test(format.suffix ?? '')) {
    throw invalid('format.suffix', format.suffix, 'a dot with letters and digits, such as ".jsonl"')
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
