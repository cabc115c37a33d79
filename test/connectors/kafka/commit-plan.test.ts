import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatIdentity,
  parseIdentity,
  planCommits,
} from '../../../connectors/kafka/commit-plan.ts'

/** Transactions of one id in their order, each behind the one before; the first is the marker that was there at first. */
const history = fc
  .array(fc.integer({ min: 1, max: 3 }), { minLength: 2, maxLength: 8 })
  .map((steps) => {
    let checkpointId = 0
    return steps.map((step, i) =>
      formatIdentity({ lineage: 'aa', checkpointId: (checkpointId += step) }, `n${i}`),
    )
  })

describe('planCommits', () => {
  it('writes exactly what was not committed, wherever the history was cut (R33)', () => {
    fc.assert(
      fc.property(history, fc.nat(), fc.nat(), (ids, a, b) => {
        // The marker is at `done`, and pending is what comes after `first`.
        const done = a % ids.length
        const first = 1 + (b % (ids.length - 1))
        const pending = ids
          .slice(first)
          .map((id, i) => ({ id, previous: ids[first + i - 1]!, hasRecords: true }))
        fc.pre(done >= first - 1)
        expect(planCommits(ids[done], pending, 'aa')).toEqual({ from: done - first + 1 })
      }),
    )
  })

  const records = [{ id: 'aa/5/x', previous: 'aa/4/x', hasRecords: true }]
  const none = [{ id: 'aa/5/x', previous: 'aa/5/x', hasRecords: false }]

  it('leaves out what a snapshot of another lineage has pending, if that one has gone on', () => {
    expect(planCommits('aa/9/y', records, 'bb')).toEqual({ from: 1 })
  })

  it('asks where the same lineage has gone on, even if there are no records: it was another run', () => {
    expect(planCommits('aa/9/y', records, 'aa')).toEqual({ unknown: 'later' })
    expect(planCommits('aa/9/y', none, 'aa')).toEqual({ unknown: 'later' })
  })

  it('asks where the marker is gone and records are pending', () => {
    expect(planCommits(undefined, records, 'aa')).toEqual({ unknown: 'missing' })
    expect(planCommits(undefined, none, 'aa')).toEqual({ from: 1 })
    expect(planCommits(undefined, [], 'aa')).toEqual({ from: 0 })
  })

  it.each([
    ['of another lineage, whatever its number', 'bb/9/y'],
    ['of the same number, made by a copy', 'aa/5/y'],
    ['of an older transaction than can be', 'aa/3/x'],
    ['no marker of ours', 'anything'],
  ])('asks where the marker is %s', (_, marker) => {
    expect(planCommits(marker, records, 'aa')).toEqual({ unknown: 'foreign' })
    expect(planCommits(marker, records, 'cc')).toEqual({ unknown: 'foreign' })
    expect(planCommits(marker, none, 'aa')).toEqual({ unknown: 'foreign' })
    expect(planCommits(marker, none, 'cc')).toEqual({ from: 1 })
  })

  it('reads identities that it has written', () => {
    const identity = { lineage: '0123abcd', checkpointId: 17 }
    expect(parseIdentity(formatIdentity(identity, 'a-b-c'))).toEqual(identity)
    expect(parseIdentity('aa/x/y')).toBe(undefined)
  })
})
