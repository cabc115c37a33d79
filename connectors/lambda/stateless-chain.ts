import { type Clock, type Random, SystemClock, SystemRandom } from '../../runtime/clock.ts'
import { StreamError } from '../../runtime/errors.ts'
import type {
  OperatorNode,
  SinkNode,
  SourceNode,
  StreamGraph,
  StreamNode,
} from '../../runtime/graph/stream-graph.ts'
import type { Operator, OperatorContext, Output, OutputTag } from '../../runtime/operator.ts'
import type { SinkContext, SinkWriter } from '../../runtime/sink.ts'
import { TimestampCheck } from '../../runtime/timestamps.ts'

/** Operators whose state is only what is under way, or where time stands: nothing that a later call has to find again. */
const TRANSIENT_STATE: ReadonlySet<string> = new Set(['async-map', 'watermarks'])

/** Finds the part of a graph that a function without state can run, or says all that it cannot. */
export function checkStateless(job: string, graph: StreamGraph): SourceNode {
  const problems: string[] = []
  const sources = graph.nodes.filter((node) => node.type === 'source')
  if (sources.length !== 1) problems.push(`it has ${sources.length} sources, not one`)
  for (const node of graph.nodes) {
    const problem = problemOf(node)
    if (problem !== undefined) problems.push(`${node.operatorKind} "${node.name}" ${problem}`)
  }
  if (problems.length > 0) {
    throw new StreamError(
      'MR_HANDLER_UNSUPPORTED',
      `Job "${job}" cannot run as a Lambda function: ${problems.join('; ')}; no record is taken; leave that out of the job of the ` +
        `function, and let a job with state read what it writes.`,
      { job, problems },
    )
  }
  return sources[0]!
}

function problemOf(node: StreamNode): string | undefined {
  if (node.type === 'source') return undefined
  if (node.exchange !== undefined) return 'follows keyBy, which is for state'
  if (node.type === 'sink') {
    const { guarantee } = node.sink
    return guarantee === 'exactly-once' ? 'is exactly-once, which needs checkpoints' : undefined
  }
  if (node.second !== undefined) return 'has two inputs'
  const declares = [node.states, node.broadcastStates ?? [], node.operatorStates ?? []]
  if (node.hasTimers || declares.some((states) => states.length > 0)) return 'has state or timers'
  if (node.hasOperatorState === true && !TRANSIENT_STATE.has(node.operatorKind)) return 'has state'
  return undefined
}

/** What a chain tells its surroundings. */
export interface ChainHost {
  log(line: string): void
}

type Emit = (value: unknown, timestamp: number) => void

/** A node with what reads its outputs. */
interface RunningOperator {
  readonly node: OperatorNode
  readonly operator: Operator
}

/**
 * The operators and sinks behind a source, run in this thread for one batch of records after another: records go from operator to
 * operator as direct calls, as in a chain of a job.
 *
 * There are no checkpoints, no watermarks and no end: what is emitted is flushed after each batch.
 */
export class StatelessChain {
  readonly #graph: StreamGraph
  readonly #host: ChainHost
  readonly #clock: Clock = new SystemClock()
  readonly #random: Random = new SystemRandom()
  readonly #operators: RunningOperator[] = []
  readonly #writers: { readonly node: SinkNode; readonly writer: SinkWriter<unknown, unknown> }[] =
    []
  /** Emits into what reads an output, by node and tag. */
  readonly #outputs: Map<string, Emit> = new Map()
  readonly #counters: Map<string, number> = new Map()
  #source!: SourceNode
  #timestamps!: TimestampCheck
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined
  #flushes = 0

  constructor(graph: StreamGraph, host: ChainHost) {
    this.#graph = graph
    this.#host = host
  }

