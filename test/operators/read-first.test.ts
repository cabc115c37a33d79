import { describe, expect, it } from 'vitest'
import {
  boundedOutOfOrderness,
  broadcastProcessFunction,
  collectionSink,
  collectionSource,
  coProcessFunction,
  type DataStream,
  job,
  type JobModule,
  keyedBroadcastProcessFunction,
  mapState,
  type Out,
  processFunction,
  type SourceOptions,
  type StreamEnvironment,
  valueState,
} from 'millrace'
import {
  ABORT,
  type CollectionMarker,
  type CrashPoint,
  FAILPOINTS,
  pause,
  testJob,
  type TestJobOptions,
} from 'millrace/testing'

interface Rule {
  readonly id: string
}

interface Row {
  readonly key: string
}

const RULES = 24
const ROWS = 60

const rules: readonly (Rule | CollectionMarker)[] = Array.from({ length: RULES }, (_, n) =>
  // Slow to come, and not all at once.
  n % 8 === 7 ? [pause(40), { id: `rule${n}` }] : [{ id: `rule${n}` }],
).flat()

const rows: readonly Row[] = Array.from({ length: ROWS }, (_, n) => ({ key: `key${n % 7}` }))

/** How many rules each row saw. */
const keyedCount = keyedBroadcastProcessFunction({
  state: { rows: valueState<number>() },
  broadcastState: { rules: mapState<string, boolean>() },
  processElement(_row: Row, ctx, out: Out<number>) {
    ctx.state.rows.update((ctx.state.rows.value() ?? 0) + 1)
    out.emit([...ctx.broadcastState.rules.keys()].length)
  },
  processBroadcastElement({ id }: Rule, ctx) {
    ctx.broadcastState.rules.put(id, true)
  },
})

const plainCount = broadcastProcessFunction({
  broadcastState: { rules: mapState<string, boolean>() },
  processElement(_row: Row, ctx, out: Out<number>) {
    out.emit([...ctx.broadcastState.rules.keys()].length)
  },
  processBroadcastElement({ id }: Rule, ctx) {
    ctx.broadcastState.rules.put(id, true)
  },
})

const byOption = (readFirst: boolean): Pick<SourceOptions<unknown>, 'readFirst'> =>
  readFirst ? { readFirst } : {}

function ruleJob(
  join: (rows: DataStream<Row>, rules: DataStream<Rule>) => DataStream<number>,
  readFirst = true,
): JobModule {
  return job('rules', {}, (env) => {
    const rule = env.fromSource(collectionSource<Rule>(rules), {
      uid: 'rules',
      ...byOption(readFirst),
    })
    const row = env.fromSource(collectionSource(rows), { uid: 'rows' })
    join(row, rule).sinkTo(collectionSink<number>(), { uid: 'seen' })
  })
}

const keyed = (readFirst?: boolean) =>
  ruleJob(
    (row, rule) =>
      row
        .keyBy(({ key }) => key)
        .connect(rule.broadcast())
        .process(keyedCount, { uid: 'join' }),
    readFirst,
  )

/** How many rules each of the rows saw, through all interruptions. */
async function seen(ruled: JobModule, options: TestJobOptions = {}): Promise<readonly number[]> {
  const { collected, crashes } = await testJob(ruled, options)
  expect(crashes).toHaveLength([options.crashAt ?? []].flat().length)
  return collected['seen'] as readonly number[]
}

