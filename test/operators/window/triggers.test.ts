import { describe, expect, test } from 'vitest'
import type { DataStream, KeyedStream } from '../../../operators/streams.ts'
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
import { tumblingEventTimeWindows } from '../../../operators/window/tumbling-windows.ts'
import type { AnyTrigger } from '../../../operators/window/trigger.ts'
import { ids, type Item, named, runWindows, START, type Step } from './window-run.ts'

type Keyed = KeyedStream<Item, string>

const at = (timestamp: number): Step => ({ key: 'a', timestamp, gap: 10 })
const watermark = (time: number): Step => ({ watermark: time })
const advance = (ms: number): Step => ({ advance: ms })

/** Windows of event time of 100 ms. */
const hundred =
  (trigger: AnyTrigger, lateness = 0) =>
  (keyed: Keyed): DataStream<string> =>
    keyed
      .window(tumblingEventTimeWindows(100))
      .trigger(trigger as never)
      .allowedLateness(lateness)
      .aggregate(ids, named, { uid: 'windows' })

const global =
  (trigger: AnyTrigger) =>
  (keyed: Keyed): DataStream<string> =>
    keyed
      .window(globalWindows())
      .trigger(trigger as never)
      .aggregate(ids, named, { uid: 'windows' })

const sessions =
  (trigger: AnyTrigger) =>
  (keyed: Keyed): DataStream<string> =>
    keyed
      .window(eventTimeSessionWindows(10))
      .trigger(trigger as never)
      .aggregate(ids, named, { uid: 'windows' })

/** The rows of each step, without key and window where there is only one. */
async function rows(
  build: (keyed: Keyed) => DataStream<string>,
  given: readonly Step[],
  options: { readonly endInput?: boolean } = {},
): Promise<string[][]> {
  const { output } = await runWindows(build, given, options)
  return output.map((step) => step.map((row) => row.replace(/^a (\[0,100\) )?/, '')))
}

describe('eventTimeTrigger (semantics 2.4)', () => {
  test('fires once when the watermark has reached the last timestamp, not before', async () => {
    const given = [at(5), at(6), watermark(98), watermark(99), watermark(200)]
    expect(await rows(hundred(eventTimeTrigger()), given)).toEqual([[], [], [], ['0+1'], [], []])
  })

  test('fires at once for each late record that is still allowed, with all that is in the window (semantics 2.3)', async () => {
    const given = [at(5), watermark(99), at(6), at(7), watermark(149), at(8)]
    expect(await rows(hundred(eventTimeTrigger(), 50), given)).toEqual([
      ...[[], ['0'], ['0+2'], ['0+2+3'], [], [], []],
    ])
  })

  test('does not register a timer for a merged window that is over', async () => {
    const build = (keyed: Keyed) =>
      keyed
        .window(eventTimeSessionWindows(10))
        .allowedLateness(100)
        .aggregate(ids, named, { uid: 'windows' })
    const given = [at(0), at(20), watermark(40), at(10)]
    const { output } = await runWindows(build, given, { endInput: false })
    expect(output).toEqual([[], [], ['a [0,10) 0', 'a [20,30) 1'], ['a [0,30) 0+1+3'], []])
  })
})

describe('processingTimeTrigger (semantics 2.4)', () => {
  test('fires when the clock is past the last timestamp of the window, whatever its domain', async () => {
    const soon = START - (START % 100) + 100
    const build = (keyed: Keyed) =>
      keyed
        .window(tumblingEventTimeWindows(100))
        .trigger(processingTimeTrigger())
        .aggregate(ids, { uid: 'windows' })
    const given = [at(START), advance(99), advance(1), watermark(soon - 1)]
    expect((await runWindows(build, given)).output).toEqual([[], [], ['0'], [], []])
  })
})

