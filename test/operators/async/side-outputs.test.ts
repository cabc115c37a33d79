import { type AsyncFunction, type DataStream, outputTag } from 'millrace'
import { ManualClock, type OperatorHarness, operatorHarness } from 'millrace/testing'
import { describe, expect, it } from 'vitest'

const REFUSED = outputTag<string>('refused')

type Fn = AsyncFunction<string, string>

const build =
  (fn: Fn, options: { retry?: { maxAttempts: number; delay: number } } = {}) =>
  (input: DataStream<string>) =>
    input.orderedWait(fn, { uid: 'asked', timeout: 1_000, ...options })

/** A function that emits to the side, and waits for the test to answer. */
function held() {
  const answers: (() => void)[] = []
  const fn: Fn = (value, ctx) => {
    ctx.output(REFUSED, `${value}?`)
    return new Promise((resolve) => answers.push(() => resolve([])))
  }
  return { fn, answers }
}

const refused = (harness: OperatorHarness<string, string>) => harness.sideOutput(REFUSED)

describe('The side outputs of an asynchronous function', () => {
  it('go out with its answer, in order and with the timestamp of the record', async () => {
    const { fn, answers } = held()
    const harness = await operatorHarness(build(fn))
    harness.processElement('a', 7)
    harness.processElement('b', 8)
    answers[1]!()
    await harness.settle()
    expect(refused(harness)).toEqual([])
    answers[0]!()
    await harness.settle()
    expect(refused(harness)).toEqual([
      { value: 'a?', timestamp: 7 },
      { value: 'b?', timestamp: 8 },
    ])
    await harness.close()
  })

  it('come exactly once where the record is asked for again after a restore', async () => {
    const first = held()
    const harness = await operatorHarness(build(first.fn))
    harness.processElement('a', 7)
    const snapshot = await harness.snapshot()
    expect(refused(harness)).toEqual([])
    await harness.close()
    const second = held()
    const restored = await operatorHarness(build(second.fn), { snapshot })
    await restored.settle()
    second.answers[0]!()
    await restored.settle()
    expect(refused(restored)).toEqual([{ value: 'a?', timestamp: 7 }])
    await restored.close()
  })

  it('leave out what a call has emitted that is retried', async () => {
    const clock = new ManualClock()
    const fn: Fn = async (value, ctx) => {
      ctx.output(REFUSED, `${value}${ctx.callNumber}`)
      if (ctx.callNumber === 1) throw new Error('not yet')
      return [value]
    }
    const harness = await operatorHarness(build(fn, { retry: { maxAttempts: 1, delay: 10 } }), {
      clock,
    })
    harness.processElement('a', 7)
    await harness.settle()
    harness.advanceProcessingTime(10)
    await harness.settle()
    expect(harness.outputValues()).toEqual(['a'])
    expect(refused(harness)).toEqual([{ value: 'a2', timestamp: 7 }])
    await harness.close()
  })

  it('leave out what a call has emitted that has timed out, and take what its timeout method emits', async () => {
    const { fn: asyncInvoke } = held()
    const fn: Fn = {
      asyncInvoke: asyncInvoke as (value: string) => Promise<readonly string[]>,
      timeout: (value, ctx) => {
        ctx.output(REFUSED, `${value} was late`)
        return []
      },
    }
    const harness = await operatorHarness(build(fn))
    harness.processElement('a', 7)
    harness.advanceProcessingTime(1_000)
    await harness.settle()
    expect(refused(harness)).toEqual([{ value: 'a was late', timestamp: 7 }])
    await harness.close()
  })

  it('take what the timeout method emits while a retry waits', async () => {
    const fn: Fn = {
      asyncInvoke: async (value, ctx) => {
        ctx.output(REFUSED, value)
        throw new Error('not yet')
      },
      timeout: (value, ctx) => {
        ctx.output(REFUSED, `${value} was late`)
        return []
      },
    }
    const harness = await operatorHarness(build(fn, { retry: { maxAttempts: 1, delay: 5_000 } }))
    harness.processElement('a', 7)
    await harness.settle()
    harness.advanceProcessingTime(1_000)
    await harness.settle()
    expect(refused(harness)).toEqual([{ value: 'a was late', timestamp: 7 }])
    await harness.close()
  })

  it('are closed once the call has answered (R15), and to what is no tag', async () => {
    const errors: unknown[] = []
    const attempt = (emit: () => void): void => {
      try {
        emit()
      } catch (error) {
        errors.push((error as { code: string }).code)
      }
    }
    const fn: Fn = (value, ctx) => {
      attempt(() => ctx.output('refused' as never, value as never))
      setImmediate(() => attempt(() => ctx.output(REFUSED, value)))
      return [value]
    }
    const harness = await operatorHarness(build(fn))
    harness.processElement('a', 7)
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    expect(errors).toEqual(['MR_OPTION_INVALID', 'MR_STATE_OUTSIDE_CALLBACK'])
    expect(refused(harness)).toEqual([])
    await harness.close()
  })
})
