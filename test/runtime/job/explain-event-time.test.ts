import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EventTimeReason, SubtaskEventTime } from '../../../runtime/event-time.ts'
import { explainEventTime } from '../../../runtime/job/explain-event-time.ts'
import { inputOf, timeOf } from './event-times.ts'

const T = Date.UTC(2024, 4, 1, 12, 5)
const split = { splitId: 'cards-7.csv', lastTimestamp: T, activeSplits: 1, lowestSplits: 1 }
const silent: EventTimeReason = { kind: 'no-record', ...split, emptyMs: 41_000, idleInMs: 19_000 }

const explain = (...subtasks: SubtaskEventTime[]) => explainEventTime({ subtasks })

describe('explainEventTime', () => {
  it('follows what holds an operator back to the split of the source', () => {
    const explanations = explain(
      timeOf('transactions', {
        subtask: 0,
        watermark: T + 5_000,
        hold: { kind: 'slow-split', ...split },
      }),
      timeOf('transactions', { subtask: 2, watermark: T - 1, standsMs: 41_500, hold: silent }),
      timeOf('big', {
        subtask: 2,
        watermark: T - 1,
        hold: inputOf('transactions', T - 1, { input: 'chain', subtask: 2 }),
      }),
      timeOf('hourly', {
        watermark: T - 1,
        standsMs: 42_000,
        hold: inputOf('big', T - 1, { subtask: 2 }),
      }),
    )
    expect(explanations.map((one) => one.operator)).toEqual(['transactions', 'big', 'hourly'])
    expect(explanations[0]).toMatchObject({ subtask: 2, path: [], reason: silent })
    expect(explanations[2]).toEqual({
      operator: 'hourly',
      subtask: 0,
      watermark: T - 1,
      standsMs: 42_000,
      path: [
        { over: 1, operator: 'big', subtask: 2 },
        { over: 'chain', operator: 'transactions', subtask: 2 },
      ],
      reason: silent,
      text: '"hourly" stands at 2024-05-01 12:04:59.999 for 42 s: input 1 ← "transactions" #2, split cards-7.csv: no record for 41 s (idle in 19 s), the last one of 2024-05-01 12:05:00.000',
    })
  })

  it('takes the subtask that is furthest behind, of equals the one that has stood longest; idle and ended ones do not count', () => {
    const hold = { kind: 'no-strategy' } as const
    const [one] = explain(
      timeOf('a', { subtask: 0, watermark: 1, status: 'idle', hold: { kind: 'idle' } }),
      timeOf('a', { subtask: 1, watermark: Infinity, hold: { kind: 'ended' } }),
      timeOf('a', { subtask: 2, watermark: 9, standsMs: 500, hold }),
      timeOf('a', { subtask: 3, watermark: 5, standsMs: 10, hold }),
      timeOf('a', { subtask: 4, watermark: 5, standsMs: 20, hold }),
    )
    expect([one!.subtask, one!.watermark]).toEqual([4, 5])
    const [ended] = explain(timeOf('a', { watermark: Infinity, hold: { kind: 'ended' } }))
    expect(ended!.reason).toEqual({ kind: 'ended' })
  })

  it('stops where a higher watermark has been sent, and says what keeps it', () => {
    const source = timeOf('in', { watermark: 9, hold: silent })
    const reasonOf = (hold: SubtaskEventTime['hold']) =>
      explain(source, timeOf('b', { watermark: 5, hold }))[1]!
    expect(reasonOf(inputOf('in', 5))).toMatchObject({ path: [], reason: { kind: 'on-its-way' } })
    expect(reasonOf(inputOf('in', 5, { blockedBy: 'barrier' })).reason.kind).toBe('barrier')
    expect(reasonOf(inputOf('in', 5, { blockedBy: 'back-pressure' })).reason.kind).toBe(
      'back-pressure',
    )
    // What is blocked waits for it all the same where there is nothing to take.
    expect(reasonOf(inputOf('in', 9, { blockedBy: 'barrier' })).reason).toEqual(silent)
  })

  it('stops at an operator that is not done, but not at one that merely sends lower watermarks', () => {
    const joined = (known: Partial<SubtaskEventTime>) =>
      explain(
        timeOf('in', { watermark: 9, hold: silent }),
        timeOf('join', { watermark: 9, forwarded: 4, hold: inputOf('in', 9), ...known }),
        timeOf('out', { watermark: 4, hold: inputOf('join', 4) }),
      )[2]!
    expect(joined({ holdsBack: true })).toMatchObject({
      path: [{ over: 1, operator: 'join', subtask: 0 }],
      reason: { kind: 'held-back' },
    })
    expect(joined({})).toMatchObject({ path: [{}, { operator: 'in' }], reason: silent })
    expect(joined({ hold: { kind: 'timers', upTo: 9 } }).text).toContain(
      'input 1 ← "join": timers up to 1970-01-01 00:00:00.009 are being fired',
    )
  })

  it('goes on from a source that alignment pauses to the slowest of its group', () => {
    const paused = { kind: 'paused', group: 'rides', ...split } as const
    const group = { alignmentGroup: 'rides' }
    const fast = timeOf('fast', { watermark: T, standsMs: 12_000, hold: paused, ...group })
    const [aligned] = explain(
      fast,
      timeOf('idle', { watermark: 1, status: 'idle', hold: { kind: 'idle' }, ...group }),
      timeOf('slow', { watermark: T - 60_000, hold: silent, ...group }),
      timeOf('other', { watermark: 3, hold: silent }),
    )
    expect(aligned!.path).toEqual([{ over: 'group', operator: 'slow', subtask: 0 }])
    expect(aligned!.text).toBe(
      '"fast" stands at 2024-05-01 12:05:00.000 for 12 s: paused by alignment with "slow", split cards-7.csv: no record for 41 s (idle in 19 s), the last one of 2024-05-01 12:05:00.000',
    )
    expect(explain(fast)[0]).toMatchObject({ path: [], reason: paused })
  })

  it.each<readonly [EventTimeReason, string]>([
    [
      { kind: 'no-strategy' },
      'it has no watermarks, and holds time back until it has ended or is idle',
    ],
    [{ kind: 'read-later' }, 'it is not read before the sources that are read first have ended'],
    [{ kind: 'waiting-for-splits' }, 'splits are still to be assigned, and may begin anywhere'],
    [
      { kind: 'no-splits', emptyMs: 1_000, idleInMs: 59_000 },
      'it has been given no split (idle in 59 s)',
    ],
    [
      {
        kind: 'no-record-yet',
        ...split,
        lastTimestamp: undefined,
        activeSplits: 100,
        lowestSplits: 37,
        emptyMs: undefined,
        idleInMs: undefined,
      },
      'split cards-7.csv and 36 more of 100: no record yet',
    ],
    [
      { kind: 'no-watermark-yet', ...split },
      'split cards-7.csv: its records have made no watermark yet, the last one of 2024-05-01 12:05:00.000',
    ],
    [
      { kind: 'slow-split', ...split, activeSplits: 3 },
      'split cards-7.csv of 3: its records are of no later time, the last one of 2024-05-01 12:05:00.000',
    ],
    [
      { kind: 'paused', group: 'rides', ...split },
      'split cards-7.csv: paused by alignment group "rides"',
    ],
    [{ kind: 'back-pressure' }, 'back-pressure: it, or what is behind it, takes nothing'],
    [
      { kind: 'timers', upTo: Infinity },
      'the timers that are left at the end of its input are being fired',
    ],
    [{ kind: 'barrier' }, 'a checkpoint barrier of its other inputs is awaited'],
    [{ kind: 'on-its-way' }, 'the next watermark is on its way, behind records'],
    [{ kind: 'held-back' }, 'it is not done with what came before'],
    [{ kind: 'generator', silentMs: 0 }, 'its watermark generator has made no higher one'],
    [{ kind: 'generator', silentMs: 4_000 }, 'its watermark generator has had no record for 4 s'],
    [{ kind: 'idle' }, 'all its inputs are idle'],
    [{ kind: 'ended' }, 'its input has ended'],
    [{ kind: 'not-reported' }, 'what holds it back has not been reported'],
  ])('says what it is: %j', (hold, words) => {
    expect(explain(timeOf('a', { standsMs: 2_000, hold }))[0]!.text).toBe(
      `"a" has no event time after 2 s: ${words}`,
    )
  })

  it('ends for any figures, also where they lead in a circle or to nobody', () => {
    const subtask = fc.nat(1)
    const operator = fc.constantFrom('a', 'b', 'c', 'nobody')
    const watermark = fc.constantFrom(-Infinity, 1, 2, Infinity)
    const hold = fc.oneof(
      fc
        .record({
          operator,
          subtask,
          watermark,
          input: fc.constantFrom(1 as const, 2 as const, 'chain' as const),
        })
        .map((known) => inputOf(known.operator, known.watermark, known)),
      fc.constant({ kind: 'paused', group: 'g', ...split } as const),
      fc.constant(silent),
    )
    const time = fc
      .record({
        operator,
        subtask,
        watermark,
        forwarded: watermark,
        holdsBack: fc.boolean(),
        alignmentGroup: fc.constantFrom('g', undefined),
        hold,
      })
      .map((known) => timeOf(known.operator, known))
    fc.assert(
      fc.property(
        fc.uniqueArray(time, {
          size: 'max',
          maxLength: 8,
          selector: (one) => `${one.operator}/${one.subtask}`,
        }),
        (subtasks) => {
          const explanations = explain(...subtasks)
          expect(explanations.map((one) => one.operator).sort()).toEqual(
            [...new Set(subtasks.map((one) => one.operator))].sort(),
          )
          for (const { path, reason, text } of explanations) {
            expect(path.length).toBeLessThanOrEqual(subtasks.length)
            expect(reason.kind).not.toBe('input')
            expect(text).not.toMatch(/undefined|NaN/)
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})