/** A turn of the event loop: at least one step of the scheduler. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const ALL_SEEN = rows.map(() => RULES)

describe('readFirst', () => {
  it.each([1, 3])(
    'shows all rules to every row, which none does without it, at parallelism %d (semantics 1.3, 2.18)',
    async (parallelism) => {
      for (const seed of [1, 2, 3, 4]) {
        expect(await seen(keyed(), { seed, parallelism })).toEqual(ALL_SEEN)
        expect(await seen(keyed(false), { seed, parallelism })).not.toContain(RULES)
      }
    },
  )

  it('holds wherever the job crashes, and once each row all the same (semantics 2.18)', async () => {
    for (const [index, point] of FAILPOINTS.entries()) {
      const options = { parallelism: 1 + (index % 3), seed: index, checkpointInterval: 10 }
      // Where a point is not reached again, fewer crashes are left.
      const crashAt: CrashPoint[] = [point, point, { step: 150 }]
      const { collected, crashes } = await testJob(keyed(), { ...options, crashAt })
      expect(crashes.length).toBeGreaterThan(1)
      expect(collected['seen']).toEqual(ALL_SEEN)
    }
  })

  it('holds at whatever step a process, a thread or a stop ends it (R14, R37, semantics 2.18)', async () => {
    for (let step = 20; step < 900; step += 37) {
      const kinds = [
        { step },
        { step, kind: 'stop' },
        { step, kind: 'thread', slot: step % 3 },
      ] as const
      const crashAt = kinds[step % 3]!
      const { collected } = await testJob(keyed(), {
        parallelism: 3,
        seed: step,
        checkpointInterval: 10,
        crashAt,
      })
      expect(collected['seen']).toEqual(ALL_SEEN)
    }
  })

  it('holds for rules that are keyed, and behind asynchronous calls and shuffles (R10)', async () => {
    const joined = ruleJob((row, rule) =>
      row
        .rebalance()
        .map((one) => one)
        .connect(
          rule
            .unorderedWait(
              async (one, { uid }) => {
                await Promise.resolve(uid)
                return [one]
              },
              { uid: 'asked', capacity: 3 },
            )
            .rebalance()
            .map((one) => one)
            .broadcast(),
        )
        .process(plainCount, { uid: 'join' }),
    )
    for (const parallelism of [1, 2, 3]) {
      expect(await seen(joined, { parallelism, seed: parallelism })).toEqual(ALL_SEEN)
    }
  })

  it('holds behind what both go through: a union, a shuffle, an asynchronous call (R6, R10)', async () => {
    type Either = { readonly rule: string } | { readonly row: string }
    const counting = processFunction({
      state: { rules: valueState<number>() },
      processElement(either: Either, ctx, out: Out<number>) {
        const before = ctx.state.rules.value() ?? 0
        if ('rule' in either) ctx.state.rules.update(before + 1)
        else out.emit(before)
      },
    })
    const united = job('united', {}, (env) => {
      const first = env.fromSource(collectionSource<Rule>(rules), { uid: 'rules', readFirst: true })
      const second = env.fromSource(collectionSource(rows), { uid: 'rows' })
      first
        .map(({ id }): Either => ({ rule: id }))
        .union(second.map(({ key }): Either => ({ row: key })))
        .rebalance()
        .map((one) => one)
        .unorderedWait(
          async (one) => {
            // Answered long after the next rows, if they were read by then.
            const turns = 'rule' in one ? 25 : 0
            for (let turn = 0; turn < turns; turn++) await nextTurn()
            return [one]
          },
          { uid: 'asked', capacity: 5 },
        )
        .keyBy(() => 'all')
        .process(counting, { uid: 'join' })
        .sinkTo(collectionSink<number>(), { uid: 'seen' })
    })
    for (let seed = 0; seed < 12; seed++) {
      const crashAt = seed % 2 === 0 ? [] : [{ step: 60 + 41 * seed }]
      const { collected } = await testJob(united, { parallelism: 3, seed, crashAt })
      expect(collected['seen']).toEqual(ALL_SEEN)
    }
  })

  it('has no effect where all sources have it, and none where one that has it is read by nobody', async () => {
    const all = job('all', {}, (env) => {
      const numbers = (uid: string) =>
        env.fromSource(collectionSource([1, 2]), { uid, readFirst: true })
      numbers('unread')
      numbers('a').union(numbers('b')).sinkTo(collectionSink<number>(), { uid: 'seen' })
    })
    expect([...(await seen(all, { parallelism: 2 }))].sort()).toEqual([1, 1, 2, 2])
    const unread = job('unread', {}, (env) => {
      env.fromSource(collectionSource([1, 2]), { uid: 'unread', readFirst: true })
      const main = env.fromSource(collectionSource([3]), { uid: 'main' })
      main.sinkTo(collectionSink<number>(), { uid: 'seen' })
    })
    expect(await seen(unread)).toEqual([3])
  })

  it('goes on with the next attempt where a source that is read first fails', async () => {
    const failing = job('failing', {}, (env) => {
      const values = [...rules.slice(0, 9), ABORT, ...rules.slice(9)]
      const rule = env.fromSource(collectionSource<Rule>(values), { uid: 'rules', readFirst: true })
      env
        .fromSource(collectionSource(rows), { uid: 'rows' })
        .connect(rule.broadcast())
        .process(plainCount, { uid: 'join' })
        .sinkTo(collectionSink<number>(), { uid: 'seen' })
    })
    const { collected, events } = await testJob(failing, { parallelism: 2 })
    expect(events.filter(({ type }) => type === 'restarting')).toHaveLength(1)
    expect(collected['seen']).toEqual(ALL_SEEN)
  })

  it('ends with all input where it is drained before the others are read (R14)', async () => {
    const { collected } = await testJob(keyed(), { crashAt: [{ step: 25, kind: 'drain' }] })
    expect(collected['seen']).toEqual([])
  })
})

describe('time while sources are held', () => {
  interface Timed {
    readonly t: number
  }

  /** Whether each record of the main input is late. */
  const late = coProcessFunction({
    processElement1({ t }: Timed, ctx, out: Out<boolean>) {
      out.emit(ctx.timers.currentWatermark >= t)
    },
    processElement2() {},
  })

  const timed = (assigned: (env: StreamEnvironment) => DataStream<Timed>): JobModule =>
    job('timed', {}, (env) => {
      const watermarks = boundedOutOfOrderness(0, (one: Timed) => one.t)
      // Read for far longer than a source may say nothing without being idle.
      const first = [{ t: 1_000 }, pause(400), { t: 90_000 }, pause(400)]
      const rates = env.fromSource(collectionSource<Timed>(first), {
        uid: 'rates',
        watermarks,
        readFirst: true,
      })
      assigned(env)
        .keyBy(() => 'all')
        .connect(rates.keyBy(() => 'all'))
        .process(late, { uid: 'join' })
        .sinkTo(collectionSink<boolean>(), { uid: 'seen' })
    })

  const records: readonly Timed[] = [{ t: 10 }, { t: 20 }, { t: 30 }]
  const watermarks = boundedOutOfOrderness(5, (one: Timed) => one.t, { idleTimeout: 100 })

  it.each([1, 2])(
    'does not pass for them: they are not idle, and nothing of them is late, at parallelism %d (R11)',
    async (parallelism) => {
      const bySource = timed((env) =>
        env.fromSource(collectionSource(records), { uid: 'main', watermarks }),
      )
      const byOperator = timed((env) =>
        env
          .fromSource(collectionSource(records), { uid: 'main' })
          .rebalance()
          .map((one) => one)
          .assignTimestampsAndWatermarks(watermarks, { uid: 'timed' }),
      )
      const global = timed((env) =>
        env
          .fromSource(collectionSource(records), { uid: 'main' })
          .assignTimestampsAndWatermarks(watermarks, { uid: 'timed' }),
      )
      for (const one of [bySource, byOperator, global]) {
        expect(await seen(one, { parallelism })).toEqual([false, false, false])
      }
    },
  )
})

describe('the option readFirst', () => {
  it('refuses what is no boolean', () => {
    const wrong = job('wrong', {}, (env) => {
      const options = { uid: 'rules', readFirst: 'yes' } as unknown as SourceOptions<number>
      env.fromSource(collectionSource([1]), options).sinkTo(collectionSink(), { uid: 'out' })
    })
    expect(() => wrong.build({}, { parallelism: 1, maxParallelism: 128 })).toThrow(
      expect.objectContaining({
        code: 'MR_OPTION_INVALID',
        message:
          'fromSource("rules") has a readFirst that is "yes" (string); it does not say whether other sources wait for this one; give true or false.',
      }) as Error,
    )
  })
})
