import { describe, expect, test } from 'vitest'
import type { Out } from '../../../operators/collector.ts'
import { outputTag } from '../../../operators/output-tag.ts'
import type { DataStream, KeyedStream } from '../../../operators/streams.ts'
import { globalWindows } from '../../../operators/window/global-windows.ts'
import { eventTimeSessionWindows } from '../../../operators/window/session-windows.ts'
import { slidingEventTimeWindows } from '../../../operators/window/sliding-windows.ts'
import { countTrigger } from '../../../operators/window/count-trigger.ts'
import { eventTimeTrigger, neverTrigger } from '../../../operators/window/time-triggers.ts'
import {
  type GlobalWindow,
  type TimeWindow,
  timeWindow,
} from '../../../operators/window/time-window.ts'
import {
  tumblingEventTimeWindows,
  tumblingProcessingTimeWindows,
} from '../../../operators/window/tumbling-windows.ts'
import type { WindowAssigner } from '../../../operators/window/window-assigner.ts'
import {
  type WindowContext,
  type WindowProcessContext,
  windowProcessFunction,
} from '../../../operators/window/window-function.ts'
import { listState, mapState, valueState } from '../../../runtime/state/state.ts'
import { operatorHarness } from '../../../testing/operator-harness.ts'
import { ids, type Item, LATE, named, runWindows, type Step } from './window-run.ts'

type Keyed = KeyedStream<Item, string>

const at = (timestamp: number, key = 'a'): Step => ({ key, timestamp, gap: 10 })
const watermark = (time: number): Step => ({ watermark: time })

const item = (timestamp: number): Item => ({ id: String(timestamp), key: 'a', gap: 1, timestamp })

describe('reduce and process on windows', () => {
  test('reduce emits what the records of a window have come to', async () => {
    const build = (keyed: Keyed) =>
      keyed
        .window(tumblingEventTimeWindows(10))
        .reduce((a, b) => ({ ...a, id: a.id + b.id }), { uid: 'reduced' })
        .map(({ id }) => id)
    const given = [at(1), at(2), at(12), watermark(9)]
    expect((await runWindows(build, given)).output).toEqual([[], [], [], ['01'], ['2']])
  })

  test('reduce with a window function gives it the one result', async () => {
    const build = (keyed: Keyed) =>
      keyed
        .window(slidingEventTimeWindows(20, 10))
        .allowedLateness(5)
        .reduce(
          (a, b) => ({ ...a, id: `${a.id}+${b.id}` }),
          (result, ctx, out: Out<string>) => out.emit(`${ctx.window.start} ${result.id}`),
          { uid: 'reduced' },
        )
    const given = [at(1), at(12), watermark(19), at(18)]
    expect((await runWindows(build, given)).output).toEqual([
      ...[[], [], ['-10 0', '0 0+1'], ['0 0+1+3'], ['10 1+3']],
    ])
  })

  test('a function with states behind aggregate gets the result as its one element', async () => {
    const build = (keyed: Keyed) =>
      keyed.window(tumblingEventTimeWindows(10)).aggregate(
        ids,
        windowProcessFunction({
          process(results: readonly string[], ctx, out: Out<string>) {
            out.emit(`${ctx.window.start}: ${results.join('|')}`)
          },
        }),
        { uid: 'aggregated' },
      )
    const given = [at(1), at(2), watermark(9)]
    expect((await runWindows(build, given)).output[2]).toEqual(['0: 0+1'])
  })

  test('process sees all records in the order of arrival, again for each late one (semantics 2.3)', async () => {
    const build = (keyed: Keyed) =>
      keyed
        .window(tumblingEventTimeWindows(10))
        .allowedLateness(10)
        .process(
          windowProcessFunction({
            process(elements: readonly Item[], ctx, out: Out<string>) {
              out.emit(`${ctx.key} ${elements.map(({ id }) => id).join('+')}`)
            },
          }),
          { uid: 'listed' },
        )
    const given = [at(7), at(2), at(3, 'b'), watermark(9), at(1), watermark(19), at(1)]
    const { output, dropped, entriesLeft } = await runWindows(build, given)
    expect(output.map((step) => step.toSorted())).toEqual([
      ...[[], [], [], ['a 0+1', 'b 2'], ['a 0+1+4'], [], [], []],
    ])
    expect([dropped, entriesLeft]).toEqual([1, 0])
  })

  test('records of sessions that merge are put together', async () => {
    const build = (keyed: Keyed) =>
      keyed.window(eventTimeSessionWindows(10)).process(
        windowProcessFunction({
          process(elements: readonly Item[], ctx, out: Out<string>) {
            const { start, end } = ctx.window
            out.emit(`${start}-${end} ${elements.map(({ id }) => id).join('+')}`)
          },
        }),
        { uid: 'sessions' },
      )
    const given = [at(0), at(30), at(15), at(20), at(7), watermark(39), at(60)]
    const { output, entriesLeft } = await runWindows(build, given)
    expect(output).toEqual([[], [], [], [], [], ['0-40 0+2+1+3+4'], [], ['60-70 6']])
    expect(entriesLeft).toBe(0)
  })
})

