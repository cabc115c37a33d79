import { describe, expect, it } from 'vitest'
import {
  aggregatingState,
  broadcastProcessFunction,
  collectionSink,
  collectionSource,
  job,
  type JobModule,
  listState,
  mapState,
  type Out,
  processFunction,
  reducingState,
  type StateOptions,
  valueState,
} from 'millrace'
import { operatorHarness, testJob } from 'millrace/testing'

/** The job as it was, and as it is after two edits: amounts were euros, then cents, then have a currency. */
const EUROS = () =>
  processFunction({
    state: {
      last: valueState<number>(),
      all: listState<number>(),
      byShop: mapState<string, number>(),
      most: reducingState((a: number, b: number) => Math.max(a, b)),
      mean: aggregatingState({
        create: () => 0,
        add: (sum, euros: number) => sum + euros,
        result: (sum) => sum,
      }),
    },
    processElement(euros: number, ctx, out: Out<unknown>) {
      const { last, all, byShop, most, mean } = ctx.state
      last.update(euros)
      all.add(euros)
      byShop.put(`shop ${euros}`, euros)
      most.add(euros)
      mean.add(euros)
      out.emit([last.value(), [...all.get()], [...byShop.values()], most.get(), mean.get()])
    },
  })

interface Money {
  readonly cents: number
  readonly currency: string
}

const euro = (cents: number): Money => ({ cents, currency: 'EUR' })
const TO_MONEY = { 1: (euros: number) => euros * 100, 2: euro }
const money: StateOptions<Money> = { version: 3, upcasts: TO_MONEY }

const MONEY = () =>
  processFunction({
    state: {
      last: valueState<Money>(money),
      all: listState<Money>(money),
      byShop: mapState<string, Money>(money),
      most: reducingState((a: Money, b: Money) => (a.cents > b.cents ? a : b), money),
      mean: aggregatingState(
        {
          create: () => ({ sum: 0, count: 0 }),
          add: (all, { cents }: Money) => ({ sum: all.sum + cents, count: all.count + 1 }),
          result: ({ sum, count }) => `${sum} in ${count}`,
        },
        { version: 2, upcasts: { 1: (euros: number) => ({ sum: euros * 100, count: 1 }) } },
      ),
    },
    processElement(euros: number, ctx, out: Out<unknown>) {
      const { last, all, byShop, most, mean } = ctx.state
      if (euros > 0) {
        last.update(euro(euros * 100))
        all.add(euro(euros * 100))
        byShop.put(`shop ${euros}`, euro(euros * 100))
        most.add(euro(euros * 100))
        mean.add(euro(euros * 100))
      }
      out.emit([last.value(), [...all.get()], [...byShop.values()], most.get(), mean.get()])
    },
  })

