import { type Duration, parseDuration } from '../runtime/duration.ts'
import { StreamError } from '../runtime/errors.ts'
import type { RestartConfig } from '../runtime/graph/restart-config.ts'
import { checkOptionNames, type OptionNames } from '../runtime/option-names.ts'

/** Options of `fixedDelayRestart`; the defaults are Flink's. */
export interface FixedDelayOptions {
  /** Restarts before the job fails. Default 1. */
  readonly attempts?: number
  /** Default 1 s. */
  readonly delay?: Duration
}

/** Options of `failureRateRestart`; the defaults are Flink's. */
export interface FailureRateOptions {
  /** Failures that may lie within one interval. Default 1. */
  readonly maxFailures?: number
  /** Default 1 min. */
  readonly interval?: Duration
  /** Before each restart. Default 1 s. */
  readonly delay?: Duration
}

/** Options of `exponentialDelayRestart`; the defaults are Flink's. */
export interface ExponentialDelayOptions {
  /** Before the first restart. Default 1 s. */
  readonly initialDelay?: Duration
  /** Default 1 min. */
  readonly maxDelay?: Duration
  /** From one delay to the next. Default 1.5. */
  readonly multiplier?: number
  /** Share of the delay by which it varies either way, 0 to 1. Default 0.1. */
  readonly jitter?: number
  /** After so long without a failure the delay begins anew. Default 1 h. */
  readonly resetAfter?: Duration
  /** Restarts before the job fails. Default: no limit. */
  readonly attempts?: number
}

const FIXED_DELAY: OptionNames<FixedDelayOptions> = { attempts: true, delay: true }

const FAILURE_RATE: OptionNames<FailureRateOptions> = {
  maxFailures: true,
  interval: true,
  delay: true,
}

const EXPONENTIAL_DELAY: OptionNames<ExponentialDelayOptions> = {
  initialDelay: true,
  maxDelay: true,
  multiplier: true,
  jitter: true,
  resetAfter: true,
  attempts: true,
}

/** The first failure ends the job. */
export function noRestart(): RestartConfig {
  return { type: 'none' }
}

/**
 * Restarts a number of times, always after the same delay.
 *
 * @example
 * job('orders', { restart: fixedDelayRestart({ attempts: 3, delay: '10s' }) }, build)
 */
export function fixedDelayRestart(options: FixedDelayOptions = {}): RestartConfig {
  checkOptionNames(options, FIXED_DELAY, 'fixedDelayRestart()')
  const { attempts = 1, delay = '1s' } = options
  check('fixedDelayRestart', 'attempts', attempts, isCount(attempts))
  return { type: 'fixed-delay', attempts, delayMs: parseDuration(delay, 'The delay of a restart') }
}

/** Restarts until more than `maxFailures` failures lie within one interval. */
export function failureRateRestart(options: FailureRateOptions = {}): RestartConfig {
  checkOptionNames(options, FAILURE_RATE, 'failureRateRestart()')
  const { maxFailures = 1, interval = '1m', delay = '1s' } = options
  check('failureRateRestart', 'maxFailures', maxFailures, isCount(maxFailures))
  const intervalMs = parseDuration(interval, 'The interval of failureRateRestart')
  check('failureRateRestart', 'interval', interval, intervalMs > 0)
  const delayMs = parseDuration(delay, 'The delay of a restart')
  return { type: 'failure-rate', maxFailures, intervalMs, delayMs }
}

/** Restarts after delays that grow from failure to failure: the default. */
export function exponentialDelayRestart(options: ExponentialDelayOptions = {}): RestartConfig {
  const name = 'exponentialDelayRestart'
  checkOptionNames(options, EXPONENTIAL_DELAY, `${name}()`)
  const { multiplier = 1.5, jitter = 0.1, attempts = Infinity } = options
  const initialMs = parseDuration(options.initialDelay ?? '1s', `The initialDelay of ${name}`)
  const maxMs = parseDuration(options.maxDelay ?? '1m', `The maxDelay of ${name}`)
  const resetAfterMs = parseDuration(options.resetAfter ?? '1h', `The resetAfter of ${name}`)
  check(name, 'multiplier', multiplier, multiplier >= 1 && multiplier < Infinity)
  check(name, 'jitter', jitter, jitter >= 0 && jitter <= 1)
  check(name, 'attempts', attempts, attempts === Infinity || isCount(attempts))
  check(name, 'maxDelay', options.maxDelay, maxMs >= initialMs)
  return { type: 'exponential-delay', initialMs, maxMs, multiplier, jitter, resetAfterMs, attempts }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function check(strategy: string, option: string, value: unknown, isValid: boolean): void {
  if (isValid) return
  throw new StreamError(
    'MR_OPTION_INVALID',
    `${strategy}: ${option} is ${String(value)} (${typeof value}); no time of a restart follows from that; counts are whole numbers from 0, multiplier is at least 1, jitter lies from 0 to 1, interval is above 0, maxDelay is not below initialDelay.`,
    { strategy, option, value },
  )
}
