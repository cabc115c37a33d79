import { MIN_TIMESTAMP } from '../../runtime/element.ts'
import { givenText, StreamError } from '../../runtime/errors.ts'
import type { Key } from '../../runtime/key.ts'
import type { KeyedContext, Operator, OperatorContext, Readiness } from '../../runtime/operator.ts'
import { showKey } from '../../runtime/state/state-errors.ts'
import type { StateDescriptor } from '../../runtime/state/state.ts'
import { showValue } from '../../runtime/show-value.ts'
import { type Callback, CallbackRun } from '../callback-run.ts'
import { CallbackScope, Collector, type Out } from '../collector.ts'
import { checkMethods, type FunctionLifecycle, FunctionRun } from '../function.ts'
import { keyedOf, type StateDeclarations } from '../process-context.ts'
import {
  type BroadcastTimerContext,
  type KeyedBroadcastContext,
  type KeyedReadOnlyBroadcastContext,
  OperatorBroadcastContext,
} from './broadcast-context.ts'
import type { BroadcastStateDeclarations } from './broadcast-state.ts'
import { BroadcastStates } from './broadcast-states.ts'
import { KeyVisits } from './key-visits.ts'
import { OperatorKeyedBroadcastContext } from './keyed-broadcast-context.ts'
import { WaitingRecords } from './waiting-records.ts'

type Declared = BroadcastStateDeclarations
/** What `applyToKeyedState` is given. */
type VisitFunction = (key: Key, state: never) => unknown

/** The function of a keyed broadcast operator, whatever its types. */
export interface KeyedBroadcastCallbacks extends FunctionLifecycle {
  processElement(
    value: unknown,
    ctx: KeyedReadOnlyBroadcastContext<StateDeclarations, Declared>,
    out: Out<unknown>,
  ): unknown
  processBroadcastElement(
    value: unknown,
    ctx: KeyedBroadcastContext<StateDeclarations, Declared>,
    out: Out<unknown>,
  ): unknown
  onTimer?(
    timestamp: number,
    ctx: BroadcastTimerContext<StateDeclarations, Declared>,
    out: Out<unknown>,
  ): unknown
}

/** What such a function declares. */
export interface KeyedBroadcastDeclarations {
  readonly states: readonly StateDescriptor[]
  readonly broadcastStates: readonly StateDescriptor[]
}

/**
 * Runs a keyed broadcast function.
 *
 * A broadcast record that asks for keys to be visited makes the operator busy: the visits go on in `work`, over as many turns
 * as they take, and no record, watermark or barrier is taken meanwhile. Records that come nevertheless, as what is before it
 * emits several in one go, wait for the visits, in order.
 */
export class KeyedBroadcastOperator extends FunctionRun implements Operator<unknown> {
  readonly #operatorContext: OperatorContext
  readonly #keyed: KeyedContext
  readonly #keyedStates: readonly StateDescriptor[]
  readonly #states: BroadcastStates
  readonly #element: Callback<OperatorKeyedBroadcastContext>
  readonly #broadcast: Callback<OperatorBroadcastContext>
  readonly #onTimer: Callback<OperatorKeyedBroadcastContext>
  readonly #context: OperatorKeyedBroadcastContext
  readonly #elements: CallbackRun<OperatorKeyedBroadcastContext>
  readonly #broadcasts: CallbackRun<OperatorBroadcastContext>
  readonly #visits: KeyVisits = new KeyVisits()
  readonly #waiting: WaitingRecords = new WaitingRecords()
  /** Timestamp of the broadcast record that the visits belong to, and that record. */
  #visitTimestamp = MIN_TIMESTAMP
  #visitRecord: unknown
  #isBusy = false
  /** What `work` is at, for messages. */
  #current: (() => string) | undefined

  constructor(
    callbacks: KeyedBroadcastCallbacks,
    { states, broadcastStates }: KeyedBroadcastDeclarations,
    context: OperatorContext,
  ) {
    super(callbacks, context)
    this.#operatorContext = context
    this.#keyed = keyedOf(context)
    this.#keyedStates = states
    this.#element = (value, ctx, out) => callbacks.processElement(value, ctx, out)
    this.#broadcast = (value, ctx, out) => callbacks.processBroadcastElement(value, ctx, out)
    this.#onTimer = (timestamp, ctx, out) => callbacks.onTimer?.(timestamp, ctx, out)
    const scope = new CallbackScope(context.name)
    const collector = new Collector(scope, context.output)
    this.#states = new BroadcastStates(context, scope, broadcastStates)
    const { readable, writable } = this.#states
    const hasTimers = callbacks.onTimer !== undefined
    const parts = { context, scope, states, hasTimers }
    this.#context = new OperatorKeyedBroadcastContext(parts, readable)
    this.#elements = new CallbackRun(scope, this.#context, collector)
    const writing = new OperatorBroadcastContext(context, scope, writable, (name, visit) =>
      this.#ask(name, visit),
    )
    this.#broadcasts = new CallbackRun(scope, writing, collector)
  }

