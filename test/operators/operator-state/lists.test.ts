import { describe, expect, it } from 'vitest'
import {
  coProcessFunction,
  type DataStream,
  operatorListState,
  type Out,
  processFunction,
  valueState,
} from 'millrace'
import { operatorHarness, verifyOperator } from 'millrace/testing'

/** Holds numbers back until there are three of them. */
const threes = (input: DataStream<number>): DataStream<readonly number[]> =>
  input.process(
    {
      operatorState: { held: operatorListState<number>() },
      processElement(n, ctx, out: Out<readonly number[]>) {
        const { held } = ctx.operatorState
        held.add(n)
        if (held.get().length < 3) return
        out.emit([...held.get()])
        held.clear()
      },
    },
    { uid: 'threes' },
  )

describe('a list of a subtask', () => {
  it('is kept from record to record and in snapshots, in every mode (semantics 2.9)', async () => {
    await verifyOperator(threes, {
      input: [1, 2, 3, 4, 5, 6, 7].map((value) => ({ value })),
      expected: [
        [1, 2, 3],
        [4, 5, 6],
      ],
      modes: [
        'one-by-one',
        'in-bulk',
        'output-of-one',
        'snapshot-after-each',
        'restore-after-each',
      ],
    })
  })

  it('has get, add, addAll, update and clear', async () => {
    const harness = await operatorHarness({
      operatorState: { list: operatorListState<number>() },
      processElement(step: 'add' | 'addAll' | 'update' | 'none' | 'clear', ctx, out: Out<unknown>) {
        const { list } = ctx.operatorState
        const before = list.get()
        if (step === 'add') list.add(1)
        else if (step === 'addAll') list.addAll([2, 3])
        else if (step === 'update') list.update([...list.get(), 4].reverse())
        else if (step === 'none') list.update([])
        else list.clear()
        out.emit([[...before], [...list.get()]])
      },
    })
    for (const step of ['add', 'addAll', 'update', 'clear', 'add', 'none'] as const) {
      harness.processElement(step)
    }
    expect(harness.outputValues()).toEqual([
      [[], [1]],
      [[1], [1, 2, 3]],
      [
        [1, 2, 3],
        [4, 3, 2, 1],
      ],
      [[4, 3, 2, 1], []],
      [[], [1]],
      [[1], []],
    ])
    await harness.close()
  })

  it('may be used in open, which may wait, and holds what the snapshot had there (R21)', async () => {
    const seen: (readonly number[])[] = []
    const opened = (input: DataStream<number>): DataStream<number> =>
      input.process(
        {
          operatorState: { all: operatorListState<number>() },
          async open({ operatorState }) {
            seen.push([...operatorState.all.get()])
            await Promise.resolve()
            operatorState.all.add(1)
          },
          processElement(_n, ctx, out: Out<number>) {
            out.emit(ctx.operatorState.all.get().length)
          },
        },
        { uid: 'opened' },
      )
    const harness = await operatorHarness(opened)
    harness.processElement(0)
    const restored = await harness.restore(await harness.snapshot())
    restored.processElement(0)
    expect([harness.outputValues(), restored.outputValues()]).toEqual([[1], [2]])
    expect(seen).toEqual([[], [1]])
    await restored.close()
  })

  it('is one for all keys of a subtask, beside keyed state, and for both inputs', async () => {
    const counted = processFunction({
      state: { own: valueState<number>() },
      operatorState: { all: operatorListState<string>() },
      processElement(word: string, ctx, out: Out<string>) {
        ctx.state.own.update((ctx.state.own.value() ?? 0) + 1)
        ctx.operatorState.all.add(word)
        ctx.timers.registerEventTime(10)
        out.emit(`${word} ${ctx.state.own.value()} of ${ctx.operatorState.all.get().length}`)
      },
      onTimer(_timestamp, ctx, out) {
        out.emit(`${ctx.key}: ${ctx.operatorState.all.get().join('')}`)
      },
    })
    await verifyOperator(counted, {
      keyBy: (word: string) => word,
      input: [{ value: 'a' }, { value: 'b' }, { value: 'a' }, { watermark: 10 }],
      expected: ['a 1 of 1', 'b 1 of 2', 'a 2 of 3', 'a: aba', 'b: aba'],
      ordered: false,
      modes: ['one-by-one', 'in-bulk', 'snapshot-after-each', 'restore-after-each'],
    })
    const both = coProcessFunction({
      operatorState: { all: operatorListState<string>() },
      processElement1(word: string, ctx, _out: Out<string>) {
        ctx.operatorState.all.add(word)
      },
      processElement2(_word: string, ctx, out: Out<string>) {
        out.emit(ctx.operatorState.all.get().join(''))
      },
    })
    await verifyOperator(both, {
      keyBy: [(word: string) => word, (word: string) => word],
      input: [{ value1: 'a' }, { value1: 'b' }, { value2: 'c' }],
      expected: ['ab'],
      modes: ['one-by-one', 'restore-after-each'],
    })
  })

  it('is there for connected streams without keys, beside a broadcast one too', async () => {
    const build =
      (isBroadcast: boolean) =>
      (first: DataStream<number>, second: DataStream<string>): DataStream<number> => {
        const connected = first.connect(isBroadcast ? second.broadcast() : second)
        return connected.process(
          {
            operatorState: { held: operatorListState<number>() },
            processElement1(n, ctx, _out: Out<number>) {
              ctx.operatorState.held.add(n)
            },
            processElement2(_mark, ctx, out) {
              for (const n of ctx.operatorState.held.get()) out.emit(n)
              ctx.operatorState.held.clear()
            },
          },
          { uid: 'held' },
        )
      }
    for (const isBroadcast of [false, true]) {
      await verifyOperator(build(isBroadcast), {
        input: [{ value1: 1 }, { value1: 2 }, { value2: 'now' }, { value2: 'now' }],
        expected: [1, 2],
        modes: ['one-by-one', 'snapshot-after-each', 'restore-after-each'],
      })
    }
  })

  it('keeps values that are its own: what is done to one later is nothing to it (R16)', async () => {
    const harness = await operatorHarness({
      operatorState: { list: operatorListState<{ n: number }>() },
      processElement(_n: number, ctx, out: Out<number>) {
        const { list } = ctx.operatorState
        const value = { n: 1 }
        list.addAll([value, value])
        value.n = 2
        list.add(value)
        for (const { n } of list.get()) out.emit(n)
      },
    })
    harness.processElement(0)
    expect(harness.outputValues()).toEqual([1, 1, 2])
    await harness.close()
  })
})