describe('countTrigger (semantics 2.4)', () => {
  test('fires every n records of a window, and counts anew', async () => {
    const given = [at(1), at(2), at(3), at(4), watermark(99)]
    expect(await rows(hundred(countTrigger(2)), given)).toEqual([
      ...[[], ['0+1'], [], ['0+1+2+3'], [], []],
    ])
  })

  test('counts each key and window by itself', async () => {
    const other: Step = { key: 'b', timestamp: 1, gap: 1 }
    const given = [at(1), other, at(101), at(2)]
    expect((await runWindows(hundred(countTrigger(2)), given)).output).toEqual([
      ...[[], [], [], ['a [0,100) 0+3'], []],
    ])
  })

  test('adds up the counts of windows that merge, and the record that merged them decides', async () => {
    const given = [at(0), at(1), at(20), at(11), at(31)]
    expect((await runWindows(sessions(countTrigger(4)), given)).output).toEqual([
      ...[[], [], [], ['a [0,30) 0+1+2+3'], [], []],
    ])
  })

  test('may be above its limit after a merge, and then fires with the record', async () => {
    const given = [at(0), at(1), at(20), at(21), at(11)]
    const { output } = await runWindows(sessions(countTrigger(3)), given)
    expect(output.at(-2)).toEqual(['a [0,31) 0+1+2+3+4'])
  })
})

describe('continuousEventTimeTrigger (semantics 2.4)', () => {
  test('fires at multiples of the interval and at the end of the window', async () => {
    const given = [at(12), watermark(39), watermark(40), watermark(79), watermark(99)]
    expect(await rows(hundred(continuousEventTimeTrigger(20)), given)).toEqual([
      ...[[], ['0'], ['0'], ['0'], ['0', '0'], []],
    ])
  })

  test('begins with the multiple above its first record', async () => {
    const given = [at(45), watermark(59), watermark(60)]
    expect(await rows(hundred(continuousEventTimeTrigger(20)), given)).toEqual([
      ...[[], [], ['0'], ['0', '0']],
    ])
  })

  test('fires for each multiple up to the end of the window where the watermark passes many, the final one too', async () => {
    const each = ['0', '0', '0', '0', '0']
    const trigger = () => continuousEventTimeTrigger(20)
    expect(await rows(hundred(trigger()), [at(5), watermark(99)])).toEqual([[], each, []])
    expect(await rows(hundred(trigger()), [at(5)])).toEqual([[], each])
  })

  test('is capped at the end of the window, which fires once', async () => {
    const given = [at(5), watermark(98), watermark(99)]
    expect(await rows(hundred(continuousEventTimeTrigger(1_000)), given)).toEqual([
      ...[[], [], ['0'], []],
    ])
  })

  test('fires at once for late records that are allowed', async () => {
    const given = [at(5), watermark(99), at(6)]
    const all = await rows(hundred(continuousEventTimeTrigger(1_000), 50), given)
    expect(all.slice(0, 3)).toEqual([[], ['0'], ['0+2']])
  })

  test('takes the earlier of two times where windows merge', async () => {
    const given = [at(4), at(16), at(8), watermark(10), watermark(20)]
    const { output } = await runWindows(sessions(continuousEventTimeTrigger(10)), given)
    expect(output).toEqual([[], [], [], ['a [4,26) 0+1+2'], ['a [4,26) 0+1+2'], ['a [4,26) 0+1+2']])
  })

  test('fires once at the end of input in a window without an end', async () => {
    const given = [at(5), watermark(10)]
    expect(await rows(global(continuousEventTimeTrigger(10)), given)).toEqual([
      ...[[], ['0'], ['0', '0']],
    ])
  })

  test('leaves no timer of windows that have become others', async () => {
    const given = [at(4), at(12), at(20)]
    const result = await runWindows(sessions(continuousEventTimeTrigger(10)), given, {
      endInput: false,
    })
    // The next multiple, and the end of the one session.
    expect(result.eventTimersLeft).toBe(2)
  })
})

