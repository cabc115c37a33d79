import { describe, expect, it } from 'vitest'
import { named } from './fake-stream.ts'
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
} from './reader-play.ts'

freshStreams()

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
