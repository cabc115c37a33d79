import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  currentLineage,
  decideStart,
  type FromSnapshot,
  type JobRecord,
  withLineage,
} from '../../../runtime/job/lineage.ts'

const base = { job: 'j', record: undefined, fresh: false, from: undefined, newLineage: 'new' }
const snapshot = (lineage: string, checkpointId: number): FromSnapshot => ({
  point: { lineage, checkpointId },
  directory: `/${lineage}`,
  ancestry: [{ lineage: `before-${lineage}`, checkpointId: 3 }],
})

describe('lineage of a start', () => {
  it('begins a new lineage where nothing is known (R1)', () => {
    const start = decideStart(base)
    expect(start).toMatchObject({
      mode: 'fresh',
      setsAside: false,
      lineage: { lineage: 'new', ancestry: [] },
    })
    expect(start.record.current).toBe('new')
  })

  it('resumes the current lineage (R2)', () => {
    const { record } = decideStart(base)
    const start = decideStart({ ...base, record, newLineage: 'other' })
    expect(start).toMatchObject({
      mode: 'resumed',
      repeatsFrom: false,
      lineage: { lineage: 'new' },
    })
    expect(start.record).toEqual(record)
  })

  it('begins a new lineage with --fresh, without those before, and moves them aside (R1, R2)', () => {
    const { record } = decideStart(base)
    const start = decideStart({ ...base, record, fresh: true, newLineage: 'other' })
    expect(start).toMatchObject({ mode: 'fresh', setsAside: true, lineage: { ancestry: [] } })
    expect(start.record.lineages.map((one) => one.lineage)).toEqual(['other'])
  })

  it('begins a lineage with the ancestry of the snapshot at the first --from (R1, R2)', () => {
    const { record } = decideStart(base)
    const start = decideStart({ ...base, record, from: snapshot('s', 5), newLineage: 'other' })
    expect(start.mode).toBe('from')
    expect(start.lineage.ancestry).toEqual([
      { lineage: 's', checkpointId: 5 },
      { lineage: 'before-s', checkpointId: 3 },
    ])
    expect(start.record.current).toBe('other')
    expect(start.record.lineages.map((one) => one.lineage)).toEqual(['new', 'other'])
  })

  it('resumes what --from began when it is repeated, wherever the snapshot lies now (R2)', () => {
    const first = decideStart({ ...base, from: snapshot('s', 5) })
    const moved = { ...snapshot('s', 5), directory: '/elsewhere' }
    const again = decideStart({ ...base, record: first.record, from: moved, newLineage: 'other' })
    expect(again).toMatchObject({ mode: 'resumed', repeatsFrom: true, lineage: { lineage: 'new' } })
    expect(currentLineage(again.record).origin?.directory).toBe('/elsewhere')
    const plain = decideStart({ ...base, record: again.record, newLineage: 'third' })
    expect(plain).toMatchObject({
      mode: 'resumed',
      repeatsFrom: false,
      lineage: { lineage: 'new' },
    })
  })

  it('takes another checkpoint of the same lineage for another snapshot (R2)', () => {
    const { record } = decideStart({ ...base, from: snapshot('s', 5) })
    const other = decideStart({ ...base, record, from: snapshot('s', 6), newLineage: 'other' })
    expect(other).toMatchObject({ mode: 'from', lineage: { lineage: 'other' } })
  })

  it('remembers every lineage, in any order of starts, and gives out no id twice (R1, R2)', () => {
    const action = fc.record({
      fresh: fc.boolean(),
      from: fc.option(fc.tuple(fc.constantFrom('s', 't'), fc.integer({ min: 1, max: 3 }))),
    })
    fc.assert(
      fc.property(fc.array(action), (actions) => {
        let record: JobRecord | undefined
        let made = 0
        const begun = new Map<string, string>()
        for (const { fresh, from } of actions) {
          const given = from === null || fresh ? undefined : snapshot(...from)
          const start = decideStart({
            job: 'j',
            record,
            fresh,
            from: given,
            newLineage: `l${made++}`,
          })
          if (fresh) begun.clear()
          const key = given === undefined ? undefined : JSON.stringify(given.point)
          if (key !== undefined) {
            const known = begun.get(key)
            expect(start.mode).toBe(known === undefined ? 'from' : 'resumed')
            if (known !== undefined) expect(start.lineage.lineage).toBe(known)
            begun.set(key, start.lineage.lineage)
          } else if (!fresh && record !== undefined) {
            expect(start.lineage).toEqual(currentLineage(record))
          }
          record = start.record
          const ids = record.lineages.map((one) => one.lineage)
          expect(new Set(ids).size).toBe(ids.length)
          expect(currentLineage(record)).toEqual(start.lineage)
        }
      }),
    )
  })

  it('changes one lineage of a record', () => {
    const { record } = decideStart({ ...base, from: snapshot('s', 5) })
    const two = decideStart({ ...base, record, from: snapshot('t', 1), newLineage: 'other' }).record
    const changed = withLineage(two, { ...currentLineage(two), committed: 9 })
    expect(changed.lineages.map((one) => one.committed)).toEqual([undefined, 9])
  })
})
