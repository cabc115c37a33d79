import fc from 'fast-check'
import { expect, it } from 'vitest'
import { collectionSink, collectionSource, job } from 'millrace'
import { testJob } from 'millrace/testing'
import type { Sink, SinkContext } from '../../runtime/sink.ts'

interface Row {
  readonly key: string
  readonly n: number
}

interface Written extends Row {
  readonly subtask: number
}

/** Collects records with the subtask that wrote them. */
function subtaskSink(): Sink<Row> {
  const inner = collectionSink<Written>() as Sink<Written>
  return {
    ...(inner as Sink<unknown>),
    createWriter: (context: SinkContext) => {
      const writer = inner.createWriter(context)
      return {
        get isReady() {
          return writer.isReady
        },
        write: (row: Row, timestamp: number) =>
          writer.write({ ...row, subtask: context.subtaskIndex }, timestamp),
        prepareCommit: (...given: Parameters<typeof writer.prepareCommit>) =>
          writer.prepareCommit(...given),
      }
    },
  }
}

function keyedSinkJob(rows: readonly Row[]) {
  return job('keyed-sink', {}, (env) => {
    const byKey = env
      .fromSource(collectionSource(rows), { uid: 'rows' })
      .rebalance()
      .keyBy(({ key }) => key)
    byKey.sinkTo(subtaskSink(), { uid: 'out' })
    // What else reads the same keys stands beside it in one subtask.
    byKey.sum('n', { uid: 'sums' }).sinkTo(collectionSink(), { uid: 'totals' })
  })
}

it('a sink behind keyBy has all records of a key in one subtask, in order, through crashes', async () => {
  const keys = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1, maxLength: 40 })
  const places = new Set<number>()
  await fc.assert(
    fc.asyncProperty(
      keys,
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 200 }),
      async (given, parallelism, step) => {
        const rows = given.map((key, n) => ({ key, n }))
        const { collected } = await testJob(keyedSinkJob(rows), { parallelism, crashAt: { step } })
        const written = collected['out'] as readonly Written[]
        for (const [key, those] of Map.groupBy(written, (row) => row.key)) {
          expect(new Set(those.map(({ subtask }) => subtask)).size).toBe(1)
          const expected = rows.filter((row) => row.key === key).map(({ n }) => n)
          expect(those.map(({ n }) => n)).toEqual(expected)
          places.add(those[0]!.subtask)
        }
        expect(written).toHaveLength(rows.length)
        expect(collected['totals']).toHaveLength(rows.length)
      },
    ),
    { numRuns: 40 },
  )
  expect(places.size).toBeGreaterThan(2)
})

it('a sink behind keyBy must be one, and have a uid', () => {
  const rows = collectionSource([{ key: 'a', n: 1 }])
  const build = (sink: unknown) => () =>
    testJob(
      job('bad', {}, (env) => {
        env
          .fromSource(rows, { uid: 'rows' })
          .keyBy(({ key }) => key)
          .sinkTo(sink as Sink<Row>, {} as never)
      }),
    )
  return Promise.all([
    expect(build(null)).rejects.toMatchObject({
      message: expect.stringContaining('sinkTo was given null') as string,
    }),
    expect(build(collectionSink())).rejects.toMatchObject({ code: 'MR_UID_MISSING' }),
  ])
})