describe('states of window functions', () => {
  const counting = (cleared: number[]) =>
    windowProcessFunction({
      windowState: { fired: valueState<number>(), all: listState<number>() },
      globalState: { total: valueState<number>(), byStart: mapState<number, number>() },
      process(elements: readonly Item[], ctx, out: Out<string>) {
        const fired = (ctx.windowState.fired.value() ?? 0) + 1
        const { total, byStart } = ctx.globalState
        ctx.windowState.fired.update(fired)
        total.update((total.value() ?? 0) + 1)
        byStart.put(ctx.window.start, elements.length)
        ctx.windowState.all.add(fired)
        const starts = [...byStart.entries()].map(([start, count]) => `${start}:${count}`)
        out.emit(
          `${ctx.windowState.all.get().length}=${fired} of ${total.value()}, ${starts.join(' ')}`,
        )
      },
      clear(ctx) {
        cleared.push(ctx.windowState.fired.value() ?? 0, ctx.globalState.total.value() ?? 0)
      },
    })

  test('are of the window, gone with it, and of the key, shared by its windows', async () => {
    const cleared: number[] = []
    const build = (keyed: Keyed) =>
      keyed
        .window(tumblingEventTimeWindows(10))
        .allowedLateness(5)
        .process(counting(cleared), { uid: 'counted' })
    const given = [at(1), watermark(9), at(2), at(11), watermark(19), watermark(29), at(35)]
    const { output, entriesLeft } = await runWindows(build, given)
    expect(output).toEqual([
      ...[[], ['1=1 of 1, 0:1'], ['2=2 of 2, 0:2'], [], ['1=1 of 3, 0:2 10:1']],
      ...[[], [], ['1=1 of 4, 0:2 10:1 30:1']],
    ])
    expect(cleared).toEqual([2, 2, 1, 3, 1, 4])
    // What belongs to the key: a value and a map.
    expect(entriesLeft).toBe(2)
  })

  test('clear is called for windows that have never fired too (semantics 2.3)', async () => {
    const cleared: number[] = []
    const build = (keyed: Keyed) =>
      keyed
        .window(tumblingEventTimeWindows(10))
        .trigger(neverTrigger())
        .process(counting(cleared), { uid: 'counted' })
    const { output } = await runWindows(build, [at(1), at(15), watermark(9), watermark(19)])
    expect(output.flat()).toEqual([])
    expect(cleared).toEqual([0, 0, 0, 0])
  })

  test('states of the window are refused where windows merge (semantics 2.2)', async () => {
    const build = (keyed: Keyed) =>
      keyed.window(eventTimeSessionWindows(10)).process(counting([]), { uid: 'counted' })
    await expect(runWindows(build, [])).rejects.toMatchObject({
      code: 'MR_GRAPH_INVALID',
      message: expect.stringContaining('windowState') as string,
    })
  })

  test('states of the key are there where windows merge (semantics 2.2)', async () => {
    const build = (keyed: Keyed) =>
      keyed.window(eventTimeSessionWindows(10)).process(
        windowProcessFunction({
          globalState: { sessions: valueState<number>() },
          process(elements: readonly Item[], ctx, out: Out<string>) {
            const count = (ctx.globalState.sessions.value() ?? 0) + 1
            ctx.globalState.sessions.update(count)
            out.emit(`${count}: ${elements.length}`)
          },
        }),
        { uid: 'numbered' },
      )
    const given = [at(0), at(5), at(30), watermark(100), at(200)]
    expect((await runWindows(build, given)).output.flat()).toEqual(['1: 2', '2: 1', '3: 1'])
  })

  test('context, states and collector throw once the function has returned (R15)', async () => {
    let ctx: WindowProcessContext<{ own: ReturnType<typeof valueState<number>> }> | undefined
    let collector: Out<string> | undefined
    const harness = await operatorHarness((items: DataStream<Item>) =>
      items
        .keyBy(({ key }) => key)
        .window(tumblingEventTimeWindows(10))
        .process(
          windowProcessFunction({
            windowState: { own: valueState<number>() },
            process(_elements: readonly Item[], context, out: Out<string>) {
              ctx = context as never
              collector = out
            },
          }),
          { uid: 'leaking' },
        ),
    )
    harness.processElement(item(1), 1)
    harness.processWatermark(9)
    const uses = [
      () => collector!.emit('late'),
      () => ctx!.key,
      () => ctx!.window,
      () => ctx!.currentWatermark,
      () => ctx!.currentProcessingTime,
      () => ctx!.windowState,
      () => ctx!.globalState,
      () => ctx!.output(outputTag<string>('side'), 'late'),
    ]
    for (const use of uses) {
      expect(use).toThrow(expect.objectContaining({ code: 'MR_STATE_OUTSIDE_CALLBACK' }))
    }
    await harness.close()
  })

  test.each(['process', 'clear'] as const)(
    '%s that returns a promise is refused (R15)',
    async (method) => {
      const definition = {
        process: (_elements: readonly Item[], _ctx: WindowContext, _out: Out<string>) => undefined,
        [method]: () => Promise.resolve(),
      }
      const build = (keyed: Keyed) =>
        keyed
          .window(tumblingEventTimeWindows(10))
          .process(windowProcessFunction<Item, string>(definition as never), { uid: 'async' })
      await expect(runWindows(build, [at(1), watermark(9)])).rejects.toMatchObject({
        code: 'MR_FUNCTION_ASYNC',
      })
    },
  )
})

