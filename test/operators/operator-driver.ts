import { type Clock, SeededRandom } from '../../runtime/clock.ts'
import { StreamError } from '../../runtime/errors.ts'
import type { Key } from '../../runtime/key.ts'
import type {
  KeyedContext,
  Operator,
  OperatorContext,
  OutputTag,
  TimerService,
} from '../../runtime/operator.ts'
import type { KeyVisit } from '../../runtime/state/state-backend.ts'
import type {
  MapState,
  StateDescriptor,
  StateHandle,
  ValueState,
} from '../../runtime/state/state.ts'
import type { OperatorSpec } from '../../operators/operator-spec.ts'

/** A record that an operator has emitted. */
export type Emitted = readonly [value: unknown, timestamp: number]

interface FakeTimer {
  readonly timestamp: number
  readonly key: Key
  readonly namespace: Key | undefined
}

/** Values, maps and timers of one operator in plain maps, out of reach between callbacks. */
export class FakeKeyedContext implements KeyedContext {
  readonly cells: Map<string, unknown> = new Map()
  readonly eventTimers: Map<string, FakeTimer> = new Map()
  readonly processingTimers: Map<string, FakeTimer> = new Map()
  readonly timers: TimerService
  watermark = -Infinity
  now = 0
  /** Accesses to state, and how long the longest array was that has been written. */
  reads = 0
  writes = 0
  longest = 0
  #key: Key | undefined
  #namespace: Key | undefined

  constructor() {
    this.timers = new FakeTimerService(this)
  }

  get currentKey(): Key {
    if (this.#key === undefined) throw new StreamError('MR_STATE_OUTSIDE_CALLBACK', 'no key')
    return this.#key
  }

  get currentNamespace(): Key | undefined {
    return this.#namespace
  }

  setNamespace(namespace: Key | undefined): void {
    this.#namespace = namespace
  }

  setCurrent(key: Key | undefined, namespace?: Key): void {
    this.#key = key
    this.#namespace = namespace
  }

  state<D extends StateDescriptor>({ kind, name }: D): StateHandle<D> {
    return (kind === 'map' ? this.#map(name) : this.#value(name)) as StateHandle<D>
  }

  #value(name: string): ValueState<unknown> {
    return {
      value: () => this.#read(this.#cell(name)),
      update: (value) => this.#write(this.#cell(name), value),
      clear: () => this.#write(this.#cell(name), undefined),
    }
  }

  /** The part of map state that is about single keys. */
  #map(name: string): Pick<MapState<Key, unknown>, 'get' | 'put' | 'remove'> {
    const cell = (key: Key): string => this.#cell(`${name}/${String(key)}`)
    return {
      get: (key) => this.#read(cell(key)),
      put: (key, value) => this.#write(cell(key), value),
      remove: (key) => this.#write(cell(key), undefined),
    }
  }

  #read(cell: string): unknown {
    this.reads++
    return this.cells.get(cell)
  }

  #write(cell: string, value: unknown): void {
    this.writes++
    if (value === undefined) this.cells.delete(cell)
    else this.cells.set(cell, value)
    if (Array.isArray(value)) this.longest = Math.max(this.longest, value.length)
  }

  registerFiniteProcessingTime(timestamp: number): void {
    this.timers.registerProcessingTime(timestamp)
  }

  beginRecord(_timestamp: number, key?: Key): void {
    this.setCurrent(key)
  }

  /** In the order in which keys got the state, as long as `mayVisit` lets it. */
  visitKeys(descriptor: StateDescriptor, visit: (key: Key) => void): KeyVisit {
    const keys = [...this.cells.keys()]
      .map((cell) => JSON.parse(cell) as [Key, Key | null, string])
      .filter(([, namespace, name]) => name === descriptor.name && namespace === null)
      .map(([key]) => key)
    const run = (_deadline: number, mayVisit: () => boolean = () => true): boolean => {
      while (keys.length > 0 && mayVisit()) {
        const key = keys.shift()!
        this.setCurrent(key)
        visit(key)
        this.setCurrent(undefined)
      }
      return keys.length === 0
    }
    return {
      run,
      get isDone() {
        return keys.length === 0
      },
      isWaiting: false,
    }
  }

  #cell(name: string): string {
    return JSON.stringify([this.currentKey, this.#namespace ?? null, name])
  }
}

class FakeTimerService implements TimerService {
  readonly #keyed: FakeKeyedContext

  constructor(keyed: FakeKeyedContext) {
    this.#keyed = keyed
  }

  registerEventTime(timestamp: number): void {
    this.#add(this.#keyed.eventTimers, timestamp)
  }

  deleteEventTime(timestamp: number): void {
    this.#keyed.eventTimers.delete(this.#idOf(timestamp))
  }

