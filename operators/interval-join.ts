import { type Duration, parseSignedDuration } from '../runtime/duration.ts'
import { MIN_TIMESTAMP } from '../runtime/element.ts'
import { StreamError } from '../runtime/errors.ts'
import type { Key } from '../runtime/key.ts'
import type { KeyedContext, Operator, OperatorContext, OutputTag } from '../runtime/operator.ts'
import { listState, type ListState, type StateDescriptor } from '../runtime/state/state.ts'
import { CallbackScope, Collector, type Out } from './collector.ts'
import { type FunctionLifecycle, functionObject, FunctionRun } from './function.ts'
import { type IntervalJoinContext, OperatorIntervalJoinContext } from './interval-join-context.ts'
import { type BufferedTime, JoinBuckets, type JoinInterval } from './join-buckets.ts'
import type { OperatorSpec } from './operator-spec.ts'
import { keyedOf, namedStates } from './process-context.ts'
import { refusePromise } from './synchronous.ts'

/** Called for each pair of an interval join: a plain function, or an object where it has to be opened and closed. */
export type IntervalJoinFunction<L, R, Result, K extends Key = Key> =
  | ((left: L, right: R, ctx: IntervalJoinContext<K>, out: Out<Result>) => void | undefined)
  | (FunctionLifecycle & {
      processElement(
        left: L,
        right: R,
        ctx: IntervalJoinContext<K>,
        out: Out<Result>,
      ): void | undefined
    })

/** Bounds and late outputs of an interval join, as its facade collects them. */
export interface IntervalJoinOptions {
  readonly lower: Duration
  readonly upper: Duration
  readonly isLowerExclusive: boolean
  readonly isUpperExclusive: boolean
  readonly leftLate: OutputTag<unknown> | undefined
  readonly rightLate: OutputTag<unknown> | undefined
}

/**
 * The interval in whole milliseconds, both bounds within it: an exclusive bound is the next millisecond (semantics 2.15).
 * Fails with `MR_OPTION_INVALID` if there is nothing in it.
 */
export function joinInterval(options: IntervalJoinOptions): JoinInterval {
  const lower = parseSignedDuration(options.lower, 'The lower bound of an interval join')
  const upper = parseSignedDuration(options.upper, 'The upper bound of an interval join')
  const first = options.isLowerExclusive ? lower + 1 : lower
  const last = options.isUpperExclusive ? upper - 1 : upper
  if (first <= last) return { lower: first, upper: last }
  throw new StreamError(
    'MR_OPTION_INVALID',
    `An interval join goes from ${lower} ms (${options.isLowerExclusive ? 'exclusive' : 'inclusive'}) to ${upper} ms (${options.isUpperExclusive ? 'exclusive' : 'inclusive'}); no pair of records is that far apart, so nothing would be joined; give a lower bound that is not above the upper one.`,
    { lower, upper },
  )
}

/** The operator behind `intervalJoin(…).between(…).process(…)`. */
export function intervalJoinSpec<L, R, Result, K extends Key>(
  join: IntervalJoinFunction<L, R, Result, K>,
  options: IntervalJoinOptions,
): OperatorSpec {
  const object = functionObject<JoinObject>(join, 'processElement')
  const interval = joinInterval(options)
  const buckets = new JoinBuckets(interval)
  // The width is part of the names: entries of buckets of another width would be looked for in the wrong ones.
  const states = namedStates({
    [`left-${buckets.widthMs}`]: listState<BufferedRecord>(),
    [`right-${buckets.widthMs}`]: listState<BufferedRecord>(),
  })
  return {
    operatorKind: 'interval-join',
    states,
    hasTimers: true,
    factory: (context) => new IntervalJoinOperator({ object, buckets, states, options, context }),
  }
}

type JoinObject = FunctionLifecycle & {
  processElement(left: never, right: never, ctx: unknown, out: Out<never>): unknown
}

/** A buffered record; the watermark had already reached its timestamp when it came, or not. */
interface BufferedRecord extends BufferedTime {
  readonly value: unknown
}

/**
 * Joins each record with those of the other input that are within an interval of it, as soon as the later one of a pair
 * arrives. Both inputs are buffered in buckets of time; a bucket is dropped when no record that may still come can meet it.
 */
class IntervalJoinOperator extends FunctionRun implements Operator<unknown> {
  readonly #function: JoinObject
  readonly #buckets: JoinBuckets
  readonly #options: IntervalJoinOptions
  readonly #context: OperatorContext
  readonly #keyed: KeyedContext
  readonly #left: ListState<BufferedRecord>
  readonly #right: ListState<BufferedRecord>
  readonly #scope: CallbackScope
  readonly #joinContext: OperatorIntervalJoinContext
  readonly #collector: Collector