describe('timestamps of results', () => {
  test('are the last one of the window, for side outputs too (semantics 2.3)', async () => {
    const side = outputTag<string>('side')
    const harness = await operatorHarness((items: DataStream<Item>) =>
      items
        .keyBy(({ key }) => key)
        .window(tumblingEventTimeWindows(10))
        .allowedLateness(10)
        .aggregate(
          ids,
          (result, ctx, out: Out<string>) => {
            out.emit(result)
            ctx.output(side, result)
          },
          { uid: 'windows' },
        ),
    )
    harness.processElement(item(1), 1)
    harness.processWatermark(12)
    harness.processElement(item(2), 2)
    const expected = [
      { value: '1', timestamp: 9 },
      { value: '1+2', timestamp: 9 },
    ]
    expect(harness.outputRecords()).toEqual(expected)
    expect(harness.sideOutput(side)).toEqual(expected)
    await harness.close()
  })

  test('late records keep theirs (semantics 2.3)', async () => {
    const harness = await operatorHarness((items: DataStream<Item>) =>
      items
        .keyBy(({ key }) => key)
        .window(tumblingEventTimeWindows(10))
        .sideOutputLateData(LATE)
        .aggregate(ids, { uid: 'windows' }),
    )
    harness.processWatermark(9)
    harness.processElement(item(3), 3)
    expect(harness.sideOutput(LATE)).toEqual([{ value: item(3), timestamp: 3 }])
    expect(harness.counter('numLateRecordsDropped')).toBe(0)
    await harness.close()
  })

  test('there are none where the window has no end, and a window behind says so (semantics 2.3)', async () => {
    const counted = (items: DataStream<Item>) =>
      items
        .keyBy(({ key }) => key)
        .countWindow(1)
        .reduce((a) => a, { uid: 'counted' })
    const harness = await operatorHarness(counted)
    harness.processElement(item(3), 3)
    expect(harness.outputRecords()).toEqual([{ value: item(3), timestamp: -Infinity }])
    await harness.close()
    const behind = await operatorHarness((items: DataStream<Item>) =>
      counted(items)
        .keyBy(({ key }) => key)
        .window(tumblingEventTimeWindows(10))
        .aggregate(ids, { uid: 'behind' }),
    )
    expect(() => behind.processElement(item(3), 3)).toThrow(
      expect.objectContaining({ code: 'MR_TIMESTAMP_INVALID' }),
    )
    await behind.close()
  })
})

