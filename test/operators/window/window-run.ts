import fc from 'fast-check'
import type { Out } from '../../../operators/collector.ts'
import { outputTag } from '../../../operators/output-tag.ts'
import type { DataStream, KeyedStream } from '../../../operators/streams.ts'
import type { MergingAggregateFunction } from '../../../operators/window/aggregate-function.ts'
import { isTimeWindow, type Window } from '../../../operators/window/time-window.ts'
import {
  type WindowFunction,
  windowProcessFunction,
} from '../../../operators/window/window-function.ts'
import { valueState } from '../../../runtime/state/state.ts'
import { operatorHarness } from '../../../testing/operator-harness.ts'

/** A record under test. */
export interface Item {
  readonly id: string
  readonly key: string
  readonly gap: number
  readonly timestamp: number
}

/** What happens to windows under test: a record, a watermark, or time that passes. */
export type Step =
  | { readonly key: string; readonly timestamp: number; readonly gap: number }
  | { readonly watermark: number }
  | { readonly advance: number }

/** Where the clock of a test begins, a multiple of many sizes. */
export const START = 1_000_000

/** Random steps; timestamps within about 150 ms of event time. */
export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        key: fc.constantFrom('a', 'b'),
        timestamp: fc.integer({ min: -40, max: 110 }),
        gap: fc.integer({ min: 1, max: 20 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ watermark: fc.integer({ min: -50, max: 120 }) }) },
    { weight: 1, arbitrary: fc.record({ advance: fc.integer({ min: 1, max: 30 }) }) },
  ),
  { maxLength: 40, size: 'max' },
)

/** The ids of all records of a window, in the order in which they came. */
export const ids: MergingAggregateFunction<Item, string[], string> = {
  create: () => [],
  add: (soFar, { id }) => [...soFar, id],
  result: (all) => all.join('+'),
  merge: (a, b) => [...a, ...b],
}

/** `key [start,end) result`, or without the window where that is all of time. */
export const named: WindowFunction<string, string, string, Window> = (result, ctx, out) => {
  out.emit(rowText(ctx.key, ctx.window, result))
}

/** The same with how often a window of the key has fired, from a state of the key. */
export const numbered = windowProcessFunction({
  globalState: { fired: valueState<number>() },
  process([result]: readonly string[], ctx, out: Out<string>) {
    const fired = (ctx.globalState.fired.value() ?? 0) + 1
    ctx.globalState.fired.update(fired)
    out.emit(rowText(String(ctx.key), ctx.window, `#${fired} ${result}`))
  },
})

export function rowText(key: string, window: Window, result: string): string {
  const span = isTimeWindow(window) ? ` [${window.start},${window.end})` : ''
  return `${key}${span} ${result}`
}

export const LATE = outputTag<Item>('late')

export interface WindowResult {
  /** Everything emitted, in order, one list for each step and one for the end of input. */
  readonly output: readonly (readonly string[])[]
  readonly late: readonly string[]
  readonly dropped: number
  readonly entriesLeft: number
  readonly eventTimersLeft: number
  readonly processingTimersLeft: number
}

/** Runs steps through a windowed stream in the harness: strict, with the real state. */
export async function runWindows(
  build: (keyed: KeyedStream<Item, string>) => DataStream<string>,
  given: readonly Step[],
  { endInput = true }: { readonly endInput?: boolean } = {},
): Promise<WindowResult> {
  const harness = await operatorHarness(
    (items: DataStream<Item>) => build(items.keyBy((item) => item.key)),
    { processingTime: START },
  )
  const output: string[][] = []
  let seen = 0
  const collect = (): void => {
    const all = harness.outputValues()
    output.push(all.slice(seen))
    seen = all.length
  }
  try {
    for (const [index, step] of given.entries()) {
      if ('watermark' in step) harness.processWatermark(step.watermark)
      else if ('advance' in step) harness.advanceProcessingTime(step.advance)
      else harness.processElement({ ...step, id: String(index) }, step.timestamp)
      collect()
    }
    if (endInput) harness.endInput()
    collect()
    return {
      output,
      late: harness.sideOutputValues(LATE).map(({ id }) => id),
      dropped: harness.counter('numLateRecordsDropped'),
      entriesLeft: harness.numKeyedStateEntries,
      eventTimersLeft: harness.numEventTimeTimers,
      processingTimersLeft: harness.numProcessingTimeTimers,
    }
  } finally {
    await harness.close()
  }
}

/** The order of rows of one step: by time for one key, but keys have none among them. */
export function byKey(rows: readonly string[]): string[] {
  return [...rows].sort((a, b) => (a[0]! < b[0]! ? -1 : a[0]! > b[0]! ? 1 : 0))
}
