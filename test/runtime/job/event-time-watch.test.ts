import { beforeEach, describe, expect, it } from 'vitest'
import type { SubtaskEventTime } from '../../../runtime/event-time.ts'
import { EventTimeWatch } from '../../../runtime/job/event-time-watch.ts'
import { inputOf, timeOf } from './event-times.ts'

const source = timeOf('in', { hold: { kind: 'no-strategy' } })

describe('EventTimeWatch', () => {
  let watch: EventTimeWatch

  beforeEach(() => {
    watch = new EventTimeWatch()
  })

  const window = (known: Partial<SubtaskEventTime> = {}, name = 'window') =>
    timeOf(name, { watermark: 5, hasTimers: true, hold: inputOf('in', 5), ...known })

  const look = (now: number, ...subtasks: SubtaskEventTime[]) =>
    watch.look({ subtasks: [{ ...source, watermark: 5, forwarded: 5 }, ...subtasks] }, now)

  it('tells of an operator that stands still for 10 s while records come, with the reason', () => {
    expect(look(9_999, window({ standsMs: 9_999 }))).toEqual([])
    expect(look(10_000, window({ standsMs: 10_000 }))).toMatchObject([
      {
        type: 'event-time-stalled',
        operators: ['window'],
        explanation: { operator: 'window', watermark: 5, reason: { kind: 'no-strategy' } },
      },
    ])
  })

  it.each<[string, Partial<SubtaskEventTime>]>([
    ['no timer waits for its time', { hasTimers: false }],
    ['no record comes any more', { standsMs: 20_000, silentMs: 10_000 }],
    ['none has come since it stood still', { standsMs: 10_000, silentMs: 9_500 }],
    ['all its inputs are idle', { hold: { kind: 'idle' } }],
    ['its input has ended', { watermark: Infinity, hold: { kind: 'ended' } }],
  ])('tells nothing where %s', (_, known) => {
    expect(look(20_000, window({ standsMs: 20_000, ...known }))).toEqual([])
  })

  it('counts the records and timers of all subtasks', () => {
    const subtasks = [
      window({ standsMs: 12_000, silentMs: 12_000, hasTimers: false }),
      window({ subtask: 1, watermark: 6, standsMs: 12_000, silentMs: 12_000 }),
      window({ subtask: 2, watermark: 7, standsMs: 3_000, hasTimers: false }),
    ]
    expect(look(20_000, ...subtasks)).toMatchObject([{ explanation: { subtask: 0 } }])
  })

  it('tells once a minute at most, and once that it goes on', () => {
    const told: (readonly [number, string])[] = []
    for (let now = 10_000; now <= 140_000; now += 1_000) {
      for (const { type } of look(now, window({ standsMs: now }))) told.push([now, type])
    }
    expect(told.map(([now]) => now)).toEqual([10_000, 70_000, 130_000])
    const higher = { watermark: 8, hold: inputOf('in', 5) }
    expect(look(141_000, window({ ...higher }))).toEqual([
      { type: 'event-time-resumed', operators: ['window'], watermark: 8, stoodMs: 141_000 },
    ])
    expect(look(142_000, window({ ...higher, standsMs: 1_000 }))).toEqual([])
    // It stands still again, within the minute.
    expect(look(160_000, window({ ...higher, standsMs: 19_000 }))).toEqual([])
    expect(look(190_000, window({ ...higher, standsMs: 49_000 }))).toHaveLength(1)
  })

  it('tells in one of all that the same thing holds back, and so when they go on', () => {
    const other = { ...window({ standsMs: 11_000 }, 'other'), hold: { kind: 'idle' } as const }
    const away = window({ standsMs: 11_000, hold: { kind: 'back-pressure' } }, 'away')
    const both = [window({ standsMs: 11_000 }), window({ standsMs: 11_000 }, 'wide'), away, other]
    expect(look(11_000, ...both)).toMatchObject([
      { operators: ['window', 'wide'], explanation: { operator: 'window' } },
      { operators: ['away'] },
    ])
    const end = { watermark: Infinity, hold: { kind: 'ended' } as const }
    expect(look(12_000, window(end), window({ watermark: 9 }, 'wide'), away)).toMatchObject([
      { type: 'event-time-resumed', operators: ['window', 'wide'], watermark: 9, stoodMs: 12_000 },
    ])
  })

  it('forgets an attempt that is over', () => {
    expect(look(10_000, window({ standsMs: 10_000 }))).toHaveLength(1)
    watch.reset()
    expect(look(11_000, window({ watermark: 9 }))).toEqual([])
    expect(look(30_000, window({ standsMs: 10_000 }))).toHaveLength(1)
  })
})
