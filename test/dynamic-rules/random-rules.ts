import fc from 'fast-check'
import type { CrashPoint } from 'millrace/testing'
import type { Payment } from '../../examples/dynamic-rules/payment.ts'
import { FAILPOINTS } from '../../runtime/failpoint.ts'
import type { PlainChange } from './expected-rule-alerts.ts'

export const MINUTE = 60_000
export const NOON: number = Date.UTC(2024, 0, 1, 12)

/** How far the random payments are out of order. */
export const MAX_DISORDER: number = MINUTE / 2

export function minuteOf(minute: number): string {
  return new Date(NOON + minute * MINUTE).toISOString()
}

/** A payment so many minutes after noon. */
export function payment(minute: number, fields: Partial<Payment> = {}): Payment {
  const texts = { card: 'c1', merchant: 'm1', category: 'food', profile: 'p' }
  return { at: NOON + minute * MINUTE, ...texts, cents: 100, population: 9, ...fields }
}

/** A rule that raises for every payment of a card, unless told otherwise. */
export function added(minute: number, fields: Partial<PlainChange> = {}): PlainChange {
  const rule = { keyBy: ['card'], aggregate: 'count', comparison: '>=', limit: 1 }
  return { at: minuteOf(minute), action: 'add', id: 'r', ...rule, windowMinutes: 10, ...fields }
}

export function changed(minute: number, action: string, id = 'r'): PlainChange {
  return { at: minuteOf(minute), action, id }
}

/** Tenths of a minute: few, so that payments and changes often fall together. */
const TIME = fc.integer({ min: 0, max: 120 }).map((tenth) => tenth / 10)
const ID = fc.constantFrom('r', 's')

const RULE = fc.record({
  id: ID,
  keyBy: fc.constantFrom(['card'], ['merchant'], ['merchant', 'card'], []),
  aggregate: fc.constantFrom('count', 'sum', 'avg', 'max'),
  field: fc.constantFrom('cents', 'population'),
  comparison: fc.constantFrom('>', '>=', '<', '<=', '=', '!='),
  limit: fc.integer({ min: 0, max: 6 }),
  windowMinutes: fc.integer({ min: 1, max: 5 }),
})

const CHANGE = fc.oneof(
  fc.tuple(TIME, RULE).map(([minute, rule]) => added(minute, rule)),
  fc
    .tuple(TIME, fc.constantFrom('pause', 'resume', 'remove'), ID)
    .map(([minute, action, id]) => changed(minute, action, id)),
)

/** Changes of two rules, in order of time. */
export const CHANGES: fc.Arbitrary<PlainChange[]> = fc
  .array(CHANGE, { minLength: 1, maxLength: 12, size: 'max' })
  .map((changes) => changes.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at)))

const PAYMENT = fc.record({
  card: fc.constantFrom('c1', 'c2', 'c3'),
  merchant: fc.constantFrom('m1', 'm2'),
  cents: fc.integer({ min: 0, max: 5 }),
  population: fc.integer({ min: 0, max: 2 }),
})

/** Payments, each at most so late. */
export const PAYMENTS: fc.Arbitrary<Payment[]> = fc
  .array(fc.tuple(TIME, fc.integer({ min: 0, max: MAX_DISORDER }), PAYMENT), {
    minLength: 1,
    maxLength: 60,
    size: 'max',
  })
  .map((drawn) =>
    drawn
      .map(([minute, delay, fields]) => ({ delay, one: payment(minute, fields) }))
      .sort((a, b) => a.one.at + a.delay - (b.one.at + b.delay))
      .map(({ one }) => one),
  )

const STEP = fc.integer({ min: 1, max: 300 })

const CRASH: fc.Arbitrary<CrashPoint> = fc.oneof(
  fc.record({ step: STEP, kind: fc.constantFrom('process' as const, 'stop' as const) }),
  fc.record({ step: STEP, kind: fc.constant('thread' as const), slot: fc.constant(0) }),
  fc.constantFrom(...FAILPOINTS),
)

/** How a job is run and interrupted, for `testJob`. */
export const RUN = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  parallelism: fc.integer({ min: 1, max: 3 }),
  checkpointInterval: fc.constantFrom(10, 50),
  // A thread that is lost three times ends the job (R38).
  crashAt: fc.array(CRASH, { maxLength: 2 }),
})
