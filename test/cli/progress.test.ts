import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plainProgressLine, Progress, progressLine } from '../../cli/progress.ts'
import type { JobEvent } from '../../runtime/job/job-events.ts'
import { checkpoint, progress } from './fake-host.ts'

const noun = ['alert', 'alerts'] as const

function figuresAfter(...events: JobEvent[]): Progress['figures'] {
  const shown = new Progress()
  for (const event of events) shown.update(event)
  return shown.figures
}

const running: JobEvent = { type: 'running', attempt: 1 }
const figures = figuresAfter(running, progress(6_024), checkpoint(4))

describe('progressLine', () => {
  it.each([
    [
      120,
      '3,012 records/s · event time 2019-01-01 03:12:45 · watermark lag 5 s · checkpoint 4: 41 ms, 12.3 kB · 87 alerts',
    ],
    [79, '3,012/s · 2019-01-01 03:12:45 · lag 5 s · cp 4: 41 ms 12.3 kB · 87 alerts'],
    [65, '3,012/s · 2019-01-01 03:12:45 · cp 4: 41 ms 12.3 kB · 87 alerts'],
    [50, '3,012/s · 2019-01-01 03:12:45 · 87 alerts'],
    [20, '3,012/s · 87 alerts'],
    [10, '3,012/s'],
    [4, '3,0…'],
  ])('fits into %d columns', (columns, line) => {
    expect(progressLine(figures, columns, noun)).toBe(line)
  })

  it('is never wider than the terminal', () => {
    const any = fc.record({
      phase: fc.constantFrom(undefined, 'starting', 'restarting in 10 s'),
      elapsedMs: fc.nat(),
      recordsPerSecond: fc.double({ min: 0, max: 1e9, noNaN: true }),
      watermark: fc.option(fc.integer(), { nil: undefined }),
      watermarkLagMs: fc.option(fc.nat(), { nil: undefined }),
      lastCheckpoint: fc.option(
        fc.record({ checkpointId: fc.nat(), durationMs: fc.nat(), bytes: fc.nat() }),
        { nil: undefined },
      ),
      written: fc.nat(),
      skipped: fc.nat(),
      loadedShare: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
      held: fc.option(fc.constant({ sources: ['main', 'other'], waitFor: ['rules'] }), {
        nil: undefined,
      }),
    })
    fc.assert(
      fc.property(any, fc.integer({ min: 1, max: 200 }), (some, columns) => {
        expect(progressLine(some, columns, noun).length).toBeLessThanOrEqual(columns)
      }),
    )
  })

  it('does not make up what the checkpoint cost that the run goes on from', () => {
    const restored = { ...checkpoint(7), durationMs: 0, bytes: 0 }
    const line = progressLine({ ...figures, lastCheckpoint: restored }, 200, noun)
    expect(line).toContain(' · checkpoint 7 · ')
  })

  it('shows how many records were skipped, once there are any', () => {
    const counters = { a: { recordsSkipped: 1_200 }, b: { recordsSkipped: 1, other: 7 } }
    const some = figuresAfter(running, { ...progress(10), counters })
    expect(progressLine(some, 200, noun)).toMatch(/ · 87 alerts · 1,201 records skipped$/)
    expect(progressLine(some, 80, noun)).toMatch(/ · 87 alerts · 1,201 skipped$/)
  })

  it('says how much of the restored state has been loaded, until all has (R28)', () => {
    const loading = figuresAfter(running, { ...progress(6_024), loadedShare: 0.357 })
    expect(progressLine(loading, 200, noun)).toMatch(/^state loaded 35 % · 3,012 records/)
    const loaded = figuresAfter(running, { ...progress(6_024) })
    expect(progressLine(loaded, 200, noun)).not.toContain('state')
  })

  it('says which sources wait for others to be read, until they do not', () => {
    const held = { sources: ['transactions'], waitFor: ['rules', 'rates'] }
    const waiting = figuresAfter(running, { ...progress(6_024), held })
    expect(progressLine(waiting, 200, noun)).toMatch(
      /^transactions waits for rules, rates · 3,012 /,
    )
    expect(progressLine(waiting, 79, noun)).toMatch(/^waits for rules · 3,012\/s · /)
    const two = { sources: ['a', 'b'], waitFor: ['rules'] }
    expect(plainProgressLine(figuresAfter({ ...progress(0), held: two }), noun)).toContain(
      ' · a, b wait for rules · ',
    )
    expect(figuresAfter({ ...progress(0), held }, progress(1)).held).toBeUndefined()
  })

  it('says what is not known yet', () => {
    const early = {
      ...progress(0),
      watermark: undefined,
      watermarkLagMs: undefined,
      recordsWritten: 1,
    }
    expect(progressLine(figuresAfter(running, early), 200, noun)).toBe(
      '0 records/s · event time none yet · no checkpoint yet · 1 alert',
    )
  })
})

describe('plainProgressLine', () => {
  it('says everything, and how long the run has taken', () => {
    expect(plainProgressLine(figures, noun)).toBe(
      '[2 s] 3,012 records/s · event time 2019-01-01 03:12:45 · watermark lag 5 s · checkpoint 4: 41 ms, 12.3 kB · 87 alerts',
    )
  })
})

describe('Progress', () => {
  const error = {
    name: 'Error',
    code: undefined,
    message: 'no',
    stack: undefined,
    fields: {},
    restartable: true,
    cause: undefined,
  }

  it('names the phase when the job is not simply running', () => {
    expect(new Progress().figures.phase).toBe('starting')
    expect(figuresAfter(running).phase).toBeUndefined()
    const restarting: JobEvent = { type: 'restarting', attempt: 2, delayMs: 1_500, error }
    expect(figuresAfter(running, progress(100), restarting)).toMatchObject({
      phase: 'restarting in 1.5 s',
      recordsPerSecond: 0,
    })
    expect(figuresAfter(running, { type: 'stopping' }).phase).toBe('stopping')
    expect(figuresAfter({ type: 'stopping' }, running).phase).toBe('stopping')
  })

  it('keeps the last watermark and checkpoint in view when there is none any more', () => {
    const end = { ...progress(200), watermark: undefined, watermarkLagMs: undefined }
    const last = figuresAfter(running, progress(100), checkpoint(1), end)
    expect(last.watermark).toBe(progress(0).watermark)
    expect(last.lastCheckpoint?.checkpointId).toBe(1)
  })

  it('says whether the line has changed', () => {
    const shown = new Progress()
    expect(shown.update({ type: 'note', message: 'x' })).toBe(false)
    expect(shown.update(progress(1))).toBe(true)
  })
})
