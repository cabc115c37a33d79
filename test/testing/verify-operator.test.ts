import { describe, expect, it } from 'vitest'
import type { Out } from '../../operators/collector.ts'
import { outputTag } from '../../operators/output-tag.ts'
import { processFunction } from '../../operators/process.ts'
import type { DataStream } from '../../operators/streams.ts'
import { valueState } from '../../runtime/state/state.ts'
import { VERIFY_MODES, verifyOperator } from '../../testing/verify-operator.ts'

const T0 = 1_700_000_000_000
const EVEN = outputTag<number>('even')

/** A running sum of all numbers under one key; a timer each minute emits a line. */
function summing() {
  return (numbers: DataStream<number>) =>
    numbers
      .keyBy(() => 'all')
      .process(
        processFunction({
          state: { sum: valueState<number>() },
          processElement(n: number, ctx, out: Out<string>) {
            if (n % 2 === 0) ctx.output(EVEN, n)
            const before = ctx.state.sum.value() ?? 0
            ctx.state.sum.update(before + n)
            ctx.timers.registerEventTime(Math.ceil((ctx.timestamp + 1) / 60_000) * 60_000)
            out.emit(`+${n} = ${before + n}`)
          },
          onTimer(timestamp, ctx, out) {
            out.emit(`minute ${timestamp - T0}: ${ctx.state.sum.value()}`)
          },
        }),
        { uid: 'sum' },
      )
}

const input = [
  { value: 1, timestamp: T0 },
  { value: 2, timestamp: T0 + 1 },
  { watermark: T0 + 60_000 },
  { processingTime: T0 + 1_000_000 },
  { value: 4, timestamp: T0 + 61_000 },
] as const

const expected = ['+1 = 1', '+2 = 3', 'minute 40000: 3', '+4 = 7', 'minute 100000: 7']

describe('verifyOperator', () => {
  it('refuses what is no input, rather than leave it out', async () => {
    const wrong: unknown[] = [
      undefined,
      [1, 2],
      [null],
      [{ valeu: 1 }],
      [{ value1: 1 }],
      [{ watermark1: 5 }],
    ]
    for (const given of wrong) {
      const options = { input: given as typeof input, expected: [] }
      await expect(verifyOperator(summing(), options)).rejects.toMatchObject({
        code: 'MR_TEST_INVALID',
      })
    }
  })

  it('finds the same output in every mode', async () => {
    await verifyOperator(summing(), { input, expected, expectedSide: [[EVEN, [2, 4]]] })
  })

  it('finds what is kept outside of state, as what comes after a checkpoint is done twice (R40)', async () => {
    const modes = ['restore-after-each'] as const
    let seen = 0
    const countsItself = processFunction({
      processElement(_n: number, _ctx, out: Out<number>) {
        out.emit(++seen)
      },
    })
    const options = { keyBy: () => 'all', input: [{ value: 1 }, { value: 2 }], expected: [1, 2] }
    await expect(verifyOperator(countsItself, { ...options, modes })).rejects.toMatchObject({
      message: expect.stringContaining('in mode restore-after-each is not') as string,
      actual: [1, 3],
    })
    seen = 0
    await expect(verifyOperator(countsItself, options)).rejects.toMatchObject({
      message: expect.stringContaining(
        'The output in mode in-bulk is not the expected one. It is in one-by-one: so it depends on what is kept elsewhere than in declared state, or on how often something is done.',
      ) as string,
    })
  })

  it('names the mode in which the output differs', async () => {
    const keepsItsOwn = (): ReturnType<typeof summing> => {
      let made = 0
      return (numbers) =>
        numbers
          .keyBy(() => 'all')
          .process(
            processFunction({
              open() {
                made = 0
              },
              processElement(n: number, _ctx, out: Out<string>) {
                made += n
                out.emit(String(made))
              },
            }),
            { uid: 'own' },
          )
    }
    const options = {
      input: [{ value: 1 }, { value: 2 }],
      expected: ['1', '3'],
    }
    await expect(verifyOperator(keepsItsOwn(), options)).rejects.toMatchObject({
      message: expect.stringContaining('The output in mode restore-after-each is not the expected'),
      actual: ['1', '2'],
      expected: ['1', '3'],
    })
    const modes = VERIFY_MODES.filter((mode) => !/restore|rescale/.test(mode))
    await verifyOperator(keepsItsOwn(), { ...options, modes })
  })

  it('leaves the order aside, and the end of input away, where it is asked to', async () => {
    await verifyOperator(summing(), {
      input,
      expected: expected.slice(0, 4).reverse(),
      ordered: false,
      endInput: false,
    })
    await expect(
      verifyOperator(summing(), { input, expected: [...expected].reverse() }),
    ).rejects.toThrow('mode one-by-one')
    await expect(
      verifyOperator(summing(), { input, expected, expectedSide: [[EVEN, [2]]] }),
    ).rejects.toThrow('output of side output "even" in mode one-by-one')
  })
})
