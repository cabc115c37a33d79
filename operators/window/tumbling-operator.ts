import type { KeyedContext, Operator, OperatorContext } from '../../runtime/operator.ts'
import type { StateDescriptor, ValueState } from '../../runtime/state/state.ts'
import { FunctionRun } from '../function.ts'
import { keyedOf } from '../process-context.ts'
import type { Fold } from './fold.ts'
import { type TimeWindow, timeWindow, windowStart } from './time-window.ts'
import type { TumblingWindows } from './tumbling-windows.ts'
import { requireTimestamp } from './window-assigner.ts'
import { WindowCall } from './window-call.ts'
import { lifecycleOf, type WindowWork } from './window-work.ts'

/**
 * The operator of the plainest windows: tumbling, of event time, folded, each firing once and gone by then.
 *
 * What `WindowOperator` does for them with half of its calls: the timer that fires a window is the one that ends it, so it is set
 * with the first record, and later ones touch nothing but the accumulator.
 */
export class TumblingOperator extends FunctionRun implements Operator<unknown> {
  readonly #assigner: TumblingWindows
  readonly #fold: Fold
  readonly #keyed: KeyedContext
  readonly #accumulator: ValueState<unknown>
  readonly #call: WindowCall
  readonly #context: OperatorContext

  constructor(
    assigner: TumblingWindows,
    work: WindowWork & { readonly fold: Fold },
    state: StateDescriptor,
    context: OperatorContext,
  ) {
    super(lifecycleOf(work), context)
    this.#assigner = assigner
    this.#fold = work.fold
    this.#keyed = keyedOf(context)
    this.#accumulator = this.#keyed.state(state) as ValueState<unknown>
    this.#call = new WindowCall(work.firing, context, this.#keyed)
    this.#context = context
  }

  processElement(value: unknown, timestamp: number): void {
    requireTimestamp(timestamp)
    const { offsetMs, sizeMs } = this.#assigner
    const start = windowStart(timestamp, offsetMs, sizeMs)
    const maxTimestamp = start + sizeMs - 1
    const { timers } = this.#keyed
    if (maxTimestamp <= timers.currentWatermark) {
      this.#context.count('numLateRecordsDropped')
      return
    }
    this.#keyed.setNamespace(start)
    const before = this.#accumulator.value()
    if (before === undefined) timers.registerEventTime(maxTimestamp)
    this.#accumulator.update(this.#fold.add(before, value))
  }

  onEventTime(timestamp: number): void {
    const start = this.#keyed.currentNamespace
    if (typeof start !== 'number') return
    const window: TimeWindow = timeWindow(start, start + this.#assigner.sizeMs)
    // A timer of other windows, whose state was left behind at a restart, closes nothing.
    if (timestamp < window.maxTimestamp) return
    const accumulator = this.#accumulator.value()
    if (accumulator === undefined) return
    // A later one is what is left of a lateness that was allowed before a restart: the window has fired.
    if (timestamp === window.maxTimestamp) this.#call.accumulated(accumulator, this.#fold, window)
    this.#accumulator.clear()
  }

  describeCurrent(): string | undefined {
    return this.#call.describeCurrent()
  }
}