describe('a job whose state has another version', () => {
  const keyBy = () => 'all'

  it('goes on from values of an older one, of every kind of state, as if they had always been so (R5)', async () => {
    const before = await operatorHarness(EUROS(), { keyBy })
    before.processElement(7)
    expect(before.outputValues()).toEqual([[7, [7], [7], 7, 7]])
    const snapshot = await before.snapshot()
    await before.close()
    const after = await operatorHarness(MONEY(), { keyBy, snapshot })
    after.processElement(0)
    after.processElement(5)
    const [seven, five] = [euro(700), euro(500)]
    expect(after.outputValues()).toEqual([
      [seven, [seven], [seven], seven, '700 in 1'],
      [five, [seven, five], [five, seven], seven, '1200 in 2'],
    ])
    await after.close()
  })

  it('refuses a snapshot whose values it has no upcast for, and an older job (R5)', async () => {
    const total = (options: StateOptions) =>
      processFunction({
        state: { total: valueState<unknown>(options) },
        processElement(n: unknown, ctx, _out: Out<unknown>) {
          ctx.state.total.update(n)
        },
      })
    const before = await operatorHarness(total({ version: 2, upcasts: { 1: (n) => n as never } }), {
      keyBy,
    })
    before.processElement(1)
    const snapshot = await before.snapshot()
    await before.close()
    for (const [options, code] of [
      [{ version: 4, upcasts: { 3: (n: never) => n } }, 'MR_STATE_UPCAST_MISSING'],
      [{ version: 3 }, 'MR_STATE_UPCAST_MISSING'],
      [{}, 'MR_STATE_INCOMPATIBLE'],
    ] as const) {
      await expect(operatorHarness(total(options), { keyBy, snapshot })).rejects.toMatchObject({
        code,
      })
    }
  })

  it('has an upcast that throws told with uid, state, key and record (R39)', async () => {
    const before = await operatorHarness(EUROS(), { keyBy })
    before.processElement(7)
    const snapshot = await before.snapshot()
    await before.close()
    const broken = processFunction({
      state: {
        last: valueState<string>({
          version: 2,
          upcasts: {
            1: (euros: number) => {
              throw new Error(`${euros} is too much`)
            },
          },
        }),
        all: listState<number>(),
        byShop: mapState<string, number>(),
        most: reducingState((a: number) => a),
        mean: aggregatingState({ create: () => 0, add: (sum) => sum, result: (sum) => sum }),
      },
      processElement(_n: number, ctx, out: Out<string | undefined>) {
        out.emit(ctx.state.last.value())
      },
    })
    const after = await operatorHarness(broken, { keyBy, snapshot })
    expect(() => after.processElement(1)).toThrow(
      expect.objectContaining({
        code: 'MR_STATE_UPCAST_FAILED',
        message: expect.stringMatching(
          /record 1.*State "last" of operator .*, key 'all': the upcast from version 1 to 2 threw Error: 7 is too much/,
        ) as unknown,
      }),
    )
  })

  it('upcasts broadcast state when it is restored, once (semantics 2.18)', async () => {
    const rules = (options: StateOptions, make: (n: number) => unknown) =>
      broadcastProcessFunction({
        broadcastState: { rules: mapState<string, unknown>(options) },
        processElement(name: string, ctx, out: Out<unknown>) {
          out.emit(ctx.broadcastState.rules.get(name))
        },
        processBroadcastElement(n: number, ctx) {
          ctx.broadcastState.rules.put(`rule ${n}`, make(n))
        },
      })
    const first = await operatorHarness(rules({}, (n) => n))
    first.processElement2(1)
    let snapshot = await first.snapshot()
    await first.close()
    const upcast = (old: unknown) => {
      if (typeof old !== 'number') throw new Error('twice')
      return { n: old }
    }
    for (const added of [2, 3]) {
      const options = { version: 2, upcasts: { 1: upcast as () => never } } as const
      const next = await operatorHarness(
        rules(options, (n) => ({ n })),
        { snapshot },
      )
      next.processElement2(added)
      for (const n of [1, added]) next.processElement1(`rule ${n}`)
      expect(next.outputValues()).toEqual([{ n: 1 }, { n: added }])
      snapshot = await next.snapshot()
      await next.close()
    }
    await expect(
      operatorHarness(
        rules({ version: 3 }, (n) => n),
        { snapshot },
      ),
    ).rejects.toMatchObject({
      code: 'MR_STATE_UPCAST_MISSING',
    })
  })
})

