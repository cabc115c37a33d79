import { describe, expect, test } from 'vitest'
import {
  exponentialDelayRestart,
  failureRateRestart,
  fixedDelayRestart,
  noRestart,
} from '../../operators/restart.ts'

describe('restart strategies', () => {
  test('have the defaults of Flink (semantics 2.10)', () => {
    expect(noRestart()).toEqual({ type: 'none' })
    expect(fixedDelayRestart()).toEqual({ type: 'fixed-delay', attempts: 1, delayMs: 1_000 })
    expect(failureRateRestart()).toEqual({
      type: 'failure-rate',
      maxFailures: 1,
      intervalMs: 60_000,
      delayMs: 1_000,
    })
    expect(exponentialDelayRestart()).toEqual({
      type: 'exponential-delay',
      initialMs: 1_000,
      maxMs: 60_000,
      multiplier: 1.5,
      jitter: 0.1,
      resetAfterMs: 3_600_000,
      attempts: Infinity,
    })
  })

  test('take durations and counts', () => {
    expect(fixedDelayRestart({ attempts: 0, delay: '2s' })).toMatchObject({
      attempts: 0,
      delayMs: 2_000,
    })
    expect(failureRateRestart({ maxFailures: 3, interval: '5m', delay: 10 })).toMatchObject({
      maxFailures: 3,
      intervalMs: 300_000,
      delayMs: 10,
    })
    const exponential = exponentialDelayRestart({
      initialDelay: '100ms',
      maxDelay: '10s',
      multiplier: 2,
      jitter: 0,
      resetAfter: '1m',
      attempts: 5,
    })
    expect(exponential).toEqual({
      type: 'exponential-delay',
      initialMs: 100,
      maxMs: 10_000,
      multiplier: 2,
      jitter: 0,
      resetAfterMs: 60_000,
      attempts: 5,
    })
  })

  test.each([
    ['a negative number of attempts', () => fixedDelayRestart({ attempts: -1 })],
    ['a fraction of attempts', () => fixedDelayRestart({ attempts: 1.5 })],
    ['no interval', () => failureRateRestart({ interval: 0 })],
    ['a fraction of failures', () => failureRateRestart({ maxFailures: 0.5 })],
    ['a multiplier below 1', () => exponentialDelayRestart({ multiplier: 0.9 })],
    [
      'a multiplier that is not a number',
      () => exponentialDelayRestart({ multiplier: Number.NaN }),
    ],
    ['a jitter above 1', () => exponentialDelayRestart({ jitter: 1.1 })],
    ['a highest delay below the first', () => exponentialDelayRestart({ initialDelay: '2m' })],
    ['a negative number of attempts', () => exponentialDelayRestart({ attempts: -1 })],
  ])('refuse %s', (_what, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'MR_OPTION_INVALID' }))
  })

  test('refuse what is no duration', () => {
    expect(() => fixedDelayRestart({ delay: 'soon' as '1s' })).toThrow(
      expect.objectContaining({ code: 'MR_DURATION_INVALID' }),
    )
  })
})
