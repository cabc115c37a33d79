import type { Random } from '../../runtime/clock.ts'
import { MIN_TIMESTAMP } from '../../runtime/element.ts'
import { StreamError } from '../../runtime/errors.ts'
import type { Window, TimeWindow } from './time-window.ts'
import type { AnyTrigger } from './trigger.ts'

/** What an assigner may look at besides the record; one object for each subtask of the operator. */
export interface AssignerContext {
  /** The clock's time in ms since the epoch. */
  readonly currentProcessingTime: number
  /** The only source of chance that a simulation can repeat. */
  readonly random: Random
  /**
   * A number that the assigner keeps for its subtask, undefined until it sets it: part of the checkpoint if the assigner
   * says `keepsNumber`; at another parallelism it is undefined again.
   */
  kept: number | undefined
}

/**
 * Says which windows a record belongs to. Built-in ones are made by functions such as `tumblingEventTimeWindows`; any object
 * of this form will do.
 *
 * One assigner serves all subtasks of a thread, so it keeps nothing of its own (`AssignerContext.kept` does).
 */
export interface WindowAssigner<
  T = unknown,
  W extends Window = TimeWindow,
  M extends boolean = boolean,
> {
  /**
   * Names the assigner in plans and is part of the name of the state: windows that are not to be taken for each other after
   * the job was changed have different names. Letters, digits, `.`, `_` and `-`.
   */
  readonly name: string
  /** Whether windows close with the watermark; otherwise with the clock, or never. Only event time knows late records. */
  readonly isEventTime: boolean
  /** Whether windows of a key that meet or touch become one, as sessions do (semantics 2.2). */
  readonly isMerging: M
  /** The length of every window in ms, where all have the same; default: they may have any. */
  readonly sizeMs?: number
  /** Whether it uses `AssignerContext.kept`. Default false. */
  readonly keepsNumber?: boolean
  /**
   * The windows of a record, made by `timeWindow`; none, and the record goes nowhere. Called once for each record,
   * synchronously; must not depend on anything but its arguments. Anything else fails with `MR_WINDOW_INVALID`.
   */
  assignWindows(value: T, timestamp: number, context: AssignerContext): readonly W[]
  /** When windows fire unless the job says otherwise. */
  defaultTrigger(): AnyTrigger
}

/** An assigner of whatever. */
export type AnyAssigner = WindowAssigner<never, Window>

/** Fails with `MR_TIMESTAMP_INVALID` for what is no place in event time (semantics 2.1). */
export function requireTimestamp(timestamp: number): void {
  if (Number.isSafeInteger(timestamp)) return
  if (timestamp === MIN_TIMESTAMP) {
    throw new StreamError(
      'MR_TIMESTAMP_INVALID',
      'the record has no timestamp; it belongs to no window of event time; give the source a strategy (fromSource(…, { watermarks })), or put assignTimestampsAndWatermarks before the keyBy.',
    )
  }
  throw new StreamError(
    'MR_TIMESTAMP_INVALID',
    `the record has the timestamp ${String(timestamp)}; it belongs to no window of event time; give records whole milliseconds since the epoch.`,
    { timestamp },
  )
}
