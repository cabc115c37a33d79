import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Out } from '../../../operators/collector.ts'
import { outputTag } from '../../../operators/output-tag.ts'
import type { AggregateFunction } from '../../../operators/window/aggregate-function.ts'
import { AggregateFold } from '../../../operators/window/fold.ts'
import {
  type SlidingWindows,
  slidingEventTimeWindows,
} from '../../../operators/window/sliding-windows.ts'
import { windowStart } from '../../../operators/window/time-window.ts'
import {
  type TumblingWindows,
  tumblingEventTimeWindows,
} from '../../../operators/window/tumbling-windows.ts'
import type { OperatorSpec } from '../../../operators/operator-spec.ts'
import type { WindowContext, WindowFunction } from '../../../operators/window/window-function.ts'
import { windowSpec } from '../../../operators/window/window-spec.ts'
import { type Emitted, OperatorDriver } from '../operator-driver.ts'

const list: AggregateFunction<string, string[], string> = {
  create: () => [],
  add(values, value) {
    values.push(value)
    return values
  },
  result: (values) => values.join('+'),
}

const named: WindowFunction<string, string> = (result, ctx, out) => {
  out.emit(`${String(ctx.key)} [${ctx.window.start},${ctx.window.end}) ${result}`)
}

function windowAggregateSpec(
  assigner: ReturnType<typeof tumblingEventTimeWindows>,
  aggregate: AggregateFunction<never, never, unknown> | AggregateFunction<string, string[], string>,
  firing: unknown,
): OperatorSpec {
  return windowSpec(
    { assigner },
    { fold: new AggregateFold(aggregate as never), firing: firing as never },
  )
}

function driver(
  windowFunction?: WindowFunction<string, unknown>,
  aggregate: AggregateFunction<string, never, string> = list as never,
  offset = 0,
): OperatorDriver {
  const assigner = tumblingEventTimeWindows(10, { offset })
  return new OperatorDriver(windowAggregateSpec(assigner, aggregate, windowFunction as never))
}

describe('tumblingEventTimeWindows', () => {
  test('assigns by the formula of Flink, negative timestamps and offsets included (semantics 2.1)', () => {
    const cases = [-20, -11, -10, -1, 0, 1, 9, 10, 11]
    expect(cases.map((timestamp) => windowStart(timestamp, 0, 10))).toEqual([
      -20, -20, -10, -10, 0, 0, 0, 10, 10,
    ])
    expect(cases.map((timestamp) => windowStart(timestamp, 3, 10))).toEqual([
      -27, -17, -17, -7, -7, -7, 3, 3, 3,
    ])
    expect(windowStart(5, -3, 10)).toBe(-3)
  })

  test('every timestamp lies in its window, and windows start a multiple of the size apart', () => {
    const sizes = fc.integer({ min: 1, max: 100_000_000 })
    const timestamps = fc.integer({ min: -1e13, max: 1e13 })
    fc.assert(
      fc.property(timestamps, sizes, fc.double({ min: -1, max: 1, noNaN: true }), (t, size, f) => {
        const offset = Math.trunc(f * (size - 1))
        const start = windowStart(t, offset, size)
        expect(start).toBeLessThanOrEqual(t)
        expect(start + size).toBeGreaterThan(t)
        expect(Math.abs((start - offset) % size)).toBe(0)
      }),
    )
  })

  test.each([
    [0, 0],
    [10, 10],
    [10, -10],
    [10, 11],
  ])('refuses a size of %i with an offset of %i (semantics 2.1)', (size, offset) => {
    expect(() => tumblingEventTimeWindows(size, { offset })).toThrow(
      expect.objectContaining({ code: 'MR_OPTION_INVALID' }),
    )
  })

  test('takes durations', () => {
    const { sizeMs, offsetMs } = tumblingEventTimeWindows('1h', {
      offset: '15m',
    }) as TumblingWindows
    expect([sizeMs, offsetMs]).toEqual([3_600_000, 900_000])
  })

  test('and offsets before the epoch, as text too: days of other time zones (semantics 2.1)', () => {
    for (const offset of ['-8h', -28_800_000] as const) {
      const tumbling = tumblingEventTimeWindows('1d', { offset }) as TumblingWindows
      const sliding = slidingEventTimeWindows('2d', '1d', { offset }) as SlidingWindows
      expect([tumbling.offsetMs, sliding.offsetMs]).toEqual([-28_800_000, -28_800_000])
    }
    expect(() => tumblingEventTimeWindows('8h', { offset: '-8h' })).toThrow(
      expect.objectContaining({ code: 'MR_OPTION_INVALID' }),
    )
  })
})

