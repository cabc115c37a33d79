import { KEY_FIELDS, NUMBER_FIELDS } from './payment.ts'
import { AGGREGATES, COMPARISONS, type Rule, type RuleChange } from './rule.ts'

type Row = Readonly<Record<string, unknown>>
type Checked = { readonly value: RuleChange } | { readonly issues: readonly Issue[] }

interface Issue {
  readonly message: string
  readonly path: readonly string[]
}

/** What a line of the rules file has to be, for `json({ validate })`: what a schema of Zod or Valibot would say. */
export const ruleChanges = {
  '~standard': { version: 1 as const, vendor: 'millrace-example', validate: checkChange },
}

function checkChange(row: unknown): Checked {
  const change = (row ?? {}) as Row
  const { id, action } = change
  const at = Date.parse(String(change['at']))
  if (Number.isNaN(at)) return wrong('at', 'is no time such as 2024-01-31T12:00:00Z')
  if (typeof id !== 'string' || id === '') return wrong('id', 'is no name of a rule')
  if (action === 'pause' || action === 'resume' || action === 'remove') {
    return { value: { at, action, id } }
  }
  if (action !== 'add') return wrong('action', 'is none of add, pause, resume, remove')
  const problem = problemOf(change)
  if (problem !== undefined) return wrong(...problem)
  const { keyBy, aggregate, field, comparison, limit, windowMinutes } = change as unknown as Rule
  const used = field === undefined ? {} : { field }
  const rule = { id, since: at, keyBy, aggregate, ...used, comparison, limit, windowMinutes }
  return { value: { at, action, id, rule } }
}

/** The first field of a new rule that makes no sense, and why. */
function problemOf(rule: Row): [field: string, problem: string] | undefined {
  const { keyBy, aggregate, field, comparison, limit, windowMinutes } = rule
  if (!Array.isArray(keyBy) || !keyBy.every((name) => isOneOf(KEY_FIELDS, name))) {
    return ['keyBy', `is no list of ${KEY_FIELDS.join(', ')}`]
  }
  const aggregates = Object.keys(AGGREGATES)
  if (!isOneOf(aggregates, aggregate)) return ['aggregate', `is none of ${aggregates.join(', ')}`]
  if (!isOneOf(NUMBER_FIELDS, field) && !(aggregate === 'count' && field === undefined)) {
    return ['field', `is none of ${NUMBER_FIELDS.join(', ')}`]
  }
  const comparisons = Object.keys(COMPARISONS)
  if (!isOneOf(comparisons, comparison)) {
    return ['comparison', `is none of ${comparisons.join(' ')}`]
  }
  if (typeof limit !== 'number') return ['limit', 'is no number']
  const isWindow = Number.isInteger(windowMinutes) && Number(windowMinutes) > 0
  return isWindow ? undefined : ['windowMinutes', 'is no whole number of minutes']
}

function isOneOf(names: readonly string[], given: unknown): boolean {
  return typeof given === 'string' && names.includes(given)
}

function wrong(field: string, message: string): Checked {
  return { issues: [{ path: [field], message }] }
}
