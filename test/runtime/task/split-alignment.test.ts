import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { SplitAlignment } from '../../../runtime/task/split-alignment.ts'
import { SplitTime, SplitWatermarks } from '../../../runtime/task/split-watermarks.ts'

function splitAt(splitId: string, watermark: number): SplitTime {
  const split = new SplitTime(splitId, {
    onEvent() {},
    currentWatermark: () => watermark,
    snapshotState: () => null,
    restoreState() {},
  })
  split.look()
  return split
}

const WITHIN_10 = { group: 'all', maxDriftMs: 10, updateIntervalMs: 1_000 }

describe('SplitAlignment', () => {
  let told: string[][]
  let watermarks: SplitWatermarks

  beforeEach(() => {
    told = []
    watermarks = new SplitWatermarks(-Infinity)
  })

  function aligned(options: { readonly canPause: boolean }, ...splits: SplitTime[]) {
    for (const split of splits) watermarks.add(split)
    const pauseSplits = (splitIds: ReadonlySet<string>) => told.push([...splitIds])
    const pausing = options.canPause ? pauseSplits : undefined
    return new SplitAlignment({ alignment: WITHIN_10, watermarks, pauseSplits: pausing })
  }

  it('pauses splits above the lowest of the group plus the drift, not at it (semantics 2.6)', () => {
    const alignment = aligned(
      { canPause: true },
      splitAt('a', 110),
      splitAt('b', 111),
      splitAt('c', 5),
    )
    alignment.follow(100)
    alignment.update(0, 5, false)
    expect([told, alignment.isPaused]).toEqual([[['b']], false])
    alignment.update(0, 5, false)
    alignment.follow(101)
    alignment.update(0, 5, false)
    expect(told).toEqual([['b'], []])
  })

  it('pauses everything that has a watermark until it knows how far the group is (semantics 2.6)', () => {
    const alignment = aligned({ canPause: true }, splitAt('a', 0), splitAt('b', -Infinity))
    alignment.update(0, -Infinity, false)
    expect([told, alignment.isPaused]).toEqual([[['a']], false])
  })

  it('is paused where all splits are, and never where there is none', () => {
    const alignment = aligned({ canPause: true }, splitAt('a', 50), splitAt('b', 60))
    alignment.follow(1)
    alignment.update(0, 50, false)
    expect(alignment.isPaused).toBe(true)
    watermarks.finish('a')
    watermarks.finish('b')
    alignment.update(0, 50, false)
    expect(alignment.isPaused).toBe(false)
  })

  it('pauses a reader that cannot pause single splits by the watermark of the subtask (semantics 2.6)', () => {
    const alignment = aligned({ canPause: false }, splitAt('a', 50), splitAt('b', 11))
    alignment.follow(0)
    alignment.update(0, 10, false)
    expect(alignment.isPaused).toBe(false)
    alignment.update(0, 11, false)
    expect(alignment.isPaused).toBe(true)
  })

  it('pauses nothing while splits are still to be assigned: these hold time back (R11, semantics 2.6)', () => {
    const alignment = aligned({ canPause: true }, splitAt('a', 50))
    alignment.update(0, -Infinity, true)
    expect([told, alignment.isPaused]).toEqual([[], false])
    alignment.update(0, 50, false)
    expect(alignment.isPaused).toBe(true)
    alignment.update(0, -Infinity, true)
    expect([told, alignment.isPaused]).toEqual([[['a'], []], false])
  })

  it('says after a record whether its split has got too far ahead', () => {
    const [a, b] = [splitAt('a', 50), splitAt('b', 10)]
    const single = aligned({ canPause: true }, a, b)
    single.follow(0)
    expect([single.isAhead(a, 10), single.isAhead(b, 10)]).toEqual([true, false])
    single.update(0, 10, false)
    expect(single.isAhead(a, 10)).toBe(false)
    watermarks = new SplitWatermarks(-Infinity)
    const whole = aligned({ canPause: false }, splitAt('c', 50))
    whole.follow(0)
    expect([whole.isAhead(b, 10), whole.isAhead(b, 11)]).toEqual([false, true])
  })

  it('always lets the one that holds the lowest watermark of the group be read (semantics 2.6)', () => {
    const split = fc.record({
      watermark: fc.integer({ min: 0, max: 40 }),
      isIdle: fc.boolean(),
    })
    const subtask = fc.record({
      splits: fc.array(split, { minLength: 1, maxLength: 4 }),
      canPause: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(subtask, { minLength: 1, maxLength: 4 }), fc.nat(20), (all, drift) => {
        const subtasks = all.map(({ splits, canPause }) => {
          const of = new SplitWatermarks(-Infinity)
          const times = splits.map(({ watermark, isIdle }, index) => {
            const time = splitAt(`${index}`, watermark)
            time.status = isIdle ? 'idle' : 'active'
            of.add(time)
            return time
          })
          const alignment = new SplitAlignment({
            alignment: { ...WITHIN_10, maxDriftMs: drift },
            watermarks: of,
            pauseSplits: canPause ? () => {} : undefined,
          })
          return { alignment, times, watermark: of.combine(), status: of.status }
        })
        const active = subtasks.filter(({ status }) => status === 'active')
        const minimum = Math.min(...active.map(({ watermark }) => watermark))
        for (const { alignment, watermark } of subtasks) {
          alignment.follow(minimum)
          alignment.update(0, watermark, false)
        }
        for (const { alignment, times, watermark } of active) {
          if (watermark > minimum) continue
          expect(alignment.isPaused).toBe(false)
          const lowest = times.filter(
            (time) => time.status === 'active' && time.watermark === minimum,
          )
          expect(lowest.every((time) => !time.isPaused)).toBe(true)
        }
        if (active.length === 0) {
          expect(subtasks.every(({ alignment }) => !alignment.isPaused)).toBe(true)
        }
      }),
    )
  })
})
