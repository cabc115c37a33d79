import { describe, expect, it } from 'vitest'
import type { OperatorTime } from '../../../runtime/event-time.ts'
import { EventTimeTracker } from '../../../runtime/job/event-time-tracker.ts'
import type { OperatorFigures } from '../../../runtime/messages.ts'
import { count, operatorOf, planOf, sink, source } from './plans.ts'

const alignment = { group: 'all', maxDriftMs: 1_000, updateIntervalMs: 1_000 }
const plan = planOf({
  parallelism: 2,
  chains: [
    [{ ...source, alignment }, operatorOf('time')],
    [count, sink],
  ],
})

function figuresOf(
  name: string,
  known: Omit<Partial<OperatorFigures>, 'time'> & { readonly time?: Partial<OperatorTime> } = {},
): OperatorFigures {
  const time: OperatorTime = {
    forwarded: -Infinity,
    status: 'active',
    hasTimers: false,
    holdsBack: false,
    hold: { kind: 'no-strategy' },
    ...known.time,
  }
  const flow = { recordsIn: 0, recordsOut: 0, watermark: -Infinity, maxTimestamp: -Infinity }
  return { name, counters: {}, ...flow, ...known, time }
}

describe('EventTimeTracker', () => {
  it('tells how long each watermark has stood, and how long no record has come', () => {
    const tracker = new EventTimeTracker(plan)
    const at = (now: number, watermark: number, recordsIn: number, slot = 0) =>
      tracker.update(slot, [figuresOf('count', { watermark, recordsIn, recordsOut: now })], now)
    at(1_000, -Infinity, 0)
    at(2_000, 10, 3)
    at(3_000, 10, 4)
    at(4_000, 10, 4)
    at(4_000, 7, 1, 1)
    expect(tracker.figures(4_500).subtasks).toMatchObject([
      { operator: 'count', subtask: 0, watermark: 10, standsMs: 2_500, silentMs: 1_500 },
      { operator: 'count', subtask: 1, watermark: 7, standsMs: 500, silentMs: 500 },
    ])
    tracker.reset()
    expect(tracker.figures(5_000).subtasks).toEqual([])
    at(6_000, 10, 4)
    expect(tracker.figures(6_000).subtasks).toMatchObject([{ standsMs: 0, silentMs: 0 }])
  })

  it('counts what a source has emitted, and names the group it is aligned with', () => {
    const tracker = new EventTimeTracker(plan)
    tracker.update(1, [figuresOf('count'), figuresOf('source', { recordsOut: 1 })], 0)
    tracker.update(1, [figuresOf('count'), figuresOf('source', { recordsOut: 2 })], 700)
    expect(tracker.figures(1_000).subtasks).toMatchObject([
      { operator: 'source', subtask: 1, silentMs: 300, alignmentGroup: 'all' },
      { operator: 'count', subtask: 1, silentMs: 1_000, alignmentGroup: undefined },
    ])
  })

  it('takes what an operator generates for its time, and tells how long it has had no record', () => {
    const tracker = new EventTimeTracker(plan)
    const generator = { forwarded: 8, hold: { kind: 'generator', silentMs: 0 } } as const
    tracker.update(0, [figuresOf('time', { watermark: 3, time: generator })], 0)
    expect(tracker.figures(400).subtasks).toMatchObject([
      { operator: 'time', watermark: 8, hold: { kind: 'generator', silentMs: 400 } },
    ])
  })
})
