import { givenText, StreamError } from './errors.ts'
import type { Clock, Random } from './clock.ts'
import type { WatermarkStatus } from './element.ts'
import type { Key } from './key.ts'
import type { KeyVisit } from './state/state-backend.ts'
import type { StateDescriptor, StateHandle } from './state/state.ts'

/** Names an extra, typed output of an operator. Two tags with one name are the same output. */
export interface OutputTag<T> {
  readonly name: string
  /** Only for type inference; never set. */
  readonly _type?: T
}

/** Whether a value may be an `onError`: 'fail', 'skip' or a tag; who writes JavaScript may give anything. */
export function isErrorHandling(value: unknown): value is 'fail' | 'skip' | OutputTag<unknown> {
  if (value === 'fail' || value === 'skip') return true
  return typeof (value as { readonly name?: unknown } | null | undefined)?.name === 'string'
}

/** Fails with `MR_OPTION_INVALID` for what is no output tag, which would else stand for the main output; `where` took it. */
export function checkOutputTag(given: unknown, where: string): void {
  const name = (given as { readonly name?: unknown } | null | undefined)?.name
  if (typeof name === 'string') return
  throw new StreamError(
    'MR_OPTION_INVALID',
    `${where} was given ${givenText(given)} (${typeof given}), which is no output tag; it does not say which side output is meant; give what outputTag('name') returned.`,
    { where },
  )
}

/** Where an operator emits; synchronous: when `emit` returns, everything chained behind has seen the record. */
export interface Output<T = unknown> {
  emit(value: T, timestamp: number): void
}

/**
 * Event-time and processing-time timers of one operator, for the current key and namespace.
 *
 * Identity is (timestamp, key, namespace) per time domain: registering twice fires once, deleting once removes, deleting
 * a missing one does nothing (semantics 2.5). A timer at or below the current watermark fires at the next advance.
 *
 * When all input has ended, or the job is drained, no clock is waited for: behind all event-time timers those of processing
 * time fire, in the order of their time and with their own timestamps. What is registered from then on is ignored.
 * Throws `MR_STATE_OUTSIDE_CALLBACK` outside a callback of the operator (R15).
 */
export interface TimerService {
  registerEventTime(timestamp: number): void
  deleteEventTime(timestamp: number): void
  registerProcessingTime(timestamp: number): void
  deleteProcessingTime(timestamp: number): void
  /** The operator's watermark, -Infinity before the first. */
  readonly currentWatermark: number
  /** The clock's time in ms since the epoch. */
  readonly currentProcessingTime: number
}

/**
 * Keyed state and timers as an operator sees them; the runtime sets the key before each element and timer.
 *
 * User code meets state only through this interface, so it cannot tell where it runs (DESIGN 8).
 */
export interface KeyedContext {
  readonly currentKey: Key
  /** The handle of a declared state, bound to whatever key and namespace are current when it is used. */
  state<D extends StateDescriptor>(descriptor: D): StateHandle<D>
  readonly timers: TimerService
  /** The namespace of the state and timer calls that follow, until the callback ends; `undefined` is the default one. */
  setNamespace(namespace: Key | undefined): void
  readonly currentNamespace: Key | undefined
  /**
   * Registers a processing-time timer of a series that comes to an end by itself, though each registers the next: taken when
   * all input has ended too, where `timers` ignores any other.
   */
  registerFiniteProcessingTime(timestamp: number): void
  /** What follows within `work` is done for a record that has been held back; without a key for one that has none. */
  beginRecord(timestamp: number, key?: Key): void
  /**
   * Begins to visit every key of this subtask that has a value of a declared state, in the default namespace: `visit` is called
   * with the key current, so that state, timers and output mean that key (semantics 2.18). In event time what it does is
   * done at the timestamp of the record that is being processed when the visit begins.
   *
   * Nothing is called until `run`, which goes as far as it can; the operator calls it in `work`, with its `mayEmit`, and is
   * `'busy'` until all have been visited, so that nothing comes in between (as R13). More in `KeyedStateBackend.visitKeys`.
   */
  visitKeys(descriptor: StateDescriptor, visit: (key: Key) => void): KeyVisit
}

/** How an operator that generates watermarks tells of them in between two looks (`onTick`). */
export interface WatermarkOutput {
  /** Forwards a watermark right behind what has been emitted; one that is not above the last is dropped. */
  emitWatermark(timestamp: number): void
  /** What follows ends idleness: ACTIVE goes ahead of it. */
  markActive(): void
}

/** A record that an operator has taken in an earlier call, as failures name it (R39). */
export interface HeldRecord {
  readonly value: unknown
  readonly timestamp: number
  /** What `recordPosition` said when it came. */
  readonly position?: string | undefined
}

