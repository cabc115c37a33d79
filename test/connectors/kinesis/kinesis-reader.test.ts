import { beforeEach, describe, expect, it } from 'vitest'
import { json, outputTag, type Source, string } from 'millrace'
import type { BadKinesisRecord } from 'millrace/aws'
import {
  kinesisSourceOn,
  type KinesisSourceOptions,
} from '../../../connectors/kinesis/kinesis-source.ts'
import { SystemClock } from '../../../runtime/clock.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'
import { SourceRun, type SourceRunOptions } from '../../contract/source-run.ts'
import { FakeStream, named } from './fake-stream.ts'
import { aggregate } from './kpl-encoder.ts'

const T0 = 1_700_000_000_000
const FIRST = 'shardId-000000000000'

let stream: FakeStream
let clock: ManualClock

beforeEach(() => {
  stream = new FakeStream(1)
  clock = new ManualClock()
})

function sourceOf<T = string>(options: Partial<KinesisSourceOptions<string, T>> = {}): Source<T> {
  return kinesisSourceOn<string, T>(stream.clients, {
    stream: 'clicks',
    value: string(),
    start: 'earliest',
    ...options,
  })
}

function start<T = string>(
  options: Partial<KinesisSourceOptions<string, T>> = {},
  run: SourceRunOptions = {},
): Promise<SourceRun<T>> {
  return new SourceRun(sourceOf(options), { clock, ...run }).start()
}

/** Lets so much time go by, with all that happens in it. */
async function pass(ms: number): Promise<void> {
  const end = clock.elapsed() + ms
  for (;;) {
    await settle()
    const next = clock.nextDelay
    if (next === undefined || clock.elapsed() + next > end) break
    clock.advance(next)
  }
  clock.advance(end - clock.elapsed())
  await settle()
}

async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) {
    await new Promise<void>((resolve) => new SystemClock().nextTurn(resolve))
  }
}

function put(...values: readonly string[]): void {
  for (const value of values) stream.put('key', value)
}

const texts = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => String(from + i))

