import { describe, expect, it } from 'vitest'
import { SweepSchedule } from '../../../runtime/state/sweep-schedule.ts'

/** A pass at a moment that meets entries used last then. */
function pass(schedule: SweepSchedule, now: number, ...accesses: number[]): void {
  expect(schedule.isDue(now)).toBe(true)
  schedule.begin(now)
  for (const access of accesses) schedule.met(access)
  schedule.end()
}

/** The first moment from `start` on at which a pass is due. */
function dueFrom(schedule: SweepSchedule, start: number): number {
  let now = start
  while (!schedule.isDue(now)) now++
  return now
}

describe('when state is swept (R30)', () => {
  it('is at once, if the time is known: what was restored may have expired', () => {
    const schedule = new SweepSchedule(100)
    expect(schedule.isDue(-Infinity)).toBe(false)
    expect(schedule.isDue(-5)).toBe(true)
  })

  it('is when the oldest entry expires that was met, once a quarter of the time to live at most', () => {
    const schedule = new SweepSchedule(100)
    pass(schedule, 1_000, 990, 960, 980)
    expect(dueFrom(schedule, 1_000)).toBe(1_060)
    pass(schedule, 1_060, 980, 961)
    expect(dueFrom(schedule, 1_060)).toBe(1_085)
  })

  it('is once in the time to live where every entry is used meanwhile, or there is none', () => {
    const schedule = new SweepSchedule(100)
    pass(schedule, 1_000)
    expect(dueFrom(schedule, 1_000)).toBe(1_100)
    // In event time entries may be ahead of the watermark.
    pass(schedule, 1_100, 1_130, Infinity)
    expect(dueFrom(schedule, 1_100)).toBe(1_200)
  })
})
