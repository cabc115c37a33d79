import type { OperatorSpec } from '../operators/operator-spec.ts'
import { SeededRandom, SystemClock } from '../runtime/clock.ts'
import type { ChainNode } from '../runtime/graph/job-graph-types.ts'
import { keyGroupOf } from '../runtime/key-group.ts'
import type { Key } from '../runtime/key.ts'
import type { Operator, OperatorContext, Output } from '../runtime/operator.ts'
import { MemoryBackend } from '../runtime/state/memory-backend.ts'
import type { KeyedStateBackend, TimerQueue } from '../runtime/state/state-backend.ts'
import { NodeRuntime } from '../runtime/task/chain-node.ts'
import { BackendKeyedContext } from '../runtime/task/keyed-context.ts'

const MAX_PARALLELISM = 1_024
const UID = 'measured'

/**
 * One subtask of a keyed operator with its state and timers and nothing around it: what it costs here it costs in a job,
 * where reading, encoding and the chain come on top.
 */
export class OperatorRig {
  readonly #backend: KeyedStateBackend
  readonly #timers: TimerQueue
  readonly #operator: Operator
  /** Keeps the watermark. */
  readonly #node: NodeRuntime
  /** Records that the operator has emitted. */
  emitted = 0

  private constructor(spec: OperatorSpec) {
    const clock = new SystemClock()
    const backend = new MemoryBackend({
      range: { first: 0, last: MAX_PARALLELISM - 1 },
      maxParallelism: MAX_PARALLELISM,
      clock,
      cacheBytes: Infinity,
      directory: '',
      strict: false,
      wake() {},
      fail(error) {
        throw error
      },
    })
    const states = spec.states ?? []
    const handles = new Map(
      states.map((state, index): [string, unknown] => [
        state.name,
        backend.register(index + 1, UID, state),
      ]),
    )
    this.#backend = backend
    this.#timers = backend.timers(UID, states.length + 1, states.length + 2)
    const node = rigNode()
    this.#node = node
    const context = rigContext({
      node,
      output: { emit: () => void this.emitted++ },
      keyed: new BackendKeyedContext({ backend, node, queue: this.#timers, handles, clock }),
    })
    this.#operator = spec.factory(context)
  }

  static async open(spec: OperatorSpec): Promise<OperatorRig> {
    const rig = new OperatorRig(spec)
    await rig.#backend.restore([])
    await rig.#operator.open?.()
    return rig
  }

  element(key: Key, keyGroup: number, value: unknown, timestamp: number): void {
    this.#backend.setCurrentKey(key, keyGroup)
    this.#operator.processElement(value, timestamp)
    this.#backend.clearCurrent()
  }

  /** Fires all timers up to a watermark; returns how many. */
  advance(watermark: number): number {
    this.#node.watermark = watermark
    let fired = 0
    for (;;) {
      const timestamp = this.#timers.pop('event', watermark)
      if (timestamp === undefined) return fired
      this.#operator.onEventTime!(timestamp)
      this.#backend.clearCurrent()
      fired++
    }
  }

  async close(): Promise<void> {
    await this.#operator.close?.()
    await this.#backend.close()
  }
}

/** A node without its job. */
export function rigNode(): NodeRuntime {
  const named = { node: { name: UID, uid: UID } } as ChainNode
  return new NodeRuntime(named, 0, new Int32Array(1))
}

/** What an operator sees of a subtask, where there is nothing around it; `keyed` for those behind a `keyBy`. */
export function rigContext({
  node,
  output,
  keyed,
}: {
  readonly node: NodeRuntime
  readonly output: Output
  readonly keyed?: BackendKeyedContext
}): OperatorContext {
  return {
    uid: UID,
    name: UID,
    subtaskIndex: 0,
    parallelism: 1,
    maxParallelism: MAX_PARALLELISM,
    attempt: 1,
    clock: new SystemClock(),
    random: new SeededRandom(1),
    output,
    watermarks: { emitWatermark() {}, markActive() {} },
    strict: false,
    keyed,
    restoredState: undefined,
    currentWatermark: () => node.watermark,
    recordPosition: () => undefined,
    sideOutput: () => ({ emit() {} }),
    count() {},
    log() {},
    wake() {},
    forwardWatermark() {},
    currentKeyGroup: () => undefined,
    beginHeld() {},
  }
}

/** The group of a key, as the exchange before an operator computes it. */
export function keyGroup(key: Key): number {
  return keyGroupOf(key, MAX_PARALLELISM)
}
