import { describe, expect, it } from 'vitest'
import {
  boundedOutOfOrderness,
  collectionSink,
  collectionSource,
  type DataStream,
  job,
  json,
  outputTag,
  param,
  printSink,
  type Sink,
  valueState,
  processFunction,
} from 'millrace'
import {
  kinesisHandler,
  kinesisSource,
  type KinesisEventRecord,
  type KinesisSourceOptions,
  type KinesisStreamEvent,
} from 'millrace/aws'

interface Click {
  readonly user: string
  readonly n: number
}

/** A sink that keeps what it was given until it is flushed, and may fail. */
class TestSink {
  readonly written: unknown[] = []
  readonly flushed: unknown[] = []
  opened = 0
  closed = 0
  failsToFlush = false
  room = Infinity

  get sink(): Sink<unknown> {
    return {
      kind: 'test',
      guarantee: 'at-least-once',
      createWriter: (context) => {
        let waiting: unknown[] = []
        const [closed, flushed, written] = [() => this.closed++, this.flushed, this.written]
        const isReady = () => waiting.length < this.room
        const fails = () => this.failsToFlush
        const opened = () => void this.opened++
        return {
          open: opened,
          write: (value) => {
            waiting.push(value)
            written.push(value)
            if (isReady()) return
            // Room comes later.
            context.clock.schedule(1, () => {
              flushed.push(...waiting)
              waiting = []
              context.wake()
            })
          },
          get isReady() {
            return isReady()
          },
          async prepareCommit() {
            if (fails()) throw new Error('the network is down')
            flushed.push(...waiting)
            waiting = []
            return []
          },
          close: () => void closed(),
        }
      },
    }
  }
}

let sequence = 100

function record(data: unknown, more: { readonly shard?: string } = {}): KinesisEventRecord {
  const sequenceNumber = String(sequence++)
  const text = typeof data === 'string' ? data : JSON.stringify(data)
  return {
    kinesis: {
      data: Buffer.from(text).toString('base64'),
      partitionKey: 'key',
      sequenceNumber,
      approximateArrivalTimestamp: 1_764_000_000.123,
    },
    eventID: `${more.shard ?? 'shardId-000000000000'}:${sequenceNumber}`,
    eventSourceARN: 'arn:aws:kinesis:eu-central-1:000000000000:stream/clicks',
  }
}

const event = (...records: readonly KinesisEventRecord[]): KinesisStreamEvent => ({
  Records: records,
})
const DONE = { batchItemFailures: [] }

function clicksJob(
  build: (clicks: DataStream<Click>) => void,
  options: Partial<KinesisSourceOptions<Click>> = {},
) {
  return job('clicks', {}, (env) => {
    const source = kinesisSource<Click>({
      stream: 'clicks',
      region: 'eu-central-1',
      value: json<Click>(),
      ...options,
    })
    build(env.fromSource(source, { uid: 'clicks' }))
  })
}

const lines: string[] = []
const log = (line: string) => void lines.push(line)

