import { GraphEnvironment } from '../operators/environment.ts'
import { StreamGraphBuilder } from '../operators/graph-builder.ts'
import type { DataStream } from '../operators/streams.ts'
import { MIN_TIMESTAMP } from '../runtime/element.ts'
import { invariant } from '../runtime/errors.ts'
import { buildJobGraph } from '../runtime/graph/job-graph.ts'
import { buildPlan } from '../runtime/graph/build-plan.ts'
import type { OperatorNode, StreamGraph, StreamNode } from '../runtime/graph/stream-graph.ts'
import { validateGraph } from '../runtime/graph/validate-graph.ts'
import { DEFAULT_MAX_PARALLELISM } from '../runtime/job/job-module.ts'
import { numberStates } from '../runtime/job/restore-plan.ts'
import type { OperatorContext, OutputTag } from '../runtime/operator.ts'
import { HandDrivenSlot, type SlotSnapshot } from './hand-driven-slot.ts'
import { HandSink } from './hand-sink.ts'
import { checkWatermark, HandSource } from './hand-source.ts'
import { ManualClock } from './manual-clock.ts'

/** A record with its timestamp, as the test kit shows it; -Infinity is no timestamp. */
export interface StreamRecord<T> {
  readonly value: T
  readonly timestamp: number
}

/** A stream of one input under test: what a job would do with it. */
export type StreamUnderTest<In, R> = (input: DataStream<In>) => DataStream<R>

/** State, timers and watermarks of operators under test at one moment. */
export interface OperatorSnapshot {
  readonly slot: SlotSnapshot
  /** Processing time when it was taken. */
  readonly processingTime: number
}

export interface OperatorHarnessOptions {
  /** What the operators go on from; default: from nothing. */
  readonly snapshot?: OperatorSnapshot
  /** Processing time at the start, in ms since the epoch. Default: that of the snapshot, or a fixed day. */
  readonly processingTime?: number
  /** The clock of the operators, in place of one made for `processingTime`: for functions that are given a clock too. */
  readonly clock?: ManualClock
  /** Records that the output takes before the operators have to wait, as they do under back-pressure. Default: any number. */
  readonly outputCapacity?: number
}

/**
 * Runs the operators of one stream by hand, synchronously and with time standing still: give it records, watermarks and
 * processing time, and look at what comes out.
 *
 * The stream is built with the same calls as in a job, so any operator, or a chain of them with `keyBy` and all, can be
 * tested. Records are frozen, and values from state that are changed in place without being stored are found (R16). Rejects
 * with what the graph or an `open` fails with.
 *
 * @example
 * const harness = await operatorHarness((orders: DataStream<Order>) =>
 *   orders.keyBy((order) => order.customer).process(totals(), { uid: 'totals' }),
 * )
 * harness.processElement({ customer: 'a', cents: 5 }, 1_000)
 * harness.processWatermark(2_000)
 * expect(harness.getOutput()).toEqual([…])
 */
export async function operatorHarness<In, R>(
  build: StreamUnderTest<In, R>,
  options: OperatorHarnessOptions = {},
): Promise<OperatorHarness<In, R>> {
  const harness = new OperatorHarness(build, options)
  await harness.open()
  return harness
}

/** Operators under test; made by `operatorHarness`. Every verb fails with what an operator failed with. */
export class OperatorHarness<In, R> {
  readonly #build: StreamUnderTest<In, R>
  readonly #options: OperatorHarnessOptions
  readonly #clock: ManualClock
  readonly #source: HandSource = new HandSource()
  readonly #slot: HandDrivenSlot
  readonly #sink: HandSink
  readonly #side: Map<string, StreamRecord<unknown>[]> = new Map()
  readonly #counters: Map<string, number> = new Map()
  #watermark = MIN_TIMESTAMP

