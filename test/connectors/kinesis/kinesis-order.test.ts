import { describe, expect, it } from 'vitest'
import {
  collectionSink,
  job,
  json,
  noWatermarks,
  type Out,
  processFunction,
  valueState,
} from 'millrace'
import { forSeeds, testJob } from 'millrace/testing'
import { kinesisSourceOn } from '../../../connectors/kinesis/kinesis-source.ts'
import { SeededRandom } from '../../../runtime/clock.ts'
import { FakeStream, named } from './fake-stream.ts'

/** When time begins in jobs under test. */
const T0 = 1_700_000_000_000

interface Numbered {
  readonly key: string
  /** Counts up for each key. */
  readonly n: number
}

/** A stream that is written, split and merged all the time, and how many records of each key there are in the end. */
function busyStream(seed: number, records: number) {
  const random = new SeededRandom(seed)
  const int = (below: number) => Math.floor(random.next() * below)
  const stream = new FakeStream(1 + int(3))
  stream.pageSize = 1 + int(8)
  const counts = new Map<string, number>()
  let at = T0 + 1
  for (let i = 0; i < records; i++) {
    const key = `key-${int(12)}`
    const n = counts.get(key) ?? 0
    counts.set(key, n + 1)
    const data = JSON.stringify({ key, n })
    stream.actions.push({ at, act: (one) => one.put(key, data) })
    if (int(4) === 0) {
      const [isSplit, which] = [random.next() < 0.5, random.next()]
      stream.actions.push({
        at,
        act: (one) => {
          const { id } = one.open[Math.floor(which * one.open.length)]!
          if (isSplit && one.open.length < 6) one.split(id)
          else one.merge(id)
        },
      })
    }
    if (int(3) === 0) at += int(40)
  }
  return { stream, counts, end: at + 1 }
}

/** Emits each record with how many of its key came before. */
const counted = processFunction({
  state: { count: valueState<number>() },
  processElement({ key, n }: Numbered, ctx, out: Out<readonly [string, number, number]>) {
    const count = ctx.state.count.value() ?? 0
    ctx.state.count.update(count + 1)
    out.emit([key, n, count])
  },
})

function countingJob(stream: FakeStream, end: number, consumer: string | undefined) {
  const source = kinesisSourceOn(stream.clients, {
    stream: 'fake',
    value: json<Numbered>(),
    start: 'earliest',
    end: { timestamp: end },
    pollInterval: 1,
    ...(consumer === undefined ? {} : { consumer }),
  })
  return job('counting', {}, (env) => {
    env
      .fromSource(source, { uid: 'in', watermarks: noWatermarks() })
      .keyBy((record) => record.key)
      .process(counted, { uid: 'counted' })
      .sinkTo(collectionSink(), { uid: 'out' })
  })
}

/** Subscriptions end after a few events, and the last one of a shard may be taken for open when the next is asked for. */
function failSubscriptions(stream: FakeStream, seed: number): void {
  const random = new SeededRandom(seed)
  stream.subscriptionEvents = 3
  stream.fault = (operation) =>
    operation === 'SubscribeToShard' && random.next() < 0.2
      ? named('ResourceInUseException')
      : undefined
}

describe('the order of shards', () => {
  it('keeps the records of a key in order, each once, across splits, merges, crashes and other parallelisms', async () => {
    await forSeeds(16, async (seed) => {
      const { stream, counts, end } = busyStream(seed, 150)
      const consumer = seed % 4 === 3 ? 'mine' : undefined
      if (consumer !== undefined) failSubscriptions(stream, seed)
      // Often: ends of shards fall between the parts of a checkpoint. Seldom: records wait in buffers while shards end.
      const isOften = seed % 2 === 0
      const { collected, crashes } = await testJob(countingJob(stream, end, consumer), {
        seed,
        parallelism: [2, 3, 1, 4, 2],
        checkpointInterval: isOften ? 4 : 100,
        crashAt: Array.from({ length: 6 }, (_, i) =>
          i % 2 === 0 ? 'after-publish:3' : { step: (isOften ? 150 : 600) + ((seed * 37) % 200) },
        ),
      })
      expect(crashes.length).toBeGreaterThan(1)
      const asked = [...stream.subscriptions.values()].flat().length
      if (consumer !== undefined) expect(asked).toBeGreaterThan(stream.shards.length)
      const out = collected['out'] as (readonly [string, number, number])[]
      expect(out.filter(([, n, count]) => n !== count)).toEqual([])
      expect(out).toHaveLength([...counts.values()].reduce((a, b) => a + b, 0))
    })
  }, 120_000)

  it('lets no record of a child overtake the last ones of a parent that another subtask has read', async () => {
    await forSeeds(10, async (seed) => {
      const stream = new FakeStream(2)
      // The subtask that reads this shard is not the one that reads its child.
      const put = (i: number) =>
        stream.put(
          'any',
          JSON.stringify({ key: `key-${i % 6}`, n: Math.floor(i / 6) }),
          (1n << 128n) - 1n,
        )
      stream.advance(T0)
      // Few, which wait in a buffer for others; many, which fill one.
      for (let i = 0; i < 6; i++) put(i)
      stream.merge(stream.open[0]!.id)
      for (let i = 6; i < 300; i++) put(i)
      const { collected } = await testJob(countingJob(stream, T0 + 1, undefined), {
        seed,
        parallelism: 2,
        checkpointInterval: 100,
      })
      const out = collected['out'] as (readonly [string, number, number])[]
      expect(out.filter(([, n, count]) => n !== count)).toEqual([])
      expect(out).toHaveLength(300)
    })
  })
})
