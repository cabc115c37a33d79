import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { KeyedStream, WindowedStream } from '../../../operators/streams.ts'
import {
  continuousEventTimeTrigger,
  continuousProcessingTimeTrigger,
} from '../../../operators/window/continuous-triggers.ts'
import { countTrigger } from '../../../operators/window/count-trigger.ts'
import { deltaTrigger } from '../../../operators/window/delta-trigger.ts'
import { globalWindows } from '../../../operators/window/global-windows.ts'
import { processingTimeoutTrigger } from '../../../operators/window/processing-timeout-trigger.ts'
import { purgingTrigger } from '../../../operators/window/purging-trigger.ts'
import { eventTimeSessionWindows } from '../../../operators/window/session-windows.ts'
import {
  endOfStreamTrigger,
  eventTimeTrigger,
  neverTrigger,
  processingTimeTrigger,
} from '../../../operators/window/time-triggers.ts'
import type { TimeWindow } from '../../../operators/window/time-window.ts'
import type { AnyTrigger } from '../../../operators/window/trigger.ts'
import {
  tumblingEventTimeWindows,
  tumblingProcessingTimeWindows,
} from '../../../operators/window/tumbling-windows.ts'
import {
  type ModelTrigger,
  type ModelWindow,
  TriggerModel,
  type TriggerModelOptions,
} from './trigger-model.ts'
import { ids, type Item, named, runWindows, type Step, steps } from './window-run.ts'

/** A trigger and what it does in plain words. */
interface Pair {
  readonly trigger: AnyTrigger
  readonly model: ModelTrigger
}

const eventTime: Pair = {
  trigger: eventTimeTrigger() as AnyTrigger,
  model: {
    record(window, _item, { watermark }) {
      if (window.max <= watermark) return true
      window.event.add(window.max)
      return false
    },
    due: ({ max }, at, _times, domain) => domain === 'event' && at === max,
    merge(window, _from, { watermark }) {
      if (window.max > watermark) window.event.add(window.max)
    },
  },
}

const processingTime: Pair = {
  trigger: processingTimeTrigger() as AnyTrigger,
  model: {
    record(window) {
      window.processing.add(window.max)
      return false
    },
    due: ({ max }, at, _times, domain) => domain === 'processing' && at === max,
    merge: (window) => void window.processing.add(window.max),
  },
}

const never: Pair = {
  trigger: neverTrigger() as AnyTrigger,
  model: { record: () => false, merge() {} },
}

const endOfStream: Pair = {
  trigger: endOfStreamTrigger() as AnyTrigger,
  model: {
    record(window) {
      window.event.add(Infinity)
      return false
    },
    due: (_window, at) => at === Infinity,
    merge: (window) => void window.event.add(Infinity),
  },
}

const counted = (limit: number): Pair => ({
  trigger: countTrigger(limit) as AnyTrigger,
  model: {
    record(window) {
      window.count++
      if (window.count < limit) return false
      window.count = 0
      return true
    },
    merge(window, from) {
      for (const { count } of from) window.count += count
    },
  },
})

const delta = (threshold: number): Pair => ({
  trigger: deltaTrigger(threshold, (a: Item, b: Item) => b.timestamp - a.timestamp) as AnyTrigger,
  model: {
    record(window, item) {
      const { last } = window
      const isFar = last !== undefined && item.timestamp - last.timestamp > threshold
      if (last === undefined || isFar) window.last = item
      return isFar
    },
  },
})

/** The earliest of what merged windows would do next. */
function earliest(from: readonly ModelWindow[]): number | undefined {
  const nexts = from.flatMap(({ next }) => (next === undefined ? [] : [next]))
  return nexts.length === 0 ? undefined : Math.min(...nexts)
}

const continuousEventTime = (every: number): Pair => ({
  trigger: continuousEventTimeTrigger(every) as AnyTrigger,
  model: {
    record(window, { timestamp }, { watermark }) {
      const { max } = window
      if (max <= watermark) return true
      window.event.add(max)
      window.next ??= Math.min(timestamp - (timestamp % every) + every, max)
      window.event.add(window.next)
      return false
    },
    due(window, at, { watermark }, domain) {
      if (domain !== 'event') return false
      if (at === window.max) return true
      if (at !== window.next) return false
      // At the end of input there is no way to go to a window of the clock, nor through one without an end.
      const begin = window.start === -Infinity ? Infinity : window.start
      const isAway = watermark === Infinity && at + every < begin
      window.next = isAway ? window.max : Math.min(at + every, window.max)
      window.event.add(window.next)
      return true
    },
    merge(window, from, { watermark }) {
      window.next = earliest(from)
      if (window.next !== undefined) window.event.add(window.next)
      if (window.max > watermark) window.event.add(window.max)
    },
  },
})

const continuousProcessingTime = (every: number): Pair => ({
  trigger: continuousProcessingTimeTrigger(every) as AnyTrigger,
  model: {
    record(window, _item, { now }) {
      const first = Math.floor(now / every) * every
      window.next ??= first < window.max ? Math.min(first + every, window.max) : first + every
      window.processing.add(window.next)
      return false
    },
    due(window, at, _times, domain) {
      if (domain !== 'processing' || at !== window.next) return false
      window.next = at < window.max ? Math.min(at + every, window.max) : at + every
      window.processing.add(window.next)
      return true
    },
    merge(window, from) {
      window.next = earliest(from)
      if (window.next !== undefined) window.processing.add(window.next)
    },
  },
})