describe('continuousProcessingTimeTrigger (semantics 2.4)', () => {
  test('fires at multiples of the interval of the clock', async () => {
    const given = [at(5), advance(20), advance(1), at(6), advance(20)]
    const build = global(continuousProcessingTimeTrigger(20))
    const { output } = await runWindows(build, given, { endInput: false })
    expect(output).toEqual([[], [], ['a 0'], [], ['a 0+3'], []])
  })

  test('fires once more when all input has ended, not on and on (semantics 1.1)', async () => {
    const given = [at(5), advance(21), at(6)]
    expect(await rows(global(continuousProcessingTimeTrigger(20)), given)).toEqual([
      ...[[], ['0'], [], ['0+2']],
    ])
  })

  test('fires on and on in windows whose event time is long over for the clock', async () => {
    const given = [at(5), advance(21), advance(20), watermark(99), advance(100)]
    expect(await rows(hundred(continuousProcessingTimeTrigger(20)), given)).toEqual([
      ...[[], ['0'], ['0'], [], [], []],
    ])
  })

  test('is capped by the end of a window of processing time', async () => {
    const build = (keyed: Keyed) =>
      keyed
        .window(tumblingEventTimeWindows(30, { offset: START % 30 }))
        .trigger(continuousProcessingTimeTrigger(20))
        .aggregate(ids, { uid: 'windows' })
    const given = [at(START), advance(21), advance(9)]
    expect((await runWindows(build, given)).output).toEqual([[], ['0'], ['0'], []])
  })
})

describe('deltaTrigger (semantics 2.4)', () => {
  test('fires for a record further than the threshold from the one that last fired', async () => {
    const far = deltaTrigger(10, (a: Item, b: Item) => b.timestamp - a.timestamp)
    const given = [at(0), at(10), at(11), at(21), at(22)]
    expect(await rows(global(far), given)).toEqual([...[[], [], ['0+1+2'], [], ['0+1+2+3+4'], []]])
  })

  test('cannot be used where windows merge', async () => {
    const far = deltaTrigger(10, (a: Item, b: Item) => b.timestamp - a.timestamp)
    await expect(runWindows(sessions(far), [])).rejects.toMatchObject({
      code: 'MR_GRAPH_INVALID',
      message: expect.stringContaining('their trigger has no onMerge') as string,
    })
  })
})

describe('purgingTrigger (semantics 2.4)', () => {
  test('drops what is in the window whenever it fires', async () => {
    const given = [at(1), at(2), at(3), at(4)]
    expect(await rows(global(purgingTrigger(countTrigger(2))), given)).toEqual([
      ...[[], ['0+1'], [], ['2+3'], []],
    ])
  })

  test('late records that are allowed fire alone (semantics 2.3)', async () => {
    const given = [at(5), watermark(99), at(6), at(7)]
    expect(await rows(hundred(purgingTrigger(eventTimeTrigger()), 50), given)).toEqual([
      ...[[], ['0'], ['2'], ['3'], []],
    ])
  })

  test('can merge where the trigger within can', () => {
    expect(purgingTrigger(countTrigger(1)).onMerge).toBeTypeOf('function')
    const delta = deltaTrigger(1, () => 0)
    expect(purgingTrigger(delta).onMerge).toBeUndefined()
  })
})

