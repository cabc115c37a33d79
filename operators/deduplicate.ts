import { type Duration, parseDuration } from '../runtime/duration.ts'
import { MAX_TIMESTAMP, MIN_TIMESTAMP } from '../runtime/element.ts'
import { givenText, StreamError } from '../runtime/errors.ts'
import type {
  KeyedContext,
  Operator,
  OperatorContext,
  Output,
  Readiness,
} from '../runtime/operator.ts'
import type { KeyVisit } from '../runtime/state/state-backend.ts'
import type { OptionNames } from '../runtime/option-names.ts'
import { type StateDescriptor, type ValueState, valueState } from '../runtime/state/state.ts'
import type { Out } from './collector.ts'
import type { OperatorSpec } from './operator-spec.ts'
import { keyedOf, namedStates } from './process-context.ts'
import { processFunction } from './process.ts'

/** Which record of a key is kept, and for how long it is remembered. */
export interface DeduplicateChoice {
  /**
   * `'first'`: the first record of a key passes at once, others are dropped. `'last'`: the record with the highest timestamp
   * is held back and put out when its time is over, or at the end of the input; of equal timestamps the later arrival.
   */
  readonly keep: 'first' | 'last'
  /**
   * How long a key is remembered, in event time from the timestamp of the record that is kept; a record behind it is a first
   * one again. `'never'`: for ever, and state grows with the number of keys.
   */
  readonly ttl: Duration | 'never'
}

export const DEDUPLICATE: OptionNames<DeduplicateChoice> = { keep: true, ttl: true }

/** The operator behind `deduplicate`. */
export function deduplicateSpec({ keep, ttl }: DeduplicateChoice): OperatorSpec {
  const ttlMs = ttl === 'never' ? MAX_TIMESTAMP : parseDuration(ttl, 'The ttl of deduplicate')
  if (ttlMs < 1) {
    throw new StreamError(
      'MR_OPTION_INVALID',
      `deduplicate() has a ttl of ${ttlMs} ms; keys would be forgotten as soon as they are seen; give at least 1 ms, or "never".`,
    )
  }
  switch (keep) {
    case 'first':
      return keepFirstSpec(ttlMs)
    case 'last':
      return keepLastSpec(ttlMs)
    default:
      throw new StreamError(
        'MR_OPTION_INVALID',
        `deduplicate() has an option keep that is ${givenText(keep)} (${typeof keep}); it does not say which record of a key passes; give "first" or "last".`,
      )
  }
}

function keepFirstSpec(ttlMs: number): OperatorSpec {
  const ttl = { duration: ttlMs, timeDomain: 'event' } as const
  const { spec } = processFunction({
    state: { seen: valueState<true>(ttlMs === MAX_TIMESTAMP ? {} : { ttl }) },
    processElement(record: unknown, ctx, out: Out<unknown>) {
      const { seen } = ctx.state
      if (seen.value() !== undefined) return
      seen.update(true)
      out.emit(record)
    },
  })
  return { ...spec, operatorKind: 'deduplicate' }
}

const LAST = namedStates({ last: valueState<Kept>() })

interface Kept {
  readonly record: unknown
  readonly timestamp: number
}

function keepLastSpec(ttlMs: number): OperatorSpec {
  return {
    operatorKind: 'deduplicate',
    states: LAST,
    hasTimers: true,
    hasOperatorState: true,
    stateSpread: 'broadcast',
    factory: (context) => new KeepLastOperator(LAST[0]!, ttlMs, context),
  }
}

/** What a checkpoint holds beside the records: what their timers were set by. */
interface KeepLastState {
  readonly ttlMs: number
}

/**
 * Holds the latest record of each key back until its time is over.
 *
 * A key has one timer, moved on only when it fires: records in between set none. Where the time has become shorter between two
 * runs, timers are too far off: then all keys are visited, before any record is taken, and get new ones.
 */
class KeepLastOperator implements Operator<unknown> {
  readonly #keyed: KeyedContext
  readonly #last: ValueState<Kept>
  readonly #ttlMs: number
  readonly #output: Output
  #visit: KeyVisit | undefined
  /** There only where keys have to be visited: an operator with `work` costs a look at each record. */
  readonly work?: NonNullable<Operator['work']>

  constructor(state: StateDescriptor, ttlMs: number, context: OperatorContext) {
    this.#keyed = keyedOf(context)
    this.#last = this.#keyed.state(state) as ValueState<Kept>
    this.#ttlMs = ttlMs
    this.#output = context.output
    const before = context.restoredState as KeepLastState | undefined
    if (before === undefined || before.ttlMs <= ttlMs) return
    this.#visit = this.#keyed.visitKeys(state, () => this.#bringForward())
    this.work = (deadline, mayEmit) => this.#work(deadline, mayEmit, context)
  }

  // --- Keys whose time has become shorter ---

  get readiness(): Readiness {
    return this.#visit === undefined ? 'ready' : 'busy'
  }

  get holdsBack(): boolean {
    return this.#visit !== undefined
  }

  #work(deadline: number, mayEmit: () => boolean, context: OperatorContext): boolean {
    if (this.#visit === undefined) return false
    let steps = 0
    const isDone = this.#visit.run(deadline, () => mayEmit() && ++steps > 0)
    if (!isDone) return steps > 0 && !this.#visit.isWaiting
    this.#visit = undefined
    context.wake()
    return true
  }

  #bringForward(): void {
    const { timers } = this.#keyed
    const end = this.#last.value()!.timestamp + this.#ttlMs
    timers.deleteEventTime(MAX_TIMESTAMP)
    // What is over by now is put out by the next watermark, at a time that is not behind the one before.
    timers.registerEventTime(Math.max(end, timers.currentWatermark + 1))
  }

  // --- Records and timers ---

  processElement(record: unknown, timestamp: number): void {
    if (timestamp === MIN_TIMESTAMP) throw missingTimestamp()
    const before = this.#last.value()
    if (before === undefined) {
      const { timers } = this.#keyed
      const end = timestamp + this.#ttlMs
      if (end <= timers.currentWatermark) {
        this.#output.emit(record, end)
        return
      }
      timers.registerEventTime(end)
    } else if (timestamp < before.timestamp) return
    this.#last.update({ record, timestamp })
  }

  onEventTime(timer: number): void {
    const last = this.#last.value()
    if (last === undefined) return
    const end = last.timestamp + this.#ttlMs
    if (end > timer) {
      this.#keyed.timers.registerEventTime(end)
      return
    }
    this.#last.clear()
    // At the end of its time it is late for nothing behind this; at the end of the input there is no such time.
    this.#output.emit(last.record, timer === MAX_TIMESTAMP ? last.timestamp : timer)
  }

  snapshotState(): KeepLastState {
    return { ttlMs: this.#ttlMs }
  }
}

function missingTimestamp(): StreamError {
  return new StreamError(
    'MR_TIMESTAMP_INVALID',
    'the record has no timestamp; deduplicate remembers keys by event time; give the source a strategy (fromSource(…, { watermarks })), or put assignTimestampsAndWatermarks before the keyBy.',
  )
}
