import { keyedBroadcastProcessFunction, mapState, type Out } from 'millrace'
import type { Payment } from './payment.ts'
import { inForceAt, type Rule, type RuleChange, withChange } from './rule.ts'

/** A payment as one rule looks at it: the rule goes with it, so whoever judges it needs no rules of its own. */
export interface Claim {
  readonly rule: Rule
  /** The values of the fields that the rule groups by. */
  readonly group: readonly string[]
  readonly at: number
  readonly amount: number
}

/**
 * Emits each payment once for every rule that is in force at its time.
 *
 * It waits until the watermark has come to its time. That is the lower of the watermarks of both inputs, so all changes up to
 * that time are known then. Later ones may be known too, and change nothing: histories are kept, not only the newest rules.
 */
export const rulesInForce = () =>
  keyedBroadcastProcessFunction({
    state: { waiting: mapState<number, Payment[]>() },
    broadcastState: { histories: mapState<string, RuleChange[]>() },

    processElement(payment: Payment, ctx) {
      const { waiting } = ctx.state
      waiting.put(payment.at, [...(waiting.get(payment.at) ?? []), payment])
      ctx.timers.registerEventTime(payment.at)
    },

    processBroadcastElement(change: RuleChange, ctx) {
      const { histories } = ctx.broadcastState
      histories.put(change.id, withChange(histories.get(change.id) ?? [], change))
    },

    onTimer(timestamp, ctx, out: Out<Claim>) {
      const payments = ctx.state.waiting.get(timestamp) ?? []
      ctx.state.waiting.remove(timestamp)
      for (const history of ctx.broadcastState.histories.values()) {
        const rule = inForceAt(history, timestamp)
        if (rule === undefined) continue
        for (const payment of payments) {
          const group = rule.keyBy.map((field) => payment[field])
          const amount = rule.field === undefined ? 0 : payment[rule.field]
          out.emit({ rule, group, at: timestamp, amount })
        }
      }
    },
  })
