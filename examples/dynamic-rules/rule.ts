import type { KEY_FIELDS, NUMBER_FIELDS } from './payment.ts'

/** An alert is raised when the aggregate over a group of payments within the window is beyond the limit. */
export interface Rule {
  readonly id: string
  /** Time in ms of the change that added it: a rule added again is another rule, and begins with an empty window. */
  readonly since: number
  /** Payments with the same values in these fields are a group; with no fields all payments are one. */
  readonly keyBy: readonly (typeof KEY_FIELDS)[number][]
  readonly aggregate: Aggregate
  /** What is aggregated; `count` needs none. */
  readonly field?: (typeof NUMBER_FIELDS)[number]
  readonly comparison: Comparison
  readonly limit: number
  /** The window reaches so far back from each payment; its beginning is outside. */
  readonly windowMinutes: number
}

/** One line of the rules file. `at` is when it takes effect; changes of one rule at one moment count in their order. */
export type RuleChange =
  | { readonly at: number; readonly action: 'add'; readonly id: string; readonly rule: Rule }
  | { readonly at: number; readonly action: 'pause' | 'resume' | 'remove'; readonly id: string }

/** Payments of one group and moment, or of several moments. */
export interface Totals {
  readonly count: number
  readonly sum: number
  readonly max: number
}

type Aggregate = keyof typeof AGGREGATES
type Comparison = keyof typeof COMPARISONS

export const AGGREGATES = {
  count: ({ count }: Totals): number => count,
  sum: ({ sum }: Totals): number => sum,
  avg: ({ sum, count }: Totals): number => sum / count,
  max: ({ max }: Totals): number => max,
}

export const COMPARISONS = {
  '>': (value: number, limit: number): boolean => value > limit,
  '>=': (value: number, limit: number): boolean => value >= limit,
  '<': (value: number, limit: number): boolean => value < limit,
  '<=': (value: number, limit: number): boolean => value <= limit,
  '=': (value: number, limit: number): boolean => value === limit,
  '!=': (value: number, limit: number): boolean => value !== limit,
}

/** A change put where it belongs in the history of its rule, which is sorted by time. */
export function withChange(history: readonly RuleChange[], change: RuleChange): RuleChange[] {
  return [...history, change].sort((a, b) => a.at - b.at)
}

/** The rule that a history leaves in force at a moment, the changes of that moment included. */
export function inForceAt(history: readonly RuleChange[], timestamp: number): Rule | undefined {
  let rule: Rule | undefined
  let isPaused = false
  for (const change of history) {
    if (change.at > timestamp) break
    if (change.action === 'add') rule = change.rule
    else if (change.action === 'remove') rule = undefined
    isPaused = change.action === 'pause'
  }
  return isPaused ? undefined : rule
}