describe('window aggregate', () => {
  test('emits one result a key and window, with the last timestamp of the window', () => {
    const windows = driver().element('a', 1, 'x').element('b', 9, 'x').element('c', 5, 'y')
    windows.element('d', 10, 'x')
    windows.advance(9)
    expect(windows.output).toEqual([
      ['a+b', 9],
      ['c', 9],
    ])
    windows.advance(19)
    expect(windows.output.slice(2)).toEqual([['d', 19]])
  })

  test('fires when the watermark reaches the last timestamp, not before (semantics 2.3)', () => {
    const windows = driver().element('a', 1, 'x')
    windows.advance(8)
    expect(windows.output).toEqual([])
    windows.advance(9)
    expect(windows.output).toEqual([['a', 9]])
  })

  test('drops and counts a record exactly when its window has fired (semantics 2.3)', () => {
    const windows = driver()
    windows.advance(8)
    windows.element('in time', 1, 'x')
    windows.advance(9)
    windows.element('late', 9, 'x').element('in time', 10, 'x')
    windows.advance(30)
    expect(windows.output).toEqual([
      ['in time', 9],
      ['in time', 19],
    ])
    expect(windows.counters).toEqual({ numLateRecordsDropped: 1 })
  })

  test('leaves no state and no timer behind', () => {
    const windows = driver(named).element('a', 1, 'x').element('b', 15, 'y')
    expect(windows.keyed.cells.size).toBe(2)
    expect(windows.keyed.eventTimers.size).toBe(2)
    windows.advance(19)
    expect(windows.keyed.cells.size).toBe(0)
    expect(windows.keyed.eventTimers.size).toBe(0)
  })

  test('refuses a record without a timestamp (semantics 2.1)', () => {
    expect(() => driver().element('a', -Infinity, 'x')).toThrow(
      expect.objectContaining({ code: 'MR_TIMESTAMP_INVALID' }),
    )
  })

  test('a window function sees key, window and watermark, and emits any number of records', () => {
    const late = outputTag<string>('long')
    const windows = driver((result, ctx, out: Out<unknown>) => {
      out.emit([ctx.key, ctx.window, ctx.currentWatermark])
      if (result.length > 3) ctx.output(late, result)
      ctx.count('windows')
      ctx.log('closed', ctx.window.start)
    })
    windows.element('ab', 3, 'x').element('cd', 2, 'x').advance(12)
    expect(windows.output).toEqual([[['x', { start: 0, end: 10, maxTimestamp: 9 }, 12], 9]])
    expect(windows.side).toEqual({ long: [['ab+cd', 9]] })
    expect(windows.counters).toEqual({ windows: 1 })
    expect(windows.logs).toEqual(['closed 0'])
  })

  test('windows follow the offset', () => {
    const windows = driver(named, undefined, 3).element('a', 2, 'x').element('b', 3, 'x')
    windows.advance(100)
    expect(windows.output.map(([value]) => value)).toEqual(['x [-7,3) a', 'x [3,13) b'])
  })

  test('a window of another size has a state of another name, so an old one is not taken for it (R5)', () => {
    const names = ['1h', '2h', '60m'].map((size) => {
      const assigner = tumblingEventTimeWindows(size as '1h')
      return windowAggregateSpec(assigner, list, undefined).states![0]!.name
    })
    expect(names).toEqual([
      'tumbling-3600000.aggregate',
      'tumbling-7200000.aggregate',
      'tumbling-3600000.aggregate',
    ])
  })

  test('a timer of windows of another size closes nothing, not even a window with the same start', () => {
    const windows = driver(named).element('a', 12, 'x')
    windows.keyed.setCurrent('x', 10)
    windows.keyed.timers.registerEventTime(14)
    windows.keyed.setCurrent('x', 0)
    windows.keyed.timers.registerEventTime(9)
    windows.advance(18)
    expect(windows.output).toEqual([])
    windows.advance(19)
    expect(windows.output).toEqual([['x [10,20) a', 19]])
  })

  test('states that it has timers', () => {
    expect(windowAggregateSpec(tumblingEventTimeWindows(1), list, undefined).hasTimers).toBe(true)
  })

  test.each(['create', 'add', 'result'] as const)(
    'fails when %s returns a promise (R15)',
    (method) => {
      const aggregate = { ...list, [method]: () => Promise.resolve('') } as never
      expect(() => driver(undefined, aggregate).element('a', 1, 'x').advance(9)).toThrow(
        expect.objectContaining({ code: 'MR_FUNCTION_ASYNC' }),
      )
    },
  )

  test('fails when the window function returns a promise (R15)', () => {
    const windows = driver((() => Promise.resolve()) as never).element('a', 1, 'x')
    expect(() => windows.advance(9)).toThrow(expect.objectContaining({ code: 'MR_FUNCTION_ASYNC' }))
  })

  test('fails when add forgets to return the accumulator', () => {
    const aggregate = { ...list, add: () => undefined } as never
    expect(() => driver(undefined, aggregate).element('a', 1, 'x')).toThrow(
      expect.objectContaining({ code: 'MR_VALUE_UNSUPPORTED' }),
    )
  })

  test('collector and context throw once the window function has returned (R15)', () => {
    let ctx: WindowContext | undefined
    let collector: Out<string> | undefined
    const windows = driver((_result, context, out: Out<string>) => {
      ctx = context
      collector = out
    })
    windows.element('a', 1, 'x').advance(9)
    const uses = [
      () => collector!.emit('late'),
      () => ctx!.key,
      () => ctx!.window,
      () => ctx!.currentWatermark,
      () => ctx!.output(outputTag<string>('side'), 'late'),
    ]
    for (const use of uses) {
      expect(use).toThrow(expect.objectContaining({ code: 'MR_STATE_OUTSIDE_CALLBACK' }))
    }
  })

  test('names the window that closes when its function throws (R39)', () => {
    const windows = driver(() => {
      throw new Error('bad')
    })
    windows.element('a', 11, 'x')
    expect(windows.operator.describeCurrent?.()).toBeUndefined()
    expect(() => windows.advance(19)).toThrow('bad')
    expect(windows.operator.describeCurrent?.()).toBe('window [10, 20)')
  })
})

