import { describe, expect, it } from 'vitest'
import { endLines, firstLine, goOnLine } from '../../cli/report.ts'
import { plan, result, started } from './fake-host.ts'

const lineage = '0123456789abcdef'
const restored = { lineage, checkpointId: 12 }
const rest = `lineage ${lineage}, state in /jobs/.millrace/cards`

describe('firstLine', () => {
  it.each([
    [started(), `cards: fresh start, parallelism 2, ${rest}`],
    [
      started({ mode: 'resumed', restored }),
      `cards: resumed from checkpoint 12, parallelism 2 (the checkpoint's), ${rest}`,
    ],
    [
      started({ mode: 'resumed' }),
      `cards: resumed from the start, no checkpoint was complete, parallelism 2, ${rest}`,
    ],
    [
      started({ mode: 'resumed', restored: { lineage: 'ff', checkpointId: 3 } }),
      `cards: resumed from checkpoint 3 of lineage ff, parallelism 2 (the checkpoint's), ${rest}`,
    ],
    [
      started({ mode: 'from', restored: { lineage: 'ff', checkpointId: 3 } }),
      `cards: started from checkpoint 3 of lineage ff (--from), parallelism 2 (the checkpoint's), ${rest}`,
    ],
    [
      started({ mode: 'already-finished', restored }),
      `cards: already finished with checkpoint 12, nothing to do (--fresh starts anew), parallelism 2 (the checkpoint's), ${rest}`,
    ],
  ])(
    'says where the run begins, with which parallelism, lineage and folder (N22)',
    (event, line) => {
      expect(firstLine(event, false)).toBe(line)
    },
  )

  it('does not call a parallelism that was given the checkpoint’s (N22)', () => {
    const line = firstLine(started({ mode: 'resumed', restored }), true)
    expect(line).toContain('parallelism 2, lineage')
  })
})

describe('endLines', () => {
  const noun = ['alert', 'alerts'] as const

  it('sums a finished run up, with its counters and where its output is', () => {
    const counters = {
      transactions: { recordsSkipped: 3, numLateRecordsDropped: 0 },
      late: { numLateRecordsDropped: 1_200, 'my counter': 1 },
    }
    const { metrics } = result()
    expect(
      endLines(result({ metrics: { ...metrics, restarts: 1, counters } }), plan(), noun),
    ).toEqual([
      'finished after 12 s: 36,000 records read (3,000/s), 412 alerts written, 7 checkpoints, 1 restart',
      `last checkpoint: 8 (final), 41 ms, 12.3 kB, /jobs/.millrace/cards/checkpoints/${lineage}/8`,
      'counted by transactions: records skipped 3',
      'counted by late: late records dropped 1,200, my counter 1',
      'output of alerts: /data/alerts',
    ])
  })

  it('says that a run was stopped', () => {
    const [first] = endLines(result({ status: 'stopped' }), plan(), noun)
    expect(first).toMatch(/^stopped after 12 s: /)
  })

  it('says of a job that had finished before only where its output is (R34)', () => {
    expect(endLines(result({ status: 'already-finished' }), plan(), noun)).toEqual([
      'output of alerts: /data/alerts',
    ])
  })
})

describe('goOnLine', () => {
  it('says that the same command goes on, which with --fresh it would not', () => {
    expect(goOnLine(false, 7)).toBe('the same command goes on from checkpoint 7')
    expect(goOnLine(true, 7)).toBe('the same command without --fresh goes on from checkpoint 7')
    expect(goOnLine(false, undefined)).toBe(
      'no checkpoint is complete: the same command starts from the beginning',
    )
  })
})