describe('lateness (semantics 2.3)', () => {
  test('a record dropped from some of its sliding windows only is not late', async () => {
    const build = (keyed: Keyed) =>
      keyed
        .window(slidingEventTimeWindows(20, 10))
        .sideOutputLateData(LATE)
        .aggregate(ids, named, { uid: 'windows' })
    const { output, late, dropped } = await runWindows(build, [watermark(19), at(12), at(5)])
    expect([output, late, dropped]).toEqual([[[], [], [], ['a [10,30) 1']], ['2'], 0])
  })

  test('a record in no window is late only by its own time, and vanishes otherwise', async () => {
    const build = (keyed: Keyed) =>
      keyed
        .window(slidingEventTimeWindows(5, 10))
        .sideOutputLateData(LATE)
        .aggregate(ids, named, { uid: 'windows' })
    const { output, late, dropped } = await runWindows(build, [at(7), watermark(9), at(8), at(18)])
    expect([output.flat(), late, dropped]).toEqual([[], ['2'], 0])
  })

  test('is without effect in processing time and in windows without an end', async () => {
    const processing = (keyed: Keyed) =>
      keyed
        .window(tumblingProcessingTimeWindows(10))
        .allowedLateness(1_000)
        .aggregate(ids, { uid: 'windows' })
    const given = [watermark(500), at(1), { advance: 11 }]
    const { output, entriesLeft, dropped } = await runWindows(processing, given)
    expect([output, entriesLeft, dropped]).toEqual([[[], [], ['1'], []], 0, 0])
    const global = (keyed: Keyed) =>
      keyed
        .window(globalWindows())
        .trigger(countTrigger(1))
        .allowedLateness(5)
        .aggregate(ids, { uid: 'windows' })
    const all = await runWindows(global, [watermark(500), at(1), at(2)])
    expect([all.output, all.eventTimersLeft]).toEqual([[[], ['1'], ['1+2'], []], 0])
  })

  test('a window whose end with lateness is beyond all numbers is never cleaned up', async () => {
    const build = (keyed: Keyed) =>
      keyed
        .window(tumblingEventTimeWindows(10))
        .allowedLateness(Number.MAX_SAFE_INTEGER)
        .aggregate(ids, named, { uid: 'windows' })
    const given = [at(1), watermark(1_000), at(2)]
    const result = await runWindows(build, given, { endInput: false })
    expect(result.output.flat()).toEqual(['a [0,10) 0', 'a [0,10) 0+2'])
    expect([result.eventTimersLeft, result.entriesLeft]).toEqual([0, 1])
  })

  test('windows of processing time that are open when all input has ended fire then (semantics 1.1, 2.6)', async () => {
    const build = (keyed: Keyed) =>
      keyed.window(tumblingProcessingTimeWindows(10)).aggregate(ids, { uid: 'windows' })
    const { output } = await runWindows(build, [at(1), { advance: 11 }, at(2)])
    expect(output).toEqual([[], ['0'], [], ['2']])
  })

  test('what is late stays late after a restore (R12)', async () => {
    const build = (items: DataStream<Item>) =>
      items
        .keyBy(({ key }) => key)
        .window(eventTimeSessionWindows(10))
        .sideOutputLateData(LATE)
        .aggregate(ids, { uid: 'windows' })
    let harness = await operatorHarness(build)
    harness.processElement(item(1), 1)
    harness.processWatermark(30)
    harness = await harness.restore(await harness.snapshot())
    harness.processElement(item(2), 2)
    expect([harness.outputValues(), harness.sideOutputValues(LATE)]).toEqual([[], [item(2)]])
    await harness.close()
  })
})

