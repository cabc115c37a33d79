import fc from 'fast-check'
import {
  collectionSink,
  collectionSource,
  boundedOutOfOrderness,
  countEvictor,
  countTrigger,
  type DataStream,
  eventTimeSessionWindows,
  globalWindows,
  job,
  type JoinKind,
  type JoinRecord,
  type Out,
  outputTag,
  purgingTrigger,
  slidingEventTimeWindows,
  type TimeWindow,
  tumblingEventTimeWindows,
  type Window,
  type WindowAssigner,
} from 'millrace'
import { operatorHarness, verifyOperator } from 'millrace/testing'
import { describe, expect, it } from 'vitest'
import { joinFiring } from '../../../operators/window/join-function.ts'
import { windowSpec } from '../../../operators/window/window-spec.ts'
import { crashOnTheWay, slowly } from '../../harness/crash-on-the-way.ts'
import { modelWindows, type ModelOptions } from './window-model.ts'
import { type Item, rowText, type Step, steps } from './window-run.ts'

interface Part {
  readonly key: string
  readonly id: string
}

type Assigner<M extends boolean = boolean> = WindowAssigner<unknown, TimeWindow, M>
type Parts = DataStream<Part>

const part = (id: string, key = 'k'): Part => ({ key, id })
const MINUTE = 60_000

/** Each kind of join over two streams of parts, with settings of its own; rows are `left-right`, or `lefts|rights`. */
function joined(
  kind: JoinKind,
  assigner: Assigner,
  { lateness = 0 }: { readonly lateness?: number } = {},
) {
  return (lefts: Parts, rights: Parts): DataStream<string> => {
    const uid = 'joined'
    if (kind === 'coGroup') {
      return lefts
        .coGroup(rights)
        .where((left) => left.key)
        .equalTo((right) => right.key)
        .window(assigner)
        .allowedLateness(lateness)
        .apply(
          (some, others, ctx, out: Out<string>) =>
            out.emit(rowText(ctx.key, ctx.window, `${idsOf(some)}|${idsOf(others)}`)),
          { uid },
        )
    }
    const row = (left: Part, right: Part | undefined, key: string, window: Window): string =>
      rowText(key, window, `${left.id}-${right?.id ?? 'none'}`)
    if (kind === 'join') {
      return lefts
        .join(rights)
        .where((left) => left.key)
        .equalTo((right) => right.key)
        .window(assigner)
        .allowedLateness(lateness)
        .apply((left, right, ctx) => row(left, right, ctx.key, ctx.window), { uid })
    }
    return lefts
      .leftOuterJoin(rights)
      .where((left) => left.key)
      .equalTo((right) => right.key)
      .window(assigner)
      .allowedLateness(lateness)
      .apply((left, right, ctx) => row(left, right, ctx.key, ctx.window), { uid })
  }
}

/** Merging windows have no order of arrival across their parts. */
const idsOf = (parts: readonly Part[]): string =>
  parts
    .map(({ id }) => id)
    .sort()
    .join('+')

/** The rows of one window with these ids of either side, by nested loops. */
function rowsOf(kind: JoinKind, lefts: readonly string[], rights: readonly string[]): string[] {
  if (kind === 'coGroup') {
    return [`${lefts.toSorted().join('+')}|${rights.toSorted().join('+')}`]
  }
  const others = kind === 'leftOuterJoin' && rights.length === 0 ? ['none'] : rights
  return lefts.flatMap((left) => others.map((right) => `${left}-${right}`))
}

const KINDS = ['join', 'leftOuterJoin', 'coGroup'] as const

const given = [
  { value1: part('l1'), timestamp: 0 },
  { value2: part('r1'), timestamp: MINUTE - 1 },
  { value1: part('l2'), timestamp: MINUTE - 1 },
  { value2: part('r2'), timestamp: 5 },
  { value2: part('r3', 'right only'), timestamp: 5 },
  { watermark: MINUTE - 2 },
  { value1: part('l3', 'left only'), timestamp: 7 },
  { watermark: MINUTE - 1 },
  { value1: part('l4'), timestamp: MINUTE },
] as const