describe('through crashes', () => {
  const NUMBERS = Array.from({ length: 90 }, (_, n) => n)
  const SHAPES = [(sum: number) => sum, (sum: number) => ({ sum }), (sum: number) => [sum, 'sum']]
  const sumIn = (stored: unknown): number =>
    typeof stored === 'number'
      ? stored
      : Array.isArray(stored)
        ? (stored[0] as number)
        : (stored as { sum: number }).sum
  /** They take nothing but what the version before has. */
  const upcasts = {
    1: (old: number) => ({ sum: old * 1 }),
    2: (old: { readonly sum: number }) => [old.sum, 'sum'],
  }

  /** Sums by n modulo 7, of which the runs at parallelism 2 and 3 have the second and third version. */
  function sums(): JobModule {
    let version = 1
    const module = job('sums', {}, (env) => {
      const options: StateOptions<unknown> =
        version === 1
          ? {}
          : version === 2
            ? { version, upcasts: { 1: upcasts[1] } }
            : { version: 3, upcasts }
      const shape = SHAPES[version - 1]!
      const isCurrent = (stored: unknown) =>
        JSON.stringify(stored) === JSON.stringify(shape(sumIn(stored)))
      env
        .fromSource(collectionSource(NUMBERS), { uid: 'numbers' })
        .keyBy((n) => n % 7)
        .process(
          processFunction({
            state: { sum: valueState(options) },
            processElement(n: number, ctx, out: Out<string>) {
              const before = ctx.state.sum.value()
              if (before !== undefined && !isCurrent(before)) throw new Error('another version')
              const sum = n + (before === undefined ? 0 : sumIn(before))
              ctx.state.sum.update(shape(sum))
              out.emit(`${n}: ${sum}`)
            },
          }),
          { uid: 'sums' },
        )
        .sinkTo(collectionSink(), { uid: 'out' })
    })
    return {
      ...module,
      build(params, shape) {
        version = shape.parallelism
        return module.build(params, shape)
      },
    }
  }

  const expected = NUMBERS.map((n) => {
    const upTo = NUMBERS.filter((m) => m <= n && m % 7 === n % 7)
    return `${n}: ${upTo.reduce((a, b) => a + b, 0)}`
  })

  it.each(Array.from({ length: 12 }, (_, index) => index + 1))(
    'is exact from version to version, at another parallelism each, seed %i (R5, R12, R24)',
    async (seed) => {
      const result = await testJob(sums(), {
        seed,
        parallelism: [1, 2, 3],
        checkpointInterval: 3,
        crashAt: [
          { step: 40 + seed * 6 },
          { step: 20 + seed * 3, kind: seed % 2 === 0 ? 'stop' : 'process' },
          { step: 60, kind: 'thread', slot: 1 },
        ],
      })
      expect(result.crashes.length).toBeGreaterThan(1)
      expect([...result.collected['out']!].sort()).toEqual([...expected].sort())
    },
  )

  /** The numbers of each key, by an operator that has another uid in each run. */
  function renaming(): JobModule {
    const names = ['first', 'second', 'third']
    let run = 0
    const build = (renamedUids: Readonly<Record<string, string>>) =>
      job('renaming', { renamedUids }, (env) => {
        const name = names[run]!
        env
          .fromSource(collectionSource(NUMBERS), { uid: `source-${name}` })
          .keyBy((n) => n % 7)
          .process(
            processFunction({
              state: { count: valueState<number>() },
              processElement(n: number, ctx, out: Out<string>) {
                const count = (ctx.state.count.value() ?? 0) + 1
                ctx.state.count.update(count)
                ctx.timers.registerEventTime(n)
                out.emit(`${n}: ${count}`)
              },
              onTimer() {},
            }),
            { uid: name },
          )
          .sinkTo(collectionSink(), { uid: 'out' })
      })
    const maps = names.map((name, index) =>
      Object.fromEntries(
        names.slice(0, index).flatMap((old) => [
          [old, name],
          [`source-${old}`, `source-${name}`],
        ]),
      ),
    )
    return {
      ...build({}),
      build(params, shape) {
        run = shape.parallelism - 1
        return build(maps[run]!).build(params, shape)
      },
    }
  }

  it.each([1, 2, 3, 4, 5, 6])(
    'is exact under another uid each, seed %i (R5, R12, R31)',
    async (seed) => {
      const result = await testJob(renaming(), {
        seed,
        parallelism: [1, 2, 3],
        checkpointInterval: 3,
        crashAt: [
          { step: 50 + seed * 6 },
          { step: 30 + seed * 5, kind: seed % 2 ? 'stop' : 'process' },
        ],
      })
      expect(result.crashes).toHaveLength(2)
      const counted = NUMBERS.map((n) => `${n}: ${Math.floor(n / 7) + 1}`)
      expect([...result.collected['out']!].sort()).toEqual(counted.sort())
    },
  )
})
