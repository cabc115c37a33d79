import { type AsyncRetry, type DataStream, RestartableError, StreamError } from 'millrace'
import { type OperatorHarness, operatorHarness } from 'millrace/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { OpenCalls } from './calls.ts'

type Answer = readonly string[]

describe('An asynchronous function that fails', () => {
  let calls: OpenCalls<string, Answer>
  let harness: OperatorHarness<string, string>

  beforeEach(() => {
    calls = new OpenCalls()
  })

  async function start(retry?: AsyncRetry<Answer>, timeout = 10_000): Promise<void> {
    harness = await operatorHarness((input: DataStream<string>) =>
      input.orderedWait(
        { asyncInvoke: calls.invoke, timeout: (value) => [`${value} timed out`] },
        { uid: 'asked', timeout, ...(retry === undefined ? {} : { retry }) },
      ),
    )
  }

  afterEach(() => harness.close())

  async function reject(value: string, error: unknown = new Error('no')): Promise<void> {
    calls.of(value).reject(error)
    await harness.settle()
  }

  it('fails the job, which may be restarted, and names the record (R38)', async () => {
    await start()
    harness.processElement('a', 7)
    await expect(reject('a', new TypeError('fetch failed'))).rejects.toMatchObject({
      code: 'MR_FUNCTION_FAILED',
      name: 'RestartableError',
      message: expect.stringMatching(
        /^Operator "asked", record 'a' at 7: the asynchronous function rejected with TypeError: fetch failed; the record has no result; .*set retry/,
      ) as string,
      fields: { operator: 'asked', record: "'a'", timestamp: 7 },
    })
  })

  it.each([
    new RestartableError('MR_OUTPUT_FAILED', 'broker gone'),
    new StreamError('MR_BAD_RECORD', 'no such card'),
  ])('keeps the code of %s, and whether it may be restarted (R38)', async (error) => {
    await start()
    harness.processElement('a', 7)
    await expect(reject('a', error)).rejects.toMatchObject({
      code: error.code,
      name: error.name,
      message: expect.stringContaining(`record 'a' at 7: ${error.message}`) as string,
    })
  })

  it('is called again after the delay, as often as it may be, the first call not counted (semantics 2.16)', async () => {
    await start({ maxAttempts: 2, delay: 100 })
    harness.processElement('a', 7)
    for (const number of [1, 2]) {
      await reject('a')
      harness.advanceProcessingTime(99)
      expect(calls.calls).toHaveLength(number)
      harness.advanceProcessingTime(1)
      expect(calls.calls).toHaveLength(number + 1)
      expect(calls.of('a').callNumber).toBe(number + 1)
    }
    await expect(reject('a', new Error('still not'))).rejects.toThrow('still not')
    expect(harness.counter('asyncRetries')).toBe(2)
  })

  it('waits longer from one retry to the next, each record for itself (FLINK-30477, semantics 2.16)', async () => {
    await start({ maxAttempts: 9, delay: { initial: 100, max: 300, multiplier: 2 } })
    for (const value of ['a', 'b']) {
      harness.processElement(value, 7)
      for (const delay of [100, 200, 300, 300]) {
        await reject(value)
        const made = calls.calls.length
        harness.advanceProcessingTime(delay - 1)
        expect(calls.calls).toHaveLength(made)
        harness.advanceProcessingTime(1)
        expect(calls.calls).toHaveLength(made + 1)
      }
    }
  })

  it('is called again only for errors that it may be called again for', async () => {
    const retryOnError = (error: unknown): boolean => String(error).includes('busy')
    await start({ maxAttempts: 1, delay: 1, retryOnError })
    harness.processElement('a', 7)
    await reject('a', new Error('busy'))
    harness.advanceProcessingTime(1)
    expect(calls.calls).toHaveLength(2)
    harness.processElement('b', 7)
    await expect(reject('b', new Error('unknown'))).rejects.toThrow('unknown')
  })

  it('is called again for answers that will not do, and the last one counts (semantics 2.16)', async () => {
    await start({ maxAttempts: 1, delay: 1, retryOnResult: (answer) => answer.length === 0 })
    for (const value of ['a', 'b']) {
      harness.processElement(value, 7)
      calls.answer(value, [])
      await harness.settle()
      harness.advanceProcessingTime(1)
      expect(calls.of(value).callNumber).toBe(2)
    }
    calls.answer('a', ['A'])
    calls.answer('b', [])
    await harness.settle()
    expect(harness.outputValues()).toEqual(['A'])
  })

  it.each([
    ['retryOnError', { retryOnError: thrower }],
    ['retryOnResult', { retryOnResult: thrower }],
  ])('fails the job where %s throws', async (name, predicate) => {
    await start({ maxAttempts: 1, delay: 1, ...predicate })
    harness.processElement('a', 7)
    if (name === 'retryOnError') calls.of('a').reject(new Error('no'))
    else calls.answer('a', [])
    await expect(harness.settle()).rejects.toThrow(`${name} threw Error: broken predicate`)
  })

  it('has one time for all its calls, and is not called again behind it (FLINK-38082, semantics 2.16)', async () => {
    await start({ maxAttempts: 9, delay: 400 }, 1_000)
    harness.processElement('a', 7)
    for (const made of [2, 3]) {
      await reject('a')
      harness.advanceProcessingTime(400)
      expect(calls.calls).toHaveLength(made)
    }
    await reject('a')
    harness.advanceProcessingTime(199)
    expect(harness.outputValues()).toEqual([])
    harness.advanceProcessingTime(1)
    expect(harness.outputValues()).toEqual(['a timed out'])
    harness.advanceProcessingTime(10_000)
    expect(calls.calls).toHaveLength(3)
  })

  it('times out rather than being called again where both are due at once (FLINK-40456, semantics 2.16)', async () => {
    await start({ maxAttempts: 9, delay: 1_000 }, 1_000)
    harness.processElement('a', 7)
    await reject('a')
    harness.advanceProcessingTime(1_000)
    expect([harness.outputValues(), calls.calls.length]).toEqual([['a timed out'], 1])
  })

  it.each(['retry first', 'timeout first'])(
    'has one result where a retry and the timeout come together: %s (FLINK-40456, semantics 2.16)',
    async (order) => {
      await start({ maxAttempts: 9, delay: 500 }, 1_000)
      harness.processElement('a', 7)
      harness.advanceProcessingTime(400)
      await reject('a')
      if (order === 'retry first') {
        harness.advanceProcessingTime(500)
        expect(calls.calls).toHaveLength(2)
        harness.advanceProcessingTime(100)
        calls.answer('a', ['A'])
      } else harness.advanceProcessingTime(2_000)
      await harness.settle()
      harness.advanceProcessingTime(10_000)
      await harness.settle()
      expect(harness.outputValues()).toEqual(['a timed out'])
      expect(calls.calls.length).toBe(order === 'retry first' ? 2 : 1)
    },
  )

  it('is called again at once at the end of input, not after the delay (semantics 2.16)', async () => {
    await start({ maxAttempts: 1, delay: '5s' })
    for (const value of ['a', 'b']) {
      harness.processElement(value, 7)
      await reject(value)
    }
    harness.endInput()
    expect(calls.calls.map((call) => call.callNumber)).toEqual([1, 1, 2, 2])
    calls.answer('b', ['B'])
    calls.answer('a', ['A'])
    await harness.settle()
    expect([harness.outputValues(), harness.currentWatermark]).toEqual([['A', 'B'], Infinity])
  })

  it('has its retries at the end of input too: the last records are worth no less than others', async () => {
    await start({ maxAttempts: 1, delay: 100 })
    harness.processElement('a', 7)
    harness.endInput()
    await reject('a')
    harness.advanceProcessingTime(100)
    calls.answer('a', ['A'])
    await harness.settle()
    expect([harness.outputValues(), harness.currentWatermark]).toEqual([['A'], Infinity])
  })

  it('is called again once at the end of input where it throws at once; then after its delay (semantics 2.16)', async () => {
    let made = 0
    const throwing = await operatorHarness((input: DataStream<string>) =>
      input.orderedWait(
        {
          asyncInvoke: (value): readonly string[] => {
            made++
            if (made <= 3) throw new Error('busy')
            return [value]
          },
        },
        { uid: 'asked', timeout: '1m', retry: { maxAttempts: 9, delay: '5s' } },
      ),
    )
    throwing.processElement('a', 7)
    throwing.endInput()
    expect(made).toBe(2)
    throwing.advanceProcessingTime(4_999)
    expect(made).toBe(2)
    throwing.advanceProcessingTime(1)
    expect(made).toBe(3)
    throwing.advanceProcessingTime(5_000)
    expect(throwing.outputValues()).toEqual(['a'])
    await throwing.close()
  })

  it('begins its calls anew after a restore (semantics 2.16)', async () => {
    await start({ maxAttempts: 1, delay: 100 })
    harness.processElement('a', 7)
    await reject('a')
    harness = await harness.restore(await harness.snapshot())
    expect(calls.of('a').callNumber).toBe(1)
    await reject('a')
    harness.advanceProcessingTime(100)
    calls.answer('a', ['A'])
    await harness.settle()
    expect(harness.outputValues()).toEqual(['A'])
  })
})

function thrower(): boolean {
  throw new Error('broken predicate')
}
