import { inspect } from 'node:util'
import { StreamError, thrownText } from '../../runtime/errors.ts'
import type { WriteFormat } from '../format.ts'
import { encodeJson, encodeJsonLine } from '../json-write.ts'

/** A record that could not be written, as it lies below the prefix for such records: a line of JSON. */
export interface FailedWrite {
  /** `MR_…`, where the error has one. */
  readonly code: string | undefined
  readonly error: string
  /** That of the record; undefined where it has none. */
  readonly timestamp: number | undefined
  /** As it is where JSON holds it, otherwise as Node prints it. */
  readonly record: unknown
}

/** How records that could not be written are. */
export const failedWrites: WriteFormat<FailedWrite> = { suffix: '.jsonl', encode: encodeJsonLine }

/** What is kept of a record that could not be written. */
export function failedWrite(value: unknown, timestamp: number, error: unknown): FailedWrite {
  return {
    code: error instanceof StreamError ? error.code : undefined,
    error: thrownText(error),
    timestamp: Number.isFinite(timestamp) ? timestamp : undefined,
    record: isJson(value) ? value : inspect(value, { depth: 10, breakLength: Infinity }),
  }
}

function isJson(value: unknown): boolean {
  try {
    encodeJson(value)
    return true
  } catch {
    return false
  }
}
