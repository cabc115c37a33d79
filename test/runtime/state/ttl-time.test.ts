import { describe, expect, it } from 'vitest'
import { EventTtlTime, ProcessingTtlTime } from '../../../runtime/state/ttl-time.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'

describe('event time of state that expires', () => {
  it('is judged by the watermark, the final one left out (R30)', () => {
    const time = new EventTtlTime(-Infinity)
    time.atRecord(50)
    expect([time.now, time.access]).toEqual([-Infinity, 50])
    time.advance(40)
    expect([time.now, time.access]).toEqual([40, 50])
    time.advance(Infinity)
    expect(time.now).toBe(40)
    expect(new EventTtlTime(30).now).toBe(30)
    expect(new EventTtlTime(Infinity).now).toBe(-Infinity)
  })

  it('is that of the timer while timers fire, however far the watermark has jumped (R30)', () => {
    const time = new EventTtlTime(-Infinity)
    time.advance(1_000)
    time.atTimer(10)
    expect([time.now, time.access]).toEqual([10, 10])
    time.atRecord(5)
    expect([time.now, time.access]).toEqual([1_000, 5])
    // By the final watermark all timers fire; none of them makes anything expire.
    time.advance(Infinity)
    time.atTimer(9_999)
    expect([time.now, time.access]).toEqual([1_000, 9_999])
  })

  it('is the watermark where there is no timestamp, and unknown for a record without one (R30)', () => {
    const time = new EventTtlTime(70)
    time.atNothing()
    expect([time.now, time.access]).toEqual([70, 70])
    time.atTimer(Infinity)
    expect([time.now, time.access]).toEqual([70, 70])
    time.atRecord(-Infinity)
    expect([time.now, time.access]).toEqual([70, Number.NaN])
  })
})

describe('processing time of state that expires', () => {
  it('stands still within a callback', () => {
    const clock = new ManualClock(100)
    let callback = 1
    const time = new ProcessingTtlTime(clock, () => callback)
    expect([time.now, time.access]).toEqual([100, 100])
    clock.advance(5)
    expect(time.now).toBe(100)
    callback++
    expect([time.access, time.now]).toEqual([105, 105])
  })
})
