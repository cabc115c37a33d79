import { MIN_TIMESTAMP } from '../element.ts'
import type { EmptyFetches, EventTimeReason, HoldingSplit } from '../event-time.ts'
import type { WatermarkStrategy } from '../watermark-strategy.ts'
import type { SplitTime } from './split-watermarks.ts'

/** Fetches that have been empty for less lie between two records of a split that is read at a rate: it has records. */
const SILENT_MS = 1_000

/** What is known of the time of a source subtask; times in `clock.elapsed()` ms. */
export interface SourceTime {
  readonly strategy: WatermarkStrategy<unknown>
  readonly splits: Iterable<SplitTime>
  readonly isIdle: boolean
  readonly isWaitingForSplits: boolean
  readonly isBackPressured: boolean
  /** Since when it has had no split; NaN while it has one. */
  readonly withoutSplitsSince: number
  /** Or, while it is held back, since when: the clock of idleness stands still then. */
  readonly now: number
}

/** Why the watermark of a source subtask is not higher: the first of its reasons that nothing else would help. O(splits). */
export function sourceHold(source: SourceTime): EventTimeReason {
  const { strategy } = source
  if (strategy.emission === 'never') return { kind: 'no-strategy' }
  if (source.isWaitingForSplits) return { kind: 'waiting-for-splits' }
  const lowest = lowestOf(source.splits)
  if (lowest === undefined) return withoutActiveSplit(source)
  const { time, split } = lowest
  if (time.isPaused && strategy.alignment !== undefined) {
    return { kind: 'paused', group: strategy.alignment.group, ...split }
  }
  // What comes back empty does so without a way out for records too.
  const isEmpty = !Number.isNaN(time.emptySince)
  if (source.isBackPressured && !isEmpty) return { kind: 'back-pressure' }
  const isSilent = source.now - time.emptySince >= SILENT_MS
  if (time.maxTimestamp === MIN_TIMESTAMP || isSilent) {
    const kind = time.maxTimestamp === MIN_TIMESTAMP ? 'no-record-yet' : 'no-record'
    return { kind, ...split, ...emptyFetches(source, time.emptySince) }
  }
  return { kind: time.watermark === MIN_TIMESTAMP ? 'no-watermark-yet' : 'slow-split', ...split }
}

function withoutActiveSplit(source: SourceTime): EventTimeReason {
  if (source.isIdle) return { kind: 'idle' }
  return { kind: 'no-splits', ...emptyFetches(source, source.withoutSplitsSince) }
}

/** The active split with the lowest watermark: of several, one without records first. */
function lowestOf(
  splits: Iterable<SplitTime>,
): { readonly time: SplitTime; readonly split: HoldingSplit } | undefined {
  let time: SplitTime | undefined
  let activeSplits = 0
  let lowestSplits = 0
  for (const one of splits) {
    if (one.status !== 'active') continue
    activeSplits++
    if (time !== undefined && one.watermark > time.watermark) continue
    lowestSplits = time === undefined || one.watermark < time.watermark ? 1 : lowestSplits + 1
    if (lowestSplits === 1 || one.maxTimestamp < time!.maxTimestamp) time = one
  }
  if (time === undefined) return undefined
  const lastTimestamp = time.maxTimestamp === MIN_TIMESTAMP ? undefined : time.maxTimestamp
  return { time, split: { splitId: time.splitId, lastTimestamp, activeSplits, lowestSplits } }
}

function emptyFetches({ strategy, now }: SourceTime, since: number): EmptyFetches {
  if (Number.isNaN(since)) return { emptyMs: undefined, idleInMs: undefined }
  const emptyMs = Math.max(0, now - since)
  const { idleTimeoutMs } = strategy
  const idleInMs = idleTimeoutMs === Infinity ? undefined : Math.max(0, idleTimeoutMs - emptyMs)
  return { emptyMs, idleInMs }
}
