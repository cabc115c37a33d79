import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CreditWindow } from '../../../runtime/channel/credit-window.ts'

const MOST = 256 * 1_024

interface Phase {
  /** What the receiver consumes. */
  readonly bytesPerMs: number
  readonly ms: number
}

/**
 * A sender that always has more, and a receiver that consumes batch after batch at a rate that changes from phase to phase;
 * batches and credit take their time to arrive. Returns of each phase what was consumed in its last half, and how long what
 * was sent then was under way at most.
 */
function simulate(phases: readonly Phase[], roundTripMs: number) {
  const window = new CreditWindow(MOST)
  const batches: { sentAt: number; arrivesAt: number; left: number; readonly bytes: number }[] = []
  const credits: { at: number; bytes: number }[] = []
  let underWay = 0
  let now = 0
  return phases.map(({ bytesPerMs, ms }) => {
    const end = now + ms
    const from = now + ms / 2
    let consumed = 0
    let longest = 0
    for (; now < end; now++) {
      while (credits[0] !== undefined && credits[0].at <= now) {
        const { bytes } = credits.shift()!
        underWay -= bytes
        window.consumed(bytes, underWay, now)
      }
      while (underWay < window.bytes) {
        const bytes = Math.min(32 * 1_024, Math.ceil(window.bytes / 4))
        if (underWay === 0) window.begin(now)
        underWay += bytes
        batches.push({ sentAt: now, arrivesAt: now + roundTripMs / 2, left: bytes, bytes })
      }
      let budget = bytesPerMs
      while (budget > 0 && batches[0] !== undefined && batches[0].arrivesAt <= now) {
        const [batch] = batches
        const bytes = Math.min(budget, batch.left)
        batch.left -= bytes
        budget -= bytes
        if (now >= from) consumed += bytes
        if (batch.left > 0) continue
        batches.shift()
        if (batch.sentAt >= from) longest = Math.max(longest, now - batch.sentAt)
        credits.push({ at: now + roundTripMs / 2, bytes: batch.bytes })
      }
    }
    return { consumed: consumed / (ms / 2), longest }
  })
}

const phase = fc.record({
  // From a record of 50 bytes every 25 ms to more than any receiver takes.
  bytesPerMs: fc.oneof(fc.integer({ min: 2, max: 50 }), fc.integer({ min: 50, max: 50_000 })),
  // What a faster phase has left under way is gone by the half of it, or most of it.
  ms: fc.constant(20_000),
})

describe('the window of a channel (R7)', () => {
  it('holds what is consumed in a fifth of a second, and keeps the receiver busy, whatever its rate', () => {
    fc.assert(
      fc.property(
        fc.array(phase, { minLength: 1, maxLength: 4, size: 'max' }),
        fc.constantFrom(0, 2, 10, 30),
        (phases, roundTripMs) => {
          for (const [index, seen] of simulate(phases, roundTripMs).entries()) {
            const { bytesPerMs } = phases[index]!
            const possible =
              roundTripMs === 0 ? bytesPerMs : Math.min(bytesPerMs, MOST / (roundTripMs + 1))
            expect(seen.consumed).toBeGreaterThan(0.8 * possible - 1)
            expect(seen.longest).toBeLessThan(450 + roundTripMs)
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  it('begins small, and is as large as the credit once the receiver is fast', () => {
    const window = new CreditWindow(MOST)
    expect(window.bytes).toBe(16 * 1_024)
    window.begin(0)
    window.consumed(16 * 1_024, 0, 2)
    expect(window.bytes).toBe(MOST)
    expect(new CreditWindow(64).bytes).toBe(64)
  })

  it('does not count time in which nothing was under way', () => {
    const window = new CreditWindow(MOST)
    for (let at = 0; at < 1_000; at += 100) {
      window.begin(at)
      window.consumed(8 * 1_024, 0, at + 1)
    }
    expect(window.bytes).toBe(MOST)
  })

  it('is small before a receiver that is slow, and never nothing', () => {
    const window = new CreditWindow(MOST)
    window.begin(0)
    window.consumed(100, 4_000, 60)
    expect(window.bytes).toBe(333)
    window.consumed(1, 3_999, 10_000)
    expect(window.bytes).toBe(256)
  })
})
