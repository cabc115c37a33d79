import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MIN_TIMESTAMP } from '../../../runtime/element.ts'
import { SplitTime, SplitWatermarks } from '../../../runtime/task/split-watermarks.ts'

function split(splitId: string, watermark = MIN_TIMESTAMP): SplitTime & { at: number } {
  const time = new SplitTime(splitId, {
    onEvent() {},
    currentWatermark: () => time.at,
    snapshotState: () => time.at,
    restoreState() {},
  }) as SplitTime & { at: number }
  time.at = watermark
  return time
}

describe('SplitWatermarks', () => {
  it('is the minimum over the active splits, and a new split holds it at once (R11)', () => {
    const all = new SplitWatermarks(MIN_TIMESTAMP)
    const [a, b] = [split('a', 5), split('b', 3)]
    all.add(a)
    expect(all.combine()).toBe(5)
    all.add(b)
    b.at = 4
    expect(all.combine()).toBe(5)
    a.at = 9
    b.at = 7
    expect(all.combine()).toBe(7)
    all.add(split('c'))
    b.at = 20
    expect(all.combine()).toBe(7)
  })

  it('leaves finished splits out, and keeps the last watermark when none is left', () => {
    const all = new SplitWatermarks(MIN_TIMESTAMP)
    const [a, b] = [split('a', 5), split('b', 3)]
    all.add(a)
    all.add(b)
    all.combine()
    all.finish('b')
    expect(all.combine()).toBe(5)
    all.finish('a')
    expect(all.combine()).toBe(5)
    expect([a.status, b.status, all.status, all.count]).toEqual(['finished', 'finished', 'idle', 0])
  })

  it('turns a split idle after the timeout of empty fetches, not at it (R11)', () => {
    const all = new SplitWatermarks(MIN_TIMESTAMP)
    const [a, b] = [split('a', 5), split('b', 3)]
    all.add(a)
    all.add(b)
    b.emptySince = 100
    all.checkIdle(160, 60)
    expect([b.status, all.combine()]).toEqual(['active', 3])
    all.checkIdle(161, 60)
    expect([a.status, b.status, all.combine()]).toEqual(['active', 'idle', 5])
    a.status = 'idle'
    a.at = 6
    b.at = 8
    expect([all.status, all.combine()]).toEqual(['idle', 8])
  })

  it('never turns a split idle whose fetches bring records, however long it takes', () => {
    const all = new SplitWatermarks(MIN_TIMESTAMP)
    const a = split('a', 5)
    all.add(a)
    all.checkIdle(1e12, 60)
    expect(a.status).toBe('active')
  })

  it('does not fall below the restored watermark (R12)', () => {
    const all = new SplitWatermarks(50)
    all.add(split('a', 10))
    expect(all.combine()).toBe(50)
  })

  it('never decreases, and is never above an active split unless it was so before', () => {
    const step = fc.record({
      split: fc.integer({ min: 0, max: 3 }),
      advance: fc.integer({ min: 0, max: 10 }),
      status: fc.constantFrom<'active' | 'idle'>('active', 'active', 'idle'),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const all = new SplitWatermarks(MIN_TIMESTAMP)
        const splits = ['a', 'b', 'c', 'd'].map((id) => split(id, 0))
        for (const one of splits) all.add(one)
        let last = all.combine()
        for (const { split: index, advance, status } of steps) {
          const one = splits[index]!
          one.at += advance
          one.status = status
          const now = all.combine()
          const active = splits.filter((each) => each.status === 'active')
          const low = Math.min(...active.map((each) => each.at))
          const high = Math.max(...splits.map((each) => each.at))
          expect(now).toBe(Math.max(last, active.length > 0 ? low : high))
          last = now
        }
      }),
    )
  })

  it('a generator that goes back does not hold the others back (semantics 2.6)', () => {
    const all = new SplitWatermarks(MIN_TIMESTAMP)
    const [a, b] = [split('a', 5), split('b', 3)]
    all.add(a)
    all.add(b)
    all.combine()
    a.at = 1
    b.at = 9
    expect(all.combine()).toBe(5)
  })

  it('comes to the same after each record as a look at all splits (semantics 2.6)', () => {
    const step = fc.tuple(fc.nat(2), fc.integer({ min: -3, max: 10 }))
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.integer({ min: -5, max: 20 }),
        (steps, restored) => {
          const [one, other] = [new SplitWatermarks(restored), new SplitWatermarks(restored)]
          const splits = ['a', 'b', 'c'].map((id) => split(id, 0))
          for (const each of splits) {
            one.add(each)
            const twin = split(each.splitId, 0)
            Object.defineProperty(twin, 'at', { get: () => each.at })
            other.add(twin)
          }
          one.combine()
          other.combine()
          for (const [index, by] of steps) {
            splits[index]!.at += by
            expect(one.advance(splits[index]!)).toBe(other.combine())
          }
        },
      ),
    )
  })

  it('counts no time in which a split is paused as empty, nor what came back empty meanwhile (R11)', () => {
    const all = new SplitWatermarks(MIN_TIMESTAMP)
    const [a, b] = [split('a'), split('b')]
    all.add(a)
    all.add(b)
    a.emptySince = 100
    b.emptySince = NaN
    for (const one of [a, b]) one.pause(150)
    b.emptySince = 500
    all.shiftIdleness(7)
    all.checkIdle(10_000, 60)
    expect([a.isPaused, a.status, b.status]).toEqual([true, 'active', 'active'])
    for (const one of [a, b]) one.resume(10_000)
    all.checkIdle(10_010, 60)
    expect([a.isPaused, a.status, b.status]).toEqual([false, 'active', 'active'])
    all.checkIdle(10_011, 60)
    expect([a.status, b.status]).toEqual(['idle', 'active'])
    all.checkIdle(10_061, 60)
    expect(b.status).toBe('idle')
  })

  it('forgets empty fetches from before a pause in which there was a record (R11)', () => {
    const a = split('a')
    a.emptySince = 100
    a.pause(150)
    a.emptySince = NaN
    a.resume(1_000)
    expect(a.emptySince).toBeNaN()
  })
})
