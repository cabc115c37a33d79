import type { KeyedContext, Operator, OperatorContext } from '../../runtime/operator.ts'
import { type StateDescriptor, type ValueState, valueState } from '../../runtime/state/state.ts'
import { FunctionRun } from '../function.ts'
import { keyedOf } from '../process-context.ts'
import {
  endAt,
  FEW,
  FIELDS,
  type FewSessions,
  FIRST,
  firstEndingFrom,
  firstStartingAfter,
  startAt,
} from './few-sessions.ts'
import type { Fold } from './fold.ts'
import { ManySessions, manySessionStates } from './many-sessions.ts'
import type { SessionWindows } from './session-windows.ts'
import { timeWindow } from './time-window.ts'
import { WindowCall } from './window-call.ts'
import { lifecycleOf, type WindowWork } from './window-work.ts'

/** Sessions of a key that has had many up to which they are one value again: half of what makes them many. */
const BACK_TO_FEW = FEW / 2

/** The states of a session operator: the sessions of a key while they are few, then those of keys that have many. */
export function sessionStates(assigner: SessionWindows<never>, fold: Fold): StateDescriptor[] {
  const name = `${assigner.name}.folded.${fold.kind}`
  return [{ ...valueState(), name }, ...manySessionStates(name)]
}

/**
 * The operator of the plainest sessions: of event time, folded, with the trigger that they have by themselves (semantics 2.2,
 * 2.3). What comes out is what `WindowOperator` emits.
 *
 * A record looks at one value, the open sessions of its key with their accumulators, and changes it. There is one timer for a
 * key, at the earliest moment at which one of its sessions may have to fire or to go: a record that makes a session longer
 * leaves it where it is, and when its time has come, it is set anew. Keys with many open sessions have them in runs.
 */
export class SessionOperator extends FunctionRun implements Operator<unknown> {
  readonly #assigner: SessionWindows<unknown>
  readonly #fold: Fold
  readonly #allowedLatenessMs: number
  readonly #keyed: KeyedContext
  readonly #state: ValueState<FewSessions>
  readonly #many: ManySessions
  readonly #call: WindowCall
  readonly #context: OperatorContext

  constructor(
    assigner: SessionWindows<never>,
    work: WindowWork & { readonly fold: Fold },
    allowedLatenessMs: number,
    context: OperatorContext,
  ) {
    super(lifecycleOf(work), context)
    this.#assigner = assigner as SessionWindows<unknown>
    this.#fold = work.fold
    this.#allowedLatenessMs = allowedLatenessMs
    this.#keyed = keyedOf(context)
    const [few, ...many] = sessionStates(assigner, work.fold)
    this.#state = this.#keyed.state(few!) as ValueState<FewSessions>
    this.#call = new WindowCall(work.firing, context, this.#keyed)
    this.#many = new ManySessions(this.#keyed, many, { fold: work.fold, call: this.#call })
    this.#context = context
  }

  processElement(value: unknown, timestamp: number): void {
    const end = this.#assigner.endOf(value, timestamp)
    const sessions = this.#state.value()
    if (sessions?.length === FIRST) this.#addToMany(sessions, value, timestamp, end)
    else this.#addToFew(sessions ?? [Infinity], value, timestamp, end)
  }

