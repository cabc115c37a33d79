import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SystemClock } from '../../runtime/clock.ts'

const DAY_MS = 86_400_000

describe('the system clock', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('keeps to delays that are longer than a timer of Node can take', () => {
    let calls = 0
    new SystemClock().schedule(60 * DAY_MS, () => calls++)
    vi.advanceTimersByTime(60 * DAY_MS - 1)
    expect(calls).toBe(0)
    vi.advanceTimersByTime(1)
    expect(calls).toBe(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('cancels them at any time', () => {
    const clock = new SystemClock()
    for (const afterDays of [0, 30]) {
      const cancel = clock.schedule(60 * DAY_MS, () => expect.unreachable())
      vi.advanceTimersByTime(afterDays * DAY_MS)
      cancel()
      expect(vi.getTimerCount()).toBe(0)
    }
  })
})
