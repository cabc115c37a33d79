import { collectionSink, job, noWatermarks } from 'millrace'
import { randomCrashes, testJob } from 'millrace/testing'
import { expect, it } from 'vitest'
import { monotonicMs } from '../../bench/monotonic.ts'
import { pacedSource } from '../../bench/paced-source.ts'

interface Row {
  readonly index: number
  readonly due: number
}

/** Records that say which they are and when they were due. */
function pacedJob(options: { rate: number; count: number; startAt: number }) {
  return job('paced', {}, (env) => {
    const source = pacedSource<number>({
      ...options,
      count: () => options.count,
      prepare: (partition, partitions) => (ordinal) => ordinal * partitions + partition,
    })
    env
      .fromSource(source, { uid: 'numbers', watermarks: noWatermarks() })
      .process<Row>((index, ctx, out) => out.emit({ index, due: ctx.timestamp }))
      .sinkTo(collectionSink(), { uid: 'rows' })
  })
}

it('puts out each record once through crashes, with the moment at which it was due, however late it is', async () => {
  let crashes = 0
  for (let seed = 1; seed <= 10; seed++) {
    const startAt = monotonicMs() - 60_000
    const paced = pacedJob({ rate: 3_000, count: 500, startAt })
    const result = await testJob(paced, {
      seed,
      parallelism: 1 + (seed % 3),
      crashAt: randomCrashes(seed),
    })
    crashes += result.crashes.length
    const rows = (result.collected['rows'] as readonly Row[]).toSorted((a, b) => a.index - b.index)
    const expected = Array.from({ length: 500 }, (_, index) => ({
      index,
      due: Math.round((startAt + index / 3) * 1_000),
    }))
    expect(rows.map(({ index }) => index)).toEqual(expected.map(({ index }) => index))
    // Divided in another way: a microsecond may be rounded otherwise.
    for (const [i, { due }] of rows.entries()) {
      expect(Math.abs(due - expected[i]!.due)).toBeLessThanOrEqual(1)
    }
  }
  expect(crashes).toBeGreaterThan(0)
})