type Step = { readonly key: string; readonly timestamp: number } | { readonly watermark: number }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        key: fc.constantFrom('a', 'b', 'c'),
        timestamp: fc.integer({ min: -50, max: 120 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ watermark: fc.integer({ min: -60, max: 130 }) }) },
  ),
  { maxLength: 60 },
)

/** The same with plain arrays: windows as lists of records, looked through at every step. */
function model(input: readonly Step[], size: number): { output: Emitted[]; late: number } {
  const open: { key: string; start: number; values: string[] }[] = []
  const output: Emitted[] = []
  let watermark = -Infinity
  let late = 0
  const close = (): void => {
    for (let i = open.length - 1; i >= 0; i--) {
      const { key, start, values } = open[i]!
      if (start + size - 1 > watermark) continue
      output.push([`${key} [${start},${start + size}) ${values.join('+')}`, start + size - 1])
      open.splice(i, 1)
    }
  }
  for (const [i, step] of input.entries()) {
    if ('watermark' in step) {
      watermark = Math.max(watermark, step.watermark)
      close()
      continue
    }
    const start = Math.floor(step.timestamp / size) * size
    if (start + size - 1 <= watermark) {
      late++
      continue
    }
    const same = open.find((window) => window.key === step.key && window.start === start)
    if (same === undefined) open.push({ key: step.key, start, values: [String(i)] })
    else same.values.push(String(i))
  }
  watermark = Infinity
  close()
  return { output, late }
}

describe('window aggregate on any input', () => {
  test('emits exactly what a model with plain arrays emits, at parallelism 1 (R41)', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 40 }), (input, size) => {
        const assigner = tumblingEventTimeWindows(size)
        const windows = new OperatorDriver(windowAggregateSpec(assigner, list, named as never))
        for (const [i, step] of input.entries()) {
          if ('watermark' in step) windows.advance(step.watermark)
          else windows.element(String(i), step.timestamp, step.key)
        }
        windows.advance(Infinity)
        const expected = model(input, size)
        expect([...windows.output].sort()).toEqual([...expected.output].sort())
        expect(windows.counters['numLateRecordsDropped'] ?? 0).toBe(expected.late)
        expect(windows.keyed.cells.size).toBe(0)
      }),
      { numRuns: 500 },
    )
  })

  test('emits each result before any record that the watermark lets pass behind it', () => {
    fc.assert(
      fc.property(steps, (input) => {
        const windows = driver(named)
        let watermark = -Infinity
        for (const [i, step] of input.entries()) {
          if (!('watermark' in step)) {
            windows.element(String(i), step.timestamp, step.key)
            continue
          }
          const before = windows.output.length
          windows.advance(step.watermark)
          for (const [, timestamp] of windows.output.slice(before)) {
            expect(timestamp).toBeLessThanOrEqual(step.watermark)
            expect(timestamp).toBeGreaterThan(watermark)
          }
          watermark = Math.max(watermark, step.watermark)
        }
      }),
    )
  })
})