/** What an operator is given, once, before `open`. */
export interface OperatorContext {
  readonly uid: string
  readonly name: string
  readonly subtaskIndex: number
  readonly parallelism: number
  readonly maxParallelism: number
  readonly attempt: number
  readonly clock: Clock
  /** Where chance comes from, so that a simulation can repeat it. */
  readonly random: Random
  readonly output: Output
  readonly watermarks: WatermarkOutput
  /** Freeze records, compare encodings after each callback (`--strict` and the test kit, R16). */
  readonly strict: boolean
  /** Present where the operator follows a `keyBy`. */
  readonly keyed: KeyedContext | undefined
  /** What `snapshotState` of this subtask returned in the checkpoint that is restored; undefined on a fresh start. */
  readonly restoredState: unknown
  /** The watermark of the operator, -Infinity before the first: the lowest of its inputs. */
  currentWatermark(): number
  /**
   * Where the record of this call was read, for failures that come later (R39); undefined where it comes over a shuffle or was
   * held back before. Makes a text, so ask only for records that are held.
   */
  recordPosition(): string | undefined
  /** The output of a tag; the same object every time. Records sent to a tag that nobody reads are dropped. */
  sideOutput(tag: OutputTag<unknown>): Output
  /** Adds to a named counter, such as `numLateRecordsDropped`. */
  count(counter: string, by?: number): void
  /** A line for the user, prefixed `[uid #subtask]` (N16). */
  log(...values: readonly unknown[]): void
  /**
   * For operators with `readiness` or `work`: it has become another, or there is work to do. Callable at any time, from
   * promises and timeouts too; cheap.
   */
  wake(): void
  /** Sends a watermark on that `processWatermark` has held back; within `work` only. One that is not higher does nothing. */
  forwardWatermark(timestamp: number): void
  /**
   * Key group of the record or timer that is being processed, where the chain begins behind a `keyBy`; undefined elsewhere,
   * and for what is of no key. An operator that holds records back keeps it with them, so that at another parallelism they go
   * where later records of their keys go (R10).
   */
  currentKeyGroup(): number | undefined
  /** What is emitted next within `work` comes of a record of this key group, or of no key; until `work` returns. */
  beginHeld(keyGroup: number | undefined): void
}

/**
 * What an operator takes: everything; barriers only, as it is full; or nothing, as it is in the middle of one input.
 */
export type Readiness = 'ready' | 'full' | 'busy'

/**
 * One parallel instance of a node of the graph. All calls come from one thread, one at a time, and are synchronous; an
 * operator emits only within a call, and never after `endInput`.
 *
 * Made by its factory with the context; the order is factory → open → (processElement | processElement2 | onEventTime |
 * onProcessingTime | processWatermark | onTick | work)* → endInput? → work* → close.
 */
export interface Operator<In = unknown> {
  /** Called once before the first element; may be asynchronous, ends before any element or timer (R21). */
  open?(): void | Promise<void>
  /** Called for each record, with the key set where the operator is keyed. */
  processElement(value: In, timestamp: number): void
  /** Called for each record of the second input; with the key set where that one is keyed. There only with two inputs. */
  processElement2?(value: unknown, timestamp: number): void
  /** An event-time timer of this operator fired; key and namespace are set. Default: error, as nobody registers. */
  onEventTime?(timestamp: number): void
  /** A processing-time timer fired, in its time or because all input has ended; key and namespace are set. */
  onProcessingTime?(timestamp: number): void
  /**
   * Called when the watermark has advanced, after all timers up to it have fired; returns the watermark to forward.
   * Default: the same one. -Infinity forwards nothing.
   */
  processWatermark?(timestamp: number): number
  /**
   * Called between records about every `autoWatermarkInterval` (200 ms of processing time); returns the watermark that
   * this operator generates by now, -Infinity for none. The runtime forwards it if it is above the last one. Not called
   * before the end of input: the final watermark comes through `processWatermark`. `openMs` is the time since the last
   * call in which input could be taken: not that under back-pressure, or while barriers are aligned (R11).
   */
  onTick?(openMs: number): number
  /**
   * Whether an operator with `onTick` is idle by now; asked right after `onTick`. What its inputs are does not matter.
   * Default: active.
   */
  watermarkStatus?(): WatermarkStatus
  /**
   * All input has ended and the final watermark has been processed: hurry with what is held back, which `work` emits. Once; but
   * again after a restore from a checkpoint that was taken while the chain was ending, so it emits nothing by itself.
   */
  endInput?(): void
  /** What it takes by now; asked before each input, so it must be cheap. A change is told by `wake`. Default: ready. */
  readonly readiness?: Readiness
  /**
   * Work between two inputs, in each turn of the subtask: emits what has become ready, as long as `mayEmit`, asked before
   * each record, and until about `deadline` (`clock.elapsed()` ms). Returns whether it did anything. No key is set.
   */
  work?(deadline: number, mayEmit: () => boolean): boolean
  /** Whether records or watermarks are held back, of an operator with `work`: the end of input waits for them, IDLE too. */
  readonly holdsBack?: boolean
  /** Called between records, at the barrier; must return at once a value within the type table. Non-keyed state. */
  snapshotState?(checkpointId: number): unknown
  checkpointCompleted?(checkpointId: number): void
  /** Called once at the end of the attempt, after failures too (R21). */
  close?(): void | Promise<void>
  /** The shortened current record, timer or window for an error message (R39). Default: the runtime's own note. */
  describeCurrent?(): string | undefined
  /** The record of an earlier call that a failure of this one belongs to (R39). Default: none. */
  failedRecord?(): HeldRecord | undefined
}

/**
 * What becomes of the state that each subtask of an operator keeps for itself (`snapshotState`) where the number of subtasks
 * changes.
 *
 * | kind | new subtask i gets |
 * | --- | --- |
 * | `fixed` | nothing: another number is refused |
 * | `fresh` | nothing: it begins anew |
 * | `broadcast` | the copy of old subtask i mod their number, as all are equal |
 * | `split` | its share of each list: the state is an object of lists |
 * | `by-key-group` | of each list the items whose `keyGroup` it owns, and its share of those that have none |
 * | `lists` | what the kind of each declared list says (`OPERATOR_STATE_KINDS`) |
 */
export type StateSpread = 'fixed' | 'fresh' | 'broadcast' | 'split' | 'by-key-group' | 'lists'

/** Makes the operator of one subtask. */
export type OperatorFactory = (context: OperatorContext) => Operator
