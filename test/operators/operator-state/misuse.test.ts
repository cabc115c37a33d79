import { describe, expect, it } from 'vitest'
import {
  collectionSink,
  collectionSource,
  type DataStream,
  job,
  operatorListState,
  type OperatorListState,
  type Out,
  processFunction,
  unionListState,
  valueState,
} from 'millrace'
import { operatorHarness, testJob } from 'millrace/testing'

// What JavaScript may do though the types forbid it, and what types cannot know.

type Deep = Map<string, number>

/** Runs what a test does with a list of maps, for one record after another. */
async function run(...callbacks: readonly ((list: OperatorListState<Deep>) => void)[]) {
  const harness = await operatorHarness({
    operatorState: { list: operatorListState<Deep>() },
    processElement(index: number, ctx, _out: Out<never>) {
      callbacks[index]!(ctx.operatorState.list)
    },
  })
  try {
    for (const index of callbacks.keys()) harness.processElement(index)
  } finally {
    await harness.close()
  }
}

/** The problems of the graph of a function over keyed records with these declarations. */
async function graphOf(
  declared: Readonly<Record<string, unknown>>,
  options: object = { uid: 'x' },
) {
  const definition = { ...declared, processElement() {} }
  const module = job('misused', {}, (env) => {
    env
      .fromSource(collectionSource([1]), { uid: 'numbers' })
      .keyBy((n) => n)
      .process(processFunction(definition as never), options as { uid: string })
      .sinkTo(collectionSink(), { uid: 'out' })
  })
  await testJob(module)
}

describe('lists of subtasks that are misused', () => {
  it('throw outside callbacks: after them, in close, and while nothing is open (R15)', async () => {
    let kept: OperatorListState<Deep> | undefined
    await run((list) => (kept = list))
    for (const use of [
      () => kept!.get(),
      () => kept!.add(new Map()),
      () => kept!.update([]),
      () => kept!.clear(),
    ]) {
      expect(use).toThrow(
        expect.objectContaining({
          code: 'MR_STATE_OUTSIDE_CALLBACK',
          message: expect.stringContaining('operator state "list" was used after its callback'),
        }),
      )
    }
    let inOpen: OperatorListState<number> | undefined
    const harness = await operatorHarness({
      operatorState: { list: operatorListState<number>() },
      open({ operatorState }) {
        inOpen = operatorState.list
      },
      processElement(_n: number, _ctx, _out: Out<never>) {},
    })
    expect(() => inOpen!.get()).toThrow(
      expect.objectContaining({ code: 'MR_STATE_OUTSIDE_CALLBACK' }),
    )
    await harness.close()
  })

  it('are found when an item is changed in place and not stored again, in strict mode (R16)', async () => {
    const fill = (list: OperatorListState<Deep>): void => list.addAll([new Map(), new Map()])
    await expect(run(fill, (list) => list.get()[1]!.set('a', 1))).rejects.toMatchObject({
      code: 'MR_STATE_MUTATED',
      fields: { state: 'list', item: 1 },
    })
    await run(fill, (list) => {
      const all = list.get()
      all[1]!.set('a', 1)
      list.update(all)
    })
    // What an earlier callback was given is not what the list has any more.
    let earlier: Deep | undefined
    await run(
      fill,
      (list) => (earlier = list.get()[0]),
      (list) => {
        earlier!.set('a', 1)
        expect(list.get()[0]).toEqual(new Map())
      },
    )
    await expect(run(fill, (list) => (list.get() as Deep[]).push(new Map()))).rejects.toThrow(
      /not extensible/u,
    )
  })

  it('refuse what is outside the type table, and stay as they were (R18)', async () => {
    const money = Object.create({ isMoney: true }) as Deep
    await run(
      (list) => list.add(new Map([['a', 1]])),
      (list) => {
        const wrong = [new Map(), money]
        for (const use of [() => list.addAll(wrong), () => list.update(wrong)]) {
          expect(use).toThrow(
            expect.objectContaining({
              code: 'MR_VALUE_UNSUPPORTED',
              message: expect.stringMatching(/^Operator state "list" of operator ".*": the item/u),
            }),
          )
        }
        expect(list.get()).toEqual([new Map([['a', 1]])])
      },
    )
  })

  it('need a uid, names of their own, and declarations of their kind (N25)', async () => {
    const list = operatorListState<number>()
    const withoutUid = job('misused', {}, (env) => {
      env
        .fromSource(collectionSource([1]), { uid: 'numbers' })
        .process({ operatorState: { list }, processElement() {} }, {} as { uid: string })
        .sinkTo(collectionSink(), { uid: 'out' })
    })
    await expect(testJob(withoutUid)).rejects.toMatchObject({ code: 'MR_UID_MISSING' })
    const cases: readonly (readonly [object, string, RegExp])[] = [
      [{ operatorState: { 'a b': list } }, 'MR_NAME_INVALID', /is called "a b"/u],
      [
        { state: { List: valueState<number>() }, operatorState: { list } },
        'MR_NAME_INVALID',
        /declares the states "List" and "list", which are one name/u,
      ],
      [
        { operatorState: { list: valueState<number>() } },
        'MR_GRAPH_INVALID',
        /declares as operator state "list" is no list of a subtask/u,
      ],
      [{ state: { list } }, 'MR_GRAPH_INVALID', /declare it under operatorState/u],
      [{ operatorState: { list: { ...list, version: 0 } } }, 'MR_OPTION_INVALID', /has version 0/u],
      [
        { operatorState: { list: { ...list, version: 3, upcasts: { 1: String } } } },
        'MR_OPTION_INVALID',
        /none from 2/u,
      ],
    ]
    for (const [declared, code, message] of cases) {
      const refused = graphOf(declared as Record<string, unknown>)
      await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
    }
    for (const make of [operatorListState, unionListState]) {
      expect(() => make({ ttl: '1h' } as never)).toThrow(
        expect.objectContaining({ code: 'MR_OPTION_INVALID' }),
      )
    }
  })

  it('are refused as another kind, or where the job does not have them any more (R5)', async () => {
    const declaring =
      (operatorState: Readonly<Record<string, ReturnType<typeof operatorListState<number>>>>) =>
      (input: DataStream<number>) =>
        input.process(
          {
            operatorState,
            processElement(n, ctx, _out: Out<never>) {
              for (const list of Object.values(ctx.operatorState)) list.add(n)
            },
          },
          { uid: 'lists' },
        )
    const first = await operatorHarness(
      declaring({ a: operatorListState(), b: operatorListState() }),
    )
    first.processElement(1)
    const snapshot = await first.snapshot()
    await first.close()
    const union = unionListState<number>() as never
    await expect(
      operatorHarness(declaring({ a: union, b: operatorListState() }), { snapshot }),
    ).rejects.toMatchObject({
      code: 'MR_STATE_INCOMPATIBLE',
      message: expect.stringContaining(
        'as operator-list of version 1, the job declares union-list',
      ),
    })
    await expect(
      operatorHarness(declaring({ a: operatorListState() }), { snapshot }),
    ).rejects.toMatchObject({ code: 'MR_STATE_NOT_RESTORED', fields: { lost: ['lists/b'] } })
  })
})