describe('window join and coGroup (semantics 1.3)', () => {
  it.each([
    ['join', ['k l1-r1', 'k l1-r2', 'k l2-r1', 'k l2-r2']],
    [
      'leftOuterJoin',
      ['k l1-r1', 'k l1-r2', 'k l2-r1', 'k l2-r2', 'left only l3-none', 'k l4-none'],
    ],
    ['coGroup', ['k l1+l2|r1+r2', 'right only |r3', 'left only l3|', 'k l4|']],
  ] as const)(
    '%s pairs what has one key and one window, whatever interrupts it',
    async (kind, rows) => {
      const build = joined(kind, tumblingEventTimeWindows('1m'))
      const withoutWindows = (lefts: Parts, rights: Parts) =>
        build(lefts, rights).map((row) => row.replace(/ \[[0-9,]+\)/, ''))
      await verifyOperator(withoutWindows, { input: given, expected: rows, ordered: false })
    },
  )

  it.each(KINDS)('%s gives what it emits the last timestamp of the window', async (kind) => {
    const harness = await operatorHarness(joined(kind, tumblingEventTimeWindows('1m')))
    harness.processElement1(part('l'), 5)
    harness.processElement2(part('r'), 9)
    harness.processWatermark1(MINUTE)
    expect(harness.outputRecords()).toEqual([])
    harness.processWatermark2(MINUTE)
    const [record, ...more] = harness.outputRecords()
    expect([record!.timestamp, more]).toEqual([MINUTE - 1, []])
    expect([harness.numKeyedStateEntries, harness.numEventTimeTimers]).toEqual([0, 0])
    await harness.close()
  })

  it('goes through the pairs of a left record in the order of arrival of both', async () => {
    const harness = await operatorHarness(joined('join', tumblingEventTimeWindows('1m')))
    for (const id of ['r9', 'r1']) harness.processElement2(part(id), 1)
    for (const id of ['l9', 'l1']) harness.processElement1(part(id), 2)
    harness.endInput()
    const pairs = harness.outputValues().map((row) => row.split(' ').at(-1))
    expect(pairs).toEqual(['l9-r9', 'l9-r1', 'l1-r9', 'l1-r1'])
    await harness.close()
  })

  it('fires again with all pairs for each late record that is allowed, of either side (semantics 2.3)', async () => {
    const build = joined('join', tumblingEventTimeWindows('1m'), { lateness: MINUTE })
    const harness = await operatorHarness(build)
    harness.processElement1(part('l'), 0)
    harness.processWatermark(MINUTE)
    expect(harness.outputValues()).toEqual([])
    harness.processElement2(part('r1'), 0)
    harness.processElement2(part('r2'), 0)
    expect(harness.outputValues().map((row) => row.split(' ').at(-1))).toEqual([
      'l-r1',
      'l-r1',
      'l-r2',
    ])
    harness.processWatermark(2 * MINUTE - 1)
    harness.processElement1(part('too late'), 0)
    expect(harness.outputValues()).toHaveLength(3)
    expect(harness.counter('numLateRecordsDropped')).toBe(1)
    await harness.close()
  })

  it('sends what is too late to its output, with its side and its timestamp (semantics 2.3)', async () => {
    const tooLate = outputTag<JoinRecord<Part, Part>>('too-late')
    const harness = await operatorHarness((lefts: Parts, rights: Parts) =>
      lefts
        .join(rights)
        .where((left) => left.key)
        .equalTo((right) => right.key)
        .window(tumblingEventTimeWindows('1m'))
        .sideOutputLateData(tooLate)
        .apply((left, right) => [left.id, right.id], { uid: 'joined' }),
    )
    harness.processWatermark(MINUTE - 1)
    harness.processElement1(part('l'), 3)
    harness.processElement2(part('r'), 4)
    expect(harness.sideOutput(tooLate)).toEqual([
      { value: { side: 'left', value: part('l') }, timestamp: 3 },
      { value: { side: 'right', value: part('r') }, timestamp: 4 },
    ])
    expect(harness.counter('numLateRecordsDropped')).toBe(0)
    await harness.close()
  })

  it('lets triggers and evictors see the records of both sides (semantics 2.4)', async () => {
    const harness = await operatorHarness((lefts: Parts, rights: Parts) =>
      lefts
        .coGroup(rights)
        .where((left) => left.key)
        .equalTo((right) => right.key)
        .window(globalWindows())
        .trigger(purgingTrigger(countTrigger(3)))
        .evictor(countEvictor(2))
        .apply(
          (some, others, _ctx, out: Out<string>) => out.emit(`${idsOf(some)}|${idsOf(others)}`),
          {
            uid: 'joined',
          },
        ),
    )
    harness.processElement1(part('l1'))
    harness.processElement1(part('l2'))
    harness.processElement2(part('r1'))
    for (const id of ['r2', 'r3', 'r4']) harness.processElement2(part(id))
    expect(harness.outputValues()).toEqual(['l2|r1', '|r3+r4'])
    await harness.close()
  })

  it('joins a stream with itself, and what several streams are together', async () => {
    const harness = await operatorHarness((parts: Parts) => {
      const again = parts.map(({ key, id }) => ({ key, id: id.toUpperCase() }))
      return parts
        .join(parts.union(again))
        .where((left) => left.key)
        .equalTo((right) => right.key)
        .window(tumblingEventTimeWindows(10))
        .apply((left, right) => left.id + right.id, { uid: 'joined' })
    })
    harness.processElement(part('a'), 1)
    harness.endInput()
    expect(harness.outputValues().toSorted()).toEqual(['aA', 'aa'])
    await harness.close()
  })

  it('lets an assigner of its own look at the records of both sides', async () => {
    const harness = await operatorHarness((lefts: Parts, rights: Parts) =>
      lefts
        .join(rights)
        .where((left) => left.key)
        .equalTo((right) => right.key)
        .window(
          eventTimeSessionWindows((one: JoinRecord<Part, Part>) => (one.side === 'left' ? 100 : 1)),
        )
        .apply((left, right, ctx) => [left.id, right.id, ctx.window.end], { uid: 'joined' }),
    )
    harness.processElement1(part('l'), 0)
    harness.processElement2(part('r1'), 90)
    harness.processElement2(part('r2'), 102)
    harness.endInput()
    expect(harness.outputValues()).toEqual([['l', 'r1', 100]])
    await harness.close()
  })
})