describe('kinesisHandler', () => {
  it('runs the graph of a job over the records of each event, and flushes before it returns', async () => {
    const sink = new TestSink()
    const handler = kinesisHandler(
      clicksJob((clicks) =>
        clicks
          .filter(({ n }) => n % 2 === 0)
          .map(({ user, n }) => `${user}-${n}`)
          .flatMap((text) => [text, text.toUpperCase()])
          .sinkTo(sink.sink, { uid: 'out' }),
      ),
      { log },
    )
    expect(await handler(event(record({ user: 'a', n: 1 }), record({ user: 'b', n: 2 })))).toEqual(
      DONE,
    )
    expect(sink.flushed).toEqual(['b-2', 'B-2'])
    expect(await handler(event(record({ user: 'c', n: 4 })))).toEqual(DONE)
    expect(await handler(event())).toEqual(DONE)
    expect(sink.flushed).toEqual(['b-2', 'B-2', 'c-4', 'C-4'])
    expect([sink.opened, sink.closed]).toEqual([1, 0])
  })

  it('hands on keys, shards and times, and those of the payload where the source has a strategy', async () => {
    const sink = new TestSink()
    const clicks = job('clicks', {}, (env) => {
      const source = kinesisSource({
        stream: 'clicks',
        region: 'eu-central-1',
        value: json<Click>(),
        record: ({ value, partitionKey, shardId, arrival }) => ({
          ...value,
          partitionKey,
          shardId,
          arrival,
        }),
      })
      env
        .fromSource(source, {
          uid: 'clicks',
          watermarks: boundedOutOfOrderness('1s', ({ n }) => 1_700_000_000_000 + n),
        })
        .process((value, context, out) => out.emit({ ...value, time: context.timestamp }))
        .sinkTo(sink.sink, { uid: 'out' })
    })
    await kinesisHandler(clicks, { log })(
      event(record({ user: 'a', n: 5 }, { shard: 'shardId-7' })),
    )
    expect(sink.flushed).toEqual([
      {
        user: 'a',
        n: 5,
        partitionKey: 'key',
        shardId: 'shardId-7',
        arrival: 1_764_000_000_123,
        time: 1_700_000_000_005,
      },
    ])
  })

  it('writes to several sinks, and side outputs', async () => {
    const [all, odd, bad] = [new TestSink(), new TestSink(), new TestSink()]
    const oddTag = outputTag<Click>('odd')
    const badTag = outputTag<{ readonly sequenceNumber: string }>('bad')
    const handler = kinesisHandler(
      clicksJob(
        (clicks) => {
          const split = clicks.process((click, context, out) => {
            if (click.n % 2 === 1) context.output(oddTag, click)
            out.emit(click)
          })
          split.sinkTo(all.sink, { uid: 'all' })
          split.getSideOutput(oddTag).sinkTo(odd.sink, { uid: 'odd' })
          clicks.getSideOutput(badTag).sinkTo(bad.sink, { uid: 'bad' })
        },
        { onError: badTag as never },
      ),
      { log },
    )
    const broken = record('{"user":')
    expect(
      await handler(event(record({ user: 'a', n: 1 }), broken, record({ user: 'a', n: 2 }))),
    ).toEqual(DONE)
    expect(all.flushed).toHaveLength(2)
    expect(odd.flushed).toEqual([{ user: 'a', n: 1 }])
    expect(bad.flushed).toMatchObject([{ sequenceNumber: broken.kinesis.sequenceNumber }])
  })

  it('names the record that fails, and has flushed those before it', async () => {
    const sink = new TestSink()
    const handler = kinesisHandler(
      clicksJob((clicks) =>
        clicks
          .map((click) => {
            if (click.n === 3) throw new Error('three is too much')
            return click.n
          })
          .sinkTo(sink.sink, { uid: 'out' }),
      ),
      { log },
    )
    lines.length = 0
    const records = [1, 2, 3, 4].map((n) => record({ user: 'a', n }))
    const failed = records[2]!.kinesis.sequenceNumber
    expect(await handler(event(...records))).toEqual({
      batchItemFailures: [{ itemIdentifier: failed }],
    })
    expect(sink.flushed).toEqual([1, 2])
    expect(lines.join('\n')).toMatch(/MR_FUNCTION_FAILED: .*three is too much/)
    expect([sink.opened, sink.closed]).toEqual([1, 1])
    // Lambda calls again with the rest.
    expect(await handler(event(record({ user: 'a', n: 3 })))).toMatchObject({
      batchItemFailures: [{}],
    })
    expect(await handler(event(record({ user: 'a', n: 4 })))).toEqual(DONE)
    expect(sink.flushed).toEqual([1, 2, 4])
  })

  it('names a record that cannot be read, or counts it, as the source says', async () => {
    const make = (onError: 'fail' | 'skip', sink: TestSink) =>
      kinesisHandler(
        clicksJob((clicks) => clicks.sinkTo(sink.sink, { uid: 'out' }), { onError }),
        { log },
      )
    const [good, bad] = [record({ user: 'a', n: 1 }), record('{')]
    lines.length = 0
    const failing = new TestSink()
    expect(await make('fail', failing)(event(good, bad))).toEqual({
      batchItemFailures: [{ itemIdentifier: bad.kinesis.sequenceNumber }],
    })
    expect(failing.flushed).toEqual([{ user: 'a', n: 1 }])
    expect(lines[0]).toContain(
      `clicks/shardId-000000000000 at sequence number ${bad.kinesis.sequenceNumber}`,
    )
    const skipping = new TestSink()
    expect(await make('skip', skipping)(event(bad, good))).toEqual(DONE)
    expect(skipping.flushed).toEqual([{ user: 'a', n: 1 }])
    expect(lines).toContain('clicks recordsSkipped: 1')
  })

  it('names the first record where a flush fails, and begins anew', async () => {
    const sink = new TestSink()
    const handler = kinesisHandler(
      clicksJob((clicks) => clicks.map(({ n }) => n).sinkTo(sink.sink, { uid: 'out' })),
      { log },
    )
    sink.failsToFlush = true
    const records = [1, 2].map((n) => record({ user: 'a', n }))
    expect(await handler(event(...records))).toEqual({
      batchItemFailures: [{ itemIdentifier: records[0]!.kinesis.sequenceNumber }],
    })
    sink.failsToFlush = false
    expect(await handler(event(...records))).toEqual(DONE)
    // What was not flushed is not written by the later call, but by its own records.
    expect(sink.flushed).toEqual([1, 2])
    expect([sink.opened, sink.closed]).toEqual([2, 1])
  })

  it('waits for asynchronous functions, and for sinks that have no room', async () => {
    const sink = new TestSink()
    sink.room = 3
    const handler = kinesisHandler(
      clicksJob((clicks) =>
        clicks
          .asyncMap(
            async ({ n }) => {
              await new Promise((resolve) => setTimeout(resolve, n % 3))
              return n
            },
            { uid: 'slow', timeout: '10s', capacity: 4 },
          )
          .sinkTo(sink.sink, { uid: 'out' }),
      ),
      { log },
    )
    const records = Array.from({ length: 50 }, (_, n) => record({ user: 'a', n }))
    expect(await handler(event(...records))).toEqual(DONE)
    expect(sink.flushed).toEqual(records.map((_, n) => n))
  })

  it('is refused for what needs state, keys or checkpoints, and names all of it', () => {
    const counted = processFunction({
      state: { count: valueState<number>() },
      processElement(click: Click, context, out: { emit(value: number): void }) {
        context.state.count.update((context.state.count.value() ?? 0) + 1)
        out.emit(click.n)
      },
    })
    const make = () =>
      kinesisHandler(
        clicksJob((clicks) => {
          clicks
            .keyBy(({ user }) => user)
            .process(counted, { uid: 'count' })
            .sinkTo(collectionSink(), { uid: 'out' })
        }),
      )
    expect(make).toThrow(
      expect.objectContaining({
        code: 'MR_HANDLER_UNSUPPORTED',
        message: expect.stringMatching(
          /process "count" follows keyBy.*collection "out" is exactly-once/,
        ),
      }),
    )
    const other = job('other', {}, (env) => {
      env
        .fromSource(collectionSource([1]), { uid: 'numbers' })
        .sinkTo(printSink(), { uid: 'print' })
    })
    expect(() => kinesisHandler(other)).toThrow('give it a kinesisSource')
    expect(() => kinesisHandler(other, { parms: {} } as never)).toThrow('parms')
  })

  it('takes the parameters of the job', async () => {
    const printed: string[] = []
    const clicks = job(
      'clicks',
      { params: { least: param.number(0, 'Least n') } },
      (env, { least }) => {
        env
          .fromSource(
            kinesisSource({ stream: 'clicks', region: 'eu-central-1', value: json<Click>() }),
            { uid: 'clicks' },
          )
          .filter(({ n }) => n >= least)
          .map(({ n }) => n)
          .sinkTo(printSink(), { uid: 'print' })
      },
    )
    const handler = kinesisHandler(clicks, {
      params: { least: '2' },
      log: (line) => void printed.push(line),
    })
    await handler(event(record({ user: 'a', n: 1 }), record({ user: 'a', n: 2 })))
    expect(printed).toEqual(['2'])
    expect(() => kinesisHandler(clicks, { params: { leest: 1 } })).toThrow('leest')
  })
})
