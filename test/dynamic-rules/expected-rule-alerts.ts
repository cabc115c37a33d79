/**
 * What the job with dynamic rules must put out, computed another way: plain arrays over all of the input, nothing of the
 * engine or of the example, and each rule applied to the whole stretches of time in which it is in force.
 */

/** A payment as the rules see it, `at` in ms. */
export type PlainPayment = Readonly<Record<string, string | number>> & { readonly at: number }

/** A line of the rules file, parsed: which fields it has depends on the action. */
export interface PlainChange {
  readonly at: string
  readonly action: string
  readonly id: string
  readonly keyBy?: readonly string[]
  readonly aggregate?: string
  readonly field?: string
  readonly comparison?: string
  readonly limit?: number
  readonly windowMinutes?: number
}

/** All alerts as JSON lines, sorted. Changes are in order, and make sense. */
export function expectedRuleAlerts(
  payments: readonly PlainPayment[],
  changes: readonly PlainChange[],
): string[] {
  const sorted = payments.toSorted((a, b) => a.at - b.at)
  return changes
    .flatMap((added, index) => {
      if (added.action !== 'add') return []
      const later = changes.slice(index + 1).filter(({ id }) => id === added.id)
      const stretches = stretchesOf(added, later)
      const seen = sorted.filter(({ at }) => stretches.some(([from, to]) => from <= at && at < to))
      return alertsOfRule(added, seen)
    })
    .sort()
}

/** The times in which a rule is in force, from what is changed about it afterwards; the ends are outside. */
function stretchesOf(
  added: PlainChange,
  later: readonly PlainChange[],
): (readonly [from: number, to: number])[] {
  const stretches: (readonly [number, number])[] = []
  let from: number | undefined = Date.parse(added.at)
  for (const { at, action } of later) {
    if (action === 'resume') from ??= Date.parse(at)
    else {
      if (from !== undefined) stretches.push([from, Date.parse(at)])
      from = undefined
    }
    if (action === 'add' || action === 'remove') return stretches
  }
  return from === undefined ? stretches : [...stretches, [from, Infinity]]
}

function alertsOfRule(rule: PlainChange, seen: readonly PlainPayment[]): string[] {
  const groups = Map.groupBy(seen, (one) => JSON.stringify(rule.keyBy!.map((name) => one[name])))
  return [...groups].flatMap(([group, members]) => {
    const moments = [...new Set(members.map(({ at }) => at))]
    return moments.flatMap((at) => {
      const since = at - rule.windowMinutes! * 60_000
      const within = members.filter((one) => one.at > since && one.at <= at)
      const amounts = within.map((one) => (rule.field === undefined ? 0 : Number(one[rule.field])))
      const value = aggregated(rule.aggregate!, amounts)
      if (!isBeyond(value, rule.comparison!, rule.limit!)) return []
      const time = new Date(at).toISOString()
      return [JSON.stringify({ rule: rule.id, group: JSON.parse(group), at: time, value })]
    })
  })
}

function aggregated(aggregate: string, amounts: readonly number[]): number {
  const sum = amounts.reduce((a, b) => a + b, 0)
  if (aggregate === 'count') return amounts.length
  if (aggregate === 'max') return amounts.toSorted((a, b) => b - a)[0]!
  return aggregate === 'sum' ? sum : sum / amounts.length
}

function isBeyond(value: number, comparison: string, limit: number): boolean {
  if (value === limit) return ['=', '>=', '<='].includes(comparison)
  return comparison === '!=' || comparison.startsWith(value < limit ? '<' : '>')
}