  registerProcessingTime(timestamp: number): void {
    this.#add(this.#keyed.processingTimers, timestamp)
  }

  deleteProcessingTime(timestamp: number): void {
    this.#keyed.processingTimers.delete(this.#idOf(timestamp))
  }

  get currentWatermark(): number {
    return this.#keyed.watermark
  }

  get currentProcessingTime(): number {
    return this.#keyed.now
  }

  #add(timers: Map<string, FakeTimer>, timestamp: number): void {
    const { currentKey: key, currentNamespace: namespace } = this.#keyed
    timers.set(this.#idOf(timestamp), { timestamp, key, namespace })
  }

  #idOf(timestamp: number): string {
    return JSON.stringify([timestamp, this.#keyed.currentKey, this.#keyed.currentNamespace ?? null])
  }
}

/** Drives one subtask of an operator by hand and keeps what it emits; the operator must declare what it uses. */
export class OperatorDriver {
  readonly operator: Operator
  readonly keyed: FakeKeyedContext = new FakeKeyedContext()
  readonly output: Emitted[] = []
  readonly side: Record<string, Emitted[]> = {}
  readonly counters: Record<string, number> = {}
  readonly logs: string[] = []
  /** Values, watermarks and changes of status in the order in which they left. */
  readonly flow: unknown[] = []
  /** Where the record that it takes was read. */
  position: string | undefined
  /** How often it has asked to be woken. */
  wakes = 0

  constructor(
    spec: OperatorSpec,
    options: {
      readonly clock?: Clock
      readonly restoredState?: unknown
      readonly watermark?: number
      readonly emit?: (value: unknown) => void
    } = {},
  ) {
    this.keyed.watermark = options.watermark ?? -Infinity
    const context: OperatorContext = {
      uid: 'tested',
      name: 'tested',
      subtaskIndex: 1,
      parallelism: 3,
      maxParallelism: 1_024,
      attempt: 2,
      clock: options.clock ?? stoppedClock,
      random: new SeededRandom(1),
      output: {
        emit: (value, timestamp) => {
          options.emit?.(value)
          this.output.push([value, timestamp])
          this.flow.push(value)
        },
      },
      watermarks: {
        emitWatermark: (timestamp) => void this.flow.push(`watermark ${timestamp}`),
        markActive: () => void this.flow.push('active'),
      },
      strict: false,
      keyed: this.keyed,
      restoredState: options.restoredState,
      currentWatermark: () => this.keyed.watermark,
      recordPosition: () => this.position,
      sideOutput: ({ name }: OutputTag<unknown>) => ({
        emit: (value, timestamp) => void (this.side[name] ??= []).push([value, timestamp]),
      }),
      count: (counter, by = 1) => {
        this.counters[counter] = (this.counters[counter] ?? 0) + by
      },
      log: (...values) => void this.logs.push(values.join(' ')),
      wake: () => void this.wakes++,
      forwardWatermark: (timestamp) => void this.flow.push(`watermark ${timestamp}`),
      currentKeyGroup: () => undefined,
      beginHeld() {},
    }
    this.operator = spec.factory(context)
  }

  /** A record, with a key where the operator is keyed. */
  element(value: unknown, timestamp = 0, key?: Key): this {
    this.keyed.setCurrent(key)
    try {
      this.operator.processElement(value, timestamp)
    } finally {
      this.keyed.setCurrent(undefined)
    }
    return this
  }

  /** A watermark: fires timers up to it, ties in the order of registration; returns what is forwarded. */
  advance(watermark: number): number {
    if (watermark > this.keyed.watermark) this.keyed.watermark = watermark
    this.#fire(this.keyed.eventTimers, watermark, (timestamp) => {
      this.operator.onEventTime?.(timestamp)
    })
    return this.operator.processWatermark?.(watermark) ?? watermark
  }

  /** Fires processing-time timers up to and including `now`. */
  advanceClock(now: number): void {
    this.keyed.now = now
    this.#fire(this.keyed.processingTimers, now, (timestamp) => {
      this.operator.onProcessingTime?.(timestamp)
    })
  }

  #fire(timers: Map<string, FakeTimer>, upTo: number, call: (timestamp: number) => void): void {
    for (;;) {
      const due = [...timers].filter(([, timer]) => timer.timestamp <= upTo)
      const next = due.sort(([, a], [, b]) => a.timestamp - b.timestamp)[0]
      if (next === undefined) return
      const [id, { timestamp, key, namespace }] = next
      timers.delete(id)
      this.keyed.setCurrent(key, namespace)
      call(timestamp)
      this.keyed.setCurrent(undefined)
    }
  }
}

const stoppedClock: Clock = {
  now: () => 0,
  elapsed: () => 0,
  schedule: () => () => {},
  nextTurn: () => {},
}
