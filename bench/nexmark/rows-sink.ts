import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Sink } from 'millrace'
import type { RowFormat } from './query.ts'
import { report } from './report.ts'
import { rowHash, type RowValue } from './row-hash.ts'

/** Options of `rowsSink()`. */
export interface RowsSinkOptions {
  /** Keeps the rows, the last one of each key where the format has one, and writes a file of them for each subtask here. */
  readonly directory?: string
}

type RowsSink<Row> = Sink<Row, never>
type Context = Parameters<RowsSink<object>['createWriter']>[0]
type Writer<Row> = ReturnType<RowsSink<Row>['createWriter']>

/**
 * Counts rows and adds up their hashes, as the counters `rows` and `hash`; the sum over the subtasks, modulo 2^32, does not
 * depend on how the rows were spread over them. Or keeps them, and writes them when it is closed.
 *
 * What is kept is not part of checkpoints: for measuring and checking whole runs only.
 */
export function rowsSink<Row extends object>(
  format: RowFormat,
  { directory }: RowsSinkOptions = {},
): Sink<Row> {
  const sink: RowsSink<Row> = {
    kind: 'rows',
    guarantee: 'at-least-once',
    createWriter: (context) =>
      directory === undefined
        ? new CountingWriter<Row>(context, format)
        : new KeepingWriter<Row>(context, format, directory),
  }
  return sink
}

class CountingWriter<Row extends object> implements Writer<Row> {
  readonly isReady = true
  readonly #context: Context
  readonly #hashOf: (row: Row) => number
  #rows = 0
  #hash = 0

  constructor(context: Context, format: RowFormat) {
    this.#context = context
    this.#hashOf = rowHash<Row>(format.columns)
  }

  write(row: Row): void {
    this.#rows++
    this.#hash = (this.#hash + this.#hashOf(row)) | 0
  }

  prepareCommit(): Promise<readonly never[]> {
    this.#context.count('rows', this.#rows)
    this.#context.count('hash', this.#hash >>> 0)
    this.#rows = 0
    this.#hash = 0
    this.#context.log(report('cut'))
    return Promise.resolve([])
  }

  close(): void {
    this.#context.log(report('closed'))
  }
}

class KeepingWriter<Row extends object> implements Writer<Row> {
  readonly isReady = true
  readonly #context: Context
  readonly #format: RowFormat
  readonly #path: string
  readonly #lines = new Map<string | number, string>()

  constructor(context: Context, format: RowFormat, directory: string) {
    this.#context = context
    this.#format = format
    this.#path = join(directory, `part-${context.subtaskIndex}.csv`)
  }

  write(row: Row): void {
    const { columns, key } = this.#format
    const values = row as Readonly<Record<string, RowValue>>
    const line = columns.map((column) => values[column]).join()
    const id = key === undefined ? this.#lines.size : key.map((column) => values[column]).join()
    this.#lines.set(id, line)
  }

  prepareCommit(): Promise<readonly never[]> {
    this.#context.log(report('cut'))
    return Promise.resolve([])
  }

  close(): void {
    writeFileSync(this.#path, [...this.#lines.values(), ''].join('\n'))
    this.#context.log(report('closed'))
  }
}