  /** Makes and opens all operators and writers; once. */
  async open(source: SourceNode): Promise<void> {
    this.#source = source
    this.#timestamps = new TimestampCheck((line) => this.#host.log(`[${source.name}] ${line}`))
    // Backwards: what reads an output is there before what emits into it.
    for (const node of this.#graph.nodes.toReversed()) {
      if (node.type === 'source') continue
      const take = node.type === 'sink' ? this.#makeWriter(node) : this.#makeOperator(node)
      for (const { nodeId, tag } of node.inputs) this.#addReader(nodeId, tag, take)
    }
    for (const { operator } of this.#operators) await operator.open?.()
    for (const { writer } of this.#writers) await writer.open?.()
  }

  /** Takes a record of the source, as its watermark strategy gives it its time. */
  take(value: unknown, recordTimestamp: number): void {
    const { id, watermarks } = this.#source
    const timestamp = watermarks?.timestampOf?.(value, recordTimestamp) ?? recordTimestamp
    this.#timestamps.check(timestamp)
    this.#outputs.get(keyOf(id, undefined))?.(value, timestamp)
  }

  /** Takes a record of a side output of the source. */
  takeSide(tag: string, value: unknown, timestamp: number): void {
    this.#outputs.get(keyOf(this.#source.id, tag))?.(value, timestamp)
  }

  /** Undefined where there is room for another record, else resolves when there is; rejects with what has failed in the background. */
  readySoon(): Promise<void> | undefined {
    if (this.#failure === undefined && this.#isReady()) return undefined
    return this.#until(() => this.#isReady())
  }

  /** Counts a record of the source that was left out. */
  countSkipped(): void {
    this.#count(this.#source, 'recordsSkipped', 1)
  }

  /** Resolves when all that was taken has been processed and written. */
  async flush(): Promise<void> {
    await this.#until(() => this.#operators.every(({ operator }) => operator.holdsBack !== true))
    this.#flushes++
    const [id, base] = [this.#flushes, this.#flushes - 1]
    await Promise.all(this.#writers.map(({ writer }) => writer.prepareCommit(id, base, false)))
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** What has been counted since the last time, as `operator counter`. */
  takeCounters(): ReadonlyMap<string, number> {
    const counters = new Map(this.#counters)
    this.#counters.clear()
    return counters
  }

  /** Ends all; what was not flushed is lost. */
  async close(): Promise<void> {
    const all = [
      ...this.#operators.map(({ operator }) => operator),
      ...this.#writers.map(({ writer }) => writer),
    ]
    await Promise.allSettled(all.map(async (one) => one.close?.()))
  }

  async #until(isSo: () => boolean): Promise<void> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error
      const woken = new Promise<void>((resolve) => (this.#wake = resolve))
      let hasWorked = false
      for (const { operator } of this.#operators) {
        const deadline = this.#clock.elapsed() + 1_000
        hasWorked = operator.work?.(deadline, () => true) === true || hasWorked
      }
      if (isSo()) return
      if (!hasWorked) await woken
    }
  }

  #isReady(): boolean {
    return (
      this.#operators.every(({ operator }) => (operator.readiness ?? 'ready') === 'ready') &&
      this.#writers.every(({ writer }) => writer.isReady)
    )
  }

  #addReader(nodeId: number, tag: string | undefined, take: Emit): void {
    const key = keyOf(nodeId, tag)
    const other = this.#outputs.get(key)
    if (other === undefined) this.#outputs.set(key, take)
    else {
      this.#outputs.set(key, (value, timestamp) => {
        take(value, timestamp)
        other(value, timestamp)
      })
    }
  }

  #makeWriter(node: SinkNode): Emit {
    const writer = node.sink.createWriter(this.#sinkContext(node))
    this.#writers.push({ node, writer })
    return (value, timestamp) => writer.write(value, timestamp)
  }

  #makeOperator(node: OperatorNode): Emit {
    const operator = node.factory(this.#operatorContext(node))
    this.#operators.unshift({ node, operator })
    return (value, timestamp) => operator.processElement(value, timestamp)
  }

  #outputOf(nodeId: number, tag: string | undefined): Output {
    const emit = this.#outputs.get(keyOf(nodeId, tag)) ?? (() => {})
    return { emit }
  }

  #surroundings(node: StreamNode) {
    const { name } = node
    return {
      uid: node.uid ?? name,
      subtaskIndex: 0,
      parallelism: 1,
      attempt: 1,
      clock: this.#clock,
      count: (counter: string, by = 1) => this.#count(node, counter, by),
      wake: () => this.#wake?.(),
    }
  }

  #count({ name }: StreamNode, counter: string, by: number): void {
    const key = `${name} ${counter}`
    this.#counters.set(key, (this.#counters.get(key) ?? 0) + by)
  }

  #operatorContext(node: OperatorNode): OperatorContext {
    const outputs = new Map<string, Output>()
    return {
      ...this.#surroundings(node),
      name: node.name,
      maxParallelism: 1,
      random: this.#random,
      output: this.#outputOf(node.id, undefined),
      watermarks: { emitWatermark() {}, markActive() {} },
      strict: false,
      keyed: undefined,
      restoredState: undefined,
      currentWatermark: () => -Infinity,
      recordPosition: () => undefined,
      sideOutput: ({ name }: OutputTag<unknown>) => {
        const output = outputs.get(name) ?? this.#outputOf(node.id, name)
        outputs.set(name, output)
        return output
      },
      log: (...values) => this.#host.log(`[${node.name}] ${values.map(String).join(' ')}`),
      forwardWatermark() {},
      currentKeyGroup: () => undefined,
      beginHeld() {},
    }
  }

  #sinkContext(node: SinkNode): SinkContext {
    return {
      ...this.#surroundings(node),
      lineage: '',
      restoredCheckpointId: 0,
      fail: (error) => {
        this.#failure ??= { error }
        this.#wake?.()
      },
      log: (message) => this.#host.log(`[${node.name}] ${message}`),
      print: (lines) => this.#host.log(lines.replace(/\n$/, '')),
      printBacklog: 0,
      deliver() {},
    }
  }
}

function keyOf(nodeId: number, tag: string | undefined): string {
  return tag === undefined ? `${nodeId}` : `${nodeId} ${tag}`
}
