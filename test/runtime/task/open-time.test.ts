import fc from 'fast-check'
import { expect, it } from 'vitest'
import { OpenTime } from '../../../runtime/task/open-time.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'

it('counts the time in which nothing held input back, whenever it is looked at (R11)', () => {
  const step = fc.record({ ms: fc.nat(100), isHeld: fc.boolean(), looks: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const clock = new ManualClock()
      const open = new OpenTime(clock)
      let isHeld = false
      let expected = 0
      for (const { ms, isHeld: next, looks } of steps) {
        clock.advance(ms)
        if (!isHeld) expected += ms
        if (looks) {
          expect(open.look()).toBe(expected)
          expected = 0
        }
        isHeld = next
        open.hold(next)
      }
    }),
  )
})
