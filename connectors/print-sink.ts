import { inspect } from 'node:util'
import { checkOptionNames, type OptionNames } from '../runtime/option-names.ts'
import type { Sink, SinkContext, SinkWriter } from '../runtime/sink.ts'
import type { WriteFormat } from './format.ts'

/** Lines go to the runner in pieces of about this length. */
const CHUNK_LENGTH = 16 * 1024
/** With so much that the runner has not written yet no more input is taken (N16). */
const MAX_BACKLOG_BYTES = 256 * 1024
/** How often a cut looks whether its lines have been written. */
const LOOK_MS = 5

/** Options of `printSink()`. */
export interface PrintSinkOptions<T> {
  /** How records become lines, such as `json()`. Default: strings as they are, anything else as Node shows it, on one line. */
  readonly format?: WriteFormat<T>
}

const PRINT: OptionNames<PrintSinkOptions<unknown>> = { format: true }

/**
 * Prints records to standard output as they come, at least once: after a failure or a restart, records since the last
 * checkpoint are printed again.
 *
 * A checkpoint completes only after the lines before it have been written. Where the reader of the output is slow, the job
 * slows down with it; nothing is dropped (N16).
 *
 * @example
 * stream.sinkTo(printSink({ format: json() }), { uid: 'print' })
 */
export function printSink<T = unknown>(options: PrintSinkOptions<T> = {}): Sink<T> {
  checkOptionNames(options, PRINT, 'printSink()', 'MR_SINK_INVALID')
  const format = options.format
  const toLine = format === undefined ? showLine : (value: T) => format.encode(value)
  const sink: Sink<T, never> = {
    kind: 'print',
    guarantee: 'at-least-once',
    createWriter: (context) => new PrintWriter<T>(context, toLine),
  }
  return sink
}

function showLine(value: unknown): string {
  const text =
    typeof value === 'string'
      ? value
      : inspect(value, { depth: 8, breakLength: Infinity, compact: true, maxArrayLength: 1_000 })
  return `${text}\n`
}

class PrintWriter<T> implements SinkWriter<T, never> {
  readonly #context: SinkContext
  readonly #toLine: (value: T) => string
  #lines = ''
  #isScheduled = false
  #printedBytes = 0
  #cancelLook: (() => void) | undefined

  constructor(context: SinkContext, toLine: (value: T) => string) {
    this.#context = context
    this.#toLine = toLine
  }

  get isReady(): boolean {
    return this.#lines.length + this.#context.printBacklog < MAX_BACKLOG_BYTES
  }

  write(value: T): void {
    this.#lines += this.#toLine(value)
    if (this.#lines.length >= CHUNK_LENGTH) {
      this.#print()
    } else if (!this.#isScheduled) {
      this.#isScheduled = true
      this.#context.clock.nextTurn(() => {
        this.#isScheduled = false
        this.#print()
      })
    }
  }

  prepareCommit(): Promise<readonly never[]> {
    this.#print()
    const printedBefore = this.#printedBytes
    return new Promise((resolve) => {
      const look = (): void => {
        // Lines are written in order, so what is not written yet are the last ones: those printed since the cut.
        if (this.#context.printBacklog <= this.#printedBytes - printedBefore) resolve([])
        else this.#cancelLook = this.#context.clock.schedule(LOOK_MS, look)
      }
      look()
    })
  }

  close(): void {
    this.#print()
    this.#cancelLook?.()
  }

  #print(): void {
    if (this.#lines === '') return
    const lines = this.#lines
    this.#lines = ''
    this.#printedBytes += Buffer.byteLength(lines)
    this.#context.print(lines)
  }
}
