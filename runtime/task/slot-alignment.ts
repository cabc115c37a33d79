import type { WatermarkStatus } from '../element.ts'
import type { GroupWatermark, SourceWatermark } from '../messages.ts'
import type { WatermarkAlignment } from '../watermark-strategy.ts'

/** Two reports of a source are at least so far apart, unless it has news that cannot wait. */
const MIN_REPORT_GAP_MS = 10

/** What the slot knows of a source that keeps together with others. */
export interface AlignedSource {
  readonly vertex: number
  readonly alignment: WatermarkAlignment
  /** Its watermark by now, and its status; `finished` when it has ended. */
  readonly watermark: number
  readonly status: WatermarkStatus
  /** The lowest watermark of its group. */
  align(minimum: number): void
}

interface Member {
  readonly source: AlignedSource
  reportedWatermark: number
  /** Undefined before the first report. */
  reportedStatus: WatermarkStatus | undefined
  reportedAt: number
}

/**
 * Tells the coordinator how far the aligned sources of a slot have come, and hands on what it answers (semantics 2.6).
 *
 * A source reports after each interval in which its watermark has moved, sooner when it has gone through half of the drift:
 * else a group that replays old data would advance by one drift in each interval only. The first report, the first
 * watermark and every other status go out at once: others wait for them. Costs a few comparisons a turn.
 */
export class SlotAlignment {
  readonly #members: readonly Member[]
  readonly #report: (sources: readonly SourceWatermark[]) => void

  constructor(
    sources: readonly AlignedSource[],
    report: (sources: readonly SourceWatermark[]) => void,
  ) {
    this.#members = sources.map((source) => ({
      source,
      reportedWatermark: -Infinity,
      reportedStatus: undefined,
      reportedAt: -Infinity,
    }))
    this.#report = report
  }

  /** Reports what is due by now, in `clock.elapsed()` ms. */
  work(now: number): void {
    let due: SourceWatermark[] | undefined
    for (const member of this.#members) {
      if (dueAt(member) > now) continue
      const { vertex, watermark, status } = member.source
      member.reportedWatermark = watermark
      member.reportedStatus = status
      member.reportedAt = now
      due ??= []
      due.push({ vertex, watermark, status })
    }
    if (due !== undefined) this.#report(due)
  }

  /** When the next report is due; Infinity while there is nothing to report. */
  get nextReport(): number {
    let next = Infinity
    for (const member of this.#members) next = Math.min(next, dueAt(member))
    return next
  }

  /** The coordinator has said how far groups have come. */
  align(groups: readonly GroupWatermark[]): void {
    for (const { group, minimum } of groups) {
      for (const { source } of this.#members) {
        if (source.alignment.group === group) source.align(minimum)
      }
    }
  }
}

function dueAt({ source, reportedWatermark, reportedStatus, reportedAt }: Member): number {
  const { watermark, status, alignment } = source
  if (status !== reportedStatus) return -Infinity
  if (watermark === reportedWatermark) return Infinity
  if (reportedWatermark === -Infinity) return -Infinity
  const gap =
    watermark - reportedWatermark >= alignment.maxDriftMs / 2
      ? Math.min(MIN_REPORT_GAP_MS, alignment.updateIntervalMs)
      : alignment.updateIntervalMs
  return reportedAt + gap
}
