import type { AsyncOptions, DataStream } from 'millrace'
import { ManualClock, type OperatorHarness, operatorHarness } from 'millrace/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { OpenCalls } from './calls.ts'

type Answer = readonly string[]
type Object = {
  asyncInvoke: OpenCalls<string, Answer>['invoke']
  timeout?: (value: string, ctx: { readonly signal: AbortSignal }) => Answer
}

describe('An asynchronous function', () => {
  let calls: OpenCalls<string, Answer>
  let harness: OperatorHarness<string, string>

  beforeEach(() => {
    calls = new OpenCalls()
  })

  async function start(
    options: AsyncOptions<Answer> = {},
    timeout?: Object['timeout'],
    mode: 'orderedWait' | 'unorderedWait' = 'orderedWait',
  ): Promise<void> {
    const object: Object = { asyncInvoke: calls.invoke }
    if (timeout !== undefined) object.timeout = timeout
    harness = await operatorHarness((input: DataStream<string>) =>
      input[mode](object, { uid: 'asked', timeout: 1_000, ...options }),
    )
  }

  afterEach(() => harness.close())

  it('that never answers fails the job once its time is over, and names the record (semantics 2.16)', async () => {
    await start()
    harness.processElement('a', 7)
    harness.advanceProcessingTime(999)
    expect(() => harness.advanceProcessingTime(1)).toThrow(
      expect.objectContaining({
        code: 'MR_ASYNC_TIMEOUT',
        name: 'RestartableError',
        message: expect.stringMatching(
          /^Operator "asked", record 'a' at 7: the asynchronous function has not answered within 1000 ms, after 1 call; .*raise the timeout/,
        ),
        fields: expect.objectContaining({ operator: 'asked', record: "'a'", timestamp: 7 }),
      }),
    )
  })

  it('has 60 s for a record unless told otherwise', async () => {
    harness = await operatorHarness((input: DataStream<string>) =>
      input.orderedWait(calls.invoke, { uid: 'asked' }),
    )
    harness.processElement('a', 7)
    harness.advanceProcessingTime(59_999)
    expect(() => harness.advanceProcessingTime(1)).toThrow(/within 60000 ms/)
  })

  it('may say what to emit for a record that has timed out (semantics 2.16)', async () => {
    await start({}, (value) => [`${value} is unknown`])
    harness.processElement('a', 7)
    harness.processElement('b', 8)
    calls.answer('b', ['B'])
    await harness.settle()
    harness.advanceProcessingTime(1_000)
    expect(harness.outputRecords()).toEqual([
      { value: 'a is unknown', timestamp: 7 },
      { value: 'B', timestamp: 8 },
    ])
    expect(harness.counter('asyncTimeouts')).toBe(1)
  })

  it('is not listened to any more after the timeout of its record (semantics 2.16)', async () => {
    await start({}, () => ['too late'])
    harness.processElement('a', 7)
    harness.processElement('b', 7)
    harness.advanceProcessingTime(1_000)
    calls.answer('a', ['A'])
    calls.of('b').reject(new Error('gone'))
    await harness.settle()
    expect(harness.outputValues()).toEqual(['too late', 'too late'])
  })

  it('that has answered before the clock was looked at is not timed out (semantics 2.16)', async () => {
    await start()
    harness.processElement('a', 7)
    calls.answer('a', ['A'])
    await Promise.resolve()
    harness.advanceProcessingTime(5_000)
    await harness.settle()
    expect(harness.outputValues()).toEqual(['A'])
  })

  it('is told by its signal that its time is over', async () => {
    await start({}, () => [])
    harness.processElement('a', 7)
    const { signal } = calls.of('a')
    expect(signal.aborted).toBe(false)
    harness.advanceProcessingTime(1_000)
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toMatchObject({ code: 'MR_ASYNC_TIMEOUT' })
  })

  it('gets an aborted signal also where it asks for it only afterwards', async () => {
    await start({}, (_value, ctx) => [String(ctx.signal.aborted)])
    harness.processElement('a', 7)
    harness.advanceProcessingTime(1_000)
    expect(harness.outputValues()).toEqual(['true'])
  })

  it('is told by its signal that the attempt has ended, and is not listened to any more', async () => {
    await start()
    harness.processElement('a', 7)
    const call = calls.of('a')
    await harness.close()
    expect(call.signal.aborted).toBe(true)
    call.reject(new Error('aborted'))
    await new Promise((resolve) => setImmediate(resolve))
  })

  it('leaves no timer behind when it is closed: that would keep the thread alive', async () => {
    const clock = new ManualClock()
    const options = { timeout: '1h', retry: { maxAttempts: 1, delay: '1m' } } as const
    harness = await operatorHarness(
      (input: DataStream<string>) => input.orderedWait(calls.invoke, { uid: 'asked', ...options }),
      { clock },
    )
    for (const value of ['a', 'b']) harness.processElement(value, 7)
    calls.of('b').reject(new Error('no'))
    await harness.settle()
    expect(clock.nextDelay).toBeDefined()
    await harness.close()
    expect(clock.nextDelay).toBeUndefined()
  })

  it('fails the job where its timeout method throws, or answers with a promise (R15)', async () => {
    await start({}, () => {
      throw new Error('no idea')
    })
    harness.processElement('a', 7)
    expect(() => harness.advanceProcessingTime(1_000)).toThrow(
      expect.objectContaining({
        code: 'MR_FUNCTION_FAILED',
        message: expect.stringContaining('the timeout method threw Error: no idea'),
      }),
    )
    await harness.close()
    await start({}, (async () => []) as unknown as () => Answer)
    harness.processElement('a', 7)
    expect(() => harness.advanceProcessingTime(1_000)).toThrow(
      expect.objectContaining({ code: 'MR_FUNCTION_ASYNC' }),
    )
  })

  it('holds nothing of records that are done, while one goes on for long (semantics 2.16)', async () => {
    await start({ capacity: 2, timeout: '1h' }, undefined, 'unorderedWait')
    harness.processElement('slow', 1)
    for (let i = 0; i < 1_000; i++) {
      harness.processElement(`${i}`, 1)
      calls.answer(`${i}`, [])
      await harness.settle()
    }
    const { manifest } = await harness.snapshot()
    const state = manifest.subtasks.flatMap((part) => Object.values(part.operatorState))
    expect(Math.max(...state.map((data) => data.length))).toBeLessThan(300)
  })
})