describe('bad input', () => {
  test.each([
    [NaN, 'NaN'],
    [1.5, '1.5'],
    [Infinity, 'Infinity'],
  ])('a record with the timestamp %d belongs to no window', async (timestamp, text) => {
    for (const assigner of [
      tumblingEventTimeWindows(10),
      slidingEventTimeWindows(10, 5),
      eventTimeSessionWindows(10),
    ]) {
      const build = (keyed: Keyed) =>
        keyed
          .window(assigner as WindowAssigner<Item>)
          .trigger(eventTimeTrigger())
          .aggregate(ids, { uid: 'windows' })
      await expect(runWindows(build, [at(timestamp)])).rejects.toMatchObject({
        code: 'MR_TIMESTAMP_INVALID',
        message: expect.stringContaining(text) as string,
      })
    }
  })

  test.each([0, -1, 1.5, NaN, 'soon', undefined])(
    'a gap of %s for a record is refused with the record (semantics 2.1)',
    async (gap) => {
      const build = (keyed: Keyed) =>
        keyed
          .window(eventTimeSessionWindows(() => gap as number))
          .aggregate(ids, { uid: 'windows' })
      await expect(runWindows(build, [at(1)])).rejects.toMatchObject({
        code: expect.stringMatching(/MR_WINDOW_INVALID|MR_DURATION_INVALID/) as string,
      })
    },
  )

  const endless = {
    ...eventTimeSessionWindows(1),
    assignWindows: () => [timeWindow(5, 5)],
    defaultTrigger: () => eventTimeTrigger(),
    name: 'endless',
    isEventTime: true,
    isMerging: true,
  } as const

  test('a window that ends where it starts cannot merge', async () => {
    const build = (keyed: Keyed) => keyed.window(endless).aggregate(ids, { uid: 'windows' })
    await expect(runWindows(build, [at(1)])).rejects.toMatchObject({ code: 'MR_WINDOW_INVALID' })
  })

  test.each<[string, unknown, number?]>([
    ['no list', timeWindow(0, 10)],
    ['nothing', undefined],
    ['no window', [undefined]],
    ['a window with an end only', [{ maxTimestamp: 9 }]],
    ['a window of fractions', [timeWindow(0.5, 10)]],
    ['a window of another size', [timeWindow(0, 10)], 20],
    ['all of time where windows have one size', [{ maxTimestamp: Infinity }], 20],
  ])('an assigner that gives %s is refused with the record', async (_what, given, sizeMs) => {
    const assigner: WindowAssigner<unknown, TimeWindow, false> = {
      name: 'given',
      isEventTime: true,
      isMerging: false,
      ...(sizeMs === undefined ? {} : { sizeMs }),
      assignWindows: () => given as TimeWindow[],
      defaultTrigger: () => eventTimeTrigger(),
    }
    const build = (keyed: Keyed) => keyed.window(assigner).aggregate(ids, { uid: 'windows' })
    await expect(runWindows(build, [at(1)])).rejects.toMatchObject({ code: 'MR_WINDOW_INVALID' })
  })

  test('an assigner that returns a promise is refused (R15)', async () => {
    const later = { ...endless, isMerging: false, assignWindows: async () => [timeWindow(0, 10)] }
    const build = (keyed: Keyed) =>
      keyed
        .window(later as unknown as WindowAssigner<unknown, TimeWindow, false>)
        .aggregate(ids, { uid: 'windows' })
    await expect(runWindows(build, [at(1)])).rejects.toMatchObject({ code: 'MR_FUNCTION_ASYNC' })
  })

  test.each([
    ['a negative lateness', (keyed: Keyed) => keyed.window(globalWindows()).allowedLateness(-1)],
    [
      'late firing without late records',
      (keyed: Keyed) =>
        keyed.window(tumblingEventTimeWindows(10)).lateFiring({ atMostEvery: '1s' }),
    ],
    [
      'late firing at intervals of nothing',
      (keyed: Keyed) => keyed.window(globalWindows()).lateFiring({ atMostEvery: 0 }),
    ],
    [
      'a trigger without methods',
      (keyed: Keyed) => keyed.window(globalWindows()).trigger({} as never),
    ],
    ['an evictor without methods', (keyed: Keyed) => keyed.window(globalWindows()).evictor({})],
    ['an assigner without methods', (keyed: Keyed) => keyed.window({} as never)],
    ['a count of 0', (keyed: Keyed) => keyed.countWindow(0)],
    ['a slide of half a record', (keyed: Keyed) => keyed.countWindow(2, 0.5)],
    [
      'an aggregate without merge where windows merge',
      (keyed: Keyed) => {
        const { create, add, result } = ids
        return {
          aggregate: (_: unknown, options: { uid: string }) =>
            keyed
              .window(eventTimeSessionWindows(10))
              .aggregate({ create, add, result } as never, options),
        }
      },
    ],
  ])('%s is an error when the graph is built (semantics 2.2, 2.3)', async (_name, build) => {
    type Ended = { aggregate(fold: typeof ids, options: { uid: string }): DataStream<string> }
    const building = (keyed: Keyed) =>
      (build(keyed) as unknown as Ended).aggregate(ids, { uid: 'windows' })
    await expect(runWindows(building, [])).rejects.toMatchObject({
      code: expect.stringMatching(/^MR_(OPTION|GRAPH|DURATION)_INVALID$/) as string,
    })
  })

  test.each([
    () => slidingEventTimeWindows(0, 1),
    () => slidingEventTimeWindows(1, 0),
    () => slidingEventTimeWindows(-1, 1),
    () => slidingEventTimeWindows(10, 5, { offset: 5 }),
    () => slidingEventTimeWindows(10, 5, { offset: -5 }),
    () => eventTimeSessionWindows(0),
    () => eventTimeSessionWindows(-1),
    () => tumblingProcessingTimeWindows(10, { offset: 10 }),
    () => tumblingEventTimeWindows(10, { stagger: 'wild' as never }),
    () => countTrigger(0),
  ])('sizes, slides, gaps and offsets are checked at once: case %# (semantics 2.1)', (make) => {
    expect(make).toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/MR_(OPTION|DURATION)_INVALID/) as string,
      }),
    )
  })

  test('names the window that fires when its function throws (R39)', async () => {
    const build = (keyed: Keyed) =>
      keyed
        .window(slidingEventTimeWindows(20, 10))
        .allowedLateness(1)
        .aggregate(
          ids,
          (_result, _ctx, _out: Out<string>) => {
            throw new Error('bad')
          },
          { uid: 'windows' },
        )
    await expect(runWindows(build, [at(11), watermark(30)])).rejects.toMatchObject({
      message: expect.stringContaining('window [0, 20)') as string,
    })
  })
})

