import type {
  EventTimeExplanation,
  EventTimeFigures,
  EventTimeReason,
  EventTimeStep,
  HoldingInput,
  SubtaskEventTime,
} from '../event-time.ts'
import { eventTimeText } from './event-time-text.ts'

/**
 * Says for each operator of a job where its event time stands, since when, and what holds it back: which input, which
 * subtask behind it and so on up to the source, and there which split, and why.
 *
 * Pure: the figures come with each `progress` event of `runJob`, and may be stored and explained later. They are taken at
 * slightly different moments in different threads, so what moves may be called `on-its-way`; what stands still is
 * exact. Costs O(operators × parallelism).
 *
 * @example
 * runJob(url, { onEvent: (event) => {
 *   if (event.type === 'progress') for (const { text } of explainEventTime(event.eventTime)) console.log(text)
 * } })
 */
export function explainEventTime(figures: EventTimeFigures): EventTimeExplanation[] {
  const index = new SubtaskIndex(figures)
  return [...index.operators].map(([operator, subtasks]) => {
    const slowest = slowestOf(subtasks)
    const { path, reason } = index.follow(slowest)
    const { subtask, watermark, standsMs } = slowest
    const explanation = { operator, subtask, watermark, standsMs, path, reason }
    return { ...explanation, text: eventTimeText(explanation, (name) => index.parallelism(name)) }
  })
}

/** The lowest of those that hold others back; of several, the one that has stood longest. */
function slowestOf(subtasks: readonly SubtaskEventTime[]): SubtaskEventTime {
  const holding = subtasks.filter(isHolding)
  const candidates = holding.length > 0 ? holding : subtasks
  return candidates.reduce((slowest, one) => {
    if (one.watermark !== slowest.watermark) {
      return one.watermark < slowest.watermark ? one : slowest
    }
    return one.standsMs > slowest.standsMs ? one : slowest
  })
}

/** Whether it takes part: an idle one is left out by those behind it, one at its end has no time to come. */
function isHolding({ watermark, status }: SubtaskEventTime): boolean {
  return status === 'active' && watermark < Infinity
}

class SubtaskIndex {
  readonly operators: Map<string, SubtaskEventTime[]> = new Map()
  readonly #count: number

  constructor({ subtasks }: EventTimeFigures) {
    for (const one of subtasks) {
      const others = this.operators.get(one.operator)
      if (others === undefined) this.operators.set(one.operator, [one])
      else others.push(one)
    }
    this.#count = subtasks.length
  }

  parallelism(operator: string): number {
    return this.operators.get(operator)?.length ?? 0
  }

  /** Goes from input to input to what holds a subtask back. */
  follow(from: SubtaskEventTime): { path: EventTimeStep[]; reason: EventTimeReason } {
    const path: EventTimeStep[] = []
    let at = from
    // A path has no more steps than there are subtasks, whatever the figures say.
    while (path.length < this.#count) {
      const { hold } = at
      if (hold.kind === 'paused') {
        const next = this.#slowestOfGroup(hold.group)
        if (next === undefined || next === at || next.hold.kind === 'paused') {
          return { path, reason: hold }
        }
        path.push({ over: 'group', operator: next.operator, subtask: next.subtask })
        at = next
        continue
      }
      if (hold.kind !== 'input') return { path, reason: hold }
      const next = this.#find(hold)
      if (next !== undefined && next.forwarded > hold.watermark) {
        return { path, reason: { kind: hold.blockedBy ?? 'on-its-way' } }
      }
      path.push({ over: hold.input, operator: hold.operator, subtask: hold.subtask })
      if (next === undefined) break
      if (next.holdsBack && next.forwarded < next.watermark) {
        return { path, reason: { kind: 'held-back' } }
      }
      at = next
    }
    return { path, reason: { kind: 'not-reported' } }
  }

  #find({ operator, subtask }: HoldingInput): SubtaskEventTime | undefined {
    return this.operators.get(operator)?.find((one) => one.subtask === subtask)
  }

  #slowestOfGroup(group: string): SubtaskEventTime | undefined {
    const members = [...this.operators.values()]
      .flat()
      .filter((one) => one.alignmentGroup === group && isHolding(one))
    return members.length === 0 ? undefined : slowestOf(members)
  }
}
