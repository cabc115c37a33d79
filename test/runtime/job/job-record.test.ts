import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeJobRecord, encodeJobRecord } from '../../../runtime/job/job-record.ts'
import type { JobRecord } from '../../../runtime/job/lineage.ts'

const point = fc.record({
  lineage: fc.string({ minLength: 1 }),
  checkpointId: fc.nat(),
})
const lineage = fc.record({
  lineage: fc.uuid(),
  ancestry: fc.array(point),
  origin: fc.option(fc.record({ point, directory: fc.string({ minLength: 1 }) }), {
    nil: undefined,
  }),
  committed: fc.option(fc.nat(), { nil: undefined }),
  abandoned: fc.array(fc.nat()),
})
const record: fc.Arbitrary<JobRecord> = fc
  .tuple(
    fc.string({ minLength: 1 }),
    fc.uniqueArray(lineage, { minLength: 1, selector: (one) => one.lineage }),
  )
  .map(([job, lineages]) => ({ job, current: lineages[0]!.lineage, lineages }))

describe('job record', () => {
  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(record, (one) => {
        expect(decodeJobRecord(encodeJobRecord(one), 'job.json')).toEqual(one)
      }),
    )
  })

  it('refuses every file that is not what was written', () => {
    fc.assert(
      fc.property(record, fc.nat(), fc.integer({ min: 1, max: 255 }), (one, at, flip) => {
        const bytes = Buffer.from(encodeJobRecord(one))
        const index = at % bytes.length
        bytes[index] = bytes[index]! ^ flip
        let read: JobRecord | undefined
        try {
          read = decodeJobRecord(bytes.toString('utf8'), 'job.json')
        } catch (error) {
          expect(error).toMatchObject({ code: 'MR_DIRECTORY_UNUSABLE' })
        }
        // White space may change.
        if (read !== undefined) expect(read).toEqual(one)
      }),
    )
  })

  it.each(['', '{}', 'null', '[]', '{"version":2}', '{"version":1,"lineages":{}}'])(
    'refuses %j',
    (text) => {
      expect(() => decodeJobRecord(text, '/d/job.json')).toThrow(/^\/d\/job\.json is damaged: /)
    },
  )
})
