import type { WatermarkStatus } from './element.ts'

/** The split that holds back a source subtask. */
export interface HoldingSplit {
  readonly splitId: string
  /** Highest timestamp of its records in this attempt; undefined before the first. */
  readonly lastTimestamp: number | undefined
  /** Splits of the subtask that are active, and how many of them stand as low as this one. */
  readonly activeSplits: number
  readonly lowestSplits: number
}

/** How long fetches have been empty, and when that makes it idle; undefined where no fetch was, or where that never does. */
export interface EmptyFetches {
  readonly emptyMs: number | undefined
  readonly idleInMs: number | undefined
}

/**
 * Why a watermark is not higher than it is.
 *
 * | kind | what holds it back |
 * | --- | --- |
 * | `no-strategy` | a source without watermarks: no time passes before it has ended or is idle |
 * | `read-later` | a source that is read only when others, with `readFirst`, have been processed |
 * | `waiting-for-splits` | a bounded source whose splits have not all been assigned: they may begin anywhere |
 * | `no-splits` | a source subtask that has been given no split |
 * | `no-record-yet` | a split that has had no record in this attempt |
 * | `no-record` | a split whose fetches have been empty for a second or longer |
 * | `no-watermark-yet` | a split whose records have made no watermark |
 * | `slow-split` | a split whose records come, but are of no later time |
 * | `paused` | a source that alignment does not let be read |
 * | `back-pressure` | it, or what is behind it, takes nothing |
 * | `timers` | timers that are being fired |
 * | `barrier` | the wait for a checkpoint barrier on other inputs |
 * | `on-its-way` | a higher one has been sent, and is behind records that wait |
 * | `held-back` | an operator that has not done with what came before it |
 * | `generator` | a watermark generator within the job: it has made no higher one |
 * | `idle` | all inputs are idle |
 * | `ended` | nothing: all input has ended |
 * | `not-reported` | not known: the figures do not say |
 */
export type EventTimeReason =
  | {
      readonly kind:
        | 'no-strategy'
        | 'read-later'
        | 'waiting-for-splits'
        | 'back-pressure'
        | 'barrier'
        | 'on-its-way'
        | 'held-back'
        | 'idle'
        | 'ended'
        | 'not-reported'
    }
  | ({ readonly kind: 'no-splits' } & EmptyFetches)
  | ({ readonly kind: 'no-record-yet' | 'no-record' } & HoldingSplit & EmptyFetches)
  | ({ readonly kind: 'no-watermark-yet' | 'slow-split' } & HoldingSplit)
  | ({ readonly kind: 'paused'; readonly group: string } & HoldingSplit)
  /** Infinity is the end of all input. */
  | { readonly kind: 'timers'; readonly upTo: number }
  /** How long it has had no record; 0 while some come. */
  | { readonly kind: 'generator'; readonly silentMs: number }

/** An input that holds a watermark back: who speaks through it, and what it has said. */
export interface HoldingInput {
  readonly kind: 'input'
  /** `chain` is the direct call of another operator of the same subtask. */
  readonly input: 1 | 2 | 'chain'
  readonly operator: string
  readonly subtask: number
  readonly watermark: number
  /** Why nothing more is taken from it, if so. */
  readonly blockedBy: 'barrier' | 'back-pressure' | undefined
}

/** What a subtask itself sees: the reason, or the input to ask. */
export type WatermarkHold = HoldingInput | EventTimeReason

/** The event time of one operator in one slot, as it is reported beside its other figures. */
export interface OperatorTime {
  /** The last watermark it has sent on. */
  readonly forwarded: number
  readonly status: WatermarkStatus
  /** Whether event-time timers wait for the watermark. */
  readonly hasTimers: boolean
  /** Whether it has records or watermarks that it has not done with (async I/O and such). */
  readonly holdsBack: boolean
  readonly hold: WatermarkHold
}

/** The event time of one operator in one subtask, as reported. Plain data. */
export interface SubtaskEventTime {
  readonly operator: string
  readonly subtask: number
  /** -Infinity before the first, Infinity when all input has ended. */
  readonly watermark: number
  /** The last one that it has sent on. */
  readonly forwarded: number
  readonly status: WatermarkStatus
  /** How long its watermark has been the same. */
  readonly standsMs: number
  /** How long no record has come. */
  readonly silentMs: number
  /** Whether event-time timers wait for its watermark. */
  readonly hasTimers: boolean
  /** Whether it has records or watermarks that it has not done with. */
  readonly holdsBack: boolean
  /** Sources: the group in which it keeps together with others. */
  readonly alignmentGroup: string | undefined
  readonly hold: WatermarkHold
}

/** The event time of all operators of a job, for `explainEventTime`: in the order of the plan, those that have reported. */
export interface EventTimeFigures {
  readonly subtasks: readonly SubtaskEventTime[]
}

/** One step from an operator towards the sources. */
export interface EventTimeStep {
  /** Over input 1 or 2; to the operator that calls it directly; or to the source that it has to wait for in its alignment group. */
  readonly over: 1 | 2 | 'chain' | 'group'
  readonly operator: string
  readonly subtask: number
}

/** Why the watermark of an operator stands where it does. */
export interface EventTimeExplanation {
  readonly operator: string
  /** The one of its subtasks that is furthest behind. */
  readonly subtask: number
  /** Its watermark: -Infinity before the first, Infinity when all input has ended. */
  readonly watermark: number
  /** How long that has been so, in ms. */
  readonly standsMs: number
  /** From the operator to what holds it back, which is where the last step leads; empty where that is itself. */
  readonly path: readonly EventTimeStep[]
  readonly reason: EventTimeReason
  /** All of it as one sentence. */
  readonly text: string
}
