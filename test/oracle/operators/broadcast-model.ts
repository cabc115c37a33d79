import type { Row, TimedEvent } from '../oracle-operator.ts'
import type { Event } from '../event.ts'

export interface BroadcastParams {
  /** Splits of the stream: the id of an event tells which one it is from. */
  readonly splits: number
}

/** What a broadcast record does to the rules of its split. */
export function ruleChange({ id, n }: Event): 'put' | 'remove' | 'clear' {
  if (n === 7) return 'clear'
  return id % 4 === 1 ? 'remove' : 'put'
}

/** Whether a broadcast record visits all keys. */
export function isVisiting({ n }: Event): boolean {
  return n % 5 === 0
}

/** Which rule of its split a broadcast record changes. */
export function ruleOf({ n }: Event): number {
  return Math.abs(n) % 4
}

/** Rows where both inputs are read in one order. */
export function broadcastRows(
  events: readonly TimedEvent[],
  { splits }: BroadcastParams,
): readonly Row[] {
  const counts = new Map<string, number>()
  const all = Array.from({ length: splits }, () => new SplitRules())
  const rows: Row[] = []
  for (const event of events) {
    const { id, side, keyText, t } = event
    if (side === 1) {
      all[id % splits]!.add(event)
      if (!isVisiting(event)) continue
      for (const [key, count] of counts) rows.push([key, -1 - id, count, 'visit', t])
    } else {
      const count = (counts.get(keyText) ?? 0) + 1
      counts.set(keyText, count)
      rows.push([keyText, id, count, all.map((rules) => rules.text).join(' '), t])
    }
  }
  return rows
}

/** The rules of one split. */
class SplitRules {
  #seen = 0
  #rules: readonly (number | '')[] = ['', '', '', '']

  add(event: TimedEvent): void {
    this.#seen++
    const change = ruleChange(event)
    this.#rules = this.#rules.map((before, rule) => {
      if (change === 'clear') return ''
      if (rule !== ruleOf(event)) return before
      return change === 'put' ? event.id : ''
    })
  }

  get text(): string {
    return `${this.#seen}:${this.#rules.join()}`
  }
}

/** What is broadcast from one split: the rules after each record, and which records visit keys. */
interface SplitHistory {
  readonly texts: readonly string[]
  readonly visits: readonly { readonly id: number; readonly place: number }[]
}

/**
 * Where the order between the inputs is not known: what each record sees is a state that there was, of each split by itself,
 * what a key sees never goes back, and the visits between two of its records are those of the rules that have come between.
 */
export function broadcastProblem(
  events: readonly TimedEvent[],
  { splits }: BroadcastParams,
  rows: readonly Row[],
): string {
  const histories = Array.from({ length: splits }, (_, split) =>
    historyOf(events.filter(({ id, side }) => side === 1 && id % splits === split)),
  )
  const times = new Map(events.map(({ id, t }) => [id, t]))
  const wrongTime = rows.find((row) => {
    const id = row[1] as number
    return row[4] !== times.get(id < 0 ? -1 - id : id)
  })
  if (wrongTime !== undefined) return `${JSON.stringify(wrongTime)} has another timestamp`
  const inputs = Map.groupBy(
    events.filter(({ side }) => side === 0),
    ({ keyText }) => keyText,
  )
  const outputs = Map.groupBy(rows, ([key]) => String(key))
  for (const key of new Set([...inputs.keys(), ...outputs.keys()])) {
    const problem = keyProblem(inputs.get(key) ?? [], outputs.get(key) ?? [], histories)
    if (problem !== '') return `key ${key}: ${problem}`
  }
  return ''
}

function historyOf(broadcast: readonly TimedEvent[]): SplitHistory {
  const rules = new SplitRules()
  const texts = [rules.text]
  for (const event of broadcast) {
    rules.add(event)
    texts.push(rules.text)
  }
  const visits = broadcast.flatMap((event, index) =>
    isVisiting(event) ? [{ id: event.id, place: index + 1 }] : [],
  )
  return { texts, visits }
}

function keyProblem(
  inputs: readonly TimedEvent[],
  rows: readonly Row[],
  histories: readonly SplitHistory[],
): string {
  let seen: readonly number[] | undefined
  let count = 0
  let visits: number[] = []
  for (const row of rows) {
    const [, id, counted, text] = row as readonly [string, number, number, string]
    const shown = JSON.stringify(row)
    if (id < 0) {
      if (counted !== count || count === 0) return `${shown} comes after ${count} records`
      visits.push(-1 - id)
      continue
    }
    if (inputs[count]?.id !== id) return `${shown} is not record ${count} of the key`
    if (++count !== counted) return `${shown} is record ${count} of the key`
    const parts = text.split(' ')
    const next = parts.map((part) => Number(part.split(':')[0]))
    if (parts.some((part, split) => histories[split]!.texts[next[split]!] !== part))
      return `${shown} shows rules that there never were`
    if (seen !== undefined) {
      const problem = visitProblem(histories, seen, next, visits)
      if (problem !== '') return `before ${shown} ${problem}`
    }
    seen = next
    visits = []
  }
  if (count !== inputs.length) return `there are ${inputs.length} records, and ${count} came out`
  if (seen === undefined) return ''
  const all = histories.map(({ texts }) => texts.length - 1)
  return visitProblem(histories, seen, all, visits)
}

/** Visits between two states of the rules: each once, those of one split in their order. */
function visitProblem(
  histories: readonly SplitHistory[],
  from: readonly number[],
  to: readonly number[],
  visits: readonly number[],
): string {
  if (from.some((place, split) => place > to[split]!)) return `what was broadcast is gone`
  const due = histories.map(({ visits: all }, split) =>
    all.filter(({ place }) => place > from[split]! && place <= to[split]!).map(({ id }) => id),
  )
  const found = due.map((ids) => visits.filter((id) => ids.includes(id)))
  const isRight =
    visits.length === due.flat().length &&
    due.every((ids, split) => ids.join() === found[split]!.join())
  return isRight ? '' : `visits are ${visits.join()}, not ${due.map(String).join(' and ')}`
}
