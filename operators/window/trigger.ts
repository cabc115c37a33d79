import type { TimerService } from '../../runtime/operator.ts'
import type { StateDescriptor } from '../../runtime/state/state.ts'
import type { DeclaredState, StateDeclarations } from '../process-context.ts'
import type { Window } from './time-window.ts'

/**
 * What happens with a window: nothing; its function sees what is in it; what is in it is dropped; first one, then the other.
 *
 * Dropping leaves the window itself, the state of the trigger and its timers as they are. Nothing is ever emitted for a window
 * with nothing in it.
 */
export type TriggerResult = 'continue' | 'fire' | 'purge' | 'fire-and-purge'

/** No states. */
export type NoStates = Readonly<Record<never, never>>

/** What a trigger sees and may do, for the window it was called for; not to be kept beyond the call. */
export interface TriggerContext<S extends StateDeclarations = NoStates> {
  /** The declared states, for the key and the window. */
  readonly state: DeclaredState<S>
  /**
   * Timers of the window: they call `onEventTime` and `onProcessingTime`. The time at which the window is cleaned up is a
   * timer too, so these are called for times that the trigger never registered: it must look at the time.
   */
  readonly timers: TimerService
}

/** The same in `onMerge`: what the merged windows had is still there. */
export interface TriggerMergeContext<
  S extends StateDeclarations = NoStates,
> extends TriggerContext<S> {
  /** The values of a value state, of all merged windows, into one for the new window; none where none has one. */
  mergeValue<Name extends keyof S & string>(
    name: Name,
    combine: (a: ValueOf<S[Name]>, b: ValueOf<S[Name]>) => ValueOf<S[Name]>,
  ): void
}

/** What a state holds. */
export type ValueOf<D> = D extends StateDescriptor<'value', infer V> ? V : never

/**
 * Decides when the contents of a window are handed to its function. Built-in ones are made by functions such as
 * `countTrigger`; any object of this form will do.
 *
 * One trigger serves all windows of all subtasks of a thread: what it has to remember of a window is declared as state. All
 * calls are synchronous; a result that is none of the four fails the job with `MR_WINDOW_INVALID`.
 */
export interface Trigger<
  T = unknown,
  W extends Window = Window,
  S extends StateDeclarations = NoStates,
> {
  /** States of the trigger by name, of their own for each window. */
  readonly state?: S
  /** Called for each record of the window that is not too late, after it has been added. */
  onElement(value: T, timestamp: number, window: W, ctx: TriggerContext<S>): TriggerResult
  /** Called for event-time timers of the window, those for its cleanup included. */
  onEventTime(timestamp: number, window: W, ctx: TriggerContext<S>): TriggerResult
  /** The same for processing time. */
  onProcessingTime(timestamp: number, window: W, ctx: TriggerContext<S>): TriggerResult
  /**
   * Called when windows have become one, for the new one, before `clear` is called for each of the old ones. A trigger
   * without it cannot be used where windows merge.
   */
  onMerge?(window: W, ctx: TriggerMergeContext<S>): void
  /** Called when a window is gone, for good or into another: must clear states and delete timers. */
  clear(window: W, ctx: TriggerContext<S>): void
}

/** A trigger for windows that merge. */
export type MergingTrigger<
  T = unknown,
  W extends Window = Window,
  S extends StateDeclarations = NoStates,
> = Trigger<T, W, S> & Required<Pick<Trigger<T, W, S>, 'onMerge'>>

/** A trigger of whatever. */
export type AnyTrigger = Trigger<never, Window, StateDeclarations>
