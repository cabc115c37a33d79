import { givenText, StreamError } from '../../runtime/errors.ts'
import { type EventTime, EventTimeFormat } from './event-time.ts'

/** The value of a partition; null, undefined and the empty text are Hive's default partition. */
export type PartitionValue = string | number | bigint | boolean | null | undefined

/** Partitions by name, outermost first: of event time, or of what a function makes of a record. */
export type Partitions<T> = Readonly<Record<string, EventTime | ((value: T) => PartitionValue)>>

/** What Hive calls the partition of records that have no value. */
const DEFAULT_PARTITION = '__HIVE_DEFAULT_PARTITION__'

/** What Hive escapes in names of partitions. */
// oxlint-disable-next-line no-control-regex
const SPECIAL = /[\u0000-\u001F"#%'*/:=?\\\u007F{}[\]^]/
const ALL_SPECIAL = new RegExp(SPECIAL, 'g')
const ESCAPED = /%([0-9A-F]{2})/g

/**
 * Names the folder of each record, as Hive, Athena and DuckDB read it: `dt=2026-11-22/hour=05/country=DE/`; pure.
 *
 * Characters that mean something in paths or URLs are escaped as `%3A`, as Hive does and undoes.
 */
export class PartitionPaths<T> {
  readonly #names: readonly string[]
  readonly #valueOf: readonly (EventTimeFormat | ((value: T) => PartitionValue))[]

  constructor(partitions: Partitions<T>) {
    this.#names = Object.keys(partitions).map((name) => `${name}=`)
    this.#valueOf = Object.values(partitions).map((one) =>
      typeof one === 'function' ? one : new EventTimeFormat(one),
    )
  }

  /** The path with a slash at its end; empty without partitions. Fails with a coded error where a record has no place. */
  pathOf(value: T, timestamp: number): string {
    let path = ''
    for (let i = 0; i < this.#names.length; i++) {
      const valueOf = this.#valueOf[i]!
      const name = this.#names[i]!
      path +=
        typeof valueOf === 'function'
          ? `${name}${partitionText(valueOf(value), name)}/`
          : `${name}${valueOf.format(timestamp)}/`
    }
    return path
  }
}

/** The values in the path of a record, as a catalogue of tables has them: without their names, and not escaped. */
export function partitionValues(path: string): readonly string[] {
  return path
    .split('/')
    .slice(0, -1)
    .map((folder) =>
      folder
        .slice(folder.indexOf('=') + 1)
        .replaceAll(ESCAPED, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))),
    )
}

function partitionText(value: unknown, name: string): string {
  if (value === null || value === undefined || value === '') return DEFAULT_PARTITION
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw invalid(name, 'a text with half of a surrogate pair')
    return SPECIAL.test(value) ? value.replaceAll(ALL_SPECIAL, escaped) : value
  }
  const isPlain =
    typeof value === 'boolean' ||
    typeof value === 'bigint' ||
    (typeof value === 'number' && Number.isFinite(value))
  if (!isPlain) {
    const isNumber = typeof value === 'number'
    throw invalid(name, isNumber ? givenText(value) : `a value of type ${typeof value}`)
  }
  // -0 is 0.
  return String(value)
}

function escaped(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

function invalid(name: string, found: string): StreamError {
  return new StreamError(
    'MR_VALUE_UNSUPPORTED',
    `s3Sink(): partition ${name.slice(0, -1)} of the record is ${found}, which no folder can be named after; the record has no place; ` +
      `make it a text, a finite number, a bigint or a boolean, or null for none.`,
    { partition: name.slice(0, -1) },
  )
}