  processElement(value: unknown, timestamp: number): void {
    if (this.#isBusy) this.#waiting.addKeyed(value, timestamp, this.#keyed.currentKey)
    else this.#takeElement(value, timestamp)
  }

  processElement2(value: unknown, timestamp: number): void {
    if (this.#isBusy) this.#waiting.addBroadcast(value, timestamp)
    else this.#takeBroadcast(value, timestamp)
  }

  onEventTime(timestamp: number): void {
    this.#context.timeDomain = 'event'
    this.#elements.call(this.#onTimer, timestamp, timestamp, 'onTimer')
    this.#states.endCallback()
  }

  onProcessingTime(timestamp: number): void {
    this.#context.timeDomain = 'processing'
    this.#elements.call(this.#onTimer, timestamp, MIN_TIMESTAMP, 'onTimer')
    this.#states.endCallback()
  }

  #takeElement(value: unknown, timestamp: number): void {
    this.#elements.call(this.#element, value, timestamp, 'processElement')
    this.#states.endCallback()
  }

  #takeBroadcast(value: unknown, timestamp: number): void {
    this.#states.beginWriting()
    this.#broadcasts.call(this.#broadcast, value, timestamp, 'processBroadcastElement')
    this.#states.endCallback()
    if (this.#visits.isOver) return
    this.#visitTimestamp = timestamp
    this.#visitRecord = value
    this.#setBusy(true)
  }

  #setBusy(isBusy: boolean): void {
    if (this.#isBusy === isBusy) return
    this.#isBusy = isBusy
    this.#operatorContext.wake()
  }

  // --- Visits of keys ---

  #ask(name: string, visit: VisitFunction): void {
    checkMethods({ visit }, ['visit'], 'applyToKeyedState')
    const state = this.#keyedStates.find((declared) => declared.name === name)
    if (state !== undefined) {
      this.#visits.add(this.#keyed.visitKeys(state, (key) => this.#visit(state, visit, key)))
      return
    }
    const names = this.#keyedStates.map((declared) => `"${declared.name}"`).join(', ')
    throw new StreamError(
      'MR_OPTION_INVALID',
      `Operator "${this.#operatorContext.name}": applyToKeyedState was given ${givenText(name)}, which is no keyed state of the function; there are no keys to visit; give one of ${names === '' ? 'those that `state` declares (none so far)' : names}.`,
      { state: name },
    )
  }

  #visit(state: StateDescriptor, visit: VisitFunction, key: Key): void {
    const handle = this.#keyed.state(state)
    const record = this.#visitRecord
    this.#current = () =>
      `applyToKeyedState("${state.name}") for broadcast record ${showValue(record)}`
    const call: Callback<OperatorBroadcastContext> = () => visit(key, handle as never)
    this.#broadcasts.call(call, key, this.#visitTimestamp, 'the function of applyToKeyedState')
    this.#states.endCallback()
    this.#current = undefined
  }

  get readiness(): Readiness {
    return this.#isBusy ? 'busy' : 'ready'
  }

  get holdsBack(): boolean {
    return this.#isBusy
  }

  work(deadline: number, mayEmit: () => boolean): boolean {
    if (!this.#isBusy) return false
    const { clock } = this.#operatorContext
    let done = 0
    const mayGoOn = (): boolean => {
      if (!mayEmit()) return false
      done++
      return true
    }
    while (this.#visits.run(deadline, mayGoOn)) {
      if (this.#waiting.isEmpty) {
        this.#setBusy(false)
        return true
      }
      if ((done > 0 && clock.elapsed() >= deadline) || !mayGoOn()) break
      this.#takeWaiting()
    }
    return done > 0 && !this.#visits.isWaiting
  }

  #takeWaiting(): void {
    const { value, timestamp, key } = this.#waiting.take()
    this.#keyed.beginRecord(timestamp, key)
    if (key === undefined) {
      this.#current = () => `broadcast record ${showValue(value)}`
      this.#takeBroadcast(value, timestamp)
    } else {
      this.#current = () => `record ${showValue(value)}, key ${showKey(key)}`
      this.#takeElement(value, timestamp)
    }
    this.#current = undefined
  }

  describeCurrent(): string | undefined {
    return this.#current?.()
  }

  snapshotState(): unknown {
    return this.#states.snapshot()
  }
}
