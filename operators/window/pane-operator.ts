import type { KeyedContext, Operator, OperatorContext } from '../../runtime/operator.ts'
import { type StateDescriptor, type ValueState, valueState } from '../../runtime/state/state.ts'
import { FunctionRun } from '../function.ts'
import { keyedOf } from '../process-context.ts'
import { CleanupTimes } from './cleanup-times.ts'
import type { Fold } from './fold.ts'
import { firstFrom, OpenPanes } from './open-panes.ts'
import { PaneLayout } from './pane-layout.ts'
import type { SlidingWindows } from './sliding-windows.ts'
import type { TimeWindow } from './time-window.ts'
import { requireTimestamp } from './window-assigner.ts'
import { WindowCall } from './window-call.ts'
import { lifecycleOf, type WindowWork } from './window-work.ts'

/**
 * The states of a pane operator: the accumulators, by the start of their pane, and which panes of a key there are. What is in
 * a pane depends on where all borders are, so the names say it.
 */
export function paneStates(assigner: SlidingWindows, fold: Fold): StateDescriptor[] {
  const { slideMs, offsetMs } = layoutOf(assigner)
  const name = `${assigner.name}-${slideMs}-${offsetMs}.panes.${fold.kind}`
  return [
    { ...valueState(), name },
    { ...valueState(), name: `${name}.open` },
  ]
}

function layoutOf({ sizeMs, slideMs, offsetMs }: SlidingWindows): PaneLayout {
  return new PaneLayout(sizeMs, slideMs, offsetMs)
}

/**
 * The operator of sliding windows whose accumulators can be merged (R42): a record is added to its pane alone, and a window is
 * put together from its panes when it fires.
 *
 * A window has the timer that fires it only from when the window before it has fired: a pane sets that of its first window,
 * and each window sets the next one's for as long as there are panes. So timers too cost the same however many windows a
 * record is in. What comes out is what `WindowOperator` emits.
 */
export class PaneOperator extends FunctionRun implements Operator<unknown> {
  readonly #fold: Fold
  readonly #layout: PaneLayout
  readonly #cleanup: CleanupTimes
  readonly #keyed: KeyedContext
  readonly #accumulator: ValueState<unknown>
  readonly #panes: OpenPanes
  readonly #call: WindowCall
  readonly #context: OperatorContext

  constructor(
    assigner: SlidingWindows,
    work: WindowWork & { readonly fold: Fold },
    allowedLatenessMs: number,
    context: OperatorContext,
  ) {
    super(lifecycleOf(work), context)
    this.#fold = work.fold
    this.#layout = layoutOf(assigner)
    this.#keyed = keyedOf(context)
    this.#cleanup = new CleanupTimes(this.#keyed.timers, assigner.isEventTime, allowedLatenessMs)
    const [accumulator, open] = paneStates(assigner, work.fold)
    this.#accumulator = this.#keyed.state(accumulator!) as ValueState<unknown>
    this.#panes = new OpenPanes(this.#keyed, open!)
    this.#call = new WindowCall(work.firing, context, this.#keyed)
    this.#context = context
  }

  processElement(value: unknown, timestamp: number): void {
    const cleanup = this.#cleanup
    const layout = this.#layout
    if (cleanup.isEventTime) requireTimestamp(timestamp)
    const time = cleanup.isEventTime ? timestamp : this.#keyed.timers.currentProcessingTime
    const last = layout.lastWindow(time)
    // The last window that holds a record is gone last: then the record is late as well (semantics 2.3).
    if (cleanup.isLate(layout.window(last))) {
      this.#context.count('numLateRecordsDropped')
      return
    }
    const pane = layout.pane(time, last)
    this.#keyed.setNamespace(pane)
    const before = this.#accumulator.value()
    this.#accumulator.update(this.#fold.add(before, value))
    const first = layout.firstWindow(time, last)
    if (before === undefined) this.#begin(pane, first, last)
    if (cleanup.isOver(layout.window(first))) this.#fireAgain(first, last)
  }

  /** A pane has got its first record: sets the timer of the first of its windows that has not had its time. */
  #begin(pane: number, first: number, last: number): void {
    const layout = this.#layout
    this.#panes.add(pane)
    let start = first
    while (start <= last && this.#cleanup.isOver(layout.window(start))) start += layout.slideMs
    if (start <= last) this.#setTimer(layout.window(start))
    else this.#setCleanup(layout.window(last))
  }

  /** The windows that have had their time, and are not gone, fire for a late record, later ones first. */
  #fireAgain(first: number, last: number): void {
    const layout = this.#layout
    const panes = this.#panes.all()
    for (let start = last; start >= first; start -= layout.slideMs) {
      const window = layout.window(start)
      if (this.#cleanup.isLate(window)) return
      if (this.#cleanup.isOver(window)) this.#fire(window, panes)
    }
  }

  onEventTime(timestamp: number): void {
    this.#onTimer(timestamp)
  }

  onProcessingTime(timestamp: number): void {
    this.#onTimer(timestamp)
  }

  /**
   * The time to fire, or to clean up, of a window. Timers of other windows, whose state was left behind at a restart, do
   * nothing; where the allowed lateness was another one before it, a window is cleaned up by the new one.
   */
  #onTimer(timestamp: number): void {
    const layout = this.#layout
    const start = this.#keyed.currentNamespace
    if (typeof start !== 'number' || !layout.isStart(start)) return
    const window = layout.window(start)
    const panes = this.#panes.all()
    const next = start + layout.slideMs
    if (timestamp === window.maxTimestamp) {
      this.#fire(window, panes)
      if (holdsAny(panes, next, next + layout.sizeMs)) this.#setTimer(layout.window(next))
    }
    // The panes of no later window: they are gone with this one.
    if (timestamp >= this.#cleanup.of(window)) this.#dropBefore(next)
    else if (holdsAny(panes, start, next)) this.#setCleanup(window)
  }

  #fire(window: TimeWindow, panes: readonly number[]): void {
    this.#call.current = window
    let merged: unknown
    for (let i = firstFrom(panes, window.start); i < panes.length; i++) {
      const pane = panes[i]!
      if (pane >= window.end) break
      this.#keyed.setNamespace(pane)
      const accumulator = this.#accumulator.value()
      merged = merged === undefined ? accumulator : this.#fold.merge(merged, accumulator)
    }
    if (merged !== undefined) this.#call.result(this.#fold.result(merged), window)
    this.#call.current = undefined
  }

  #dropBefore(time: number): void {
    for (const pane of this.#panes.removeBefore(time)) {
      this.#keyed.setNamespace(pane)
      this.#accumulator.clear()
    }
  }

  #setTimer({ start, maxTimestamp }: TimeWindow): void {
    const keyed = this.#keyed
    keyed.setNamespace(start)
    if (this.#cleanup.isEventTime) keyed.timers.registerEventTime(maxTimestamp)
    else keyed.registerFiniteProcessingTime(maxTimestamp)
  }

  #setCleanup(window: TimeWindow): void {
    this.#keyed.setNamespace(window.start)
    this.#cleanup.register(window)
  }

  describeCurrent(): string | undefined {
    return this.#call.describeCurrent()
  }
}

/** Whether any of these panes, in ascending order, begins in `[start, end)`. */
function holdsAny(panes: readonly number[], start: number, end: number): boolean {
  const at = firstFrom(panes, start)
  return at < panes.length && panes[at]! < end
}
