import { describe, expect, it } from 'vitest'
import {
  boundedOutOfOrderness,
  collectionSink,
  type DataStream,
  job,
  type JobModule,
  listState,
  type Out,
  outputTag,
  processFunction,
  valueState,
} from 'millrace'
import { FAILPOINTS, forSeeds, testJob } from 'millrace/testing'
import { splitsSource } from '../simulation/splits-source.ts'

const T0 = 1_700_000_000_000

interface Row {
  readonly key: string
  readonly n: number
  readonly t: number
}

/** A split of so many rows of one key, whose times are so far apart. */
function rowsOf(key: string, count: number, stepMs = 10): Row[] {
  return Array.from({ length: count }, (_, n) => ({ key, n, t: T0 + n * stepMs }))
}

function source(splits: readonly (readonly Row[])[]) {
  return splitsSource<Row>({ splits, assignEveryMs: 0, fetchRows: 2, fetchMs: 5 })
}

const byTime = boundedOutOfOrderness(0, (row: Row) => row.t)
const texts = (values: readonly unknown[] | undefined) =>
  (values ?? []).map((value) => JSON.stringify(value)).sort()

/** Each row of a key with the number of those before it. */
const numbered = () =>
  processFunction({
    state: { count: valueState<number>() },
    processElement(row: Row, ctx, out: Out<readonly [string, number]>) {
      const count = ctx.state.count.value() ?? 0
      // Every third one clears it, so that a value that comes back from an older part is seen.
      if (count === 2) ctx.state.count.clear()
      else ctx.state.count.update(count + 1)
      out.emit([row.key, count])
    },
  })

/** About 1 KB, so that eight fill a piece of a list. */
const PADDING = 'x'.repeat(1_000)

/** What the list of a key holds with each of its rows. */
const listed = () =>
  processFunction({
    state: { rows: listState<{ readonly n: number; readonly padding: string }>() },
    processElement({ key, n }: Row, ctx, out: Out<readonly [string, readonly number[]]>) {
      const { rows } = ctx.state
      if (n % 25 === 0) rows.clear()
      if (n === 40) rows.update(rows.get().filter((row) => row.n % 2 === 0))
      rows.add({ n, padding: PADDING })
      out.emit([key, rows.get().map((row) => row.n)])
    },
  })