  #addToFew(sessions: FewSessions, value: unknown, timestamp: number, ownEnd: number): void {
    const at = firstEndingFrom(sessions, timestamp)
    const behind = firstStartingAfter(sessions, at, ownEnd)
    let start = timestamp
    let end = ownEnd
    if (at < behind) {
      start = Math.min(start, startAt(sessions, at))
      end = Math.max(end, endAt(sessions, behind - FIELDS))
    }
    const { currentWatermark } = this.#keyed.timers
    if (this.#goneAt(end) <= currentWatermark) {
      this.#tooLate(sessions, at, behind)
      return
    }
    const accumulator = this.#fold.add(this.#merged(sessions, at, behind), value)
    if (behind - at === FIELDS) {
      sessions[at] = start
      sessions[at + 1] = end
      sessions[at + 2] = accumulator
    } else sessions.splice(at, behind - at, start, end, accumulator)
    this.#watch(sessions, end)
    if (sessions.length > FIRST + FEW * FIELDS) {
      this.#many.take(sessions)
      sessions.length = FIRST
    }
    this.#state.update(sessions)
    if (end - 1 <= currentWatermark) this.#fire(start, end, accumulator)
  }

  /** What is in the sessions of these places; undefined where there is none. */
  #merged(sessions: FewSessions, from: number, to: number): unknown {
    let merged: unknown
    for (let at = from; at < to; at += FIELDS) {
      const accumulator = sessions[at + 2]
      merged = merged === undefined ? accumulator : this.#fold.merge(merged, accumulator)
    }
    return merged
  }

  /** A record is too late, and so are sessions that it touches, where the allowed lateness was higher before a restart. */
  #tooLate(sessions: FewSessions, from: number, to: number): void {
    this.#context.count('numLateRecordsDropped')
    if (from === to) return
    sessions.splice(from, to - from)
    if (sessions.length > FIRST) this.#state.update(sessions)
    else {
      this.#state.clear()
      if (sessions[0] !== Infinity) this.#keyed.timers.deleteEventTime(sessions[0] as number)
    }
  }

  #addToMany(sessions: FewSessions, value: unknown, timestamp: number, ownEnd: number): void {
    const window = this.#many.enter(timestamp, ownEnd)
    const { currentWatermark } = this.#keyed.timers
    if (this.#goneAt(window.end) <= currentWatermark) {
      this.#many.remove(window)
      this.#context.count('numLateRecordsDropped')
      return
    }
    this.#many.add(window, value)
    if (this.#watch(sessions, window.end)) this.#state.update(sessions)
    if (window.end - 1 <= currentWatermark) this.#many.fire(window)
  }

  /** When nothing of a session is kept any more; Infinity is never (semantics 2.3). */
  #goneAt(end: number): number {
    const time = end - 1 + this.#allowedLatenessMs
    return time > Number.MAX_SAFE_INTEGER ? Infinity : time
  }

  /** Sees to it that the timer of the key is not behind what a session waits for; true if it was. */
  #watch(sessions: FewSessions, end: number): boolean {
    const { timers } = this.#keyed
    const time = end - 1 > timers.currentWatermark ? end - 1 : this.#goneAt(end)
    const set = sessions[0] as number
    if (time >= set) return false
    if (set !== Infinity) timers.deleteEventTime(set)
    timers.registerEventTime(time)
    sessions[0] = time
    return true
  }

  onEventTime(timestamp: number): void {
    // Timers of other windows, whose state was left behind at a restart, do nothing.
    if (this.#keyed.currentNamespace !== undefined) return
    const sessions = this.#state.value()
    if (sessions === undefined || sessions[0] !== timestamp) return
    if (sessions.length === FIRST) this.#onTimerOfMany(sessions, timestamp)
    else this.#onTimerOfFew(sessions, timestamp)
  }

  #onTimerOfFew(sessions: FewSessions, timestamp: number): void {
    const at = firstEndingFrom(sessions, timestamp + 1)
    if (at < sessions.length && endAt(sessions, at) === timestamp + 1) {
      this.#fire(startAt(sessions, at), timestamp + 1, sessions[at + 2])
    }
    let kept = FIRST
    while (kept < sessions.length && this.#goneAt(endAt(sessions, kept)) <= timestamp) {
      kept += FIELDS
    }
    sessions.splice(FIRST, kept - FIRST)
    if (sessions.length === FIRST) {
      this.#state.clear()
      return
    }
    const open = firstEndingFrom(sessions, timestamp + 2)
    const fires = open < sessions.length ? endAt(sessions, open) - 1 : Infinity
    this.#setTimer(sessions, Math.min(fires, this.#goneAt(endAt(sessions, FIRST))))
  }

  #onTimerOfMany(sessions: FewSessions, timestamp: number): void {
    const many = this.#many
    const [due] = many.endingFrom(timestamp + 1, 1)
    if (due?.end === timestamp + 1) many.fire(due)
    let rest = many.endingFrom(-Infinity, BACK_TO_FEW + 1)
    while (rest.length > 0 && this.#goneAt(rest[0]!.end) <= timestamp) {
      many.remove(rest[0]!)
      rest = many.endingFrom(-Infinity, BACK_TO_FEW + 1)
    }
    const [first] = rest
    if (first === undefined) {
      this.#state.clear()
      return
    }
    const [open] = many.endingFrom(timestamp + 2, 1)
    if (rest.length <= BACK_TO_FEW) many.giveBack(rest, sessions)
    const fires = open === undefined ? Infinity : open.end - 1
    this.#setTimer(sessions, Math.min(fires, this.#goneAt(first.end)))
  }

  #setTimer(sessions: FewSessions, time: number): void {
    sessions[0] = time
    if (time !== Infinity) this.#keyed.timers.registerEventTime(time)
    this.#state.update(sessions)
  }

  #fire(start: number, end: number, accumulator: unknown): void {
    if (accumulator === undefined) return
    this.#call.accumulated(accumulator, this.#fold, timeWindow(start, end))
  }

  describeCurrent(): string | undefined {
    return this.#call.describeCurrent()
  }
}