  constructor(parts: {
    readonly object: JoinObject
    readonly buckets: JoinBuckets
    readonly states: readonly StateDescriptor[]
    readonly options: IntervalJoinOptions
    readonly context: OperatorContext
  }) {
    const { object, context } = parts
    super(object, context)
    this.#function = object
    this.#buckets = parts.buckets
    this.#options = parts.options
    this.#context = context
    this.#keyed = keyedOf(context)
    this.#left = this.#keyed.state(parts.states[0]!) as ListState<BufferedRecord>
    this.#right = this.#keyed.state(parts.states[1]!) as ListState<BufferedRecord>
    this.#scope = new CallbackScope(context.name)
    this.#joinContext = new OperatorIntervalJoinContext(context, this.#keyed, this.#scope)
    this.#collector = new Collector(this.#scope, context.output)
  }

  processElement(value: unknown, timestamp: number): void {
    if (this.#isLate(value, timestamp, this.#options.leftLate)) return
    this.#buffer(this.#left, value, timestamp, this.#buckets.leftEnd(timestamp))
    const { lower, upper } = this.#buckets.interval
    this.#scan(this.#right, timestamp + lower, timestamp + upper, (other) => {
      if (!this.#buckets.isRightOver(other, this.#watermark)) {
        this.#join(value, timestamp, other.value, other.timestamp)
      }
    })
  }

  processElement2(value: unknown, timestamp: number): void {
    if (this.#isLate(value, timestamp, this.#options.rightLate)) return
    this.#buffer(this.#right, value, timestamp, this.#buckets.rightEnd(timestamp))
    const { lower, upper } = this.#buckets.interval
    this.#scan(this.#left, timestamp - upper, timestamp - lower, (other) => {
      if (!this.#buckets.isLeftOver(other, this.#watermark)) {
        this.#join(other.value, other.timestamp, value, timestamp)
      }
    })
  }

  get #watermark(): number {
    return this.#keyed.timers.currentWatermark
  }

  /** Whether a record comes too late to be joined; it has gone to its late output then, or been counted as dropped. */
  #isLate(value: unknown, timestamp: number, late: OutputTag<unknown> | undefined): boolean {
    if (timestamp === MIN_TIMESTAMP) throw missingTimestamp()
    if (timestamp >= this.#watermark) return false
    if (late === undefined) this.#context.count('numLateRecordsDropped')
    else this.#context.sideOutput(late).emit(value, timestamp)
    return true
  }

  /** Keeps a record in its bucket; a new bucket gets the timer that drops it. */
  #buffer(state: ListState<BufferedRecord>, value: unknown, timestamp: number, end: number): void {
    this.#keyed.setNamespace(this.#buckets.bucketOf(timestamp))
    if (state.isEmpty()) this.#keyed.timers.registerEventTime(end)
    state.add(
      timestamp === this.#watermark
        ? { timestamp, value, isAtWatermark: true }
        : { timestamp, value },
    )
  }

  /** Visits the records of a side from one timestamp to another, both included. */
  #scan(
    state: ListState<BufferedRecord>,
    from: number,
    to: number,
    visit: (record: BufferedRecord) => void,
  ): void {
    const { widthMs } = this.#buckets
    const last = this.#buckets.bucketOf(to)
    for (let bucket = this.#buckets.bucketOf(from); bucket <= last; bucket += widthMs) {
      this.#keyed.setNamespace(bucket)
      for (const record of state.get()) {
        if (record.timestamp >= from && record.timestamp <= to) visit(record)
      }
    }
  }

  #join(left: unknown, leftTimestamp: number, right: unknown, rightTimestamp: number): void {
    const scope = this.#scope
    this.#joinContext.setPair(leftTimestamp, rightTimestamp)
    scope.open(Math.max(leftTimestamp, rightTimestamp))
    let result: unknown
    try {
      result = this.#function.processElement(
        left as never,
        right as never,
        this.#joinContext,
        this.#collector,
      )
    } finally {
      scope.close()
    }
    scope.rethrow()
    if (result !== undefined) refusePromise(result, 'the function of an interval join')
  }

  /** A bucket of one side, or of both, is over. */
  onEventTime(timestamp: number): void {
    const bucket = this.#keyed.currentNamespace as number
    this.#end(this.#left, this.#buckets.leftEnd(bucket), timestamp)
    this.#end(this.#right, this.#buckets.rightEnd(bucket), timestamp)
  }

  /** Drops a side of a bucket at its end; a timer before that may be the only one, where the bounds were others before a restart. */
  #end(state: ListState<BufferedRecord>, end: number, timestamp: number): void {
    if (timestamp >= end) state.clear()
    else if (!state.isEmpty()) this.#keyed.timers.registerEventTime(end)
  }
}

function missingTimestamp(): StreamError {
  return new StreamError(
    'MR_TIMESTAMP_INVALID',
    'the record has no timestamp; an interval join compares the event times of records; give the source a strategy (fromSource(…, { watermarks })), or put assignTimestampsAndWatermarks before the keyBy.',
  )
}