  constructor(build: StreamUnderTest<In, R>, options: OperatorHarnessOptions) {
    this.#build = build
    this.#options = options
    this.#sink = new HandSink(options.outputCapacity ?? Infinity)
    this.#clock =
      options.clock ?? new ManualClock(options.processingTime ?? options.snapshot?.processingTime)
    const graph = this.#graph()
    const shape = { parallelism: 1, maxParallelism: DEFAULT_MAX_PARALLELISM }
    const facts = { job: 'harness', parameters: [], params: {}, restart: undefined, ...shape }
    const plan = buildPlan(buildJobGraph(graph, shape), facts)
    this.#slot = new HandDrivenSlot({
      graph,
      states: numberStates(plan, undefined),
      vertices: plan.vertices.length,
      maxParallelism: shape.maxParallelism,
      clock: this.#clock,
      restored: options.snapshot?.slot,
    })
  }

  /** Called by `operatorHarness`. */
  open(): Promise<void> {
    return this.#slot.open()
  }

  // --- What goes in ---

  /** Hands a record to the operators; all that it causes has happened when this returns. */
  processElement(value: In, timestamp: number = MIN_TIMESTAMP): void {
    this.processElements([{ value, timestamp }])
  }

  /** Hands over records in one go, so that one may be taken before the outputs of the one before it have been. */
  processElements(records: readonly { readonly value: In; readonly timestamp?: number }[]): void {
    if (this.#source.hasEnded) throw new Error('The input of the harness has ended.')
    for (const { value, timestamp = MIN_TIMESTAMP } of records) this.#source.push(value, timestamp)
    this.#turn()
  }

  #turn(): void {
    this.#slot.turn()
    while (this.#sink.isFull) {
      this.#sink.release()
      this.#slot.turn()
    }
  }

  /** No record at or below this timestamp follows; one that is not above the last watermark changes nothing. */
  processWatermark(timestamp: number): void {
    checkWatermark(timestamp)
    this.#source.setWatermark(timestamp)
    this.#turn()
  }

  /** Moves processing time on to this moment, in ms since the epoch; a timer for T fires once time is past T. */
  setProcessingTime(timestamp: number): void {
    const ms = timestamp - this.#clock.now()
    if (ms < 0)
      throw new RangeError(`Processing time is ${this.#clock.now()} already, it cannot go back.`)
    this.advanceProcessingTime(ms)
  }

  advanceProcessingTime(ms: number): void {
    this.#clock.advance(ms)
    this.#turn()
  }

  /** In ms since the epoch. */
  get processingTime(): number {
    return this.#clock.now()
  }

  /** The end of bounded input: the final watermark, all event-time timers, then `endInput` of each operator. */
  endInput(): void {
    this.#source.end()
    this.#turn()
  }

  // --- What comes out ---

  /** Everything emitted so far by this harness. */
  getOutput(): R[] {
    return this.getOutputRecords().map(({ value }) => value)
  }

  /** The same with timestamps. */
  getOutputRecords(): StreamRecord<R>[] {
    return [...this.#sink.records] as StreamRecord<R>[]
  }

  /** Everything that any of the operators has emitted to this side output. */
  getSideOutput<S>(tag: OutputTag<S>): S[] {
    return this.getSideOutputRecords(tag).map(({ value }) => value)
  }

  getSideOutputRecords<S>(tag: OutputTag<S>): StreamRecord<S>[] {
    return [...(this.#side.get(tag.name) ?? [])] as StreamRecord<S>[]
  }

  /** The last watermark that came out; -Infinity before the first, Infinity after the end of input. */
  get outputWatermark(): number {
    return this.#watermark
  }

  /** A counter such as `numLateRecordsDropped`, over all operators. */
  getCounter(name: string): number {
    return this.#counters.get(name) ?? 0
  }

  // --- What is kept ---

  get numEventTimeTimers(): number {
    return this.#slot.countTimers('event')
  }

  get numProcessingTimeTimers(): number {
    return this.#slot.countTimers('processing')
  }

  /** Number of (key, namespace, state) cells that hold something. */
  get numKeyedStateEntries(): number {
    return this.#slot.entryCount
  }

  /** Takes a checkpoint and completes it; the harness goes on. */
  async snapshot(): Promise<OperatorSnapshot> {
    if (this.#source.hasEnded) throw new Error('The input of the harness has ended.')
    return { slot: await this.#slot.snapshot(), processingTime: this.#clock.now() }
  }

  /** Closes this harness and goes on from the snapshot with fresh operators, whose output begins empty. */
  async restore(snapshot: OperatorSnapshot): Promise<OperatorHarness<In, R>> {
    await this.close()
    const { outputCapacity } = this.#options
    return operatorHarness(this.#build, {
      snapshot,
      ...(outputCapacity === undefined ? {} : { outputCapacity }),
    })
  }

  close(): Promise<void> {
    return this.#slot.close()
  }

  // --- How it is built ---

  #graph(): StreamGraph {
    const builder = new StreamGraphBuilder()
    const input = new GraphEnvironment(builder).fromSource(this.#source.source, {
      uid: 'harness-input',
      watermarks: this.#source.watermarks,
      parallelism: 1,
    })
    const output = { uid: 'harness-output', parallelism: 1 }
    this.#build(input as DataStream<In>).sinkTo(this.#sink.sink, output)
    const graph = builder.finish()
    validateGraph(graph, {
      job: 'harness',
      parallelism: 1,
      maxParallelism: DEFAULT_MAX_PARALLELISM,
    })
    const nodes = graph.nodes.slice(0, -1).map((node) => this.#observed(node))
    return { ...graph, nodes: [...nodes, ...this.#tapped(graph.nodes.at(-1)!)] }
  }

  /** The sink, with an operator before it that sees the watermarks. */
  #tapped(sink: StreamNode): StreamNode[] {
    invariant(sink.type === 'sink', 'the harness adds its sink last')
    const id = sink.id + 1
    const tap: OperatorNode = {
      ...sink,
      type: 'operator',
      operatorKind: 'tap',
      uid: 'harness-tap',
      name: 'harness-tap',
      states: [],
      hasTimers: false,
      factory: ({ output }) => ({
        processElement: (value, timestamp) => output.emit(value, timestamp),
        processWatermark: (timestamp) => {
          this.#watermark = timestamp
          return timestamp
        },
      }),
    }
    return [
      tap,
      { ...sink, id, inputs: [{ nodeId: sink.id, tag: undefined }], exchange: undefined },
    ]
  }

  #observed(node: StreamNode): StreamNode {
    if (node.type !== 'operator') return node
    return { ...node, factory: (context) => node.factory(this.#observedContext(context)) }
  }

  /** Side outputs are seen here, whether or not the stream under test reads them. */
  #observedContext(context: OperatorContext): OperatorContext {
    return {
      ...context,
      sideOutput: (tag) => {
        const output = context.sideOutput(tag)
        return {
          emit: (value, timestamp) => {
            const records = this.#side.get(tag.name) ?? []
            this.#side.set(tag.name, records)
            records.push({ value, timestamp })
            output.emit(value, timestamp)
          },
        }
      },
      count: (counter, by = 1) => {
        this.#counters.set(counter, this.getCounter(counter) + by)
        context.count(counter, by)
      },
    }
  }
}
