import type { Clock } from '../clock.ts'
import { MIN_TIMESTAMP } from '../element.ts'
import type { Operator } from '../operator.ts'
import type { NodeRuntime } from './chain-node.ts'
import type { ChainTime } from './chain-time.ts'
import type { InputGate } from './input-gate.ts'
import { OpenTime } from './open-time.ts'
import type { SourceDriver } from './source-driver.ts'
import type { WatermarkCascade } from './watermark-cascade.ts'

/**
 * A source's watermark is looked at after so many records too, not just at each interval: at full speed an interval is tens
 * of thousands of records, and all windows and timers that close within it would live, and be collected, that much longer.
 */
const RECORDS_PER_TICK = 1_024

/** A node whose operator generates watermarks. */
interface GeneratingNode {
  readonly index: number
  readonly operator: Operator
  /** When it could have had records. */
  readonly open: OpenTime
}

export interface WatermarkTicksOptions {
  readonly nodes: readonly NodeRuntime[]
  readonly clock: Clock
  readonly cascade: WatermarkCascade
  readonly time: ChainTime
  /** Undefined for a source. */
  readonly gate: InputGate | undefined
  /** Whether a source that it reads from, or is, must not be read yet. */
  readonly isHeld: () => boolean
  readonly mayTakeInput: () => boolean
}

/**
 * The looks at what generates watermarks in a chain: its source, and operators that assign timestamps. A look is an input,
 * taken when one may be taken (R6). Between looks it counts the time in which there could have been records.
 */
export class WatermarkTicks {
  readonly #options: WatermarkTicksOptions
  /** Known from `start` on. */
  readonly #generating: GeneratingNode[] = []
  #isDue = false
  /** Records the source was asked for since its watermark was last looked at. */
  #asked = 0

  constructor(options: WatermarkTicksOptions) {
    this.#options = options
  }

  /** The operators are there: finds those that generate watermarks. Called once. */
  start(): void {
    const { nodes, clock } = this.#options
    for (const [index, { body }] of nodes.entries()) {
      if (body.kind !== 'operator' || body.operator.onTick === undefined) continue
      this.#generating.push({ index, operator: body.operator, open: new OpenTime(clock) })
    }
  }

  get isDue(): boolean {
    return this.#isDue
  }

  /** A look is due as soon as an input may be taken. */
  request(): void {
    this.#isDue = true
  }

  /** The source was asked for so many more records; returns whether a look at its watermark has to come first now. */
  hasAsked(records: number): boolean {
    this.#asked += records
    if (this.#asked < RECORDS_PER_TICK) return false
    this.#isDue = true
    return true
  }

  /** Takes the look that is due, when an input may be taken. */
  work(): void {
    const { nodes, isHeld, mayTakeInput } = this.#options
    this.#isDue = false
    this.#asked = 0
    const { source } = nodes[0]!
    if (source !== undefined && !isHeld()) this.#tickSource(source)
    for (const generating of this.#generating) {
      if (!mayTakeInput()) return
      this.#tickOperator(generating)
    }
  }

  #tickSource(source: SourceDriver): void {
    const { nodes, time, cascade } = this.#options
    source.hold(false)
    nodes[0]!.call('watermark generator', MIN_TIMESTAMP, () => source.tick())
    time.advance(0, source.status, () => cascade.offer(0, source.watermark))
  }

  #tickOperator({ index, operator, open }: GeneratingNode): void {
    const { nodes, time, cascade, isHeld } = this.#options
    const node = nodes[index]!
    open.hold(isHeld() || this.#isAligning)
    const openMs = open.look()
    let watermark = MIN_TIMESTAMP
    node.call('watermark generator', MIN_TIMESTAMP, () => {
      watermark = operator.onTick!(openMs)
    })
    const status = operator.watermarkStatus?.() ?? 'active'
    time.advance(index, status, () => cascade.forwardFrom(node, watermark))
  }

  /** Notes whether there may be records from now on: idleness counts only the time in which there may (R11). */
  holdIdleness(): void {
    const { nodes, mayTakeInput } = this.#options
    const { source } = nodes[0]!
    if (source === undefined && this.#generating.length === 0) return
    const isHeld = this.#options.isHeld() || !mayTakeInput()
    source?.hold(isHeld)
    for (const { open } of this.#generating) open.hold(isHeld || this.#isAligning)
  }

  /** Some inputs wait for the barriers of others. */
  get #isAligning(): boolean {
    return this.#options.gate?.aligner.pending !== undefined
  }
}
