import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { json } from '../../../connectors/json-format.ts'
import { lambdaMap } from '../../../connectors/lambda/lambda-map.ts'
import type { LambdaFailure, LambdaMapOptions } from '../../../connectors/lambda/lambda-options.ts'
import { string } from '../../../connectors/string-format.ts'
import { operatorHarness } from '../../../testing/index.ts'
import { type DataStream, outputTag } from '../../../index.ts'
import type { OutputTag } from '../../../runtime/operator.ts'
import { standIn } from '../../servers/aws-for-tests.ts'
import { FakeLambda } from './fake-lambda.ts'

let fake: FakeLambda
beforeEach(async () => {
  fake = await FakeLambda.start()
})
afterEach(() => fake.stop())

const OPTIONS = { functionName: 'enrich', value: string(), result: string() } as const

const mapOf = (options: Partial<LambdaMapOptions<string, string>> = {}) =>
  lambdaMap<string, string>({ ...standIn(fake.endpoint), ...OPTIONS, ...options })

/** Opens a function, asks it for records at once, and closes it. */
async function answers(
  options: Partial<LambdaMapOptions<string, string>>,
  ...records: readonly string[]
) {
  const map = mapOf(options)
  const counters: Record<string, number> = {}
  const refused: unknown[] = []
  const ctx = {
    timestamp: 1_700_000_000_000,
    output: (tag: OutputTag<unknown>, value: unknown) => void refused.push([tag.name, value]),
    count: (name: string, by = 1) => void (counters[name] = (counters[name] ?? 0) + by),
  }
  await map.open({ uid: 'enrich' })
  const settled = await Promise.allSettled(records.map((record) => map.asyncInvoke(record, ctx)))
  map.close()
  return {
    results: settled.map((one) => (one.status === 'fulfilled' ? one.value : one.reason)),
    counters,
    refused,
  }
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => `r${n}`)
/** Records of each call, in the order in which they were made: they may arrive in another one. */
const callSizes = () =>
  fake.calls
    .toSorted((a, b) => Number(a.invocationId) - Number(b.invocationId))
    .map(({ records }) => records.length)
const failing = (result: string) => (call: { records: readonly { recordId: string }[] }) => ({
  body: { records: call.records.map(({ recordId }) => ({ recordId, result })) },
})

