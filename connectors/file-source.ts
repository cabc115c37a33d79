import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { givenText, StreamError } from '../runtime/errors.ts'
import { isErrorHandling } from '../runtime/operator.ts'
import { checkOptionNames, type OptionNames } from '../runtime/option-names.ts'
import type { Source } from '../runtime/source.ts'
import type { OnBadRecord } from './bad-record.ts'
import { FileEnumerator, type FileEnumeratorState } from './file-enumerator.ts'
import { FileReader } from './file-reader.ts'
import type { FileSplit } from './file-split.ts'
import type { ReadFormat } from './read-format.ts'

/** Options of `fileSource()`. */
export interface FileSourceOptions<T> {
  /** A file, a folder (the files directly in it) or a glob such as `data/*.csv.gz`; relative to the working directory. */
  readonly path: string | URL
  /** How bytes become records: `csv(…)` or `json()`. */
  readonly format: ReadFormat<T>
  /** Records per second over all subtasks; 0, the default, is as fast as possible. */
  readonly rate?: number
  /** What to do with records that cannot be read. Default `fail`. */
  readonly onError?: OnBadRecord
}

const FILE_SOURCE: OptionNames<FileSourceOptions<unknown>> = {
  path: true,
  format: true,
  rate: true,
  onError: true,
}

/**
 * Reads files once, plain or gzip (recognised by their content): a bounded source with one split a file.
 *
 * The listing is taken at the first start and kept in the checkpoints; files must not change while the job exists. A resume
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
  const path = resolve(given)
  const source: Source<T, FileSplit, FileEnumeratorState> = {
    kind: 'file',
    boundedness: 'bounded',
    identity: { path },
    createEnumerator: (context, restored) => new FileEnumerator(path, context, restored),
    createReader: (context) => new FileReader<T>(context, { format, onError, rate }),
  }
  return source
}

function invalid(option: string, found: unknown, wanted: string): StreamError {
  return new StreamError(
    'MR_SOURCE_INVALID',
    `fileSource(): ${option} is ${givenText(found)} (${typeof found}), so no records can be read; give ${wanted}.`,
    { option, found: String(found) },
  )
}
