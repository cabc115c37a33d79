import type { Cancel, Clock } from '../clock.ts'
import type { JobPlan } from '../graph/job-plan.ts'
import type { GroupWatermark, SlotCommand, SourceWatermark } from '../messages.ts'
import { AlignmentGroup } from './alignment-group.ts'

export interface SourceAlignmentOptions {
  readonly plan: JobPlan
  readonly clock: Clock
  /** To every slot of the attempt. */
  readonly broadcast: (command: SlotCommand) => void
}

/**
 * Tells the slots of one attempt how far the slowest source of each group has come; knows nothing of earlier attempts.
 *
 * It acts on what slots report and keeps no timer while nothing moves.
 */
export class SourceAlignment {
  readonly #options: SourceAlignmentOptions
  readonly #groups: Map<string, AlignmentGroup> = new Map()
  readonly #groupOfVertex: Map<number, AlignmentGroup> = new Map()
  #cancel: Cancel | undefined
  #isClosed = false

  constructor(options: SourceAlignmentOptions) {
    this.#options = options
    for (const { index, parallelism, chain } of options.plan.vertices) {
      const alignment = chain[0]?.alignment
      if (alignment === undefined) continue
      const group = this.#groups.get(alignment.group) ?? new AlignmentGroup()
      this.#groups.set(alignment.group, group)
      this.#groupOfVertex.set(index, group)
      for (let subtask = 0; subtask < parallelism; subtask++) {
        group.add(memberName(index, subtask), alignment)
      }
    }
  }

  /** A slot says how far its sources have come; its number is that of its subtasks. */
  receive(slot: number, sources: readonly SourceWatermark[]): void {
    for (const { vertex, watermark, status } of sources) {
      this.#groupOfVertex.get(vertex)?.report(memberName(vertex, slot), watermark, status)
    }
    if (!this.#isClosed) this.#tell()
  }

  #tell(): void {
    this.#cancel?.()
    this.#cancel = undefined
    const { clock, broadcast } = this.#options
    const now = clock.elapsed()
    const groups: GroupWatermark[] = []
    let next = Infinity
    for (const [name, group] of this.#groups) {
      const { dueAt } = group
      if (dueAt <= now) groups.push({ group: name, minimum: group.tell(now) })
      else next = Math.min(next, dueAt)
    }
    if (groups.length > 0) broadcast({ type: 'align', groups })
    if (next < Infinity) this.#cancel = clock.schedule(next - now, () => this.#tell())
  }

  /** Ends it: nothing is told any more. */
  close(): void {
    this.#isClosed = true
    this.#cancel?.()
  }
}

function memberName(vertex: number, subtask: number): string {
  return `${vertex}/${subtask}`
}
