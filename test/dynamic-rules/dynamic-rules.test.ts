import fc from 'fast-check'
import {
  boundedOutOfOrderness,
  collectionSink,
  collectionSource,
  job,
  monotonousTimestamps,
} from 'millrace'
import { operatorHarness, testJob } from 'millrace/testing'
import { describe, expect, it } from 'vitest'
import type { Payment } from '../../examples/dynamic-rules/payment.ts'
import { ruleChanges } from '../../examples/dynamic-rules/rule-changes.ts'
import type { RuleChange } from '../../examples/dynamic-rules/rule.ts'
import { alertsOf } from '../../examples/dynamic-rules.ts'
import { expectedRuleAlerts, type PlainChange } from './expected-rule-alerts.ts'
import {
  added,
  changed,
  CHANGES,
  MAX_DISORDER,
  MINUTE,
  minuteOf,
  NOON,
  payment,
  PAYMENTS,
  RUN,
} from './random-rules.ts'

/** What the job makes of a line of the rules file; fails where it would be refused. */
function changeOf(line: PlainChange): RuleChange {
  const result = ruleChanges['~standard'].validate(line)
  if ('value' in result) return result.value
  throw new Error(`${JSON.stringify(line)} is refused: ${JSON.stringify(result.issues)}`)
}

const jobOf = (payments: readonly Payment[], changes: readonly PlainChange[]) =>
  job('rules', {}, (env) => {
    const all = env.fromSource(collectionSource(payments), {
      uid: 'payments',
      watermarks: boundedOutOfOrderness(MAX_DISORDER, ({ at }) => at),
    })
    const rules = env.fromSource(collectionSource(changes.map(changeOf)), {
      uid: 'rules',
      watermarks: monotonousTimestamps(({ at }) => at),
    })
    alertsOf(all, rules).sinkTo(collectionSink(), { uid: 'alerts' })
  })

describe('the example with dynamic rules', () => {
  it('raises what plain arrays say, at any parallelism and through crashes (semantics 1.3, 2.18)', async () => {
    let alerts = 0
    await fc.assert(
      fc.asyncProperty(PAYMENTS, CHANGES, RUN, async (payments, changes, how) => {
        const { collected } = await testJob(jobOf(payments, changes), how)
        const rows = collected['alerts']!.map((alert) => JSON.stringify(alert)).sort()
        const plain = payments.map((one) => ({ ...one }))
        expect(rows).toEqual(expectedRuleAlerts(plain, changes))
        alerts += rows.length
      }),
      { numRuns: 30 },
    )
    expect(alerts).toBeGreaterThan(100)
  })

  it.each(['payments first', 'rules first'])(
    'applies a change from the moment that it names, with %s (semantics 2.18)',
    async (order) => {
      const changes = [added(1), changed(3, 'pause'), changed(5, 'resume'), changed(7, 'remove')]
      const harness = await operatorHarness(alertsOf, { parallelism: 2 })
      const givePayments = (): void => {
        for (let minute = 0; minute < 9; minute++) harness.processElement1(payment(minute), NOON)
      }
      if (order === 'payments first') givePayments()
      // Changes may overtake each other too.
      for (const line of order === 'rules first' ? changes : changes.toReversed()) {
        harness.processBroadcastElement(changeOf(line), NOON)
      }
      if (order === 'rules first') givePayments()
      harness.processWatermark1(NOON + 9 * MINUTE)
      expect(harness.outputValues()).toEqual([])
      harness.processWatermark2(NOON + 9 * MINUTE)
      const expected = [1, 2, 5, 6].map((minute, index) => {
        return { rule: 'r', group: ['c1'], at: minuteOf(minute), value: index + 1 }
      })
      expect(harness.outputValues()).toEqual(expected)
      await harness.close()
    },
  )

  it('takes a rule that is added again for another one, with an empty window', async () => {
    const harness = await operatorHarness(alertsOf)
    for (const line of [added(0), added(2, { keyBy: ['merchant'] }), added(4)]) {
      harness.processBroadcastElement(changeOf(line), NOON)
    }
    for (let minute = 0; minute < 5; minute++) harness.processElement1(payment(minute), NOON)
    harness.processWatermark(NOON + 9 * MINUTE)
    const seen = harness.outputValues().map(({ group, value }) => [...group, value])
    expect(seen).toEqual([
      ['c1', 1],
      ['c1', 2],
      ['m1', 1],
      ['m1', 2],
      ['c1', 1],
    ])
    await harness.close()
  })

  it('keeps nothing of payments that have left every window', async () => {
    const harness = await operatorHarness(alertsOf)
    harness.processBroadcastElement(changeOf(added(0)), NOON)
    for (const minute of [1, 2, 4]) harness.processElement1(payment(minute), NOON)
    const held = () => [harness.numKeyedStateEntries, harness.numEventTimeTimers]
    expect(held()).toEqual([1, 3])
    harness.processWatermark(NOON + 4 * MINUTE)
    expect(held()).toEqual([2, 3])
    harness.processWatermark(NOON + 12 * MINUTE)
    expect(held()).toEqual([2, 1])
    harness.processWatermark(NOON + 14 * MINUTE)
    expect(held()).toEqual([0, 0])
    await harness.close()
  })

  it.each<[wrong: string, line: Partial<PlainChange>]>([
    ['at', { at: 'noon' }],
    ['id', { id: '' }],
    ['action', { action: 'stop' }],
    ['keyBy', { keyBy: ['card', 'shop'] }],
    ['aggregate', { aggregate: 'median' }],
    ['field', { aggregate: 'sum' }],
    ['field', { field: 'pence' }],
    ['comparison', { comparison: 'toString' }],
    ['limit', { limit: '5' as unknown as number }],
    ['windowMinutes', { windowMinutes: 0 }],
    ['windowMinutes', { windowMinutes: 0.5 }],
  ])('refuses a line whose %s makes no sense: %o', (wrong, line) => {
    const result = ruleChanges['~standard'].validate(added(0, line))
    expect(result).toMatchObject({ issues: [{ path: [wrong] }] })
  })
})
