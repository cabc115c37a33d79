import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  boundedOutOfOrderness,
  monotonousTimestamps,
  noWatermarks,
} from '../../operators/watermarks.ts'

describe('watermark strategies', () => {
  test('stay the bound and one millisecond behind the highest timestamp (semantics 2.6)', () => {
    const generator = boundedOutOfOrderness('5s').createGenerator()
    expect(generator.currentWatermark()).toBe(-Infinity)
    generator.onEvent('record', 10_000)
    expect(generator.currentWatermark()).toBe(4_999)
    generator.onEvent('record', 9_000)
    expect(generator.currentWatermark()).toBe(4_999)
  })

  test('of monotonous timestamps stay one millisecond behind (semantics 2.6)', () => {
    const generator = monotonousTimestamps().createGenerator()
    generator.onEvent('record', 10)
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
          generator.onEvent('record', timestamp)
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
    generator.onEvent('record', 100)
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

  test('without watermarks no time passes, but records have timestamps and an input may be idle', () => {
    const strategy = noWatermarks((value: number) => value + 1)
    const generator = strategy.createGenerator()
    generator.onEvent(5, 6)
    generator.restoreState(generator.snapshotState())
    expect(generator.currentWatermark()).toBe(-Infinity)
    expect([strategy.timestampOf?.(5, 0), strategy.idleTimeoutMs]).toEqual([6, 60_000])
    expect(noWatermarks(undefined, { idleTimeout: 'never' }).idleTimeoutMs).toBe(Infinity)
  })

  test('may keep sources together in event time (semantics 2.6)', () => {
    const alignment = { group: 'all', maxDrift: '1m' } as const
    const expected = { group: 'all', maxDriftMs: 60_000, updateIntervalMs: 1_000 }
    expect(boundedOutOfOrderness(5, undefined, { alignment }).alignment).toEqual(expected)
    const strategy = monotonousTimestamps(undefined, {
      alignment: { ...alignment, updateInterval: '200ms' },
    })
    expect(strategy.alignment).toEqual({ ...expected, updateIntervalMs: 200 })
    expect(monotonousTimestamps()).not.toHaveProperty('alignment')
  })

  test.each([
    [{ group: '', maxDrift: '1s' }, 'MR_OPTION_INVALID'],
    [{ group: 5, maxDrift: '1s' }, 'MR_OPTION_INVALID'],
    [{ group: 'all', maxDrift: '1s', updateInterval: 0 }, 'MR_OPTION_INVALID'],
    [{ group: 'all', maxDrift: -1 }, 'MR_DURATION_INVALID'],
    [{ group: 'all', maxDrift: Number.NaN }, 'MR_DURATION_INVALID'],
    [{ group: 'all' }, 'MR_DURATION_INVALID'],
    [{ group: 'all', maxDrift: '1s', updateInterval: -1 }, 'MR_DURATION_INVALID'],
  ])('refuse the alignment %j', (alignment, code) => {
    expect(() => monotonousTimestamps(undefined, { alignment: alignment as never })).toThrow(
      expect.objectContaining({ code }),
    )
  })

  test('without watermarks refuse to be aligned: the others would stand still', () => {
    const options = { alignment: { group: 'all', maxDrift: '1s' } } as object
    expect(() => noWatermarks(undefined, options)).toThrow(
      expect.objectContaining({ code: 'MR_OPTION_INVALID' }),
    )
  })
})
