import type { EventTimeFigures, SubtaskEventTime } from '../event-time.ts'
import type { JobPlan } from '../graph/job-plan.ts'
import type { OperatorFigures } from '../messages.ts'
import { planOperators } from './restore-plan.ts'

interface Seen {
  figures: OperatorFigures
  watermark: number
  movedAt: number
  records: number
  recordAt: number
}

/** Follows how long watermarks stand still and records fail to come, from what the slots of one attempt report. */
export class EventTimeTracker {
  readonly #operators: readonly { readonly name: string; readonly group: string | undefined }[]
  readonly #sources: ReadonlySet<string>
  /** By operator, then by slot. */
  readonly #seen: Map<string, Map<number, Seen>> = new Map()

  constructor(plan: JobPlan) {
    const operators = planOperators(plan)
    this.#operators = operators.map(({ name, alignment }) => ({ name, group: alignment?.group }))
    this.#sources = new Set(operators.filter((one) => one.type === 'source').map((one) => one.name))
  }

  /** A slot has reported, at `now` in `clock.elapsed()` ms. */
  update(slot: number, operators: readonly OperatorFigures[], now: number): void {
    for (const figures of operators) {
      const ofSlots = this.#seen.get(figures.name) ?? new Map<number, Seen>()
      this.#seen.set(figures.name, ofSlots)
      const watermark = watermarkOf(figures)
      const records = this.#sources.has(figures.name) ? figures.recordsOut : figures.recordsIn
      const before = ofSlots.get(slot)
      const isSame = before !== undefined && before.watermark === watermark
      const isSilent = before !== undefined && before.records === records
      ofSlots.set(slot, {
        figures,
        watermark,
        movedAt: isSame ? before.movedAt : now,
        records,
        recordAt: isSilent ? before.recordAt : now,
      })
    }
  }

  /** Another attempt begins. */
  reset(): void {
    this.#seen.clear()
  }

  /** What is known by now; costs O(operators × parallelism). */
  figures(now: number): EventTimeFigures {
    const subtasks = this.#operators.flatMap(({ name, group }) =>
      [...(this.#seen.get(name) ?? [])]
        .sort(([one], [other]) => one - other)
        .map(([slot, seen]) => subtaskTime(slot, seen, group, now)),
    )
    return { subtasks }
  }
}

/** An operator that generates watermarks has no other time than its own. */
function watermarkOf({ watermark, time }: OperatorFigures): number {
  return time.hold.kind === 'generator' ? time.forwarded : watermark
}

function subtaskTime(
  subtask: number,
  { figures, watermark, movedAt, recordAt }: Seen,
  alignmentGroup: string | undefined,
  now: number,
): SubtaskEventTime {
  const { forwarded, status, hasTimers, holdsBack, hold } = figures.time
  const silentMs = now - recordAt
  return {
    operator: figures.name,
    subtask,
    watermark,
    forwarded,
    status,
    standsMs: now - movedAt,
    silentMs,
    hasTimers,
    holdsBack,
    alignmentGroup,
    hold: hold.kind === 'generator' ? { ...hold, silentMs } : hold,
  }
}
