import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  boundedOutOfOrderness,
  collectionSink,
  collectionSource,
  customWatermarks,
  job,
  type Out,
  processFunction,
  punctuatedWatermarks,
  type WatermarkStrategy,
} from 'millrace'
import { ABORT, testJob } from 'millrace/testing'

const T0 = 1_700_000_000_000

/** A record, and how far its input is complete with it, if it says so. */
interface Row {
  readonly time: number
  readonly completeTo?: number
}

const timeOf = (row: Row): number => T0 + row.time
const markOf = (row: Row): number | undefined =>
  row.completeTo === undefined ? undefined : T0 + row.completeTo

/** The highest mark seen, by a generator of the test's own. */
const marks = (): WatermarkStrategy<Row> =>
  customWatermarks({
    timestampOf: timeOf,
    emission: 'per-record',
    createGenerator: () => {
      let highest = -Infinity
      return {
        onEvent(row) {
          highest = Math.max(highest, markOf(row) ?? -Infinity)
        },
        currentWatermark: () => highest,
        snapshotState: () => highest,
        restoreState(state) {
          highest = state as number
        },
      }
    },
  })

/** For each record the watermark that the function behind the strategy has when it comes, from T0. */
async function watermarksSeen(
  rows: readonly (Row | typeof ABORT)[],
  strategy: WatermarkStrategy<Row>,
  place: 'source' | 'operator',
  seed = 1,
): Promise<(number | null)[]> {
  const declared = job('marks', {}, (env) => {
    const source = collectionSource<Row>(rows)
    const read =
      place === 'source'
        ? env.fromSource(source, { uid: 'rows', watermarks: strategy })
        : env
            .fromSource(source, { uid: 'rows' })
            .assignTimestampsAndWatermarks(strategy, { uid: 'time' })
    read
      .keyBy(() => 'all')
      .process(
        processFunction({
          processElement(_row: Row, ctx, out: Out<number | null>) {
            const { currentWatermark } = ctx.timers
            out.emit(currentWatermark === -Infinity ? null : currentWatermark - T0)
          },
        }),
        { uid: 'seen' },
      )
      .sinkTo(collectionSink(), { uid: 'out' })
  })
  const { collected } = await testJob(declared, { seed })
  return collected['out'] as (number | null)[]
}

const ROWS: readonly Row[] = [
  { time: 5 },
  { time: 9, completeTo: 8 },
  { time: 7 },
  { time: 12, completeTo: 6 },
  { time: 13, completeTo: 10 },
  { time: 20 },
]

describe.each(['source', 'operator'] as const)('at a %s', (place) => {
  test('a watermark comes right behind the record that carries it, one that goes back changes nothing (semantics 2.6)', async () => {
    const seen = [null, null, 8, 8, 8, 10]
    for (const seed of [1, 2, 3]) {
      const strategy = punctuatedWatermarks(markOf, timeOf)
      expect(await watermarksSeen(ROWS, strategy, place, seed)).toEqual(seen)
      expect(await watermarksSeen(ROWS, marks(), place, seed)).toEqual(seen)
    }
  })

  test('a watermark that a record has carried is known after a restart (R11, R12)', async () => {
    const rows = [...ROWS.slice(0, 2), ABORT, ...ROWS.slice(2)] as const
    const strategy = punctuatedWatermarks(markOf, timeOf)
    expect(await watermarksSeen(rows, strategy, place)).toEqual([null, null, 8, 8, 8, 10])
  })

  test('the operator is named where a function returns no watermark (semantics 2.6)', async () => {
    const strategy = punctuatedWatermarks(() => 1.5, timeOf)
    const running = watermarksSeen(ROWS, strategy, place)
    await expect(running).rejects.toMatchObject({
      code: 'MR_WATERMARK_INVALID',
      message: expect.stringMatching(/"(rows|time)".*returned 1.5 \(number\)/),
      fields: { operator: place === 'source' ? 'rows' : 'time' },
    })
  })
})

describe('punctuated watermarks', () => {
  test('make late exactly what is at or below a mark that came before, in any order (semantics 2.6)', async () => {
    const row = fc.record({ time: fc.nat(30), completeTo: fc.nat(30) }, { requiredKeys: ['time'] })
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 30 }), fc.nat(100), async (rows, seed) => {
        let highest: number | null = null
        const expected = rows.map(({ completeTo }) => {
          const before = highest
          if (completeTo !== undefined) highest = Math.max(highest ?? completeTo, completeTo)
          return before
        })
        const strategy = punctuatedWatermarks(markOf, timeOf)
        expect(await watermarksSeen(rows, strategy, 'source', seed)).toEqual(expected)
      }),
      { numRuns: 20 },
    )
  })

  test('keep the last mark as plain data (R11)', () => {
    const { createGenerator } = punctuatedWatermarks(markOf)
    const generator = createGenerator()
    const restored = createGenerator()
    restored.restoreState(generator.snapshotState())
    expect(restored.currentWatermark()).toBe(-Infinity)
    generator.onEvent({ time: 1, completeTo: 4 }, T0 + 1)
    restored.restoreState(structuredClone(generator.snapshotState()))
    expect(restored.currentWatermark()).toBe(T0 + 4)
  })

  test('need a function', () => {
    expect(() => punctuatedWatermarks(undefined as never)).toThrow(
      expect.objectContaining({ code: 'MR_GRAPH_INVALID' }),
    )
  })
})

describe('custom watermarks', () => {
  test('need a generator with all four methods, and say which is missing', () => {
    const refused = expect.objectContaining({ code: 'MR_GRAPH_INVALID' })
    expect(() => customWatermarks({} as never)).toThrow(refused)
    const { createGenerator } = customWatermarks({
      createGenerator: () => ({ onEvent() {}, currentWatermark: () => 1 }) as never,
    })
    expect(createGenerator).toThrow(/snapshotState, restoreState/)
  })

  test('are idle as other strategies are (R11)', () => {
    const { createGenerator } = boundedOutOfOrderness(5)
    expect(customWatermarks({ createGenerator }).idleTimeoutMs).toBe(60_000)
    expect(customWatermarks({ createGenerator, idleTimeout: 'never' }).idleTimeoutMs).toBe(Infinity)
  })
})
