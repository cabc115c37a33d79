import type { EventTimeExplanation, EventTimeFigures } from '../event-time.ts'
import { explainEventTime } from './explain-event-time.ts'
import type { EventTimeNews } from './job-events.ts'

/** So long does a watermark stand still before it is told, and so often is one told of at most. */
const STALL_MS = 10_000
const REPEAT_MS = 60_000
/** A record takes so long at most to show in the watermark: those that came before it stood still do not count. */
const SETTLE_MS = 1_000

interface Told {
  readonly at: number
  /** Undefined once it has gone on. */
  stall: { readonly watermark: number; readonly since: number } | undefined
}

/**
 * Notices operators whose watermark has stood still for 10 s while records come and timers wait for it. Each is told of once a
 * minute at most, together with those that the same thing holds back, and once more when it goes on. Pure: time is handed in.
 */
export class EventTimeWatch {
  readonly #told: Map<string, Told> = new Map()

  /** What is to be told now. */
  look(figures: EventTimeFigures, now: number): EventTimeNews[] {
    const explanations = explainEventTime(figures)
    return [...this.#resumed(explanations, now), ...this.#stalled(explanations, figures, now)]
  }

  /** Another attempt begins: what stood still is no longer. */
  reset(): void {
    this.#told.clear()
  }

  #resumed(explanations: readonly EventTimeExplanation[], now: number): EventTimeNews[] {
    const operators: string[] = []
    let watermark = Infinity
    let stoodMs = 0
    for (const explanation of explanations) {
      const told = this.#told.get(explanation.operator)
      if (told?.stall === undefined || explanation.watermark <= told.stall.watermark) continue
      operators.push(explanation.operator)
      watermark = Math.min(watermark, explanation.watermark)
      stoodMs = Math.max(stoodMs, now - told.stall.since)
      told.stall = undefined
    }
    if (operators.length === 0) return []
    return [{ type: 'event-time-resumed', operators, watermark, stoodMs }]
  }

  #stalled(
    explanations: readonly EventTimeExplanation[],
    figures: EventTimeFigures,
    now: number,
  ): EventTimeNews[] {
    const byCause = new Map<string, EventTimeExplanation[]>()
    for (const explanation of explanations) {
      const { operator, standsMs, watermark } = explanation
      const told = this.#told.get(operator)
      if (told !== undefined && now - told.at < REPEAT_MS) continue
      if (!isStalled(explanation, figures)) continue
      this.#told.set(operator, { at: now, stall: { watermark, since: now - standsMs } })
      const cause = causeOf(explanation)
      const others = byCause.get(cause)
      if (others === undefined) byCause.set(cause, [explanation])
      else others.push(explanation)
    }
    return [...byCause.values()].map((stalled) => ({
      type: 'event-time-stalled',
      operators: stalled.map((one) => one.operator),
      explanation: stalled[0]!,
    }))
  }
}

function isStalled(
  { operator, standsMs, reason }: EventTimeExplanation,
  figures: EventTimeFigures,
): boolean {
  if (standsMs < STALL_MS || reason.kind === 'ended' || reason.kind === 'idle') return false
  const subtasks = figures.subtasks.filter((one) => one.operator === operator)
  const silentMs = Math.min(...subtasks.map((one) => one.silentMs))
  const isFlowing = silentMs < STALL_MS && standsMs - silentMs > SETTLE_MS
  return isFlowing && subtasks.some((one) => one.hasTimers)
}

function causeOf({ operator, subtask, path, reason }: EventTimeExplanation): string {
  const at = path.at(-1) ?? { operator, subtask }
  const split = 'splitId' in reason ? reason.splitId : ''
  return JSON.stringify([at.operator, at.subtask, reason.kind, split])
}