describe('going on at another parallelism', () => {
  it('takes each key from the part that has it, however often parts are divided and joined (R12, R24, semantics 2.8)', async () => {
    const splits = Array.from({ length: 6 }, (_, i) => rowsOf(`k${i}`, 60))
    const counting = job('counting', {}, (env) => {
      env
        .fromSource(source(splits), { uid: 'rows' })
        .keyBy((row) => row.key)
        .process(numbered(), { uid: 'numbered' })
        .sinkTo(collectionSink(), { uid: 'out' })
    })
    const expected = splits.flatMap((rows) => rows.map(({ key, n }) => [key, n % 3]))
    await forSeeds(6, async (seed) => {
      const { collected, crashes } = await testJob(counting, {
        seed,
        parallelism: [2, 4, 2, 1, 3, 1, 7],
        checkpointInterval: 5,
        crashAt: Array.from({ length: 6 }, () => 'after-publish:3' as const),
      })
      expect(crashes).toHaveLength(6)
      expect(texts(collected['out'])).toEqual(texts(expected))
    })
  })

  it('keeps long lists in order, whatever of their pieces was stored when (R23, R24, R25, semantics 2.8)', async () => {
    const splits = Array.from({ length: 4 }, (_, i) => rowsOf(`k${i}`, 60))
    const listing = job('listing', {}, (env) => {
      env
        .fromSource(source(splits), { uid: 'rows' })
        .keyBy((row) => row.key)
        .process(listed(), { uid: 'listed' })
        .sinkTo(collectionSink(), { uid: 'out' })
    })
    const expected = splits.flatMap((rows) =>
      rows.map(({ key, n }) => {
        // Emptied at every 25th row, and at every 40th only every other one is kept.
        const since = n - (n % 25)
        const all = rows.slice(since, n + 1).map((row) => row.n)
        return [key, all.filter((one) => one > 39 || since > 39 || n < 40 || one % 2 === 0)]
      }),
    )
    await forSeeds(4, async (seed) => {
      const { collected, crashes } = await testJob(listing, {
        seed,
        parallelism: [2, 3, 1, 4, 2],
        checkpointInterval: 5,
        crashAt: ['after-publish:3', { step: 150 + seed * 31 }, 'after-publish:3', { step: 200 }],
      })
      expect(crashes.length).toBeGreaterThan(2)
      expect(texts(collected['out'])).toEqual(texts(expected))
    })
  })

  it('reads on where one subtask had ended and others had not (R9, R31)', async () => {
    const splits = [rowsOf('short', 3), rowsOf('long', 120), rowsOf('longer', 150)]
    const copying = job('copying', {}, (env) => {
      const rows = env.fromSource(source(splits), { uid: 'rows' })
      rows
        .map((row) => row, { uid: 'apart', startNewChain: true })
        .sinkTo(collectionSink(), { uid: 'out' })
    })
    await forSeeds(6, async (seed) => {
      const { collected, crashes } = await testJob(copying, {
        seed,
        parallelism: [3, 7, 2],
        checkpointInterval: 5,
        crashAt: [`after-publish:${2 + seed}`, 'after-publish:3'],
      })
      expect(crashes).toHaveLength(2)
      expect(texts(collected['out'])).toEqual(texts(splits.flat()))
    })
  })

  it('brings what readers tell to the enumerator, whatever crashes (R31)', async () => {
    const splits = Array.from({ length: 8 }, (_, i) => rowsOf(`k${i}`, 20))
    const inTurn = job('in-turn', {}, (env) => {
      env
        .fromSource(
          splitsSource<Row>({ splits, assignEveryMs: 'in-turn', fetchRows: 0, fetchMs: 0 }),
          {
            uid: 'rows',
          },
        )
        .sinkTo(collectionSink(), { uid: 'out' })
    })
    await forSeeds(6, async (seed) => {
      const { collected, crashes } = await testJob(inTurn, {
        seed,
        parallelism: [3, 1, 2, 4],
        checkpointInterval: 2,
        crashAt: ['after-publish:2', { step: 60 + seed * 17 }, 'after-publish:2'],
      })
      expect(crashes.length).toBeGreaterThan(1)
      expect(texts(collected['out'])).toEqual(texts(splits.flat()))
    })
  })

  const LATE = outputTag<Row>('late')

  /** What tells late rows apart keeps its parallelism, what is before it does not. */
  function lateness(parallelism: number, splits: readonly (readonly Row[])[]): JobModule {
    return job('lateness', {}, (env) => {
      const rows: DataStream<Row> = env.fromSource(source(splits), {
        uid: 'rows',
        parallelism,
        watermarks: byTime,
      })
      const judged = rows.process(
        (row, ctx, out: Out<Row>) => {
          if (row.t <= ctx.currentWatermark) ctx.output(LATE, row)
          else out.emit(row)
        },
        { uid: 'judge', parallelism: 2, startNewChain: true },
      )
      judged.sinkTo(collectionSink(), { uid: 'in-time', parallelism: 2 })
      judged.getSideOutput(LATE).sinkTo(collectionSink(), { uid: 'late', parallelism: 2 })
    })
  }

  it('makes no row late because the source before an operator is spread otherwise (R9, R12)', async () => {
    // One subtask is far ahead in time of the other; at parallelism 3 either gets rows of both.
    const splits = [rowsOf('ahead', 60, 1_000), rowsOf('behind', 60, 1)]
    const judge = {
      ...lateness(2, splits),
      build: (params: never, shape: { parallelism: number; maxParallelism: number }) =>
        lateness(shape.parallelism, splits).build(params, shape),
    } as JobModule
    await forSeeds(6, async (seed) => {
      const { collected, crashes } = await testJob(judge, {
        seed,
        parallelism: [2, 3],
        checkpointInterval: 5,
        crashAt: `after-publish:${2 + seed}`,
      })
      expect(crashes).toHaveLength(1)
      expect(collected['late']).toEqual([])
      expect(texts(collected['in-time'])).toEqual(texts(splits.flat()))
    })
  })

  it('puts what was published and not committed out once, with fewer committers and with more (R33, semantics 2.11)', async () => {
    const splits = Array.from({ length: 4 }, (_, i) => rowsOf(`k${i}`, 20))
    const copying = job('copying', {}, (env) => {
      env.fromSource(source(splits), { uid: 'rows' }).sinkTo(collectionSink(), { uid: 'out' })
    })
    for (const point of FAILPOINTS) {
      for (const parallelism of [
        [4, 1],
        [1, 3],
        [3, 2, 4],
      ]) {
        const { collected } = await testJob(copying, {
          parallelism,
          checkpointInterval: 5,
          crashAt: [point, point],
        })
        expect(texts(collected['out'])).toEqual(texts(splits.flat()))
      }
    }
  })
})
