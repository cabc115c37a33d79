import { describe, expect, it } from 'vitest'
import type { OperatorFigures } from '../../../runtime/messages.ts'
import { Deliveries } from '../../../runtime/job/deliveries.ts'
import { JobFigures } from '../../../runtime/job/job-figures.ts'
import { planOf } from './plans.ts'

const figuresOf = (name: string, figures: Partial<OperatorFigures>): OperatorFigures => ({
  name,
  recordsIn: 0,
  recordsOut: 0,
  watermark: -Infinity,
  maxTimestamp: -Infinity,
  counters: {},
  time: {
    forwarded: -Infinity,
    status: 'active',
    hasTimers: false,
    holdsBack: false,
    hold: { kind: 'idle' },
  },
  ...figures,
})

describe('figures of a job', () => {
  it('sums over slots, and over attempts', () => {
    const figures = new JobFigures(planOf({ parallelism: 2 }))
    figures.update(0, [figuresOf('source', { recordsOut: 5, counters: { skipped: 1 } })], 0)
    figures.update(0, [figuresOf('source', { recordsOut: 7, counters: { skipped: 2 } })], 0)
    figures.update(
      1,
      [figuresOf('source', { recordsOut: 1 }), figuresOf('sink', { recordsIn: 3 })],
      0,
    )
    expect(figures.sums).toMatchObject({
      recordsRead: 8,
      recordsWritten: 3,
      counters: { source: { skipped: 2 } },
    })
    figures.endAttempt()
    figures.update(0, [figuresOf('source', { recordsOut: 2, counters: { skipped: 1 } })], 0)
    expect(figures.sums).toMatchObject({
      recordsRead: 10,
      recordsWritten: 3,
      counters: { source: { skipped: 3 } },
    })
  })

  it('takes the lowest watermark of the sources, and its distance from the highest event time', () => {
    const figures = new JobFigures(planOf({ parallelism: 2 }))
    expect([figures.sourceWatermark, figures.watermarkLagMs]).toEqual([undefined, undefined])
    figures.update(0, [figuresOf('source', { recordsOut: 1, watermark: 50, maxTimestamp: 60 })], 0)
    figures.update(1, [figuresOf('source', { recordsOut: 1, watermark: 40, maxTimestamp: 70 })], 0)
    figures.update(
      1,
      [
        figuresOf('source', { recordsOut: 1, watermark: 40, maxTimestamp: 70 }),
        figuresOf('count', { watermark: 30 }),
      ],
      0,
    )
    expect([figures.sourceWatermark, figures.watermarkLagMs]).toEqual([40, 40])
  })
})

describe('event time in the figures of a job', () => {
  const waiting = (hold: OperatorFigures['time']['hold']): OperatorFigures => {
    const { time, ...others } = figuresOf('count', { recordsIn: 1 })
    return { ...others, time: { ...time, hasTimers: true, hold } }
  }

  it('is what the slots of the running attempt report, and told of where it stands still', () => {
    const figures = new JobFigures(planOf({ parallelism: 2 }))
    const report = (now: number) =>
      figures.update(0, [{ ...waiting({ kind: 'no-strategy' }), recordsIn: now }], now)
    expect(report(0)).toEqual([])
    expect(figures.eventTime(700).subtasks).toMatchObject([{ operator: 'count', standsMs: 700 }])
    expect(report(9_500)).toEqual([])
    // Looked at once a second.
    expect(report(10_400)).toEqual([])
    expect(report(10_500)).toMatchObject([{ type: 'event-time-stalled', operators: ['count'] }])
    figures.endAttempt()
    expect(figures.eventTime(10_500).subtasks).toEqual([])
    expect(report(15_000)).toEqual([])
    expect(report(25_000)).toHaveLength(1)
  })
})

describe('deliveries', () => {
  it('counts a delivery that is made again once', () => {
    const deliveries = new Deliveries()
    deliveries.deliver('a', '1', [1, 2])
    deliveries.deliver('a', '1', [1, 2])
    deliveries.deliver('a', '2', [3])
    deliveries.deliver('b', '1', [4])
    expect(deliveries.values).toEqual({ a: [1, 2, 3], b: [4] })
  })
})
