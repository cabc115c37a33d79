import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PaneLayout } from '../../../operators/window/pane-layout.ts'

const shapes = fc
  .record({
    slide: fc.integer({ min: 1, max: 12 }),
    more: fc.integer({ min: 1, max: 40 }),
    shift: fc.double({ min: -1, max: 1, noNaN: true }),
  })
  .map(({ slide, more, shift }) => ({
    size: slide + more,
    slide,
    offset: Math.trunc(shift * (slide - 1)),
  }))
const times = fc.integer({ min: -200, max: 200 })

/** The starts of all windows that hold a time, by trying all. */
function holding(time: number, shape: { size: number; slide: number; offset: number }): number[] {
  const { size, slide, offset } = shape
  const starts: number[] = []
  for (let start = time - size + 1; start <= time; start++) {
    if ((start - offset) % slide === 0) starts.push(start)
  }
  return starts
}

const paneAt = (layout: PaneLayout, time: number): number =>
  layout.pane(time, layout.lastWindow(time))

describe('the panes of sliding windows', () => {
  test('know the first and the last window that hold a time (R42, semantics 2.1)', () => {
    fc.assert(
      fc.property(shapes, times, (shape, time) => {
        const layout = new PaneLayout(shape.size, shape.slide, shape.offset)
        const starts = holding(time, shape)
        const last = layout.lastWindow(time)
        expect([layout.firstWindow(time, last), last]).toEqual([starts[0], starts.at(-1)])
        expect(starts.every((start) => layout.isStart(start))).toBe(true)
        expect(layout.isStart(time)).toBe(starts.includes(time))
      }),
      { numRuns: 1_000 },
    )
  })

  test('are as long as they can be with all of each in the same windows (R42)', () => {
    fc.assert(
      fc.property(shapes, times, (shape, time) => {
        const layout = new PaneLayout(shape.size, shape.slide, shape.offset)
        const pane = paneAt(layout, time)
        expect(pane).toBeLessThanOrEqual(time)
        expect(holding(time, shape)).toEqual(holding(pane, shape))
        // The moment before the pane is in another pane, for a reason.
        expect(paneAt(layout, pane - 1)).toBeLessThan(pane)
        expect(holding(pane - 1, shape)).not.toEqual(holding(pane, shape))
      }),
      { numRuns: 1_000 },
    )
  })

  test('have names that do not depend on how the offset was written', () => {
    expect(new PaneLayout(30, 10, -3).offsetMs).toBe(new PaneLayout(30, 10, 7).offsetMs)
    expect(Object.is(new PaneLayout(30, 10, -0).offsetMs, 0)).toBe(true)
  })
})
