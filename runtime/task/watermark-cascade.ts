import type { Clock } from '../clock.ts'
import { MAX_TIMESTAMP, MIN_TIMESTAMP } from '../element.ts'
import type { TimeDomain } from '../state/state-backend.ts'
import { broadcastWatermark } from './edge-output.ts'
import type { NodeRuntime } from './chain-node.ts'
import type { RecordOrigin } from './record-origin.ts'
import type { SlotRoom } from './slot-room.ts'

export interface CascadeOptions {
  readonly nodes: readonly NodeRuntime[]
  readonly clock: Clock
  /** Timers fired between two looks at the deadline. */
  readonly timersPerLook: number
  /** Whether what is behind a node of the chain takes more: asked before each timer and each forwarding (R6, R7). */
  readonly outputsReady: (nodeIndex: number) => boolean
  /** After every callback with a key: state is out of reach again (R15). */
  readonly endCallback: () => void
  /** Told when a watermark has left through an edge. */
  readonly room: SlotRoom
  /** What timers do is done for no record, though one may have carried the watermark here. */
  readonly origin: RecordOrigin
  /** Adds the current key to a failure of a callback (R39). */
  readonly nameKey: (error: unknown) => Error
}

/**
 * Carries watermarks through the chain of a subtask, node by node: fire the timers of a node up to the watermark, let the
 * operator see it, forward it (semantics 2.5).
 *
 * The final watermark says that all input has ended, and no clock is waited for: behind the event-time timers of a node it
 * fires those of processing time, in the order of their time (semantics 1.1). Those behind the node have not seen it yet, so
 * to them what comes of this is input like any other. What these last timers register is not taken, or one that sets the
 * next would never let the job end.
 *
 * Firing is interruptible: `run` returns false when the deadline is reached or a node has no room behind it, and goes on
 * where it stopped, after the timers it has fired. Until it returns true the subtask takes nothing else (R13).
 *
 * Where a node waits for room, or for timers that are being read, nodes further on go on: an operator between them may hold records back, and makes room only
 * once a watermark that it has let go is through.
 */
export class WatermarkCascade {
  readonly #options: CascadeOptions
  /** No node before it has a watermark pending; nodes are in topological order, so one pass suffices. */
  #cursor = 0
  #isActive = false
  #hasMoved = false

  constructor(options: CascadeOptions) {
    this.#options = options
  }

  get isActive(): boolean {
    return this.#isActive
  }

  /** Whether the last `run` has fired or forwarded anything. */
  get hasMoved(): boolean {
    return this.#hasMoved
  }

  /** A watermark has arrived at a node; a higher one that waits there already wins. */
  offer(nodeIndex: number, watermark: number): void {
    const node = this.#options.nodes[nodeIndex]!
    if (watermark <= node.pending || watermark <= node.watermark) return
    node.pending = watermark
    if (!this.#isActive || nodeIndex < this.#cursor) this.#cursor = nodeIndex
    this.#isActive = true
  }

  /** Goes on until all is forwarded (true), or the deadline or missing room stops it (false). */
  run(deadline: number): boolean {
    const { nodes, origin } = this.#options
    const reader = origin.enter(undefined)
    this.#hasMoved = false
    let waiting = nodes.length
    for (let index = this.#cursor; index < nodes.length; index++) {
      const node = nodes[index]!
      if (node.pending === MIN_TIMESTAMP) continue
      const result = this.#fire(node, index, deadline)
      if (result === 'fired') this.#forward(node)
      else waiting = Math.min(waiting, index)
      if (result === 'late') break
    }
    this.#isActive = waiting < nodes.length
    this.#cursor = this.#isActive ? waiting : 0
    origin.enter(reader)
    return !this.#isActive
  }

  #fire(node: NodeRuntime, index: number, deadline: number): Fired {
    if (node.watermark < node.pending) {
      node.advance(node.pending)
      node.eventTime?.advance(node.watermark)
    }
    if (!node.takesNoTimers) {
      const result = this.#fireTimers('event', index, deadline)
      if (result !== 'fired') return result
      node.eventTime?.settle()
      node.takesNoTimers = node.watermark === MAX_TIMESTAMP
    }
    if (node.takesNoTimers) {
      const result = this.#fireTimers('processing', index, deadline)
      if (result !== 'fired') return result
    }
    return this.#options.outputsReady(index) ? 'fired' : 'no room'
  }