describe('the state of a window join', () => {
  it.each([undefined, countEvictor(1)])(
    'does not take records without a side for its own, as its name is another one: evictor %o',
    (evictor) => {
      const settings = { assigner: tumblingEventTimeWindows(10), evictor }
      const work = { firing: joinFiring('coGroup', () => {}) }
      const contents = (join?: JoinKind) => windowSpec({ ...settings, join }, work).states![0]!.name
      expect(contents('join')).toBe(contents('coGroup'))
      expect(contents('join')).not.toBe(contents())
    },
  )
})

const on = (lefts: Parts, rights: Parts) =>
  lefts
    .join(rights)
    .where((left) => left.key)
    .equalTo((right) => right.key)
    .window(tumblingEventTimeWindows(10))

describe('functions of window joins', () => {
  it('are opened and closed, and emit any number of records, to side outputs too (R21)', async () => {
    const calls: string[] = []
    const seen = outputTag<string>('seen')
    const harness = await operatorHarness((lefts: Parts, rights: Parts) =>
      on(lefts, rights).apply(
        {
          open: (ctx) => void calls.push(`open ${ctx.uid}`),
          close: () => void calls.push('close'),
          flatJoin(left, right, ctx, out: Out<string>) {
            ctx.output(seen, `${ctx.key} ${ctx.currentWatermark}`)
            for (const one of [left, right]) out.emit(one.id)
          },
        },
        { uid: 'joined' },
      ),
    )
    harness.processElement1(part('l'), 1)
    harness.processElement2(part('r'), 1)
    harness.processWatermark(9)
    expect(harness.outputValues()).toEqual(['l', 'r'])
    expect(harness.sideOutput(seen)).toEqual([{ value: 'k 9', timestamp: 9 }])
    await harness.close()
    expect(calls).toEqual(['open joined', 'close'])
  })

  const groupedBy = (coGroup: unknown) => (lefts: Parts, rights: Parts) =>
    lefts
      .coGroup(rights)
      .where((left) => left.key)
      .equalTo((right) => right.key)
      .window(tumblingEventTimeWindows(10))
      .apply(coGroup as () => void, { uid: 'joined' })
  const joinedBy = (join: unknown) => (lefts: Parts, rights: Parts) =>
    on(lefts, rights).apply(join as () => number, { uid: 'joined' })

  it.each([
    ['join', joinedBy(async () => 1)],
    ['join of an object', joinedBy({ join: async () => 1 })],
    ['flatJoin', joinedBy({ flatJoin: async () => {} })],
    ['coGroup', groupedBy(async () => {})],
  ])('fail where they return a promise, %s (R15)', async (_, build) => {
    const harness = await operatorHarness(build)
    harness.processElement1(part('l'), 1)
    harness.processElement2(part('r'), 1)
    expect(() => harness.processWatermark(9)).toThrow(
      expect.objectContaining({
        code: 'MR_FUNCTION_ASYNC',
        fields: expect.objectContaining({ operator: 'joined' }),
      }),
    )
    await harness.close()
  })

  it('name the window that they failed in (R39)', async () => {
    const failing = joinedBy(() => {
      throw new Error('no such price')
    })
    const harness = await operatorHarness(failing)
    harness.processElement1(part('l'), 11)
    harness.processElement2(part('r'), 12)
    expect(() => harness.processWatermark(19)).toThrow(/window \[10, 20\)/)
    await harness.close()
  })

  it.each([
    ['no function to apply', joinedBy(undefined)],
    ['an object of another kind', joinedBy({ coGroup: () => {} })],
    ['no function to apply to groups', groupedBy({ join: () => 1 })],
    [
      'no key of the left',
      (lefts: Parts, rights: Parts) => lefts.join(rights).where('key' as never) as never,
    ],
    [
      'no key of the right',
      (lefts: Parts, rights: Parts) =>
        lefts
          .join(rights)
          .where(({ key }) => key)
          .equalTo(undefined as never) as never,
    ],
    [
      'no windows',
      (lefts: Parts, rights: Parts) =>
        lefts
          .join(rights)
          .where(({ key }) => key)
          .equalTo(({ key }) => key)
          .window({} as never) as never,
    ],
    ['no stream', (lefts: Parts) => lefts.join({} as Parts) as never],
    [
      'a trigger that cannot merge, where windows do (semantics 2.2)',
      (lefts: Parts, rights: Parts) => {
        const { onMerge: _onMerge, ...trigger } = countTrigger(1)
        return lefts
          .join(rights)
          .where(({ key }) => key)
          .equalTo(({ key }) => key)
          .window(eventTimeSessionWindows(10))
          .trigger(trigger as never)
          .apply((left) => left, { uid: 'joined' })
      },
    ],
  ])('are refused with the graph: %s', async (_, build) => {
    await expect(
      operatorHarness(build as (lefts: Parts, rights: Parts) => DataStream<unknown>),
    ).rejects.toMatchObject({ code: 'MR_GRAPH_INVALID' })
  })
})

