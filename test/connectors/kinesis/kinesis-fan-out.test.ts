import { describe, expect, it } from 'vitest'
import { named } from './fake-stream.ts'
import { FIRST, T0, freshStreams, pass, put, readFor, start, stream, texts } from './reader-play.ts'

freshStreams()

describe('a Kinesis source with enhanced fan-out', () => {
  const fanOut = { consumer: 'mine' } as const

  it('takes what comes, asks anew where a subscription ends, and goes on in the children', async () => {
    put(...texts(0, 10))
    stream.pageSize = 3
    stream.subscriptionEvents = 2
    const run = await start(fanOut)
    expect(await readFor(run, 3_000)).toEqual(texts(0, 10))
    stream.split(FIRST)
    stream.put('a', 'child', 0n)
    expect(await readFor(run, 5_000)).toEqual([...texts(0, 10), 'child'])
    const times = stream.subscriptions.get(FIRST)!
    expect(times.length).toBeGreaterThan(2)
    // The service takes one a second.
    const gaps = times.slice(1).map((time, i) => time - times[i]!)
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1_000)
    expect([...stream.consumers]).toEqual(['mine'])
    await run.close()
    expect([...stream.consumers]).toEqual(['mine'])
  })

  it('takes no more than it may hold while nothing is taken from it (R7)', async () => {
    put(...Array.from({ length: 200 }, () => 'x'.repeat(100)))
    stream.pageSize = 10
    stream.subscriptionEvents = 1_000
    const run = await start({ ...fanOut, bufferBytes: 3_500 })
    await pass(5_000)
    expect(stream.fetchTimes.get(FIRST)).toHaveLength(4)
    await readFor(run, 1_000)
    expect(run.values).toHaveLength(200)
    await run.close()
  })

  it('goes on where subscriptions fail, or the last one is still open', async () => {
    put(...texts(0, 10))
    stream.pageSize = 2
    let n = 0
    const failures = ['ResourceInUseException', 'LimitExceededException', 'TimeoutError']
    stream.fault = (operation) => {
      if (operation === 'ListShards' || operation === 'GetShardIterator') return undefined
      const failure = ++n % 3 === 0 ? undefined : failures[n % 4]
      return failure === undefined ? undefined : named(failure)
    }
    const run = await start(fanOut)
    expect(await readFor(run, 60_000)).toEqual(texts(0, 10))
    await run.close()
  })

  it('fails where it may not subscribe, or nothing comes for so long', async () => {
    stream.fault = (operation) =>
      operation === 'SubscribeToShard' ? named('AccessDeniedException') : undefined
    const run = await start(fanOut)
    await expect(readFor(run, 1_000)).rejects.toMatchObject({
      code: 'MR_AWS_REFUSED',
      message: expect.stringMatching(/subscribe to shardId-000000000000/) as string,
    })
    await run.close()
    stream.fault = (operation) =>
      operation === 'SubscribeToShard' ? named('LimitExceededException') : undefined
    const other = await start({ ...fanOut, retryTimeout: '10s' })
    await expect(readFor(other, 30_000)).rejects.toMatchObject({ code: 'MR_AWS_UNAVAILABLE' })
    await other.close()
  })

  it('ends where it is told to, and takes its consumer away', async () => {
    stream.actions = texts(0, 30).map((text, n) => ({ at: T0 + n * 100, act: () => put(text) }))
    const run = await start({
      ...fanOut,
      end: { timestamp: T0 + 2_000 },
      consumerAtEnd: 'deregister',
    })
    await readFor(run, 5_000)
    expect(run.isEnded).toBe(true)
    expect(run.values).toEqual(texts(0, 20))
    expect([...stream.consumers]).toEqual(['mine'])
    await run.close()
    expect([...stream.consumers]).toEqual([])
  })

  it('resumes exactly', async () => {
    put(...texts(0, 10))
    const first = await start(fanOut)
    await pass(1_000)
    await first.read(4)
    const restored = first.snapshot(1)
    await first.close()
    const again = await start(fanOut, { restored })
    expect(await readFor(again, 2_000)).toEqual(texts(4, 10))
    await again.close()
  })
})
