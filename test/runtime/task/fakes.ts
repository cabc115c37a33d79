import type { OutputChannel } from '../../../runtime/channel/output-channel.ts'
import type { CheckpointBarrier, WatermarkStatus } from '../../../runtime/element.ts'
import type { OperatorNode } from '../../../runtime/graph/stream-graph.ts'
import type { Key } from '../../../runtime/key.ts'
import type { Operator } from '../../../runtime/operator.ts'
import type { TimeDomain, TimerQueue } from '../../../runtime/state/state-backend.ts'
import { NodeOutput, NodeRuntime } from '../../../runtime/task/chain-node.ts'
import { SingleOutput } from '../../../runtime/task/edge-output.ts'
import { RecordOrigin } from '../../../runtime/task/record-origin.ts'
import { SlotRoom } from '../../../runtime/task/slot-room.ts'

/** Shared by the edges and the subtask of a test, as those of one slot share one. */
export const ROOM: SlotRoom = new SlotRoom()
/** Of the same slot. */
export const ORIGIN: RecordOrigin = new RecordOrigin()

/** Timers of one key in two sorted arrays. */
export class FakeTimers implements TimerQueue {
  readonly event: number[] = []
  readonly processing: number[] = []
  /** What is due has still to be read. */
  isReading = false

  register(domain: TimeDomain, timestamp: number): void {
    if (this[domain].includes(timestamp)) return
    this[domain].push(timestamp)
    this[domain].sort((a, b) => a - b)
  }

  delete(domain: TimeDomain, timestamp: number): void {
    const at = this[domain].indexOf(timestamp)
    if (at !== -1) this[domain].splice(at, 1)
  }

  earliest(domain: TimeDomain): number {
    return this[domain][0] ?? Infinity
  }

  pop(domain: TimeDomain, upTo: number): number | undefined {
    if (this.isReading) return undefined
    return this.earliest(domain) <= upTo ? this[domain].shift() : undefined
  }

  isWaiting(): boolean {
    return this.isReading
  }

  count(domain: TimeDomain): number {
    return this[domain].length
  }
}

/** A channel that keeps what was sent; `ready` and `readyForBarrier` are for the test to set. */
export class FakeChannel implements OutputChannel {
  readonly sent: unknown[] = []
  ready = true
  readyForBarrier = true
  /** Records it takes before it is no longer ready. */
  credit = Infinity

  emit(value: unknown, timestamp: number): void {
    this.sent.push([value, timestamp])
    if (--this.credit <= 0) this.ready = false
    if (!this.ready) ROOM.used()
  }

  emitKeyed(value: unknown, timestamp: number, _key: Key, _keyGroup: number): void {
    this.emit(value, timestamp)
  }

  watermark(timestamp: number): void {
    this.sent.push(`watermark ${timestamp}`)
  }

  status(status: WatermarkStatus): void {
    this.sent.push(status)
  }

  barrier(barrier: CheckpointBarrier): void {
    this.sent.push(`barrier ${barrier.checkpointId}`)
  }

  endOfReadFirst(): void {
    this.sent.push('end of read first')
  }

  endOfInput(): void {
    this.sent.push('end')
  }

  isReady(): boolean {
    return this.ready
  }

  isReadyForBarrier(): boolean {
    return this.readyForBarrier
  }

  flush(): void {}
}

let numbers = 0

/** A node of a chain with an operator; `timers` makes it one that has timers. */
export function operatorNode(
  name: string,
  options: {
    readonly parent?: NodeRuntime
    readonly chain?: readonly NodeRuntime[]
    readonly timers?: TimerQueue
    readonly channel?: OutputChannel
  } = {},
): NodeRuntime {
  const { parent, chain = [], timers, channel } = options
  const node: OperatorNode = {
    type: 'operator',
    id: numbers++,
    operatorKind: 'test',
    uid: name,
    name,
    parallelism: undefined,
    factory: () => ({ processElement() {} }),
    inputs: [],
    exchange: undefined,
    states: [],
    hasTimers: timers !== undefined,
  }
  const parentIndex = parent === undefined ? -1 : chain.indexOf(parent)
  const runtime = new NodeRuntime(
    { node, parent: parentIndex, parentTag: undefined },
    numbers,
    new Int32Array(2),
  )
  runtime.timers = timers
  const output = new NodeOutput(undefined)
  runtime.outputs.set(undefined, output)
  parent?.children.push(chain.length)
  parent?.outputs.get(undefined)!.attach(runtime)
  if (channel !== undefined) {
    const edge = new SingleOutput(channel)
    runtime.edges.push(edge)
    output.attach(edge)
  }
  setOperator(runtime, {})
  return runtime
}

export function setOperator(node: NodeRuntime, operator: Partial<Operator>): void {
  node.body = { kind: 'operator', operator: { processElement() {}, ...operator } }
}
