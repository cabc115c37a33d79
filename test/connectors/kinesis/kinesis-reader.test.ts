import { describe, expect, it } from 'vitest'
import { json, outputTag } from 'millrace'
import type { BadKinesisRecord } from 'millrace/aws'
import {
  kinesisSourceOn,
  type KinesisSourceOptions,
} from '../../../connectors/kinesis/kinesis-source.ts'
import { SourceRun } from '../../contract/source-run.ts'
import { FakeStream, named } from './fake-stream.ts'
import { aggregate } from './kpl-encoder.ts'
import {
  FIRST,
  T0,
  clock,
  freshStreams,
  pass,
  put,
  readFor,
  start,
  stream,
  texts,
  useStream,
} from './reader-play.ts'

freshStreams()

describe('a Kinesis reader', () => {
  it('fetches a shard five times a second, not more, and sooner not even where much waits', async () => {
    put(...texts(0, 40))
    stream.pageSize = 5
    const run = await start()
    await readFor(run, 3_000)
    expect(run.values).toEqual(texts(0, 40))
    const times = stream.fetchTimes.get(FIRST)!
    const gaps = times.slice(1).map((time, i) => time - times[i]!)
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(200)
    expect(times.length).toBeGreaterThan(12)
    await run.close()
  })

  it('slows down while it is throttled, loses nothing, and is fast again afterwards', async () => {
    put(...texts(0, 10))
    stream.pageSize = 2
    const run = await start()
    stream.fault = (operation) =>
      operation === 'GetRecords' ? named('ProvisionedThroughputExceededException') : undefined
    await readFor(run, 20_000)
    const throttled = stream.fetchTimes.get(FIRST)!.length
    // Five a second would be 100.
    expect(throttled).toBeLessThan(15)
    expect(throttled).toBeGreaterThan(4)
    expect(run.counters.get('fetchesThrottled')).toBe(throttled)
    stream.fault = undefined
    await readFor(run, 60_000)
    expect(run.values).toEqual(texts(0, 10))
    const before = stream.fetchTimes.get(FIRST)!.length
    await readFor(run, 10_000)
    expect(stream.fetchTimes.get(FIRST)!.length - before).toBeGreaterThan(40)
    await run.close()
  })

  it('gives up when nothing comes for so long as it is told', async () => {
    const run = await start({ retryTimeout: '10s' })
    stream.fault = () => named('ProvisionedThroughputExceededException')
    await expect(readFor(run, 30_000)).rejects.toMatchObject({
      code: 'MR_AWS_UNAVAILABLE',
      message: expect.stringMatching(/shardId-000000000000 of the stream "clicks"/) as string,
    })
    await run.close()
  })

  it('goes on exactly where an iterator has expired', async () => {
    put(...texts(0, 10))
    stream.pageSize = 3
    const run = await start()
    let fetches = 0
    stream.fault = (operation) =>
      operation === 'GetRecords' && ++fetches % 2 === 0
        ? named('ExpiredIteratorException')
        : undefined
    await readFor(run, 4_000)
    expect(run.values).toEqual(texts(0, 10))
    expect(stream.counts.get('GetShardIterator')).toBeGreaterThan(3)
    await run.close()
  })

  it.each([{}, { consumer: 'mine' }])(
    'goes on where the clock was set, as the SDK learns of it, and stops where it is off ($consumer)',
    async (fanOut) => {
      put(...texts(0, 10))
      stream.pageSize = 3
      let failures = 0
      stream.subscriptionEvents = 2
      const run = await start(fanOut)
      stream.fault = (operation) => {
        const isRead = operation === ('consumer' in fanOut ? 'SubscribeToShard' : 'GetRecords')
        return isRead && ++failures % 2 === 0 ? named('RequestExpired') : undefined
      }
      expect(await readFor(run, 20_000)).toEqual(texts(0, 10))
      expect(failures).toBeGreaterThan(3)
      stream.fault = () => named('RequestExpired')
      await expect(readFor(run, 5_000)).rejects.toMatchObject({ code: 'MR_AWS_CLOCK' })
      await run.close()
    },
  )

  it('fetches no more than it may hold while nothing is taken (R7)', async () => {
    put(...Array.from({ length: 200 }, () => 'x'.repeat(100)))
    stream.pageSize = 10
    const run = await start({ bufferBytes: 3_500 })
    await pass(5_000)
    // One fetch may begin when there is room for a byte.
    expect(stream.fetchTimes.get(FIRST)).toHaveLength(4)
    await readFor(run, 10_000)
    expect(run.values).toHaveLength(200)
    await run.close()
  })

  it('emits nothing of a shard that alignment holds back, and all of it later', async () => {
    useStream(new FakeStream(2))
    stream.put('a', 'low', 0n)
    stream.put('b', 'high', (1n << 128n) - 1n)
    const run = await start()
    const [reader] = run.readers
    reader!.pauseSplits!(new Set([FIRST]))
    expect(await readFor(run, 1_000)).toEqual(['high'])
    expect(run.poll()).toBe('wait')
    reader!.pauseSplits!(new Set())
    expect(await readFor(run, 1_000)).toEqual(['high', 'low'])
    await run.close()
  })

  it('tells how far it is behind, down to zero, and says that it is quiet at the tip only (R11)', async () => {
    stream.actions = ['a', 'b', 'c'].map((value, i) => ({ at: T0 + i, act: () => put(value) }))
    clock.advance(10)
    stream.pageSize = 1
    stream.emptyPages = 2
    const run = await start()
    await pass(650)
    const split = run.splits.get(FIRST)!
    expect(run.counters.get('lagMs')).toBeGreaterThan(0)
    expect(split.emptyFetches).toBe(0)
    await readFor(run, 2_000)
    expect(run.counters.get('lagMs')).toBe(0)
    expect(split.emptyFetches).toBeGreaterThan(0)
    await run.close()
  })

  it('hands out place, key, arrival and value, and takes aggregates apart', async () => {
    stream.actions.push({
      at: T0,
      act: (one) => {
        one.put('plain', 'p')
        one.put(
          'a',
          aggregate([
            { key: 'k1', data: Buffer.from('x') },
            { key: 'k2', data: Buffer.from('y') },
          ]),
        )
      },
    })
    const run = await start({
      record: ({ shardId, partitionKey, sequenceNumber, subSequenceNumber, arrival, value }) => [
        shardId,
        partitionKey,
        sequenceNumber,
        subSequenceNumber,
        arrival,
        value,
      ],
    })
    await readFor(run, 500)
    expect(run.records.map(({ value, timestamp }) => [value, timestamp])).toEqual([
      [[FIRST, 'plain', '1', 0, T0, 'p'], T0],
      [[FIRST, 'k1', '2', 0, T0, 'x'], T0],
      [[FIRST, 'k2', '2', 1, T0, 'y'], T0],
    ])
    await run.close()
  })

  describe('with records that cannot be read', () => {
    const bad = (options: Partial<KinesisSourceOptions<object>> = {}) => {
      stream.put('a', '{"n":1}')
      stream.put('b', aggregate([{ key: 'c', data: Buffer.from('{') }]))
      stream.put('a', '{"n":2}')
      const source = kinesisSourceOn<object>(stream.clients, {
        stream: 'clicks',
        value: json<object>(),
        start: 'earliest',
        ...options,
      })
      return new SourceRun(source, { clock }).start()
    }

    it('fails with their place', async () => {
      const run = await bad()
      await expect(readFor(run, 500)).rejects.toMatchObject({
        code: 'MR_BAD_RECORD',
        message: expect.stringMatching(
          /^clicks\/shardId-000000000000 at sequence number 2, record 0 in it: the value .* its value is "\{"/,
        ) as string,
        fields: { stream: 'clicks', shardId: FIRST, sequenceNumber: '2' },
      })
      await run.close()
    })

    it('counts them, or puts them aside, if it is told to', async () => {
      const skipping = await bad({ onError: 'skip' })
      expect(await readFor(skipping, 500)).toEqual([{ n: 1 }, { n: 2 }])
      expect(skipping.counters.get('recordsSkipped')).toBe(1)
      await skipping.close()
      useStream(new FakeStream(1))
      const aside = await bad({ onError: outputTag<BadKinesisRecord>('bad') })
      expect(await readFor(aside, 500)).toEqual([{ n: 1 }, { n: 2 }])
      expect(aside.side).toEqual([
        {
          tag: 'bad',
          value: expect.objectContaining({
            stream: 'clicks',
            shardId: FIRST,
            sequenceNumber: '2',
            subSequenceNumber: 0,
            partitionKey: 'c',
            value: new Uint8Array([123]),
          }) as unknown,
        },
      ])
      await aside.close()
    })
  })

  it('fails where the stream is deleted while it is read', async () => {
    const run = await start()
    await readFor(run, 300)
    stream.fault = () => named('ResourceNotFoundException', 'Stream clicks not found')
    await expect(readFor(run, 500)).rejects.toMatchObject({ code: 'MR_AWS_MISSING' })
    await run.close()
  })
})
