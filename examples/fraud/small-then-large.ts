import { type Out, processFunction, valueState } from 'millrace'
import type { Alert } from './alert.ts'
import type { Transaction } from './transaction.ts'

const SMALL_CENTS = 500
const LARGE_CENTS = 10_000
const WITHIN_SECONDS = 3_600

interface Small {
  seq: number
  ts: number
}

/** Raises when a large transaction follows a small one of the same card within an hour, whatever lies between. */
export const smallThenLarge = () =>
  processFunction({
    state: { small: valueState<Small>() },

    processElement(transaction: Transaction, ctx, out: Out<Alert>) {
      const { small } = ctx.state
      const { seq, ts, card, cents } = transaction
      if (cents > LARGE_CENTS) {
        const before = small.value()
        if (before !== undefined && ts >= before.ts && ts - before.ts <= WITHIN_SECONDS) {
          out.emit({ rule: 'small-then-large', seq, smallSeq: before.seq, card, cents })
          small.clear()
        }
      } else if (cents < SMALL_CENTS) {
        small.update({ seq, ts })
        ctx.timers.registerEventTime((ts + WITHIN_SECONDS) * 1_000)
      }
    },

    // Timestamps decide above; the timer only frees what can no longer be followed.
    onTimer(timestamp, ctx) {
      const before = ctx.state.small.value()
      if (before !== undefined && (before.ts + WITHIN_SECONDS) * 1_000 <= timestamp) {
        ctx.state.small.clear()
      }
    },
  })