describe('a list of another version', () => {
  const list = (version: number) =>
    version === 1 ? operatorListState<number>() : operatorListState<string>(CENTS)
  const CENTS = { version: 2, upcasts: { 1: (euros: number) => `${euros * 100} cents` } } as const
  const adding = (version: number) => (input: DataStream<number>) =>
    input.process(
      {
        operatorState: { all: list(version) },
        processElement(n, ctx, out: Out<unknown>) {
          const all = ctx.operatorState.all as { add(n: unknown): void; get(): readonly unknown[] }
          if (n > 0) all.add(n)
          out.emit([...all.get()])
        },
      },
      { uid: 'adding' },
    )

  it('is upcast item by item, and stored as such; the way back is refused (R5)', async () => {
    const first = await operatorHarness(adding(1))
    for (const n of [1, 2]) first.processElement(n)
    const snapshot = await first.snapshot()
    await first.close()
    const second = await operatorHarness(adding(2), { snapshot })
    second.processElement(0)
    expect(second.outputValues()).toEqual([['100 cents', '200 cents']])
    const third = await second.restore(await second.snapshot())
    third.processElement(0)
    expect(third.outputValues()).toEqual([['100 cents', '200 cents']])
    const newer = await third.snapshot()
    await third.close()
    await expect(operatorHarness(adding(1), { snapshot: newer })).rejects.toMatchObject({
      code: 'MR_STATE_INCOMPATIBLE',
    })
  })

  it('tells which item an upcast failed for, and is refused without one (R39, R5)', async () => {
    const first = await operatorHarness(adding(1))
    for (const n of [1, 2]) first.processElement(n)
    const snapshot = await first.snapshot()
    await first.close()
    const failing = (input: DataStream<number>) =>
      input.process(
        {
          operatorState: {
            all: operatorListState<number>({
              version: 2,
              upcasts: {
                1: (n: number) => {
                  if (n === 2) throw new Error('no two')
                  return n
                },
              },
            }),
          },
          processElement() {},
        },
        { uid: 'adding' },
      )
    await expect(operatorHarness(failing, { snapshot })).rejects.toMatchObject({
      code: 'MR_STATE_UPCAST_FAILED',
      message: expect.stringMatching(
        /^Operator state "all" of operator "adding", item 1: .*threw Error: no two/u,
      ),
    })
    const without = (input: DataStream<number>) =>
      input.process(
        { operatorState: { all: operatorListState<number>({ version: 2 }) }, processElement() {} },
        { uid: 'adding' },
      )
    await expect(operatorHarness(without, { snapshot })).rejects.toMatchObject({
      code: 'MR_STATE_UPCAST_MISSING',
    })
  })
})
