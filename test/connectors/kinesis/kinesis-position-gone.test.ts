import { describe, expect, it } from 'vitest'
import type { KinesisSourceOptions } from '../../../connectors/kinesis/kinesis-source.ts'
import { FakeStream } from './fake-stream.ts'
import {
  FIRST,
  clock,
  freshStreams,
  put,
  readFor,
  start,
  stream,
  texts,
  useStream,
} from './reader-play.ts'

freshStreams()

describe('a Kinesis reader whose position is gone', () => {
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
    useStream(new FakeStream(1, 100n))
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