describe('lambdaMap', () => {
  it('gives each record the answer that is its own, in whatever order they come', async () => {
    fake.transform = (text) => (text.endsWith('3') ? null : text.toUpperCase())
    fake.plan = async (call, nth) => {
      // The first call ends last, and its records come back to front.
      await new Promise((resolve) => setTimeout(resolve, nth === 0 ? 50 : 0))
      const records = call.records.map(({ recordId, data }) => {
        const text = fake.transform(Buffer.from(data, 'base64').toString())
        if (text === null) return { recordId, result: 'Dropped' }
        return { recordId, result: 'Ok', data: Buffer.from(text).toString('base64') }
      })
      return { body: { records: records.reverse() } }
    }
    const { results } = await answers({ batchRecords: 4 }, ...numbers(10))
    expect(results).toEqual(numbers(10).map((text) => (text === 'r3' ? [] : [text.toUpperCase()])))
    expect(callSizes()).toEqual([4, 4, 2])
    expect(fake.paths[0]).toBe('/2015-03-31/functions/enrich/invocations')
  })

  it('calls as Firehose does', async () => {
    await answers({}, 'é')
    expect(fake.calls[0]).toEqual({
      invocationId: '0',
      deliveryStreamArn: 'millrace:enrich',
      region: 'eu-central-1',
      records: [{ recordId: '0', approximateArrivalTimestamp: 1_700_000_000_000, data: 'w6k=' }],
    })
  })

  it('has no more data than batchBytes in a call, but for a record that is larger', async () => {
    const records = ['a', 'b', 'c', 'd'].map((text, i) => text.repeat(i === 2 ? 5_000 : 400))
    const { results } = await answers({ batchBytes: 1_000 }, ...records)
    expect(results).toEqual(records.map((text) => [text]))
    expect(callSizes()).toEqual([2, 1, 1])
  })

  it('has at most maxRequests calls on their way', async () => {
    fake.plan = async () => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      return undefined
    }
    const { results } = await answers({ batchRecords: 2, maxRequests: 3 }, ...numbers(30))
    expect(results).toEqual(numbers(30).map((text) => [text]))
    expect(fake.mostInFlight).toBe(3)
  })

  it('lets a call that is not full wait for more, also when another one ends', async () => {
    const map = mapOf({ batchRecords: 2, linger: '1h' })
    const ctx = { timestamp: 1, count() {}, output() {} }
    await map.open({ uid: 'enrich' })
    const first = ['a', 'b', 'c'].map((text) => map.asyncInvoke(text, ctx))
    expect(await Promise.all(first.slice(0, 2))).toEqual([['a'], ['b']])
    const last = map.asyncInvoke('d', ctx)
    expect(await Promise.all([first[2], last])).toEqual([['c'], ['d']])
    expect(callSizes()).toEqual([2, 2])
    map.close()
  })

  it('tries again while Lambda throttles or fails', async () => {
    fake.plan = (_, nth) =>
      nth === 0
        ? { status: 429, type: 'TooManyRequestsException', body: { message: 'rate' } }
        : nth === 1
          ? { status: 500, type: 'ServiceException', body: { message: 'internal' } }
          : undefined
    const { results } = await answers({}, 'a')
    expect(results).toEqual([['a']])
    expect(fake.calls.length).toBe(3)
  })

  it('fails the attempt where the function throws, so that the operator may try again', async () => {
    fake.plan = () => ({
      isFunctionError: true,
      body: { errorMessage: 'no luck', errorType: 'Error' },
    })
    const { results } = await answers({}, 'a', 'b')
    for (const error of results) {
      expect(error).toMatchObject({ code: 'MR_LAMBDA_FAILED', name: 'RestartableError' })
      expect((error as Error).message).toContain('no luck')
    }
    expect(fake.calls.length).toBe(1)
  })

  it('stops for a record that the function could not do, or skips and counts it', async () => {
    fake.plan = failing('ProcessingFailed')
    const { results } = await answers({}, 'bad')
    expect(results[0]).toMatchObject({ code: 'MR_LAMBDA_RECORD_FAILED', name: 'StreamError' })
    expect((results[0] as Error).message).toContain('"bad"')
    const skipped = await answers({ onFailed: 'skip' }, 'bad', 'bad')
    expect(skipped).toEqual({ results: [[], []], counters: { recordsSkipped: 2 }, refused: [] })
  })

  it('gives what the function could not do to a side output, and goes on', async () => {
    fake.plan = (call) => ({
      body: {
        records: call.records.map(({ recordId, data }) => {
          const isBad = Buffer.from(data, 'base64').toString() === 'bad'
          return isBad
            ? { recordId, result: 'ProcessingFailed', data }
            : { recordId, result: 'Ok', data }
        }),
      },
    })
    const failed = outputTag<LambdaFailure<string>>('failed')
    const harness = await operatorHarness((texts: DataStream<string>) =>
      texts.orderedWait(mapOf({ onFailed: failed, batchRecords: 3 }), { uid: 'enrich' }),
    )
    for (const [n, text] of ['a', 'bad', 'b'].entries()) harness.processElement(text, n)
    while (harness.output().length < 2) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      await harness.settle()
    }
    expect(harness.outputValues()).toEqual(['a', 'b'])
    expect(harness.sideOutput(failed)).toEqual([
      {
        value: {
          error: 'the function "enrich" of Lambda answered "ProcessingFailed" for the record "bad"',
          functionName: 'enrich',
          value: 'bad',
        },
        timestamp: 1,
      },
    ])
    await harness.close()
    fake.plan = failing('ProcessingFailed')
    const { counters, refused } = await answers({ onFailed: failed }, 'bad')
    expect(counters).toEqual({ recordsToSideOutput: 1 })
    expect(refused).toHaveLength(1)
  })

  it.each([
    ['no JSON', 'oops', 'is no JSON'],
    ['no records', { Records: [] }, 'has no list "records"'],
    ['null', 'null', 'has no list "records"'],
    ['a record missing', { records: [] }, 'has nothing for the recordId "0"'],
    [
      'a record twice',
      { records: [0, 1].map(() => ({ recordId: '0', result: 'Dropped' })) },
      'has the recordId "0" twice',
    ],
    [
      'another record',
      { records: ['0', 'x'].map((recordId) => ({ recordId, result: 'Dropped' })) },
      'has the recordId "x", which the call did not have',
    ],
    ['another result', { records: [{ recordId: '0', result: 'ok' }] }, 'has the result "ok"'],
    ['no data', { records: [{ recordId: '0', result: 'Ok' }] }, 'has no data in base64'],
    ['no base64', { records: [{ recordId: '0', result: 'Ok', data: 'a!=' }] }, 'has no data'],
  ])('stops for an answer that is not by the contract: %s', async (_, body, message) => {
    fake.plan = () => ({ body })
    const { results } = await answers({}, 'a')
    expect(results[0]).toMatchObject({ code: 'MR_LAMBDA_FAILED', name: 'StreamError' })
    expect((results[0] as Error).message).toContain(message)
  })

  it('stops for a result that cannot be read, and a record that is too large', async () => {
    fake.transform = () => '{'
    const { results } = await answers({ result: json<string>() }, 'a')
    expect(results[0]).toMatchObject({ code: 'MR_BAD_RECORD' })
    const large = await answers({}, 'x'.repeat(5 * 1024 * 1024))
    expect(large.results[0]).toMatchObject({ code: 'MR_AWS_RECORD_TOO_LARGE' })
    expect(fake.calls.length).toBe(1)
  })

  it('serves several subtasks of a thread, until the last one is closed', async () => {
    const map = mapOf()
    const ctx = { timestamp: -Infinity, count() {}, output() {} }
    await map.open({ uid: 'enrich' })
    await map.open({ uid: 'enrich' })
    map.close()
    expect(await map.asyncInvoke('a', ctx)).toEqual(['a'])
    expect(fake.calls[0]!.records[0]!.approximateArrivalTimestamp).toBeGreaterThan(1.7e12)
    map.close()
    await map.open({ uid: 'enrich' })
    expect(await map.asyncInvoke('b', ctx)).toEqual(['b'])
    map.close()
  })

  it.each([
    { functionName: 'a b' },
    { value: {} as never },
    { result: undefined as never },
    { batchRecords: 0 },
    { batchBytes: 5 * 1024 * 1024 },
    { maxRequests: 51 },
    { onFailed: 'drop' as never },
    { endpoint: 'nowhere' },
    { batchSize: 5 } as never,
  ])('refuses %o where the job is built', (wrong) => {
    const make = () => mapOf(wrong as Partial<LambdaMapOptions<string, string>>)
    expect(make).toThrow(Object.keys(wrong)[0]!)
    expect(make).toThrow(expect.objectContaining({ code: 'MR_OPTION_INVALID' }) as Error)
  })

  it('is a function for orderedWait', async () => {
    fake.transform = (text) => `${text}!`
    const harness = await operatorHarness((texts: DataStream<string>) =>
      texts.orderedWait(mapOf(), { uid: 'enrich' }),
    )
    harness.processElement('a', 1)
    harness.processElement('b', 2)
    while (harness.output().length < 2) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      await harness.settle()
    }
    expect(harness.output()).toEqual([
      { value: 'a!', timestamp: 1 },
      { value: 'b!', timestamp: 2 },
    ])
    expect(fake.calls.length).toBe(1)
    await harness.close()
  })
})
