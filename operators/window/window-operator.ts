import type { Random } from '../../runtime/clock.ts'
import type { Key } from '../../runtime/key.ts'
import type { KeyedContext, Operator, OperatorContext, OutputTag } from '../../runtime/operator.ts'
import { type FunctionLifecycle, FunctionRun } from '../function.ts'
import { keyedOf } from '../process-context.ts'
import { checkWindows } from './check-window.ts'
import type { CleanupTimes } from './cleanup-times.ts'
import { LateFiring, type PutOff } from './late-firing.ts'
import type { Window } from './time-window.ts'
import type { TriggerResult } from './trigger.ts'
import type { AnyAssigner, AssignerContext } from './window-assigner.ts'
import type { WindowCall } from './window-call.ts'
import type { WindowContents } from './window-contents.ts'
import type { WindowNamespaces } from './window-namespace.ts'
import type { WindowMerge, WindowSpace } from './window-space.ts'
import type { WindowTriggers } from './window-triggers.ts'

/** What a window operator is made of; each part works for the current key. */
export interface WindowParts {
  readonly assigner: AnyAssigner
  readonly namespaces: WindowNamespaces
  readonly space: (onMerge: (merge: WindowMerge) => void) => WindowSpace
  readonly contents: WindowContents
  readonly triggers: WindowTriggers
  readonly cleanup: CleanupTimes
  readonly call: WindowCall
  readonly lateFiring: LateFiring | undefined
  /** Where records go that are too late for all their windows; undefined: they are dropped and counted. */
  readonly lateTag: OutputTag<unknown> | undefined
}

/**
 * The operator behind windows of all kinds: assigns, merges, adds, asks the trigger, fires and cleans up, in the order of Flink's
 * (semantics 2.2, 2.3).
 *
 * Each window is a namespace of its key, with its contents, the states and timers of the trigger, and the timer that cleans it
 * up.
 */
export class WindowOperator extends FunctionRun implements Operator<unknown> {
  readonly #parts: WindowParts
  readonly #space: WindowSpace
  readonly #context: OperatorContext
  readonly #keyed: KeyedContext
  readonly #assignerContext: SubtaskAssignerContext
  /** There only where the assigner keeps a number: it is what is in the checkpoint beside keyed state. */
  readonly snapshotState?: () => unknown

  constructor(parts: WindowParts, lifecycle: FunctionLifecycle, context: OperatorContext) {
    super(lifecycle, context)
    this.#parts = parts
    this.#space = parts.space((merge) => this.#merge(merge))
    this.#context = context
    this.#keyed = keyedOf(context)
    const assignerContext = new SubtaskAssignerContext(context, this.#keyed)
    this.#assignerContext = assignerContext
    if (parts.assigner.keepsNumber === true) {
      this.snapshotState = () => ({ kept: assignerContext.kept })
    }
  }

  processElement(value: unknown, timestamp: number): void {
    const { assigner, cleanup } = this.#parts
    const windows: unknown = assigner.assignWindows(
      value as never,
      timestamp,
      this.#assignerContext,
    )
    checkWindows(windows)
    let isSkipped = true
    for (let i = 0; i < windows.length; i++) {
      if (this.#add(windows[i]!, value, timestamp)) isSkipped = false
    }
    if (isSkipped && cleanup.isElementLate(timestamp)) this.#tooLate(value, timestamp)
  }

  /** Adds a record to one of its windows; false if the window is gone already. */
  #add(assigned: Window, value: unknown, timestamp: number): boolean {
    const { contents, triggers, cleanup, namespaces, call } = this.#parts
    const window = this.#space.enter(assigned)
    if (cleanup.isLate(window)) {
      // An open window may be gone by now where the allowed lateness was higher before a restart.
      if (this.#space.mayHoldMore) this.#clearAll(window)
      else this.#space.leave(window)
      return false
    }
    this.#keyed.setNamespace(this.#space.contentsOf(window))
    contents.add(value, timestamp)
    const result = triggers.onElement(value, timestamp, window)
    if (result !== 'continue') this.#followRecord(result, window)
    this.#keyed.setNamespace(namespaces.of(window))
    cleanup.register(window)
    call.hasOpened()
    return true
  }

  /** Does what the trigger says after a record; late records may have to wait. */
  #followRecord(result: TriggerResult, window: Window): void {
    const { lateFiring, cleanup, namespaces } = this.#parts
    if (lateFiring === undefined || !fires(result) || !cleanup.isOver(window)) {
      this.#follow(result, window)
    } else lateFiring.putOff(namespaces.of(window), purges(result))
  }

  #follow(result: TriggerResult, window: Window): void {
    const { contents } = this.#parts
    this.#keyed.setNamespace(this.#space.contentsOf(window))
    if (fires(result)) contents.fire(window)
    if (purges(result)) contents.clear()
  }