  /** Fires the timers of one domain up to the watermark of a node. */
  #fireTimers(domain: TimeDomain, index: number, deadline: number): Fired {
    const { nodes, clock, timersPerLook, outputsReady } = this.#options
    const node = nodes[index]!
    const { timers, watermark } = node
    for (let fired = 0; timers !== undefined && timers.earliest(domain) <= watermark; fired++) {
      if (!outputsReady(index)) return 'no room'
      const isLook = fired > 0 && fired % timersPerLook === 0
      if (isLook && clock.elapsed() >= deadline) return 'late'
      const timestamp = timers.pop(domain, watermark)
      if (timestamp === undefined) return timers.isWaiting(domain) ? 'reading' : 'fired'
      this.#hasMoved = true
      this.#fireTimer(domain, node, timestamp)
    }
    return 'fired'
  }

  #fireTimer(domain: TimeDomain, node: NodeRuntime, timestamp: number): void {
    try {
      if (domain === 'event') node.fireEventTime(timestamp)
      else node.fireProcessingTime(timestamp)
    } catch (error) {
      throw this.#options.nameKey(error)
    }
    this.#options.endCallback()
  }

  #forward(node: NodeRuntime): void {
    const watermark = node.pending
    node.pending = MIN_TIMESTAMP
    this.#hasMoved = true
    this.forwardFrom(node, seenBy(node, watermark))
  }

  /**
   * After a restore: sends the watermark of the checkpoint out again, since those behind the edges know only their own
   * minimum. An operator that makes watermarks of its own does so by itself.
   */
  announce(node: NodeRuntime): void {
    const { body, watermark } = node
    const makesItsOwn =
      body.kind === 'operator' &&
      (body.operator.processWatermark !== undefined || body.operator.onTick !== undefined)
    if (!makesItsOwn && watermark > MIN_TIMESTAMP) this.forwardFrom(node, watermark)
  }

  /**
   * Passes a watermark that a record carried through a source, right behind that record: before this returns it has left
   * through every edge of the nodes chained behind. Nothing there has timers: only those behind an edge do.
   */
  passBehindRecord(node: NodeRuntime, watermark: number): void {
    if (watermark <= node.watermark) return
    node.advance(watermark)
    this.forwardBehindRecord(node, seenBy(node, watermark))
  }

  /** The same for the watermark that an operator generates; also while timers of a node before it are being fired. */
  forwardBehindRecord(node: NodeRuntime, watermark: number): void {
    if (watermark <= node.forwarded) return
    node.forwarded = watermark
    broadcastWatermark(node.edges, watermark)
    for (const child of node.children) this.passBehindRecord(this.#options.nodes[child]!, watermark)
    this.#options.room.used()
  }

  /** Sends a watermark on from a node, if it is above the last one that left it. */
  forwardFrom(node: NodeRuntime, watermark: number): void {
    if (watermark <= node.forwarded) return
    node.forwarded = watermark
    for (const child of node.children) this.offer(child, watermark)
    broadcastWatermark(node.edges, watermark)
    this.#options.room.used()
  }
}

/** Whether timers have fired as far as they may: all of them, or those for which there was time, or room, or that are in memory. */
type Fired = 'fired' | 'late' | 'no room' | 'reading'

/** Lets the operator of a node see a watermark; returns the one to forward. */
function seenBy(node: NodeRuntime, watermark: number): number {
  const { body } = node
  if (body.kind !== 'operator' || body.operator.processWatermark === undefined) return watermark
  let forwarded = watermark
  node.call('watermark', watermark, () => {
    forwarded = body.operator.processWatermark!(watermark)
  })
  return forwarded
}