/** All that comes in this time. */
async function readFor<T>(run: SourceRun<T>, ms: number): Promise<readonly T[]> {
  for (let i = 0; i < ms; i += 50) {
    await pass(50)
    while (run.poll() === 'more');
  }
  return run.values
}

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
    stream = new FakeStream(2)
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
      stream = new FakeStream(1)
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

  describe('when its position is gone', () => {
    const trimmed = async (options: Partial<KinesisSourceOptions<string>>) => {
      put(...texts(0, 10))
      const first = await start()
      await first.read(4)
      const restored = first.snapshot(1)
      await first.close()
      stream.shards[0]!.trimmed = 6
      return start(options, { restored })
    }

    it('fails by default, with shard and sequence number', async () => {
      const run = await trimmed({})
      await expect(readFor(run, 500)).rejects.toMatchObject({
        code: 'MR_KINESIS_POSITION_GONE',
        message: expect.stringMatching(
          /clicks\/shardId-000000000000 at sequence number 4,/,
        ) as string,
        fields: { shardId: FIRST, sequenceNumber: '4' },
      })
      await run.close()
    })

    it('goes on where it had read all within the retention of the stream: a quiet shard loses its last record', async () => {
      const hours = (count: number) => clock.advance(count * 3_600_000)
      put(...texts(0, 4))
      const first = await start()
      await first.read(4)
      await readFor(first, 500)
      hours(48)
      await readFor(first, 500)
      const restored = first.snapshot(1)
      await first.close()
      put('next')
      stream.shards[0]!.trimmed = 4
      hours(23)
      const again = await start({}, { restored })
      expect(await readFor(again, 500)).toEqual(['next'])
      expect(again.counters.get('positionsReset')).toBeUndefined()
      await again.close()
      hours(1)
      const late = await start({}, { restored })
      await expect(readFor(late, 500)).rejects.toMatchObject({ code: 'MR_KINESIS_POSITION_GONE' })
      await late.close()
    })

    it('does not take a stream that was made anew for the one that it had read', async () => {
      put(...texts(0, 4))
      const first = await start()
      await first.read(4)
      await readFor(first, 500)
      const restored = first.snapshot(1)
      await first.close()
      stream = new FakeStream(1, 100n)
      put('another')
      const again = await start({}, { restored })
      await expect(readFor(again, 500)).rejects.toMatchObject({ code: 'MR_KINESIS_POSITION_GONE' })
      await again.close()
    })

    it('goes on with what is there, and says so, if it is told to', async () => {
      const run = await trimmed({ whenPositionGone: 'earliest' })
      expect(await readFor(run, 500)).toEqual(texts(6, 10))
      expect(run.logs.join()).toMatch(/no longer has sequence number 4/)
      expect(run.counters.get('positionsReset')).toBe(1)
      await run.close()
    })

    it('reads on in the children of a shard that has expired', async () => {
      put(...texts(0, 4))
      const first = await start()
      await first.read(4)
      const restored = first.snapshot(1)
      await first.close()
      stream.split(FIRST)
      stream.put('a', 'child', 0n)
      stream.shards.splice(0, 1)
      const run = await start({ whenPositionGone: 'earliest' }, { restored })
      expect(await readFor(run, 1_000)).toEqual(['child'])
      await run.close()
      const strict = await start({}, { restored })
      await expect(readFor(strict, 500)).rejects.toMatchObject({ code: 'MR_KINESIS_POSITION_GONE' })
      await strict.close()
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

describe('where a Kinesis source starts', () => {
  it('is now by default, which a restart keeps', async () => {
    put('old')
    clock.advance(10)
    const first = await start({ start: 'latest' })
    await readFor(first, 500)
    const restored = first.snapshot(1)
    await first.close()
    clock.advance(1_000)
    put('while it was down')
    const again = await start({ start: 'latest' }, { restored })
    expect(await readFor(again, 1_000)).toEqual(['while it was down'])
    await again.close()
  })

  it('leaves closed shards alone that ended before now, and reads their children from now on', async () => {
    put('old')
    stream.split(FIRST)
    stream.put('a', 'old child', 0n)
    clock.advance(10)
    const run = await start({ start: 'latest' })
    await readFor(run, 300)
    stream.put('a', 'new', 0n)
    expect(await readFor(run, 500)).toEqual(['new'])
    expect([...run.splits.keys()].toSorted()).toEqual([
      'shardId-000000000001',
      'shardId-000000000002',
    ])
    await run.close()
  })

  it('is a time, before which the service knows nothing too', async () => {
    stream.actions = [1, 2, 3].map((n) => ({ at: T0 + n * 100, act: () => put(String(n)) }))
    clock.advance(1_000)
    const run = await start({ start: { timestamp: T0 + 200 } })
    expect(await readFor(run, 500)).toEqual(['2', '3'])
    await run.close()
  })

  it('is a time, and shards that were closed before it are not looked into', async () => {
    const minute = 60_000
    const at = (minutes: number, act: () => void) => ({ at: T0 + minutes * minute, act })
    const last = (1n << 128n) - 1n
    stream.actions = [
      at(0, () => put('0')),
      at(1, () => stream.split(FIRST)),
      at(2, () => stream.put('a', 'low before', 0n)),
      at(10, () => stream.split('shardId-000000000001')),
      at(11, () => stream.put('a', 'low', 0n)),
      at(12, () => stream.put('b', 'high', last)),
    ]
    clock.advance(20 * minute)
    const run = await start({ start: { timestamp: T0 + 5 * minute } })
    expect([...(await readFor(run, 1_000))].toSorted()).toEqual(['high', 'low'])
    expect(stream.counts.get('ListShards')).toBe(2)
    expect([...stream.fetchTimes.keys()].toSorted()).toEqual(
      [1, 2, 3, 4].map((n) => `shardId-00000000000${n}`),
    )
    // A look for new shards does not find the old one either.
    await readFor(run, 30_000)
    expect(stream.fetchTimes.has(FIRST)).toBe(false)
    await run.close()
  })

  it('is a time, and all shards are looked into where the service cannot tell which were closed before it', async () => {
    stream.actions = [
      { at: T0, act: () => put('old') },
      { at: T0 + 1, act: () => stream.split(FIRST) },
      { at: T0 + 600_000, act: () => stream.put('a', 'new', 0n) },
    ]
    clock.advance(1_200_000)
    stream.fault = (operation) =>
      operation === 'ListShards' && (stream.counts.get('ListShards') ?? 0) === 2
        ? named('ValidationException')
        : undefined
    const run = await start({ start: { timestamp: T0 + 300_000 } })
    expect(await readFor(run, 1_000)).toEqual(['new'])
    expect(stream.fetchTimes.has(FIRST)).toBe(true)
    await run.close()
  })

  it('waits for a time that is still to come, also by the clock of the service', async () => {
    const run = await start({ start: { timestamp: T0 + 5_000 } })
    await readFor(run, 4_900)
    expect(stream.counts.get('GetShardIterator')).toBeUndefined()
    let refusals = 0
    stream.fault = (operation) =>
      operation === 'GetShardIterator' && ++refusals <= 2
        ? named('InvalidArgumentException', 'in the future')
        : undefined
    stream.actions.push({ at: T0 + 5_500, act: () => put('then') })
    expect(await readFor(run, 5_000)).toEqual(['then'])
    expect(refusals).toBe(3)
    await run.close()
  })

  it('is the first record of shards that are found later, however they are found', async () => {
    const run = await start({ start: 'latest', discoveryInterval: 0 })
    await readFor(run, 500)
    stream.split(FIRST)
    stream.put('a', 'child', 0n)
    // The end of the parent names its children.
    expect(await readFor(run, 500)).toEqual(['child'])
    expect(run.logs.join()).toMatch(/New shards, read from their first record on: shardId-0{11}1, /)
    await run.close()
  })

  it('goes on where a look for shards fails', async () => {
    const run = await start({ discoveryInterval: '1s' })
    stream.fault = (operation) =>
      operation === 'ListShards' ? named('AccessDeniedException') : undefined
    await readFor(run, 5_000)
    put('x')
    expect(await readFor(run, 500)).toEqual(['x'])
    expect(run.logs.filter((line) => line.includes('Could not look'))).toHaveLength(1)
    await run.close()
  })
})

describe('where a Kinesis source ends', () => {
  const timed = (count: number) => {
    stream.actions = Array.from({ length: count }, (_, n) => ({
      at: T0 + n * 100,
      act: () => put(String(n)),
    }))
  }

  it('is what was there at the start', async () => {
    timed(30)
    clock.advance(1_000)
    stream.pageSize = 1
    const run = await start({ end: 'latest' })
    await pass(2_900)
    expect(await run.read()).toEqual(texts(0, 11))
    // The first record behind the end is the last that is fetched.
    expect(stream.fetchTimes.get(FIRST)).toHaveLength(12)
    await run.close()
  })

  it('is a time, which may be still to come, with the shards that are made until then', async () => {
    timed(30)
    stream.actions.splice(10, 0, { at: T0 + 950, act: (one) => one.split(FIRST) })
    const run = await start({ end: { timestamp: T0 + 2_000 }, discoveryInterval: '1s' })
    await readFor(run, 4_000)
    expect(run.isEnded).toBe(true)
    expect(run.values).toEqual(texts(0, 20))
    await run.close()
  })

  it('is kept by what was started with it', async () => {
    timed(30)
    clock.advance(1_000)
    const first = await start({ end: 'latest' })
    await first.read(3)
    const restored = first.snapshot(1)
    await first.close()
    clock.advance(1_000)
    const again = await start({ end: 'latest' }, { restored })
    await pass(1_000)
    expect(await again.read()).toEqual(texts(3, 11))
    await again.close()
  })
})

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
