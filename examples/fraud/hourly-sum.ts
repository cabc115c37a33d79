import type { AggregateFunction, WindowFunction } from 'millrace'
import type { Alert } from './alert.ts'
import type { Transaction } from './transaction.ts'

const LIMIT_CENTS = 200_000

interface Totals {
  count: number
  cents: number
}

/** Counts and sums the transactions of one card and hour. */
export const hourlyTotals: AggregateFunction<Transaction, Totals, Totals> = {
  create: () => ({ count: 0, cents: 0 }),
  add: (totals, transaction) => ({
    count: totals.count + 1,
    cents: totals.cents + transaction.cents,
  }),
  result: (totals) => totals,
  merge: (a, b) => ({ count: a.count + b.count, cents: a.cents + b.cents }),
}

/** Raises when the hour closes with a sum above the limit. */
export const hourlySum: WindowFunction<Totals, Alert, string> = (totals, ctx, out) => {
  if (totals.cents <= LIMIT_CENTS) return
  const windowStart = ctx.window.start / 1_000
  out.emit({ rule: 'hourly-sum', card: ctx.key, windowStart, ...totals })
}