describe("an assigner of one's own", () => {
  const byGap: WindowAssigner<Item> = {
    name: 'by-gap',
    isEventTime: true,
    isMerging: false,
    assignWindows: ({ gap }, timestamp) => [
      timeWindow(timestamp - (timestamp % gap), timestamp - (timestamp % gap) + gap),
    ],
    defaultTrigger: () => eventTimeTrigger(),
  }

  test('may make windows of any size, which are told apart by start and end', async () => {
    const build = (keyed: Keyed) => keyed.window(byGap).aggregate(ids, named, { uid: 'windows' })
    const given: Step[] = [
      { key: 'a', timestamp: 1, gap: 10 },
      { key: 'a', timestamp: 2, gap: 20 },
      { key: 'a', timestamp: 3, gap: 10 },
      watermark(9),
    ]
    const { output, entriesLeft } = await runWindows(build, given)
    expect(output).toEqual([[], [], [], ['a [0,10) 0+2'], ['a [0,20) 1']])
    expect(entriesLeft).toBe(0)
  })

  test('of a record without windows nothing is heard', async () => {
    const none: WindowAssigner<Item> = { ...byGap, assignWindows: () => [] }
    const build = (keyed: Keyed) => keyed.window(none).aggregate(ids, { uid: 'windows' })
    const { output, dropped } = await runWindows(build, [at(1), watermark(5), at(3)])
    expect([output.flat(), dropped]).toEqual([[], 1])
  })

  test('may have one window for all', async () => {
    const all: WindowAssigner<Item, GlobalWindow> = {
      ...globalWindows(),
      defaultTrigger: () => countTrigger(2),
    }
    const build = (keyed: Keyed) => keyed.window(all).aggregate(ids, { uid: 'windows' })
    expect((await runWindows(build, [at(1), at(2)])).output.flat()).toEqual(['0+1'])
  })
})
