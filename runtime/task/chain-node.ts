import { MAX_TIMESTAMP, MIN_TIMESTAMP, type WatermarkStatus } from '../element.ts'
import { invariant } from '../errors.ts'
import { ownCode } from '../own-code.ts'
import type { Operator, Output } from '../operator.ts'
import type { ChainNode } from '../graph/job-graph-types.ts'
import type { TimerQueue } from '../state/state-backend.ts'
import type { EventTtlTime } from '../state/ttl-time.ts'
import type { SinkDriver } from './sink-driver.ts'
import type { SourceDriver } from './source-driver.ts'
import type { EdgeOutput } from './edge-output.ts'
import { describeFailure } from './failure-context.ts'

/** What runs in a node of the chain: user code is reached through exactly one of these. */
export type NodeBody =
  | { readonly kind: 'operator'; readonly operator: Operator }
  | { readonly kind: 'sink'; readonly sink: SinkDriver }
  | { readonly kind: 'source'; readonly source: SourceDriver }

/** Anything that takes a record by a direct call: a node of the chain, or an edge. */
export interface RecordTarget {
  accept(value: unknown, timestamp: number): void
}

/** Tells which node of a slot is running, for stall reports from another thread (R37): one shared cell a slot. */
export interface RunningCell {
  readonly cell: Int32Array
}

/**
 * One node of a subtask's chain at run time: its operator, source or sink, where its output goes, its watermark and
 * its figures.
 */
export class NodeRuntime implements RecordTarget {
  readonly node: ChainNode
  readonly name: string
  readonly uid: string | undefined
  /** Number of this node in its slot, written to the running cell while it works. */
  readonly number: number
  /** Main output and side outputs by tag. */
  readonly outputs: Map<string | undefined, NodeOutput> = new Map()
  /** Chain indexes of the nodes it calls. */
  readonly children: number[] = []
  readonly edges: EdgeOutput[] = []
  #body!: NodeBody
  /** Takes a record; a failure leaves with the record and this operator named in it (R39). */
  declare accept: Accept
  /** The same of the second input, where there is one. */
  declare acceptSecond: Accept
  timers: TimerQueue | undefined
  /** Where some of its state expires by event time (R30): told what is being processed. */
  eventTime: EventTtlTime | undefined
  /** The operator's watermark: what its timers have been fired up to (R12). */
  watermark: number = MIN_TIMESTAMP
  /** Where the operator stood when the final watermark came; undefined until it has come in this attempt (R12). */
  beforeFinal: number | undefined
  /** The last one it forwarded. */
  forwarded: number = MIN_TIMESTAMP
  /** Waiting to be processed; -Infinity is none. */
  pending: number = MIN_TIMESTAMP
  status: WatermarkStatus = 'active'
  /** Its timers fire for the last time, or have: with the end of all input none is registered any more. */
  takesNoTimers = false
  recordsIn = 0
  readonly counters: Record<string, number> = {}
  readonly #running: Int32Array

  constructor(node: ChainNode, number: number, running: Int32Array) {
    this.node = node
    this.name = node.node.name
    this.uid = node.node.uid
    this.number = number
    this.#running = running
  }

  get body(): NodeBody {
    return this.#body
  }

  set body(body: NodeBody) {
    this.#body = body
    if (body.kind === 'source') return
    this.accept = this.#acceptBy(body.kind === 'sink' ? body.sink : body.operator)
    if (body.kind === 'sink' || body.operator.processElement2 === undefined) return
    this.acceptSecond = this.#acceptBy(new SecondInput(body.operator))
  }

  #acceptBy(processor: RecordProcessor): Accept {
    const make = ownCode(acceptBy, import.meta.url)
    return make(this, processor, this.#running, this.number, describeFailure)
  }

  /** What reads, where this is a source; asked once it is open. */
  get source(): SourceDriver | undefined {
    return this.body.kind === 'source' ? this.body.source : undefined
  }

  /** Takes over the watermark of the checkpoint: behind the final one all timers have fired. */
  restoreWatermark(watermark: number): void {
    this.watermark = watermark
    this.takesNoTimers = watermark === MAX_TIMESTAMP
  }

  /** Its watermark rises. */
  advance(watermark: number): void {
    if (watermark === MAX_TIMESTAMP) this.beforeFinal = this.watermark
    this.watermark = watermark
  }

