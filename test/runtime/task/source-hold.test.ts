import { describe, expect, it } from 'vitest'
import { sourceHold, type SourceTime } from '../../../runtime/task/source-hold.ts'
import { SplitTime } from '../../../runtime/task/split-watermarks.ts'
import type { WatermarkStrategy } from '../../../runtime/watermark-strategy.ts'

const strategy: WatermarkStrategy<unknown> = {
  createGenerator: () => ({
    onEvent() {},
    currentWatermark: () => -Infinity,
    snapshotState: () => null,
    restoreState() {},
  }),
  idleTimeoutMs: 60_000,
}

interface Known {
  readonly watermark?: number
  readonly last?: number
  readonly emptySince?: number
  readonly status?: 'active' | 'idle'
  readonly pausedSince?: number
}

function splitOf(splitId: string, known: Known = {}): SplitTime {
  const { watermark = -Infinity, last = -Infinity, emptySince = NaN, status = 'active' } = known
  const split = new SplitTime(splitId, strategy.createGenerator())
  Object.assign(split, { watermark, maxTimestamp: last, emptySince, status })
  if (known.pausedSince !== undefined) split.pause(known.pausedSince)
  return split
}

const holdOf = (splits: readonly SplitTime[], known: Partial<SourceTime> = {}) =>
  sourceHold({
    strategy,
    splits,
    isIdle: false,
    isWaitingForSplits: false,
    isBackPressured: false,
    withoutSplitsSince: NaN,
    now: 100_000,
    ...known,
  })

describe('what holds back a source', () => {
  it('is that it generates no watermarks, whatever its splits do', () => {
    const never = { ...strategy, emission: 'never' as const }
    expect(holdOf([splitOf('a')], { strategy: never, isWaitingForSplits: true })).toEqual({
      kind: 'no-strategy',
    })
  })

  it('is that splits are still to be assigned (R11)', () => {
    expect(holdOf([splitOf('a')], { isWaitingForSplits: true }).kind).toBe('waiting-for-splits')
  })

  it('is that it has no split, until that makes it idle', () => {
    expect(holdOf([], { withoutSplitsSince: 70_000 })).toEqual({
      kind: 'no-splits',
      emptyMs: 30_000,
      idleInMs: 30_000,
    })
    expect(holdOf([], { withoutSplitsSince: 20_000, isIdle: true })).toEqual({ kind: 'idle' })
    expect(holdOf([splitOf('a', { status: 'idle' })], { isIdle: true })).toEqual({ kind: 'idle' })
  })

  it('is the active split with the lowest watermark, with what is known of it', () => {
    const splits = [
      splitOf('fast', { watermark: 90, last: 91 }),
      splitOf('idle', { watermark: 10, last: 11, status: 'idle' }),
      splitOf('slow', { watermark: 50, last: 51 }),
      splitOf('next', { watermark: 60, last: 61 }),
    ]
    const slow = { splitId: 'slow', lastTimestamp: 51, activeSplits: 3, lowestSplits: 1 }
    expect(holdOf(splits)).toEqual({ kind: 'slow-split', ...slow })
    splits[2]!.emptySince = 59_000
    expect(holdOf(splits)).toEqual({
      kind: 'no-record',
      ...slow,
      emptyMs: 41_000,
      idleInMs: 19_000,
    })
    const patient = { ...strategy, idleTimeoutMs: Infinity }
    expect(holdOf(splits, { strategy: patient })).toMatchObject({
      kind: 'no-record',
      emptyMs: 41_000,
      idleInMs: undefined,
    })
  })

  it('is, of several that stand as low, one that has had no record', () => {
    const splits = [
      splitOf('odd', { last: 7 }),
      splitOf('none'),
      splitOf('too', { last: 9 }),
      splitOf('empty', { emptySince: 95_000 }),
    ]
    expect(holdOf(splits)).toEqual({
      kind: 'no-record-yet',
      splitId: 'none',
      lastTimestamp: undefined,
      activeSplits: 4,
      lowestSplits: 4,
      emptyMs: undefined,
      idleInMs: undefined,
    })
    expect(holdOf([splits[3]!])).toMatchObject({
      kind: 'no-record-yet',
      emptyMs: 5_000,
      idleInMs: 55_000,
    })
    expect(holdOf([splits[0]!])).toMatchObject({ kind: 'no-watermark-yet', lastTimestamp: 7 })
  })

  it('is not that there is no record just now, where records come at a rate', () => {
    const marked = splitOf('a', { last: 7, emptySince: 99_997 })
    expect(holdOf([marked]).kind).toBe('no-watermark-yet')
    expect(holdOf([splitOf('a', { watermark: 5, last: 7, emptySince: 99_997 })]).kind).toBe(
      'slow-split',
    )
    marked.emptySince = 99_000
    expect(holdOf([marked])).toMatchObject({ kind: 'no-record', emptyMs: 1_000 })
    expect(holdOf([splitOf('a', { emptySince: 99_997 })]).kind).toBe('no-record-yet')
  })

  it('is alignment, where that pauses the lowest', () => {
    const alignment = { group: 'rides', maxDriftMs: 1_000, updateIntervalMs: 1_000 }
    const aligned = { ...strategy, alignment }
    const paused = splitOf('a', { watermark: 5, last: 6, pausedSince: 0, emptySince: 1 })
    expect(holdOf([paused], { strategy: aligned })).toMatchObject({
      kind: 'paused',
      group: 'rides',
      splitId: 'a',
    })
    expect(
      holdOf([paused, splitOf('b', { watermark: 4, last: 5 })], { strategy: aligned }),
    ).toMatchObject({ kind: 'slow-split', splitId: 'b' })
  })

  it('is back-pressure, but not where there would be no record either', () => {
    expect(holdOf([splitOf('a')], { isBackPressured: true })).toEqual({ kind: 'back-pressure' })
    const empty = splitOf('a', { watermark: 5, last: 6, emptySince: 90_000 })
    expect(holdOf([empty], { isBackPressured: true }).kind).toBe('no-record')
  })
})