const sideOf = ({ gap }: Item): 'left' | 'right' => (gap % 2 === 0 ? 'left' : 'right')

const sliding = (timestamp: number): [number, number][] => {
  const last = Math.floor(timestamp / 10) * 10
  return [last, last - 10, last - 20].map((start) => [start, start + 30])
}

const windows: Record<string, { assigner: Assigner; assign: ModelOptions['assign'] }> = {
  tumbling: {
    assigner: tumblingEventTimeWindows(20),
    assign: (_item, time) => [[Math.floor(time / 20) * 20, Math.floor(time / 20) * 20 + 20]],
  },
  sliding: { assigner: slidingEventTimeWindows(30, 10), assign: (_item, time) => sliding(time) },
  session: { assigner: eventTimeSessionWindows(12), assign: (_item, time) => [[time, time + 12]] },
}

const long = fc.tuple(steps, steps, steps, steps).map((lists) => lists.flat())

const cases = fc.record({
  kind: fc.constantFrom(...KINDS),
  name: fc.constantFrom(...Object.keys(windows)),
  lateness: fc.constantFrom(0, 25, 200),
})

/** Runs steps through a join; the rows of each step, in an order of their own. */
async function rowsOfSteps(
  list: readonly Step[],
  build: (lefts: Parts, rights: Parts) => DataStream<string>,
): Promise<string[][]> {
  const harness = await operatorHarness(build)
  const rows: string[][] = []
  let seen = 0
  const collect = (): void => {
    const all = harness.outputValues()
    rows.push(all.slice(seen).toSorted())
    seen = all.length
  }
  for (const [index, step] of list.entries()) {
    if ('watermark' in step) harness.processWatermark(step.watermark)
    else if (!('advance' in step)) {
      const item = { ...step, id: String(index) }
      if (sideOf(item) === 'left') harness.processElement1(item, item.timestamp)
      else harness.processElement2(item, item.timestamp)
    }
    collect()
  }
  harness.endInput()
  collect()
  expect([harness.numKeyedStateEntries, harness.numEventTimeTimers]).toEqual([0, 0])
  await harness.close()
  return rows
}

