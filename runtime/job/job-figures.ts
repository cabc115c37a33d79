import type { EventTimeFigures } from '../event-time.ts'
import type { JobPlan } from '../graph/job-plan.ts'
import type { OperatorFigures } from '../messages.ts'
import { EventTimeTracker } from './event-time-tracker.ts'
import { EventTimeWatch } from './event-time-watch.ts'
import type { EventTimeNews, JobMetrics } from './job-events.ts'
import { planOperators } from './restore-plan.ts'

type Counters = Record<string, Record<string, number>>
type Flow = Record<string, { recordsIn: number; recordsOut: number }>

/** How often it is looked whether event time stands still. */
const LOOK_MS = 1_000

/** Sums what the slots report over subtasks, and over the attempts of a run. */
export class JobFigures {
  readonly #sources: Set<string>
  readonly #sinks: Set<string>
  #slots: Map<number, readonly OperatorFigures[]> = new Map()
  /** Of slots that have not loaded everything. */
  readonly #loadedShares: Map<number, number> = new Map()
  readonly #earlier: { counters: Counters; operators: Flow } = { counters: {}, operators: {} }

  readonly #time: EventTimeTracker
  readonly #watch: EventTimeWatch = new EventTimeWatch()
  #lookedAt = -Infinity

  constructor(plan: JobPlan) {
    this.#time = new EventTimeTracker(plan)
    const operators = planOperators(plan)
    this.#sources = new Set(operators.filter((one) => one.type === 'source').map((one) => one.name))
    this.#sinks = new Set(operators.filter((one) => one.type === 'sink').map((one) => one.name))
  }

  /** Takes what a slot reports, at `now` in `clock.elapsed()` ms; returns what is to be told of event time. */
  update(slot: number, operators: readonly OperatorFigures[], now: number): EventTimeNews[] {
    this.#slots.set(slot, operators)
    this.#time.update(slot, operators, now)
    if (now - this.#lookedAt < LOOK_MS) return []
    this.#lookedAt = now
    return this.#watch.look(this.#time.figures(now), now)
  }

  /** How much of the restored state has been loaded, where least has been; undefined when all has. */
  get loadedShare(): number | undefined {
    return this.#loadedShares.size === 0 ? undefined : Math.min(...this.#loadedShares.values())
  }

  /** How much of its restored state a slot has loaded; undefined: all. */
  setLoadedShare(slot: number, share: number | undefined): void {
    if (share === undefined) this.#loadedShares.delete(slot)
    else this.#loadedShares.set(slot, share)
  }

  /** Where event time stands, for `explainEventTime`. */
  eventTime(now: number): EventTimeFigures {
    return this.#time.figures(now)
  }

  /** A new attempt counts from zero: what the last one counted is kept apart. */
  endAttempt(): void {
    this.#addTo(this.#earlier)
    this.#slots = new Map()
    this.#loadedShares.clear()
    this.#time.reset()
    this.#watch.reset()
  }

  #addTo(sums: { counters: Counters; operators: Flow }): void {
    for (const figures of [...this.#slots.values()].flat()) {
      const flow = (sums.operators[figures.name] ??= { recordsIn: 0, recordsOut: 0 })
      flow.recordsIn += figures.recordsIn
      flow.recordsOut += figures.recordsOut
      for (const [counter, count] of Object.entries(figures.counters)) {
        const counters = (sums.counters[figures.name] ??= {})
        counters[counter] = (counters[counter] ?? 0) + count
      }
    }
  }

  get sums(): {
    counters: JobMetrics['counters']
    operators: JobMetrics['operators']
    recordsRead: number
    recordsWritten: number
  } {
    const sums = structuredClone(this.#earlier)
    this.#addTo(sums)
    let recordsRead = 0
    let recordsWritten = 0
    for (const [name, flow] of Object.entries(sums.operators)) {
      if (this.#sources.has(name)) recordsRead += flow.recordsOut
      if (this.#sinks.has(name)) recordsWritten += flow.recordsIn
    }
    return { ...sums, recordsRead, recordsWritten }
  }

  /** The lowest watermark over the sources, undefined before the first. */
  get sourceWatermark(): number | undefined {
    let low = Infinity
    for (const figures of this.#all()) {
      if (this.#sources.has(figures.name) && figures.recordsOut > 0) {
        low = Math.min(low, figures.watermark)
      }
    }
    return Number.isFinite(low) ? low : undefined
  }

  /** Highest event time that a source has seen, less the lowest watermark of any operator that has one. */
  get watermarkLagMs(): number | undefined {
    let high = -Infinity
    let low = Infinity
    for (const figures of this.#all()) {
      high = Math.max(high, figures.maxTimestamp)
      if (Number.isFinite(figures.watermark)) low = Math.min(low, figures.watermark)
    }
    return Number.isFinite(high) && Number.isFinite(low) ? Math.max(0, high - low) : undefined
  }

  #all(): OperatorFigures[] {
    return [...this.#slots.values()].flat()
  }
}