const timeout = (
  limit: number,
  after: number,
  options: { resetOnNewRecord: boolean; clearOnTimeout: boolean },
): Pair => ({
  trigger: processingTimeoutTrigger(countTrigger(limit), after, options) as AnyTrigger,
  model: {
    record(window, _item, { now }) {
      const forget = (): void => {
        if (window.next !== undefined) window.processing.delete(window.next)
        window.next = undefined
      }
      window.count++
      if (window.count >= limit) {
        window.count = 0
        forget()
        return true
      }
      if (options.resetOnNewRecord) forget()
      if (window.next === undefined) {
        window.next = now + after
        window.processing.add(window.next)
      }
      return false
    },
    due(window) {
      if (options.clearOnTimeout) {
        if (window.next !== undefined) window.processing.delete(window.next)
        window.next = undefined
        window.count = 0
      }
      return true
    },
  },
})

const numbers = fc.record({
  limit: fc.integer({ min: 1, max: 5 }),
  span: fc.integer({ min: 1, max: 40 }),
  size: fc.integer({ min: 10, max: 80 }),
  lateness: fc.constantFrom(0, 10, 60, 1_000),
  purges: fc.boolean(),
  isReset: fc.boolean(),
  isCleared: fc.boolean(),
  lateFiring: fc.constantFrom(undefined, 1, 20, 50),
})
type Numbers = typeof numbers extends fc.Arbitrary<infer N> ? N : never

const triggers: Record<string, (numbers: Numbers) => Pair> = {
  eventTimeTrigger: () => eventTime,
  processingTimeTrigger: () => processingTime,
  neverTrigger: () => never,
  endOfStreamTrigger: () => endOfStream,
  countTrigger: ({ limit }) => counted(limit),
  continuousEventTimeTrigger: ({ span }) => continuousEventTime(span),
  continuousProcessingTimeTrigger: ({ span }) => continuousProcessingTime(span),
  deltaTrigger: ({ span }) => delta(span),
  processingTimeoutTrigger: ({ limit, span, isReset, isCleared }) =>
    timeout(limit, span, { resetOnNewRecord: isReset, clearOnTimeout: isCleared }),
}

type Windowed = WindowedStream<Item, string, TimeWindow, true>

function windowed(keyed: KeyedStream<Item, string>, options: TriggerModelOptions): Windowed {
  const { kind, size = 1, lateness = 0 } = options
  const assigner = {
    event: () => tumblingEventTimeWindows(size),
    processing: () => tumblingProcessingTimeWindows(size),
    global: () => globalWindows(),
    sessions: () => eventTimeSessionWindows(({ gap }: Item) => gap),
  }[kind]()
  return (keyed.window(assigner as never) as Windowed).allowedLateness(lateness)
}

async function check({ trigger, model }: Pair, options: TriggerModelOptions, given: Step[]) {
  const { purges, lateFiring } = options
  const { output } = await runWindows((keyed) => {
    let stream = windowed(keyed, options).trigger(
      (purges === true ? purgingTrigger(trigger) : trigger) as never,
    )
    if (lateFiring !== undefined) stream = stream.lateFiring({ atMostEvery: lateFiring })
    return stream.aggregate(ids, named, { uid: 'windows' })
  }, given)
  const expected = new TriggerModel(model, options).run(given)
  const sorted = (rows: readonly string[]): string[] => rows.toSorted()
  expect(output.map(sorted)).toEqual(expected.map(sorted))
}

const MERGING = Object.entries(triggers).filter(
  ([, make]) => make({ limit: 1, span: 1 } as Numbers).model.merge !== undefined,
)

describe('triggers fire when a model with plain arrays does', () => {
  test.each(Object.entries(triggers))(
    '%s, in windows of event time, of processing time, and of all time (semantics 1.1, 2.3, 2.4)',
    async (_name, make) => {
      const kinds = fc.constantFrom('event', 'processing', 'global')
      const property = fc.asyncProperty(numbers, kinds, steps, async (drawn, kind, given) => {
        const { size, lateness, purges } = drawn
        await check(make(drawn), { kind, size, lateness, purges } as TriggerModelOptions, given)
      })
      await fc.assert(property, { numRuns: 30 })
    },
  )

  test.each(MERGING)('%s, in sessions (semantics 2.2, 2.4)', async (_name, make) => {
    const property = fc.asyncProperty(numbers, steps, async (drawn, given) => {
      const { lateness, purges } = drawn
      await check(make(drawn), { kind: 'sessions', lateness, purges }, given)
    })
    await fc.assert(property, { numRuns: 30 })
  })
})

describe('late firing happens when a model with plain arrays says', () => {
  test.each(['event', 'sessions'] as const)(
    'in %s windows, with triggers that fire for late records (semantics 2.3)',
    async (kind) => {
      const late = fc.constantFrom('eventTimeTrigger', 'countTrigger', 'continuousEventTimeTrigger')
      const property = fc.asyncProperty(numbers, late, steps, async (drawn, name, given) => {
        const { size, purges, lateFiring } = drawn
        const lateness = Math.max(10, drawn.lateness)
        await check(
          triggers[name]!(drawn),
          { kind, size, lateness, purges, ...(lateFiring === undefined ? {} : { lateFiring }) },
          given,
        )
      })
      await fc.assert(property, { numRuns: 50 })
    },
  )
})
