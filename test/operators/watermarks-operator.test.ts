import { describe, expect, test } from 'vitest'
import { customWatermarks, punctuatedWatermarks } from '../../operators/custom-watermarks.ts'
import { monotonousTimestamps, boundedOutOfOrderness } from '../../operators/watermarks.ts'
import { watermarksSpec } from '../../operators/watermarks-operator.ts'
import type { TimestampFunction } from '../../operators/watermark-options.ts'
import type { WatermarkStrategy } from '../../runtime/watermark-strategy.ts'
import { OperatorDriver } from './operator-driver.ts'

const MODERN = 1_700_000_000_000

describe('assignTimestampsAndWatermarks', () => {
  const driver = (
    strategy: WatermarkStrategy<never>,
    options: { restoredState?: unknown } = {},
  ): OperatorDriver => new OperatorDriver(watermarksSpec(strategy), options)

  test('gives records new timestamps, and forwards no watermark from upstream but the last', () => {
    const times = driver(boundedOutOfOrderness(5, (value: number) => value + MODERN) as never)
    times.element(1, 10).element(2, 11)
    expect(times.output).toEqual([
      [1, MODERN + 1],
      [2, MODERN + 2],
    ])
    expect(times.operator.onTick!(0)).toBe(MODERN + 2 - 6)
    expect(times.advance(MODERN * 2)).toBe(-Infinity)
    expect(times.advance(Infinity)).toBe(Infinity)
  })

  test('keeps timestamps where the strategy gives none', () => {
    const times = driver(monotonousTimestamps() as never).element('a', MODERN)
    expect(times.output).toEqual([['a', MODERN]])
    expect(times.operator.onTick!(0)).toBe(MODERN - 1)
  })

  test('emits a record before its timestamp can count (semantics 2.6)', () => {
    const seen: number[] = []
    const spec = watermarksSpec(monotonousTimestamps())
    const times: OperatorDriver = new OperatorDriver(spec, {
      emit: () => seen.push(times.operator.onTick!(0)),
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

  /** A look after so many ms in which input could be taken. */
  const lookAfter = (times: OperatorDriver, openMs: number): [string | undefined, number] => {
    const watermark = times.operator.onTick!(openMs)
    return [times.operator.watermarkStatus?.(), watermark]
  }

  test('forwards nothing of what upstream says, status included (semantics 2.6)', () => {
    const times = driver(monotonousTimestamps() as never).element('a', MODERN)
    expect([times.advance(MODERN * 2), times.operator.watermarkStatus?.()]).toEqual([
      -Infinity,
      'active',
    ])
  })

  test('its final watermark is above whatever its generator would have said last (semantics 2.6)', () => {
    const times = driver(boundedOutOfOrderness('1d') as never).element('a', MODERN)
    expect(times.advance(Infinity)).toBeGreaterThan(times.operator.onTick!(0))
  })

  test('becomes idle after more than the timeout from the first look without a record, and asks for a uid (semantics 2.6, R11)', () => {
    const strategy = monotonousTimestamps(undefined, { idleTimeout: '2s' })
    expect(watermarksSpec(strategy).hasOperatorState).toBe(true)
    const times = driver(strategy as never)
    const statuses = (...gaps: number[]) => gaps.map((ms) => lookAfter(times, ms)[0])
    expect(statuses(60_000, 1_000, 1_000, 1)).toEqual(['active', 'active', 'active', 'idle'])
    times.element('a', MODERN)
    expect(statuses(1_000, 1_000, 2_000, 1)).toEqual(['active', 'active', 'active', 'idle'])
  })

  test('counts only time in which it could have had records (semantics 2.6, R11)', () => {
    const times = driver(monotonousTimestamps(undefined, { idleTimeout: '2s' }) as never)
    for (let look = 0; look < 100; look++) expect(lookAfter(times, 0)[0]).toBe('active')
  })

  test('says what it knows when it becomes idle, and nothing more until a record comes (semantics 2.6)', () => {
    let watermark = 5
    const strategy = customWatermarks({
      createGenerator: () => ({
        onEvent() {},
        currentWatermark: () => watermark,
        snapshotState: () => null,
        restoreState() {},
      }),
      idleTimeout: 10,
    })
    const times = driver(strategy as never)
    expect([lookAfter(times, 0), lookAfter(times, 11)]).toEqual([
      ['active', 5],
      ['idle', 5],
    ])
    watermark = 9
    expect(lookAfter(times, 11)).toEqual(['idle', -Infinity])
    times.element('a', MODERN)
    expect(lookAfter(times, 11)).toEqual(['active', 9])
  })

  test('goes ACTIVE ahead of the record that ends idleness (semantics 2.6)', () => {
    const times = driver(monotonousTimestamps(undefined, { idleTimeout: 10 }) as never)
    lookAfter(times, 0)
    expect(lookAfter(times, 11)[0]).toBe('idle')
    times.element('a', MODERN).element('b', MODERN)
    expect(times.flow).toEqual(['active', 'a', 'b'])
  })

  test('sends a watermark right behind the record that carries it (semantics 2.6)', () => {
    const marks = (value: number) => (value % 2 === 0 ? value : undefined)
    const times = driver(punctuatedWatermarks(marks, (value) => value + MODERN) as never)
    times.element(2).element(3).element(4)
    // The runtime drops what is not above the last one.
    expect(times.flow).toEqual([2, 'watermark 2', 3, 'watermark 2', 4, 'watermark 4'])
  })

  test.each([Number.NaN, 1.5, Infinity, 2 ** 53, '5', null, {}])(
    'refuses %s as a watermark (semantics 2.6)',
    (watermark) => {
      const refused = expect.objectContaining({ code: 'MR_WATERMARK_INVALID' })
      const punctuated = driver(punctuatedWatermarks(() => watermark as never) as never)
      expect(() => punctuated.element('a', MODERN)).toThrow(refused)
      const custom = driver({
        createGenerator: () => ({
          onEvent() {},
          currentWatermark: () => watermark as never,
          snapshotState: () => null,
          restoreState() {},
        }),
        idleTimeoutMs: Infinity,
      })
      custom.element('a', MODERN)
      expect(() => custom.operator.onTick!(0)).toThrow(refused)
    },
  )

  test('keeps generator and status over a restore (R11)', () => {
    const strategy = monotonousTimestamps(undefined, { idleTimeout: 500 }) as never
    const before = driver(strategy).element('a', MODERN)
    for (const ms of [0, 0, 600]) lookAfter(before, ms)
    const restoredState = structuredClone(before.operator.snapshotState?.(1))
    const after = driver(strategy, { restoredState })
    expect(lookAfter(after, 0)[0]).toBe('idle')
    after.element('b', MODERN - 7)
    expect(lookAfter(after, 0)).toEqual(['active', MODERN - 1])
  })
})
