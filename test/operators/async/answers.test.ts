import type { AsyncFunction, AsyncMapFunction, DataStream } from 'millrace'
import { operatorHarness } from 'millrace/testing'
import { describe, expect, it } from 'vitest'

/** What comes out for records that are given one after another, once all promises have settled. */
async function run<R>(fn: AsyncFunction<number, R>, ...values: readonly number[]): Promise<R[]> {
  const harness = await operatorHarness((input: DataStream<number>) =>
    input.orderedWait(fn, { uid: 'asked' }),
  )
  try {
    for (const value of values) harness.processElement(value, 5)
    harness.endInput()
    await harness.settle()
    return harness.outputValues()
  } finally {
    await harness.close()
  }
}

describe('The answer of an asynchronous function', () => {
  it('may be at hand at once, without a promise', async () => {
    expect(await run((value) => [value, value], 1, 2)).toEqual([1, 1, 2, 2])
  })

  it('is what it was when it came, though its array is used again for the next one', async () => {
    const answer: number[] = []
    const fn = (value: number): readonly number[] => {
      answer.length = 0
      answer.push(value, -value)
      return answer
    }
    const harness = await operatorHarness((input: DataStream<number>) =>
      input.orderedWait(fn, { uid: 'asked' }),
    )
    harness.processElements([{ value: 1 }, { value: 2 }])
    expect(harness.outputValues()).toEqual([1, -1, 2, -2])
    await harness.close()
  })

  it('may be any thenable, which counts once even if it answers twice', async () => {
    const thenable = (value: number): PromiseLike<readonly number[]> => {
      const answer = (resolve: (answer: readonly number[]) => void): void => {
        resolve([value])
        resolve([value, value])
      }
      // oxlint-disable-next-line unicorn/no-thenable
      return { then: answer } as unknown as PromiseLike<readonly number[]>
    }
    expect(await run(thenable, 1)).toEqual([1])
  })

  it('is no answer where it is no array, and the job fails for good (R38)', async () => {
    for (const answer of [7, undefined, null, 'text', { length: 1 }]) {
      const fn = (async () => answer) as unknown as AsyncFunction<number, number>
      await expect(run(fn, 1)).rejects.toMatchObject({
        code: 'MR_FUNCTION_FAILED',
        name: 'StreamError',
        message: expect.stringMatching(
          /^Operator "asked", record 1 at 5: the asynchronous function answered with .*; it cannot be spread into records; answer with an array, or use asyncMap/,
        ) as string,
      })
    }
  })

  it('is a rejection where the function throws before its first await', async () => {
    const fn = (): never => {
      throw new RangeError('at once')
    }
    await expect(run(fn, 1)).rejects.toMatchObject({
      code: 'MR_FUNCTION_FAILED',
      name: 'RestartableError',
      message: expect.stringContaining(
        'record 1 at 5: the asynchronous function threw RangeError: at once',
      ) as string,
    })
  })

  it('is a rejection where looking at it throws', async () => {
    // oxlint-disable-next-line unicorn/no-thenable
    const hostile = Object.defineProperty({}, 'then', {
      get() {
        throw new Error('hands off')
      },
    }) as PromiseLike<readonly number[]>
    await expect(run(() => hostile, 1)).rejects.toThrow('threw Error: hands off')
  })

  it('may be given by an object, which is opened before its first record and closed at the end (R21)', async () => {
    const log: string[] = []
    const client = {
      prefix: '',
      async open(): Promise<void> {
        await Promise.resolve()
        this.prefix = 'n'
      },
      async asyncInvoke(value: number): Promise<readonly string[]> {
        return [`${this.prefix}${value}`]
      },
      close(): void {
        log.push('closed')
      },
    }
    expect(await run(client, 1, 2)).toEqual(['n1', 'n2'])
    expect(log).toEqual(['closed'])
  })

  it('comes from calls that know their record, their number and their place in the job', async () => {
    const seen: unknown[] = []
    await run((value, ctx) => {
      const { uid, subtaskIndex, parallelism, attempt, timestamp, callNumber } = ctx
      ctx.count('asked')
      ctx.log('asked', value)
      seen.push({ uid, subtaskIndex, parallelism, attempt, timestamp, callNumber })
      return []
    }, 1)
    const place = { uid: 'asked', subtaskIndex: 0, parallelism: 1, attempt: 1 }
    expect(seen).toEqual([{ ...place, timestamp: 5, callNumber: 1 }])
  })
})

describe('asyncMap', () => {
  async function map<R>(
    fn: AsyncMapFunction<number, R>,
    options: { readonly ordered?: boolean; readonly timeout?: number } = {},
  ) {
    const harness = await operatorHarness((input: DataStream<number>) =>
      input.asyncMap(fn, { uid: 'mapped', ...options }),
    )
    for (const value of [1, 2, 3]) harness.processElement(value, value)
    await harness.settle()
    return harness
  }

  it('makes exactly one record of each, in order (semantics 2.16)', async () => {
    const harness = await map(async (value) => (value === 2 ? undefined : [value]))
    expect(harness.outputRecords()).toEqual([
      { value: [1], timestamp: 1 },
      { value: undefined, timestamp: 2 },
      { value: [3], timestamp: 3 },
    ])
    await harness.close()
  })

  it('emits as answers come where order does not matter', async () => {
    const late = async (value: number): Promise<number> => {
      for (let i = 3; i > value; i--) await Promise.resolve()
      return value
    }
    const harness = await map(late, { ordered: false })
    expect(harness.outputValues()).toEqual([3, 2, 1])
    await harness.close()
  })

  it('takes an object with a word on timeouts', async () => {
    const harness = await map(
      {
        asyncMap: (value: number) => (value === 2 ? new Promise<number>(() => {}) : value),
        timeout: (value) => -value,
      },
      { timeout: 50 },
    )
    harness.advanceProcessingTime(50)
    expect(harness.outputValues()).toEqual([1, -2, 3])
    await harness.close()
  })

  it('asks retryOnResult about the record itself', async () => {
    const harness = await operatorHarness((input: DataStream<number>) =>
      input.asyncMap((value, ctx) => value * ctx.callNumber, {
        uid: 'mapped',
        retry: { maxAttempts: 5, delay: 1, retryOnResult: (answer) => answer < 6 },
      }),
    )
    harness.processElement(2, 1)
    harness.advanceProcessingTime(1)
    harness.advanceProcessingTime(1)
    expect(harness.outputValues()).toEqual([6])
    await harness.close()
  })
})
