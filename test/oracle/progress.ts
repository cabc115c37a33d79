import { SystemClock } from '../../runtime/clock.ts'
import { eventCount, type OracleCase } from './oracle-case.ts'
import type { Verdict } from './run-case.ts'

/** How often a line is printed. */
const INTERVAL_MS = 5_000

/** Counts what a campaign has done, and prints it every few seconds. */
export class Progress {
  readonly #seed: number
  readonly #from: number
  readonly #clock: SystemClock = new SystemClock()
  readonly #startedAt: number
  #next: number
  #cases = 0
  #events = 0
  #rows = 0
  #crashes = 0
  #written = 0
  #readBack = 0

  constructor(seed: number, from: number) {
    this.#seed = seed
    this.#from = from
    this.#startedAt = this.#clock.elapsed()
    this.#next = this.#startedAt + INTERVAL_MS
  }

  add(of: OracleCase, { rows, crashes, spilled }: Verdict): void {
    this.#cases++
    this.#events += eventCount(of.stream)
    this.#rows += rows
    this.#crashes += crashes
    this.#written += spilled.written
    this.#readBack += spilled.readBack
    if (this.#clock.elapsed() < this.#next) return
    console.log(this.line)
    this.#next = this.#clock.elapsed() + INTERVAL_MS
  }

  get line(): string {
    const seconds = ((this.#clock.elapsed() - this.#startedAt) / 1_000).toFixed(0)
    const last = this.#from + this.#cases - 1
    const work = `${this.#events} events, ${this.#rows} rows, ${this.#crashes} interruptions`
    const spilled = `${this.#written} entries spilled, ${this.#readBack} read back`
    return `seed ${this.#seed}, cases ${this.#from} to ${last}: ${work}, ${spilled}, ${seconds} s`
  }
}
