import { mapState, type Out, processFunction, valueState } from 'millrace'
import { AGGREGATES, COMPARISONS, type Rule, type Totals } from './rule.ts'
import type { Claim } from './rules-in-force.ts'

/** Raised for a group and a moment in which it has payments. */
export interface RuleAlert {
  readonly rule: string
  readonly group: readonly string[]
  readonly at: string
  readonly value: number
}

/**
 * Judges each group of payments of a rule at every moment in which it has some, by all that are within the window then.
 *
 * Claims come from several subtasks, in no order. So each moment waits for the watermark too, and is judged once.
 */
export const judged = () =>
  processFunction({
    state: { rule: valueState<Rule>(), moments: mapState<number, Totals>() },

    processElement({ rule, at, amount }: Claim, ctx) {
      const { moments } = ctx.state
      if (ctx.state.rule.value() === undefined) ctx.state.rule.update(rule)
      moments.put(at, both(moments.get(at), { count: 1, sum: amount, max: amount }))
      ctx.timers.registerEventTime(at)
      // By then it has left every window.
      ctx.timers.registerEventTime(at + lengthOf(rule))
    },

    onTimer(timestamp, ctx, out: Out<RuleAlert>) {
      const { moments } = ctx.state
      const rule = ctx.state.rule.value()
      if (rule === undefined) return
      let totals: Totals | undefined
      // In order of time, and those behind this moment have come already, since input is ahead of the watermark.
      for (const [at, moment] of moments.entries()) {
        if (at > timestamp) break
        if (at <= timestamp - lengthOf(rule)) moments.remove(at)
        else totals = both(totals, moment)
      }
      if (moments.isEmpty()) ctx.state.rule.clear()
      if (totals === undefined || !moments.has(timestamp)) return
      const value = AGGREGATES[rule.aggregate](totals)
      if (!COMPARISONS[rule.comparison](value, rule.limit)) return
      const [, , ...group] = ctx.key as readonly [string, number, ...string[]]
      out.emit({ rule: rule.id, group, at: new Date(timestamp).toISOString(), value })
    },
  })

function lengthOf(rule: Rule): number {
  return rule.windowMinutes * 60_000
}

function both(a: Totals | undefined, b: Totals): Totals {
  if (a === undefined) return b
  return { count: a.count + b.count, sum: a.sum + b.sum, max: Math.max(a.max, b.max) }
}
