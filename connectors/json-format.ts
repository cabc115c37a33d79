import { checkOptionNames, type OptionNames } from '../runtime/option-names.ts'
import type { WriteFormat } from './format.ts'
import { JsonDecoder } from './json-decoder.ts'
import { JsonMessageReader, jsonMessageWriter } from './json-message.ts'
import type { JsonDialect } from './json-parse.ts'
import { encodeJsonLine } from './json-write.ts'
import type { MessageFormat } from './message-format.ts'
import type { ReadFormat } from './read-format.ts'
import type { StandardSchema } from './standard-schema.ts'

/** Options of `json()`; all may be left out. */
export interface JsonOptions<T> {
  /** Checks and converts every record read: any Standard Schema without asynchronous checks. */
  readonly validate?: StandardSchema<T>
  /** True: integers beyond 2^53 are read as bigints. Default false: they make the record a bad one. */
  readonly bigints?: boolean
}

const JSON_LINES: OptionNames<JsonOptions<unknown>> = { validate: true, bigints: true }

/**
 * Reads and writes JSON: of files one value a line (they end in `.jsonl`), of topics one value a message.
 *
 * Nothing is rounded in silence: an integer beyond 2^53 is a bad record unless `bigints` is set, and so is a number beyond
 * the range of numbers. Without `validate` the type is taken on trust. Blank lines of files are skipped.
 *
 * @example
 * fileSource({ path: 'orders.jsonl.gz', format: json<Order>() })
 */
export function json<T = unknown>(
  options: JsonOptions<T> = {},
): ReadFormat<T> & WriteFormat<T> & MessageFormat<T> {
  checkOptionNames(options, JSON_LINES, 'json()', 'MR_FORMAT_INVALID')
  const dialect: JsonDialect<T> = {
    validate: options.validate,
    bigints: options.bigints ?? false,
  }
  return {
    suffix: '.jsonl',
    hasHeader: false,
    encode: encodeJsonLine,
    createDecoder: (start) => new JsonDecoder<T>(dialect, start),
    messageKind: 'json',
    createMessageReader: () => new JsonMessageReader<T>(dialect),
    createMessageWriter: () => jsonMessageWriter,
  }
}
