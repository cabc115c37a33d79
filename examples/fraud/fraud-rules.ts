import { type DataStream, tumblingEventTimeWindows } from 'millrace'
import type { Alert } from './alert.ts'
import { hourlySum, hourlyTotals } from './hourly-sum.ts'
import { impossibleTravel } from './impossible-travel.ts'
import { smallThenLarge } from './small-then-large.ts'
import type { Transaction } from './transaction.ts'
import { velocity } from './velocity.ts'

/** What the four rules raise for a stream of transactions, wherever it comes from. */
export function fraudRules(transactions: DataStream<Transaction>): DataStream<Alert> {
  const cards = transactions.keyBy((transaction) => transaction.card)
  const alerts = [
    cards.process(velocity(), { uid: 'velocity' }),
    cards.process(impossibleTravel(), { uid: 'impossible-travel' }),
    cards
      .window(tumblingEventTimeWindows('1h'))
      .aggregate(hourlyTotals, hourlySum, { uid: 'hourly-sum' }),
    cards.process(smallThenLarge(), { uid: 'small-then-large' }),
  ] as const
  return alerts[0].union(...alerts.slice(1))
}
