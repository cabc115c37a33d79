import type { WatermarkStatus } from '../element.ts'
import type { WatermarkAlignment } from '../watermark-strategy.ts'

/** So soon may the group be told again what moves by half of a drift, in ms. */
const MIN_GAP_MS = 10

interface Member {
  status: WatermarkStatus
  watermark: number
  hasReported: boolean
}

/**
 * A group of aligned sources: how far its slowest subtask has come, and when all are to be told (semantics 2.6).
 *
 * The lowest watermark is that of the active subtasks; idle and finished ones are left out, so they stop nobody. It may
 * sink, when one becomes active again. Nobody is told before all have reported once. Pure: time is handed in.
 */
export class AlignmentGroup {
  readonly #members: Map<string, Member> = new Map()
  #updateIntervalMs = Infinity
  #maxDriftMs = Infinity
  #unreported = 0
  /** What the group was told last, and when. */
  #told = NaN
  #toldAt = -Infinity
  #isUrgent = false

  add(member: string, { updateIntervalMs, maxDriftMs }: WatermarkAlignment): void {
    this.#members.set(member, { status: 'active', watermark: -Infinity, hasReported: false })
    this.#unreported++
    this.#updateIntervalMs = Math.min(this.#updateIntervalMs, updateIntervalMs)
    this.#maxDriftMs = Math.min(this.#maxDriftMs, maxDriftMs)
  }

  report(name: string, watermark: number, status: WatermarkStatus): void {
    const member = this.#members.get(name)
    if (member === undefined) return
    const isFirstWatermark = member.watermark === -Infinity && watermark > -Infinity
    if (!member.hasReported || member.status !== status || isFirstWatermark) this.#isUrgent = true
    if (!member.hasReported) this.#unreported--
    member.hasReported = true
    member.status = status
    member.watermark = watermark
  }

  /** The lowest watermark of the active subtasks; Infinity when there is none. O(members). */
  get minimum(): number {
    let minimum = Infinity
    for (const { status, watermark } of this.#members.values()) {
      if (status === 'active') minimum = Math.min(minimum, watermark)
    }
    return minimum
  }

  /**
   * When the group is to be told, in ms of elapsed time; Infinity while there is nothing new. After a change of status or a
   * first watermark that is at once.
   */
  get dueAt(): number {
    const { minimum } = this
    if (this.#unreported > 0 || minimum === this.#told) return Infinity
    if (this.#isUrgent || Number.isNaN(this.#told)) return -Infinity
    const isFar = Math.abs(minimum - this.#told) >= this.#maxDriftMs / 2
    const gap = isFar ? Math.min(MIN_GAP_MS, this.#updateIntervalMs) : this.#updateIntervalMs
    return this.#toldAt + gap
  }

  /** The minimum that the group is told now. */
  tell(now: number): number {
    this.#told = this.minimum
    this.#toldAt = now
    this.#isUrgent = false
    return this.#told
  }
}