  /** Lets the operator see an event-time timer. */
  fireEventTime(timestamp: number): void {
    const { body } = this
    if (body.kind !== 'operator') return
    this.eventTime?.atTimer(timestamp)
    const caller = this.enter()
    try {
      body.operator.onEventTime?.(timestamp)
    } catch (error) {
      throw describeFailure(error, this, { what: 'event-time timer', timestamp })
    }
    this.leave(caller)
  }

  /** The same of a processing-time timer, which has no event time. */
  fireProcessingTime(timestamp: number): void {
    const { body } = this
    if (body.kind !== 'operator') return
    this.call('processing-time timer', timestamp, () => body.operator.onProcessingTime?.(timestamp))
  }

  /** For work that is neither record nor callback: what is running now is this node; returns what was. */
  enter(): number {
    const caller = this.#running[0]!
    this.#running[0] = this.number
    return caller
  }

  leave(caller: number): void {
    this.#running[0] = caller
  }

  /** Calls back for a timer or another callback that is not a record, named in failures. */
  call(what: string, timestamp: number, callback: () => void): void {
    this.eventTime?.atNothing()
    const caller = this.enter()
    try {
      callback()
    } catch (error) {
      throw describeFailure(error, this, { what, timestamp })
    }
    this.leave(caller)
  }

  get recordsOut(): number {
    let sum = 0
    for (const output of this.outputs.values()) sum += output.count
    return sum
  }

  count(counter: string, by = 1): void {
    this.counters[counter] = (this.counters[counter] ?? 0) + by
  }
}

type Accept = RecordTarget['accept']
type RecordProcessor = Pick<Operator, 'processElement'>

class SecondInput implements RecordProcessor {
  readonly #operator: Operator

  constructor(operator: Operator) {
    this.#operator = operator
  }

  processElement(value: never, timestamp: number): void {
    this.#operator.processElement2!(value, timestamp)
  }
}

function acceptBy(
  node: NodeRuntime,
  processor: RecordProcessor,
  running: Int32Array,
  number: number,
  describe: typeof describeFailure,
): Accept {
  return function accept(value, timestamp) {
    const caller = running[0]!
    running[0] = number
    node.recordsIn++
    if (node.eventTime !== undefined) node.eventTime.atRecord(timestamp)
    try {
      processor.processElement(value as never, timestamp)
    } catch (error) {
      throw describe(error, node, { value, timestamp })
    }
    running[0] = caller
  }
}

/**
 * One output of a node: hands each record to the nodes chained behind it and to the edges that leave here, in the order in
 * which they were attached. Synchronous.
 */
export class NodeOutput implements Output {
  count = 0
  #taker: RecordTarget | undefined
  readonly #freeze: ((value: unknown) => void) | undefined

  constructor(freeze: ((value: unknown) => void) | undefined) {
    this.#freeze = freeze
  }

  /** To be called before `seal` and before the first record. */
  attach(target: RecordTarget): void {
    invariant(!Object.hasOwn(this, 'emit'), 'a taker is attached to an output that is in use')
    const before = this.#taker
    this.#taker = before === undefined ? target : new Fork(before, target)
  }

  /** All are attached. */
  seal(): void {
    const make = ownCode(emitTo, import.meta.url)
    this.emit = make(this, this.#taker ?? { accept() {} }, this.#freeze)
  }

  /** What `seal` puts in its place, for whoever has not called it. */
  emit(value: unknown, timestamp: number): void {
    this.seal()
    this.emit(value, timestamp)
  }
}

class Fork implements RecordTarget {
  declare readonly accept: Accept

  constructor(first: RecordTarget, second: RecordTarget) {
    this.accept = ownCode(acceptInBoth, import.meta.url)(first, second)
  }
}

function emitTo(
  output: NodeOutput,
  taker: RecordTarget,
  freeze: ((value: unknown) => void) | undefined,
): Accept {
  return function emit(value, timestamp) {
    output.count++
    if (freeze !== undefined) freeze(value)
    taker.accept(value, timestamp)
  }
}

function acceptInBoth(first: RecordTarget, second: RecordTarget): Accept {
  return function accept(value, timestamp) {
    first.accept(value, timestamp)
    second.accept(value, timestamp)
  }
}
