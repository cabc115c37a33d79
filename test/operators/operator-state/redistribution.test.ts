import { describe, expect, it } from 'vitest'
import { type DataStream, operatorListState, unionListState } from 'millrace'
import { operatorHarness, type OperatorHarness } from 'millrace/testing'

interface Fill {
  readonly subtask: number
  readonly a?: readonly string[]
  readonly b?: readonly string[]
  readonly u?: readonly string[]
}

type Lists = Readonly<Record<'a' | 'b' | 'u', readonly string[]>>

/** What each subtask found when it was opened, by its number. */
const opened = new Map<number, Lists>()

/** Three lists that are filled as their input says, each record going to the subtask that it names. */
function lists(input: DataStream<Fill>): DataStream<never> {
  return input
    .partitionCustom(({ subtask }) => subtask)
    .process(
      {
        operatorState: {
          a: operatorListState<string>(),
          b: operatorListState<string>(),
          u: unionListState<string>(),
        },
        open({ subtaskIndex, operatorState: { a, b, u } }) {
          opened.set(subtaskIndex, { a: [...a.get()], b: [...b.get()], u: [...u.get()] })
        },
        processElement(fill, ctx) {
          const { a, b, u } = ctx.operatorState
          a.addAll(fill.a ?? [])
          b.addAll(fill.b ?? [])
          u.addAll(fill.u ?? [])
        },
      },
      { uid: 'lists' },
    )
}

type Harness = OperatorHarness<Fill, never>

async function filled(fills: readonly Omit<Fill, 'subtask'>[]): Promise<Harness> {
  const harness = await operatorHarness(lists, { parallelism: fills.length })
  for (const [subtask, fill] of fills.entries()) harness.processElement({ subtask, ...fill })
  return harness
}

async function rescaled(harness: Harness, parallelism: number): Promise<Harness> {
  const snapshot = await harness.snapshot()
  opened.clear()
  return harness.restore(snapshot, { parallelism })
}

const found = (list: keyof Lists) =>
  [...opened].sort(([a], [b]) => a - b).map(([, own]) => own[list])

describe('lists of subtasks at another parallelism', () => {
  it.each([
    {
      from: [
        ['a0', 'a1'],
        ['a2', 'a3'],
      ],
      to: [['a0', 'a1'], ['a2'], ['a3']],
    },
    {
      from: [
        ['a0', 'a1', 'a2'],
        ['a3', 'a4'],
      ],
      to: [
        ['a0', 'a1', 'a2'],
        ['a3', 'a4'],
      ],
    },
    {
      from: [
        ['a0', 'a1'],
        ['a2', 'a3', 'a4'],
      ],
      to: [['a0', 'a1'], ['a2', 'a3'], ['a4']],
    },
    {
      from: [
        ['i0', 'i1', 'i2'],
        ['i3', 'i4', 'i5', 'i6', 'i7'],
      ],
      to: [
        ['i0', 'i1'],
        ['i2', 'i3'],
        ['i4', 'i5'],
        ['i6', 'i7'],
      ],
    },
  ])('are shared out: $from → $to (semantics 2.9)', async ({ from, to }) => {
    const harness = await filled(from.map((a) => ({ a })))
    const restored = await rescaled(harness, to.length)
    expect(found('a')).toEqual(to)
    await restored.close()
  })

  it.each([
    { from: [{ a: ['a0'], b: ['b0'] }], a: [['a0'], []], b: [[], ['b0']] },
    {
      from: [
        { a: ['a0'], b: ['b0'] },
        { a: ['a1'], b: ['b1'] },
        { a: ['a2'], b: ['b2'] },
        { a: ['a3'] },
      ],
      a: [['a0', 'a1'], ['a2'], ['a3']],
      b: [['b2'], ['b0'], ['b1']],
    },
  ])('begin with the subtask whose turn it is: $from (semantics 2.9)', async ({ from, a, b }) => {
    const harness = await filled(from)
    const restored = await rescaled(harness, a.length)
    expect([found('a'), found('b')]).toEqual([a, b])
    await restored.close()
  })

  it('give each subtask all items of a union list, at the same parallelism too (semantics 2.9)', async () => {
    const all = ['u0', 'u1', 'u2']
    for (const parallelism of [1, 2, 3]) {
      const harness = await filled([{ u: ['u0'] }, { u: ['u1', 'u2'] }])
      const restored = await rescaled(harness, parallelism)
      expect(found('u')).toEqual(Array.from({ length: parallelism }, () => all))
      await restored.close()
    }
  })

  it('come back to where they were when nothing was added meanwhile', async () => {
    let harness = await filled([{ a: ['a0', 'a1', 'a2'] }, { a: ['a3', 'a4', 'a5'] }])
    for (const parallelism of [4, 3, 1, 2]) harness = await rescaled(harness, parallelism)
    expect(found('a')).toEqual([
      ['a0', 'a1', 'a2'],
      ['a3', 'a4', 'a5'],
    ])
    await harness.close()
  })
})
