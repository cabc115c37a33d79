import { formatWithOptions } from 'node:util'

/** Longest line that is passed on, and lines per second and operator; the rest is dropped and counted (N16). */
const MAX_LINE = 2_000
const MAX_LINES_PER_WINDOW = 200
const WINDOW_MS = 1_000

/** Bounds what user code logs: whole lines, shortened, at most 200 a second; drops are counted and told (N16). */
export class BoundedLog {
  readonly #elapsed: () => number
  readonly #emit: (line: string) => void
  #windowStart = -Infinity
  #lines = 0
  #dropped = 0

  constructor(elapsed: () => number, emit: (line: string) => void) {
    this.#elapsed = elapsed
    this.#emit = emit
  }

  /** Formats as `console.log` does, and passes each line on. */
  log(values: readonly unknown[]): void {
    this.roll()
    const text = formatWithOptions({ breakLength: Infinity }, ...values)
    for (const line of text.split('\n')) {
      if (this.#lines >= MAX_LINES_PER_WINDOW) {
        this.#dropped++
        continue
      }
      this.#lines++
      this.#emit(line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line)
    }
  }

  /** Begins a new second if the last one is over, and tells what was dropped in it. */
  roll(): void {
    const now = this.#elapsed()
    if (now - this.#windowStart < WINDOW_MS) return
    this.end()
    this.#windowStart = now
    this.#lines = 0
  }

  /** Nothing more will come: tells what was dropped last. */
  end(): void {
    if (this.#dropped > 0) this.#emit(`… ${this.#dropped} lines dropped`)
    this.#dropped = 0
  }
}

/** The logs of a slot's operators, each bounded by itself. */
export class SlotLogs {
  readonly #elapsed: () => number
  readonly #emit: (uid: string, subtask: number, line: string) => void
  readonly #logs: Map<string, BoundedLog> = new Map()

  constructor(elapsed: () => number, emit: (uid: string, subtask: number, line: string) => void) {
    this.#elapsed = elapsed
    this.#emit = emit
  }

  log(uid: string, subtask: number, values: readonly unknown[]): void {
    let log = this.#logs.get(uid)
    if (log === undefined) {
      log = new BoundedLog(this.#elapsed, (line) => this.#emit(uid, subtask, line))
      this.#logs.set(uid, log)
    }
    log.log(values)
  }

  /** To be called every now and then, so that drops are told though nothing more is logged. */
  roll(): void {
    for (const log of this.#logs.values()) log.roll()
  }

  /** Nothing more will come. */
  end(): void {
    for (const log of this.#logs.values()) log.end()
  }
}