describe('window joins, random streams', () => {
  it('do what nested loops do, step by step, late records included (semantics 1.3, 2.2, 2.3)', async () => {
    await fc.assert(
      fc.asyncProperty(long, cases, async (list, { kind, name, lateness }) => {
        const { assigner, assign } = windows[name]!
        const isMerging = assigner.isMerging
        const { output } = modelWindows(list, { isEventTime: true, assign, isMerging, lateness })
        const sideOfId = (id: string) => sideOf(list[Number(id)] as Item)
        const expected = output.map((rows) =>
          rows
            .flatMap((row) => {
              const [key, span, text] = row.split(' ') as [string, string, string]
              const ids = text.split('+')
              const lefts = ids.filter((id) => sideOfId(id) === 'left')
              const rights = ids.filter((id) => sideOfId(id) === 'right')
              return rowsOf(kind, lefts, rights).map((joinedIds) => `${key} ${span} ${joinedIds}`)
            })
            .toSorted(),
        )
        expect(await rowsOfSteps(list, joined(kind, assigner, { lateness }))).toEqual(expected)
      }),
      { numRuns: 60 },
    )
  })

  it('join every pair once through crashes, at any parallelism (R12, R40)', async () => {
    const row = fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      timestamp: fc.nat(100),
    })
    const rows = fc
      .array(row, { maxLength: 30, size: 'max' })
      .map((list) => list.map((one, index) => ({ ...one, id: String(index) })))
    await fc.assert(
      fc.asyncProperty(
        rows,
        rows,
        cases,
        fc.record({
          parallelism: fc.integer({ min: 1, max: 3 }),
          seed: fc.nat(),
          percent: fc.nat(99),
        }),
        async (lefts, rights, { kind, name }, { parallelism, seed, percent }) => {
          const { assigner } = windows[name]!
          const declared = job('joined', {}, (env) => {
            const watermarks = boundedOutOfOrderness(
              100,
              (one: (typeof lefts)[number]) => one.timestamp,
            )
            const one = env.fromSource(collectionSource(slowly(lefts)), { uid: 'l', watermarks })
            const other = env.fromSource(collectionSource(slowly(rights)), { uid: 'r', watermarks })
            joined(kind, assigner)(one, other).sinkTo(collectionSink(), { uid: 'out' })
          })
          const options = { parallelism, seed, checkpointInterval: 5 }
          const { collected } = await crashOnTheWay(declared, percent, options)
          const inOrder: Step[] = [
            ...lefts.map((left) => ({ ...left, gap: 2 })),
            ...rights.map((right) => ({ ...right, gap: 1 })),
          ]
          const { output } = modelWindows(inOrder, {
            isEventTime: true,
            assign: windows[name]!.assign,
            isMerging: assigner.isMerging,
          })
          const expected = output.flat().flatMap((one) => {
            const [key, span, text] = one.split(' ') as [string, string, string]
            const indexes = text.split('+').map(Number)
            const some = indexes.filter((index) => index < lefts.length).map(String)
            const others = indexes
              .filter((index) => index >= lefts.length)
              .map((index) => String(index - lefts.length))
            return rowsOf(kind, some, others).map((ids) => `${key} ${span} ${ids}`)
          })
          expect((collected['out'] ?? []).toSorted()).toEqual(expected.toSorted())
        },
      ),
      { numRuns: 20 },
    )
  })
})