  #tooLate(value: unknown, timestamp: number): void {
    const { lateTag } = this.#parts
    if (lateTag === undefined) this.#context.count('numLateRecordsDropped')
    else this.#context.sideOutput(lateTag).emit(value, timestamp)
  }

  onEventTime(timestamp: number): void {
    this.#onTimer('event', timestamp)
  }

  onProcessingTime(timestamp: number): void {
    const late = LateFiring.windowOf(this.#keyed.currentNamespace)
    if (late === undefined) this.#onTimer('processing', timestamp)
    else this.#makeUpFor(late[0])
  }

  #onTimer(domain: 'event' | 'processing', timestamp: number): void {
    const { triggers, cleanup, namespaces, lateFiring } = this.#parts
    const window = namespaces.window(this.#keyed.currentNamespace)
    if (window === undefined || !this.#space.isOpen(window)) return
    const result = triggers.onTimer(domain, timestamp, window)
    const isGone = cleanup.isDue(domain, timestamp, window)
    const putOff = isGone ? lateFiring?.take(namespaces.of(window)) : undefined
    if (putOff !== undefined && !fires(result)) this.#follow('fire', window)
    if (result !== 'continue') this.#follow(result, window)
    if (isGone) this.#clearAll(window)
    else if (cleanup.mayBeTooEarly(domain, timestamp, window)) {
      this.#keyed.setNamespace(namespaces.of(window))
      cleanup.register(window)
    }
  }

  /** The time of what had been put off for late records has come. */
  #makeUpFor(namespace: Key | undefined): void {
    const { lateFiring, namespaces } = this.#parts
    const window = namespaces.window(namespace)
    if (window === undefined || !this.#space.isOpen(window)) return
    const putOff = lateFiring?.take(namespace)
    if (putOff !== undefined) this.#follow(putOff.purges ? 'fire-and-purge' : 'fire', window)
  }

  /** The window is gone for good (semantics 2.3). */
  #clearAll(window: Window): void {
    const { contents, triggers, call } = this.#parts
    this.#keyed.setNamespace(this.#space.contentsOf(window))
    contents.clear()
    triggers.clear(window)
    call.clear(window)
    this.#space.leave(window)
  }

  /** Windows have become one: the trigger first, then timers, then contents (semantics 2.2). */
  #merge({ window, merged, contents, mergedContents }: WindowMerge): void {
    const { triggers, cleanup, namespaces, lateFiring, call } = this.#parts
    triggers.merge(window, merged)
    const putOff: PutOff[] = []
    let isWatched = false
    for (const old of merged) {
      const namespace = namespaces.of(old)
      this.#keyed.setNamespace(namespace)
      cleanup.delete(old)
      if (call.hasBecomeAnother()) isWatched = true
      const late = lateFiring?.take(namespace)
      if (late !== undefined) putOff.push(late)
    }
    this.#keyed.setNamespace(namespaces.of(window))
    if (isWatched) call.hasOpened()
    // Where the new window is not over, what was put off happens when it fires in its own time.
    if (cleanup.isOver(window)) lateFiring?.putOffAgain(namespaces.of(window), putOff)
    if (mergedContents.length > 0) {
      this.#parts.contents.mergeNamespaces(contents, mergedContents, this.#keyed)
    }
  }

  describeCurrent(): string | undefined {
    return this.#parts.call.describeCurrent()
  }
}

/** What the assigner of one subtask sees; restores what it kept. */
class SubtaskAssignerContext implements AssignerContext {
  readonly random: Random
  readonly #keyed: KeyedContext
  kept: number | undefined

  constructor(context: OperatorContext, keyed: KeyedContext) {
    this.random = context.random
    this.#keyed = keyed
    this.kept = (context.restoredState as { readonly kept?: number } | undefined)?.kept
  }

  get currentProcessingTime(): number {
    return this.#keyed.timers.currentProcessingTime
  }
}

function fires(result: TriggerResult): boolean {
  return result === 'fire' || result === 'fire-and-purge'
}

function purges(result: TriggerResult): boolean {
  return result === 'purge' || result === 'fire-and-purge'
}
