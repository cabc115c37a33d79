import type { Clock } from '../clock.ts'
import { invariant } from '../errors.ts'
import type { Key } from '../key.ts'
import type { KeyedContext, TimerService } from '../operator.ts'
import { showValue } from '../show-value.ts'
import type { StateDescriptor, StateHandle } from '../state/state.ts'
import type { KeyedStateBackend, KeyVisit, TimerQueue } from '../state/state-backend.ts'
import type { NodeRuntime } from './chain-node.ts'
import { describeFailure, extendFailure } from './failure-context.ts'
import { KeyVisitAtMoment } from './key-visit-at-moment.ts'

/** Keyed state and timers of one operator, over the backend that its whole chain shares. */
export class BackendKeyedContext implements KeyedContext {
  readonly timers: TimerService
  readonly #backend: KeyedStateBackend
  readonly #handles: ReadonlyMap<string, unknown>
  readonly #node: NodeRuntime
  readonly #queue: TimerQueue

  constructor(options: {
    readonly backend: KeyedStateBackend
    readonly node: NodeRuntime
    readonly queue: TimerQueue
    readonly handles: ReadonlyMap<string, unknown>
    readonly clock: Clock
  }) {
    this.#backend = options.backend
    this.#handles = options.handles
    this.#node = options.node
    this.#queue = options.queue
    this.timers = new NodeTimers(options.node, options.queue, options.clock)
  }

  get currentKey(): Key {
    return this.#backend.currentKey
  }

  get currentNamespace(): Key | undefined {
    return this.#backend.currentNamespace
  }

  setNamespace(namespace: Key | undefined): void {
    this.#backend.setNamespace(namespace)
  }

  beginRecord(timestamp: number, key?: Key): void {
    if (key === undefined) this.#backend.clearCurrent()
    else this.#backend.setCurrentKey(key)
    this.#node.eventTime?.atRecord(timestamp)
  }

  state<D extends StateDescriptor>(descriptor: D): StateHandle<D> {
    const handle = this.#handles.get(descriptor.name)
    invariant(
      handle !== undefined,
      `operator "${this.#node.name}" asks for state "${descriptor.name}", which it did not declare`,
    )
    return handle as StateHandle<D>
  }

  registerFiniteProcessingTime(timestamp: number): void {
    this.#queue.register('processing', timestamp)
  }

  visitKeys(descriptor: StateDescriptor, visit: (key: Key) => void): KeyVisit {
    const keyVisit = this.#backend.visitKeys(this.state(descriptor), (key) => {
      try {
        visit(key)
      } catch (error) {
        const work = { what: 'visit of keys', timestamp: this.#node.watermark }
        const shown = showValue(key)
        throw extendFailure(describeFailure(error, this.#node, work), `key ${shown}`, {
          key: shown,
        })
      }
    })
    const { eventTime } = this.#node
    return eventTime === undefined ? keyVisit : new KeyVisitAtMoment(keyVisit, eventTime)
  }
}

class NodeTimers implements TimerService {
  readonly #node: NodeRuntime
  readonly #queue: TimerQueue
  readonly #clock: Clock

  constructor(node: NodeRuntime, queue: TimerQueue, clock: Clock) {
    this.#node = node
    this.#queue = queue
    this.#clock = clock
  }

  registerEventTime(timestamp: number): void {
    if (!this.#node.takesNoTimers) this.#queue.register('event', timestamp)
  }

  deleteEventTime(timestamp: number): void {
    this.#queue.delete('event', timestamp)
  }

  registerProcessingTime(timestamp: number): void {
    if (!this.#node.takesNoTimers) this.#queue.register('processing', timestamp)
  }

  deleteProcessingTime(timestamp: number): void {
    this.#queue.delete('processing', timestamp)
  }

  get currentWatermark(): number {
    return this.#node.watermark
  }

  get currentProcessingTime(): number {
    return this.#clock.now()
  }
}
