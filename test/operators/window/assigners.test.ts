import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { WindowedStream } from '../../../operators/streams.ts'
import type { AggregateFunction } from '../../../operators/window/aggregate-function.ts'
import {
  eventTimeSessionWindows,
  processingTimeSessionWindows,
} from '../../../operators/window/session-windows.ts'
import {
  slidingEventTimeWindows,
  slidingProcessingTimeWindows,
} from '../../../operators/window/sliding-windows.ts'
import type { TimeWindow } from '../../../operators/window/time-window.ts'
import {
  tumblingEventTimeWindows,
  tumblingProcessingTimeWindows,
} from '../../../operators/window/tumbling-windows.ts'
import type { WindowAssigner } from '../../../operators/window/window-assigner.ts'
import { type ModelOptions, modelWindows } from './window-model.ts'
import { byKey, ids, type Item, LATE, named, runWindows, steps, type Step } from './window-run.ts'

/** All windows of one size that hold a time, later ones first, by trying every start. */
const holding =
  (size: number, slide: number, offset: number): ModelOptions['assign'] =>
  (_item, time) => {
    const windows: [number, number][] = []
    for (let start = time; start > time - size; start--) {
      if ((start - offset) % slide === 0) windows.push([start, start + size])
    }
    return windows
  }

interface Case {
  readonly assigner: WindowAssigner<Item, TimeWindow, boolean>
  readonly model: ModelOptions
  /** Default `ids`. */
  readonly aggregate?: AggregateFunction<Item, string[], string>
}

/** The same without `merge`: no panes, which would put the records of a window in the order of these. */
const { merge: _merge, ...orderedIds } = ids

type Windowed = WindowedStream<Item, string, TimeWindow, false>

/** Emits what the model does, step by step, keeps nothing, and drops or puts aside what the model calls late. */
async function check(
  { assigner, model, aggregate = ids }: Case,
  given: readonly Step[],
): Promise<void> {
  const lateness = model.lateness ?? 0
  const expected = modelWindows(given, model)
  const configured = (windowed: Windowed): Windowed => windowed.allowedLateness(lateness)
  const dropping = await runWindows(
    (keyed) =>
      configured(keyed.window(assigner) as Windowed).aggregate(aggregate, named, {
        uid: 'windows',
      }),
    given,
  )
  expect(dropping.output.map(byKey)).toEqual(expected.output.map(byKey))
  expect(dropping.dropped).toBe(expected.late.length)
  const { entriesLeft, eventTimersLeft, processingTimersLeft } = dropping
  expect([entriesLeft, eventTimersLeft, processingTimersLeft]).toEqual([0, 0, 0])
  const aside = await runWindows(
    (keyed) =>
      configured(keyed.window(assigner) as Windowed)
        .sideOutputLateData(LATE)
        .aggregate(aggregate, named, { uid: 'windows' }),
    given,
  )
  expect(aside.output.map(byKey)).toEqual(expected.output.map(byKey))
  expect([aside.late, aside.dropped]).toEqual([expected.late, 0])
}

const sizes = fc.record({
  size: fc.integer({ min: 1, max: 40 }),
  slide: fc.integer({ min: 1, max: 40 }),
  shift: fc.double({ min: -1, max: 1, noNaN: true }),
  lateness: fc.constantFrom(0, 0, 5, 30),
})

interface Drawn {
  readonly size: number
  readonly slide: number
  readonly shift: number
  readonly lateness: number
}

const cases: Record<string, (drawn: Drawn) => Case> = {
  'tumbling windows of event time': ({ size, shift, lateness }) => {
    const offset = Math.trunc(shift * (size - 1))
    return {
      assigner: tumblingEventTimeWindows(size, { offset }),
      model: { isEventTime: true, assign: holding(size, size, offset), lateness },
    }
  },
  'tumbling windows of processing time': ({ size, shift }) => {
    const offset = Math.trunc(shift * (size - 1))
    return {
      assigner: tumblingProcessingTimeWindows(size, { offset }),
      model: { isEventTime: false, assign: holding(size, size, offset) },
    }
  },
  'sliding windows of event time': ({ size, slide, shift, lateness }) => {
    const offset = Math.trunc(shift * (slide - 1))
    return {
      aggregate: orderedIds,
      assigner: slidingEventTimeWindows(size, slide, { offset }),
      model: { isEventTime: true, assign: holding(size, slide, offset), lateness },
    }
  },
  'sliding windows of processing time': ({ size, slide, shift }) => {
    const offset = Math.trunc(shift * (slide - 1))
    return {
      aggregate: orderedIds,
      assigner: slidingProcessingTimeWindows(size, slide, { offset }),
      model: { isEventTime: false, assign: holding(size, slide, offset) },
    }
  },
  'sessions of event time': ({ size, lateness }) => ({
    assigner: eventTimeSessionWindows(size),
    model: {
      isEventTime: true,
      isMerging: true,
      assign: (_item, time) => [[time, time + size]],
      lateness,
    },
  }),
  'sessions of event time with a gap of each record': ({ lateness }) => ({
    assigner: eventTimeSessionWindows((item: Item) => item.gap),
    model: {
      isEventTime: true,
      isMerging: true,
      assign: ({ gap }, time) => [[time, time + gap]],
      lateness,
    },
  }),
  'sessions of processing time': ({ size }) => ({
    assigner: processingTimeSessionWindows(size),
    model: { isEventTime: false, isMerging: true, assign: (_item, now) => [[now, now + size]] },
  }),
}

describe('windows emit what a model with plain arrays emits', () => {
  test.each(Object.keys(cases))('%s (semantics 1.1, 2.1, 2.2, 2.3)', async (name) => {
    const property = fc.asyncProperty(sizes, steps, async (drawn, given) => {
      await check(cases[name]!(drawn), given)
    })
    await fc.assert(property, { numRuns: 60 })
  })
})
