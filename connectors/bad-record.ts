import { StreamError } from '../runtime/errors.ts'
import type { OutputTag } from '../runtime/operator.ts'
import type { BadRow, RecordDecoder } from './read-format.ts'

/** A record of a file that could not be read, as it goes to a side output. */
export interface BadRecord {
  /** What is wrong, in one sentence. */
  readonly error: string
  /** The record as it stands in the file, without its line end. */
  readonly raw: string
  /** Absolute path. */
  readonly file: string
  /** Line on which it begins, from 1. */
  readonly line: number
  /** Byte offset (uncompressed) at which it begins. */
  readonly offset: number
}

/** What happens with records that cannot be read: the job fails (default), they are counted, or go to a side output. */
export type OnBadRecord = 'fail' | 'skip' | OutputTag<BadRecord>

/** Describes the bad record on which a decoder stands. */
export function badRecord(file: string, decoder: RecordDecoder<unknown>): BadRecord {
  const line = decoder.recordLine
  const offset = decoder.recordOffset
  const error = `${file}:${line} (byte ${offset}): ${describe(decoder.bad as BadRow)}`
  return { error, raw: decoder.rawRecord, file, line, offset }
}

/** The error with which a bad record fails the job; the row is shortened. */
export function badRecordError(record: BadRecord, bad: BadRow): StreamError {
  return new StreamError(
    'MR_BAD_RECORD',
    `${record.error}, in the row ${shorten(record.raw, 200)}; the record cannot be read and the job stops rather than ` +
      `lose it; correct the file, or set onError to 'skip' or an output tag.`,
    {
      file: record.file,
      line: record.line,
      offset: record.offset,
      ...(bad.column === undefined ? {} : { column: bad.column }),
      ...(bad.value === undefined ? {} : { value: shorten(bad.value, 200) }),
    },
  )
}

function describe({ column, value, problem }: BadRow): string {
  const shown = value === undefined ? '' : ` has the value ${shorten(value, 80)}, which`
  return column === undefined
    ? `the record${shown} ${problem}`
    : `column "${column}"${shown} ${problem}`
}

function shorten(text: string, length: number): string {
  const cut = text.length <= length ? text : `${text.slice(0, length)}…`
  return JSON.stringify(cut)
}
