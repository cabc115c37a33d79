import { listState, type Out, processFunction } from 'millrace'
import type { Alert } from './alert.ts'
import { MAX_DISORDER_SECONDS, type Transaction } from './transaction.ts'

const WITHIN_SECONDS = 1_800
const AT_LEAST = 4
const KEPT_SECONDS = WITHIN_SECONDS + MAX_DISORDER_SECONDS

/** Raises for a transaction when its card has four or more within the half hour up to it. */
export const velocity = () =>
  processFunction({
    state: { recent: listState<number>() },

    processElement(transaction: Transaction, ctx, out: Out<Alert>) {
      const { recent } = ctx.state
      const { ts, seq, card } = transaction
      const times = recent.get()
      if (times.length === 0) {
        // One timer a card, set by the first transaction and moved on when it fires: it frees a card that has gone quiet.
        ctx.timers.registerEventTime((ts + KEPT_SECONDS) * 1_000)
        recent.add(ts)
        return
      }
      const newest = Math.max(ts, ...times)
      const kept = times.filter((time) => time >= newest - KEPT_SECONDS)
      kept.push(ts)
      recent.update(kept)
      const count = kept.filter((time) => time >= ts - WITHIN_SECONDS && time <= ts).length
      if (count >= AT_LEAST) out.emit({ rule: 'velocity', seq, card, count })
    },

    onTimer(timestamp, ctx) {
      const { recent } = ctx.state
      const freeAt = (Math.max(...recent.get()) + KEPT_SECONDS) * 1_000
      if (freeAt <= timestamp) recent.clear()
      else ctx.timers.registerEventTime(freeAt)
    },
  })
