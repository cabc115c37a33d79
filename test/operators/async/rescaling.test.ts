import fc from 'fast-check'
import { type DataStream, type Out, processFunction } from 'millrace'
import { operatorHarness, type OperatorHarness } from 'millrace/testing'
import { describe, expect, it } from 'vitest'
import { OpenCalls } from './calls.ts'

interface Asked {
  readonly id: number
  readonly key: string
}

/** A record as it comes out, with the watermark that it came out behind. */
interface Answered extends Asked {
  readonly behind: number
}

type Step =
  | { readonly do: 'record'; readonly key: string; readonly timestamp: number }
  | { readonly do: 'watermark'; readonly ahead: number }
  | { readonly do: 'answer'; readonly which: number }
  | { readonly do: 'restore'; readonly parallelism: number }

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']

const PARALLELISM = fc.constantFrom(1, 2, 3, 4, 7)

const STEP: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('record' as const),
      key: fc.constantFrom(...KEYS),
      timestamp: fc.integer({ min: 0, max: 60 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('watermark' as const),
      ahead: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      which: fc.integer({ min: 0, max: 1_000 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('restore' as const), parallelism: PARALLELISM }),
  },
)

const passOn = () =>
  processFunction({
    processElement: (record: Asked, _ctx, out: Out<Asked>) => out.emit(record),
  })

/** One function behind a key, or two one behind the other, whose calls a test answers; restored again and again. */
class Rescaled {
  readonly calls: OpenCalls<Asked, readonly Asked[]> = new OpenCalls()
  readonly output: Answered[] = []
  /** In the order in which they were given. */
  readonly expected: Answered[] = []
  readonly #mode: 'orderedWait' | 'unorderedWait'
  readonly #uids: readonly string[]
  #harness!: OperatorHarness<Asked, Answered>
  #watermark = -Infinity
  /** The calls that may still be answered begin here: an attempt has its own. */
  #first = 0

  constructor(mode: 'orderedWait' | 'unorderedWait', uids: readonly string[]) {
    this.#mode = mode
    this.#uids = uids
  }

  readonly #build = (input: DataStream<Asked>): DataStream<Answered> => {
    let stream = input.keyBy(({ key }) => key).process(passOn(), { uid: 'keyed' })
    for (const uid of this.#uids) stream = stream[this.#mode](this.calls.invoke, { uid })
    return stream.process((record: Asked, ctx, out: Out<Answered>) => {
      out.emit({ ...record, behind: ctx.currentWatermark })
    })
  }

  async open(parallelism: number): Promise<void> {
    this.#harness = await operatorHarness(this.#build, { parallelism })
  }

  async take(step: Step): Promise<void> {
    if (step.do === 'record') {
      const record = { id: this.expected.length, key: step.key }
      this.expected.push({ ...record, behind: this.#watermark })
      this.#harness.processElement(record, step.timestamp)
    } else if (step.do === 'watermark') {
      this.#watermark = Math.max(0, this.#watermark) + step.ahead
      this.#harness.processWatermark(this.#watermark)
    } else if (step.do === 'answer') {
      const open = this.calls.calls.length - this.#first
      if (open > 0) this.#answer(this.#first + (step.which % open))
      await this.#harness.settle()
    } else {
      await this.#restore(step.parallelism)
    }
  }

  #answer(index: number): void {
    const { value, resolve } = this.calls.calls[index]!
    resolve([value])
  }

  async #restore(parallelism: number): Promise<void> {
    const snapshot = await this.#harness.snapshot()
    this.#collect()
    this.#first = this.calls.calls.length
    this.#harness = await this.#harness.restore(snapshot, { parallelism })
  }

  #collect(): void {
    this.output.push(...this.#harness.outputValues())
  }

  async finish(): Promise<void> {
    this.#harness.endInput()
    for (let next = this.#first; next < this.calls.calls.length; next++) {
      this.#answer(next)
      await this.#harness.settle()
    }
    expect(this.#harness.currentWatermark).toBe(Infinity)
    this.#collect()
    await this.#harness.close()
  }
}

function ofKey(records: readonly Answered[], key: string): Answered[] {
  return records.filter((record) => record.key === key)
}

function byId(records: readonly Answered[]): Answered[] {
  return records.toSorted((a, b) => a.id - b.id)
}

interface Case {
  readonly parallelism: number
  readonly steps: readonly Step[]
}

const CASE: fc.Arbitrary<Case> = fc.record({
  parallelism: PARALLELISM,
  steps: fc.array(STEP, { minLength: 30, maxLength: 80, size: 'max' }),
})

async function run({ parallelism, steps }: Case, ...how: ConstructorParameters<typeof Rescaled>) {
  const rescaled = new Rescaled(...how)
  await rescaled.open(parallelism)
  for (const step of steps) await rescaled.take(step)
  await rescaled.finish()
  return rescaled
}

describe('Calls under way at another parallelism', () => {
  it('come out in the order of their key, once, and late where they were late (R10, R12, semantics 2.9, 2.16)', async () => {
    await fc.assert(
      fc.asyncProperty(CASE, async (one) => {
        const { output, expected } = await run(one, 'orderedWait', ['asked'])
        for (const key of KEYS) expect(ofKey(output, key)).toEqual(ofKey(expected, key))
        expect(output).toHaveLength(expected.length)
      }),
      { numRuns: 40 },
    )
  })

  it('come out once and between the same watermarks where their order is free (R12, semantics 2.9, 2.16)', async () => {
    await fc.assert(
      fc.asyncProperty(CASE, async (one) => {
        const { output, expected } = await run(one, 'unorderedWait', ['asked'])
        expect(byId(output)).toEqual(expected)
      }),
      { numRuns: 40 },
    )
  })

  it('keep their order and are made no later behind others that hold time back (R10, R12, semantics 2.9)', async () => {
    await fc.assert(
      fc.asyncProperty(CASE, async (one) => {
        const { output, expected } = await run(one, 'orderedWait', ['first', 'second'])
        const idsOf = (key: string, records: readonly Answered[]) =>
          ofKey(records, key).map(({ id }) => id)
        for (const key of KEYS) expect(idsOf(key, output)).toEqual(idsOf(key, expected))
        for (const { id, behind } of output) {
          expect(behind).toBeLessThanOrEqual(expected[id]!.behind)
        }
      }),
      { numRuns: 40 },
    )
  })

  it('are shared out evenly where no key is known (semantics 2.9, 2.16)', async () => {
    const calls = new OpenCalls<number, readonly number[]>()
    const asking = (input: DataStream<number>): DataStream<number> =>
      input.rebalance().orderedWait(calls.invoke, { uid: 'asked' })
    const before = await operatorHarness(asking, { parallelism: 2 })
    for (let n = 0; n < 5; n++) before.processElement(n, n)
    const snapshot = await before.snapshot()
    calls.calls.length = 0
    const after = await before.restore(snapshot, { parallelism: 3 })
    expect(calls.values).toHaveLength(5)
    expect(calls.values.toSorted()).toEqual([0, 1, 2, 3, 4])
    for (const value of calls.values) calls.answer(value, [value])
    await after.settle()
    expect(after.outputValues().toSorted()).toEqual([0, 1, 2, 3, 4])
    await after.close()
  })
})
