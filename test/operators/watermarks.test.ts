import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  boundedOutOfOrderness,
  monotonousTimestamps,
  type TimestampFunction,
  watermarksSpec,
} from '../../operators/watermarks.ts'
import type { WatermarkStrategy } from '../../runtime/graph/stream-graph.ts'
import { ManualClock } from '../../testing/manual-clock.ts'
import { OperatorDriver } from './operator-driver.ts'

const MODERN = 1_700_000_000_000

describe('watermark strategies', () => {
  test('stay the bound and one millisecond behind the highest timestamp (semantics 2.6)', () => {
    const generator = boundedOutOfOrderness('5s').createGenerator()
    expect(generator.currentWatermark()).toBe(-Infinity)
    generator.onEvent(10_000)
    expect(generator.currentWatermark()).toBe(4_999)
    generator.onEvent(9_000)
    expect(generator.currentWatermark()).toBe(4_999)
  })

  test('of monotonous timestamps stay one millisecond behind (semantics 2.6)', () => {
    const generator = monotonousTimestamps().createGenerator()
    generator.onEvent(10)
    expect(generator.currentWatermark()).toBe(9)
  })

  test('never make a record late that is within the bound', () => {
    fc.assert(
      fc.property(fc.nat(1_000), fc.array(fc.integer(), { minLength: 1 }), (bound, timestamps) => {
        const generator = boundedOutOfOrderness(bound).createGenerator()
        let highest = -Infinity
        for (const timestamp of timestamps) {
          if (timestamp >= highest - bound) {
            expect(timestamp).toBeGreaterThan(generator.currentWatermark())
          }
          generator.onEvent(timestamp)
          highest = Math.max(highest, timestamp)
          expect(generator.currentWatermark()).toBe(highest - bound - 1)
        }
      }),
    )
  })

  test('keep the state of a generator as plain data (R11)', () => {
    const { createGenerator } = boundedOutOfOrderness(5)
    const generator = createGenerator()
    const restored = createGenerator()
    restored.restoreState(generator.snapshotState())
    expect(restored.currentWatermark()).toBe(-Infinity)
    generator.onEvent(100)
    restored.restoreState(structuredClone(generator.snapshotState()))
    expect(restored.currentWatermark()).toBe(94)
  })

  test('are idle after 60 s by default, after another time, or never (R11)', () => {
    expect(boundedOutOfOrderness(5).idleTimeoutMs).toBe(60_000)
    expect(monotonousTimestamps(undefined, { idleTimeout: '2s' }).idleTimeoutMs).toBe(2_000)
    expect(boundedOutOfOrderness(5, undefined, { idleTimeout: 'never' }).idleTimeoutMs).toBe(
      Infinity,
    )
    expect(() => boundedOutOfOrderness(5, undefined, { idleTimeout: 0 })).toThrow(
      expect.objectContaining({ code: 'MR_OPTION_INVALID' }),
    )
    expect(() => boundedOutOfOrderness(-1)).toThrow(
      expect.objectContaining({ code: 'MR_DURATION_INVALID' }),
    )
  })
})

describe('assignTimestampsAndWatermarks', () => {
  const driver = (
    strategy: WatermarkStrategy<never>,
    options: { clock?: ManualClock; restoredState?: unknown } = {},
  ): OperatorDriver => new OperatorDriver(watermarksSpec(strategy), options)

  test('gives records new timestamps, and forwards no watermark from upstream but the last', () => {
    const times = driver(boundedOutOfOrderness(5, (value: number) => value + MODERN) as never)
    times.element(1, 10).element(2, 11)
    expect(times.output).toEqual([
      [1, MODERN + 1],
      [2, MODERN + 2],
    ])
    expect(times.operator.onTick?.()).toBe(MODERN + 2 - 6)
    expect(times.advance(MODERN * 2)).toBe(-Infinity)
    expect(times.advance(Infinity)).toBe(Infinity)
  })

  test('keeps timestamps where the strategy gives none', () => {
    const times = driver(monotonousTimestamps() as never).element('a', MODERN)
    expect(times.output).toEqual([['a', MODERN]])
    expect(times.operator.onTick?.()).toBe(MODERN - 1)
  })

  test('emits a record before its timestamp can count (semantics 2.6)', () => {
    const seen: number[] = []
    const spec = watermarksSpec(monotonousTimestamps())
    const times: OperatorDriver = new OperatorDriver(spec, {
      emit: () => seen.push(times.operator.onTick!()),
    })
    times.element('a', MODERN).element('b', MODERN + 5)
    expect(seen).toEqual([-Infinity, MODERN - 1])
  })

  test.each<[string, unknown]>([
    ['a Date', new Date(MODERN)],
    ['NaN', Number.NaN],
    ['a fraction', MODERN + 0.5],
    ['text', '2024-01-01'],
    ['undefined', undefined],
    ['a promise', Promise.resolve(MODERN)],
  ])('refuses a timestamp that is %s (N6)', (_what, timestamp) => {
    const timestampOf = (() => timestamp) as TimestampFunction<unknown>
    const times = driver(monotonousTimestamps(timestampOf) as never)
    expect(() => times.element('a')).toThrow(
      expect.objectContaining({ code: 'MR_TIMESTAMP_INVALID' }),
    )
    expect(times.output).toEqual([])
  })

  test('warns once of timestamps that look like seconds (N6)', () => {
    const times = driver(monotonousTimestamps((value: number) => value) as never)
    times
      .element(MODERN)
      .element(MODERN / 1_000)
      .element(MODERN / 1_000)
    expect(times.logs).toEqual([
      'warning: a record has the timestamp 1700000000, which is Tue, 20 Jan 1970 16:13:20 GMT; timestamps are in milliseconds since 1970: multiply by 1000 if these are seconds.',
    ])
  })

  test('becomes idle after ticks without records, active with the next, and asks for a uid (R11)', () => {
    const clock = new ManualClock()
    const strategy = monotonousTimestamps(undefined, { idleTimeout: '2s' })
    expect(watermarksSpec(strategy).hasOperatorState).toBe(true)
    const times = driver(strategy as never, { clock })
    const tickAfter = (ms: number): string | undefined => {
      clock.advance(ms)
      times.operator.onTick?.()
      return times.operator.watermarkStatus?.()
    }
    expect([tickAfter(1_000), tickAfter(1_000), tickAfter(1)]).toEqual(['active', 'active', 'idle'])
    times.element('a', MODERN)
    expect([tickAfter(1_000), tickAfter(1_000), tickAfter(1_000), tickAfter(1)]).toEqual([
      'active',
      'active',
      'active',
      'idle',
    ])
  })

  test('time in which it was not looked at does not count as idle (R11)', () => {
    const clock = new ManualClock()
    const times = driver(monotonousTimestamps(undefined, { idleTimeout: '2s' }) as never, { clock })
    clock.advance(60_000)
    times.operator.onTick?.()
    expect(times.operator.watermarkStatus?.()).toBe('active')
  })

  test('keeps generator and status over a restore (R11)', () => {
    const clock = new ManualClock()
    const strategy = monotonousTimestamps(undefined, { idleTimeout: 500 }) as never
    const before = driver(strategy, { clock }).element('a', MODERN)
    before.operator.onTick?.()
    clock.advance(600)
    before.operator.onTick?.()
    const restoredState = structuredClone(before.operator.snapshotState?.(1))
    const after = driver(strategy, { clock, restoredState })
    expect(after.operator.onTick?.()).toBe(MODERN - 1)
    expect(after.operator.watermarkStatus?.()).toBe('idle')
  })
})