describe('processingTimeoutTrigger (semantics 2.4)', () => {
  const timeout = (options = {}) =>
    global(purgingTrigger(processingTimeoutTrigger(countTrigger(3), 20, options)))

  test('fires a while after the first record, if nothing has fired by then', async () => {
    const given = [at(1), advance(15), at(2), advance(6), advance(30)]
    expect(await rows(timeout(), given)).toEqual([[], [], [], ['0+2'], [], []])
  })

  test('lets the trigger within fire first, and forgets the timeout then', async () => {
    const given = [at(1), at(2), at(3), advance(30), at(4), advance(20), advance(1)]
    expect(await rows(timeout(), given)).toEqual([...[[], [], ['0+1+2'], [], [], [], ['4'], []]])
  })

  test('each record sets the timeout anew, if told so', async () => {
    const given = [at(1), advance(15), at(2), advance(6), advance(15)]
    expect(await rows(timeout({ resetOnNewRecord: true }), given)).toEqual([
      ...[[], [], [], [], ['0+2'], []],
    ])
  })

  test('clears what the trigger within has counted, unless told not to', async () => {
    const given = [at(1), at(2), advance(21), at(3), at(4), at(5)]
    expect(await rows(timeout(), given)).toEqual([...[[], [], ['0+1'], [], [], ['3+4+5'], []]])
    expect(await rows(timeout({ clearOnTimeout: false }), given)).toEqual([
      ...[[], [], ['0+1'], ['3'], [], [], ['4+5']],
    ])
  })

  test('any timer of the window fires it, that of its cleanup too', async () => {
    const trigger = processingTimeoutTrigger(neverTrigger(), 1_000)
    expect(await rows(hundred(trigger), [at(1), watermark(99)])).toEqual([[], ['0'], []])
  })

  test('may be nested in itself', async () => {
    const inner = processingTimeoutTrigger(countTrigger(3), 20)
    const given = [at(1), advance(11), advance(20)]
    expect(await rows(global(processingTimeoutTrigger(inner, 10)), given)).toEqual([
      ...[[], ['0'], [], []],
    ])
  })
})

describe('endOfStreamTrigger and neverTrigger (semantics 2.4)', () => {
  test('the one fires once when all input has ended, the other never', async () => {
    const given = [at(1), watermark(1_000), at(2)]
    expect(await rows(global(endOfStreamTrigger()), given)).toEqual([[], [], [], ['0+2']])
    expect(await rows(global(neverTrigger()), given)).toEqual([[], [], [], []])
  })

  test('globalWindows fires at the end of input if told so, and else never (semantics 2.1)', async () => {
    const build = (fireAtEndOfStream: boolean) => (keyed: Keyed) =>
      keyed.window(globalWindows({ fireAtEndOfStream })).aggregate(ids, { uid: 'windows' })
    expect((await runWindows(build(true), [at(1), at(2)])).output).toEqual([[], [], ['0+1']])
    expect((await runWindows(build(false), [at(1), at(2)])).output).toEqual([[], [], []])
  })
})

describe("a trigger of one's own", () => {
  const returning = (result: unknown): AnyTrigger => ({
    ...neverTrigger(),
    onElement: () => result as never,
  })

  test.each([undefined, 'FIRE', 1])('that returns %s is refused', async (result) => {
    await expect(runWindows(global(returning(result)), [at(1)])).rejects.toMatchObject({
      code: 'MR_WINDOW_INVALID',
    })
  })

  test('that returns a promise is refused (R15)', async () => {
    await expect(
      runWindows(global(returning(Promise.resolve('fire'))), [at(1)]),
    ).rejects.toMatchObject({ code: 'MR_FUNCTION_ASYNC' })
  })

  test('cannot delete the timer that cleans its window up (semantics 2.3)', async () => {
    const deleting: AnyTrigger = {
      ...neverTrigger(),
      onElement(_value, _timestamp, { maxTimestamp }, { timers }) {
        timers.registerEventTime(maxTimestamp)
        timers.deleteEventTime(maxTimestamp)
        return 'continue'
      },
    }
    const { entriesLeft } = await runWindows(hundred(deleting), [at(1), at(2), watermark(99)])
    expect(entriesLeft).toBe(0)
  })

  test('that purges drops what is in the window, and keeps its own state (semantics 2.3)', async () => {
    const purging: AnyTrigger = {
      ...countTrigger(3),
      onElement: (value, timestamp, window, ctx) =>
        countTrigger(3).onElement(value, timestamp, window, ctx as never) === 'fire'
          ? 'fire'
          : 'purge',
    }
    expect(await rows(global(purging), [at(1), at(2), at(3)])).toEqual([[], [], ['2'], []])
  })
})
