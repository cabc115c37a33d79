import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { json } from '../../../connectors/json-format.ts'
import { kinesisSink, kinesisSinkOn } from '../../../connectors/kinesis/kinesis-sink.ts'
import type { KinesisSinkOptions } from '../../../connectors/kinesis/kinesis-sink-options.ts'
import { string } from '../../../connectors/string-format.ts'
import { SeededRandom } from '../../../runtime/clock.ts'
import { sinkContract } from '../../contract/sink.ts'
import { FakePutService, sdkError } from '../aws/fake-put-service.ts'
import { PutRun } from '../aws/put-run.ts'
import { HastyClock } from '../kafka/hasty-clock.ts'
import { unpackAggregate } from './unpack-aggregate.ts'

const OPTIONS: KinesisSinkOptions<string> = {
  stream: 'out',
  value: string(),
  partitionKey: (text) => text.split(':')[0]!,
}

let service: FakePutService
beforeEach(() => {
  service = new FakePutService()
})

const sinkOf = (options: Partial<KinesisSinkOptions<string>> = {}) =>
  kinesisSinkOn<string>(() => service, { ...OPTIONS, ...options })

sinkContract({
  name: 'kinesisSink on a fake',
  guarantee: 'at-least-once',
  open: async () => {
    const place = new FakePutService()
    return {
      create: () =>
        kinesisSinkOn<unknown>(() => place, {
          stream: 'out',
          value: json(),
          partitionKey: () => 'k',
        }),
      read: async () => place.texts,
    }
  },
})

/** The records of the job in a record of Kinesis. */
const unpacked = (bytes: Buffer): readonly string[] =>
  (unpackAggregate(bytes)?.map(({ data }) => data) ?? [bytes]).map(String)

describe('kinesisSink', () => {
  it.each([
    { stream: 'a b' },
    { stream: '' },
    { partitionKey: 'key' as never },
    { explicitHashKey: 5 as never },
    { ordered: 'yes' as never },
    { aggregate: 1 as never },
    { maxRecordBytes: 20 * 1024 * 1024 },
    { maxRequests: 0 },
    { maxBufferedBytes: 1.5 },
    { value: undefined as never },
    { toValue: 1 as never },
    { region: 'Frankfurt!' },
    { partitionkey: () => 'k' } as never,
  ])('refuses %o where the job is built', (wrong) => {
    const make = () => kinesisSink({ ...OPTIONS, ...(wrong as Partial<typeof OPTIONS>) })
    expect(make).toThrow(expect.objectContaining({ code: 'MR_SINK_INVALID' }) as Error)
    const [option] = Object.keys(wrong)
    expect(make).toThrow(option)
  })

  it('takes a stream by its ARN', () => {
    const stream = 'arn:aws:kinesis:eu-central-1:123456789012:stream/orders'
    expect(kinesisSink({ ...OPTIONS, stream }).identity).toEqual({ stream })
  })

  it('says that it is at least once', () => {
    const guarantee: 'at-least-once' = sinkOf().guarantee
    expect(guarantee).toBe('at-least-once')
  })

  it.each(['', 'k'.repeat(257), '\ud800', 5 as never])('refuses the key %j', async (key) => {
    const run = await PutRun.start(sinkOf({ partitionKey: () => key }))
    const write = () => run.write('a')
    expect(write).toThrow(expect.objectContaining({ code: 'MR_KINESIS_KEY_INVALID' }) as Error)
    expect(write).toThrow('partitionKey')
    await run.close()
  })

  it.each(['', '01', '-1', '1e3', String(2n ** 128n), 7 as never])(
    'refuses the explicit hash key %j',
    async (hash) => {
      const run = await PutRun.start(sinkOf({ explicitHashKey: () => hash }))
      const write = () => run.write('a')
      expect(write).toThrow(expect.objectContaining({ code: 'MR_KINESIS_KEY_INVALID' }) as Error)
      expect(write).toThrow('explicitHashKey')
      await run.close()
    },
  )

  it('takes the largest hash, and none', async () => {
    const hashes = [String(2n ** 128n - 1n), undefined, '0']
    const run = await PutRun.start(sinkOf({ explicitHashKey: () => hashes.shift() }))
    run.write('a', 'b', 'c')
    await run.cut()
    expect(service.texts).toEqual(['a', 'b', 'c'])
    await run.close()
  })

  it('stops for a record above the limit before it is sent, its key counted in bytes', async () => {
    const run = await PutRun.start(sinkOf({ partitionKey: () => 'é' }))
    run.write('x'.repeat(1024 * 1024 - 2))
    expect(() => run.write('x'.repeat(1024 * 1024 - 1))).toThrow(
      expect.objectContaining({
        code: 'MR_AWS_RECORD_TOO_LARGE',
        fields: { operator: 'sink', bytes: 1024 * 1024 + 1, limit: 1024 * 1024 },
      }) as Error,
    )
    await run.cut()
    expect(service.requests).toEqual([1])
    await run.close()
  })

  it('takes larger records, and longer requests, where the stream does', async () => {
    const size = 3 * 1024 * 1024
    const options = { maxRecordBytes: 4 * 1024 * 1024, maxBufferedBytes: 2 ** 30 }
    const run = await PutRun.start(sinkOf(options))
    for (let n = 0; n < 4; n++) run.write(`${n}:`.padEnd(size, 'x'))
    await run.cut()
    expect(service.requests).toEqual([3, 1])
    await run.close()
  })

  it('writes with ordered: true each key in the order of writing, whatever the service refuses or loses', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(4), { minLength: 1, maxLength: 300, size: 'max' }),
        fc.integer(),
        fc.boolean(),
        async (keys, seed, aggregate) => {
          service = new FakePutService()
          const random = new SeededRandom(seed)
          const turns = () => new Promise<void>((resolve) => setImmediate(resolve))
          service.wait = async () => {
            for (let n = Math.floor(random.next() * 4); n > 0; n--) await turns()
          }
          let isLost = false
          service.plan = (records) => {
            const chance = random.next()
            if (chance < 0.1) return { fails: sdkError('ThrottlingException', 400), isTaken: false }
            if (chance < 0.2) {
              isLost = true
              return { fails: sdkError('TimeoutError'), isTaken: true }
            }
            if (chance < 0.4) return undefined
            return records.map(() =>
              random.next() < 0.3
                ? 'InternalFailure'
                : random.next() < 0.2
                  ? 'Throttled'
                  : undefined,
            )
          }
          const run = await PutRun.start(sinkOf({ ordered: true, aggregate }), new HastyClock())
          const written = keys.map((key, n) => `k${key}:${n}`)
          for (const [n, text] of written.entries()) {
            run.write(text)
            if (n % 50 === 49) await turns()
            if (n % 120 === 119) void run.cut()
          }
          await run.cut()
          expect(run.failure).toBe(undefined)
          // A record of Kinesis that is there again stands right behind itself.
          for (const [key, packs] of Map.groupBy(service.taken, (one) => one.key)) {
            const once = packs.filter(({ bytes }, i) => !packs[i - 1]?.bytes.equals(bytes))
            const texts = once.flatMap(({ bytes }) => unpacked(bytes))
            expect(texts).toEqual(written.filter((text) => text.startsWith(`${key}:`)))
          }
          const again =
            service.taken.flatMap(({ bytes }) => unpacked(bytes)).length - written.length
          expect(again).toBeLessThanOrEqual(run.counters['recordsSentAgain'] ?? 0)
          expect(again > 0).toBe(isLost)
          await run.close()
        },
      ),
      { numRuns: 60 },
    )
  })

  it('packs with aggregate: true what waits of a key, ordered too, and counts records of the job', async () => {
    service.plan = (_, nth) =>
      nth === 0 ? { fails: sdkError('TimeoutError'), isTaken: false } : undefined
    const run = await PutRun.start(sinkOf({ aggregate: true, ordered: true }), new HastyClock())
    const written = Array.from({ length: 90 }, (_, n) => `k${n % 2}:${n}`)
    run.write(...written, 'alone:1')
    await run.cut()
    expect(service.requests).toEqual([3, 3])
    const found = service.taken.flatMap(({ bytes }) => unpacked(bytes))
    expect(found).toEqual([
      ...written.filter((text) => text.startsWith('k0')),
      ...written.filter((text) => text.startsWith('k1')),
      'alone:1',
    ])
    expect(run.counters).toEqual({ recordsSentAgain: 91 })
    await run.close()
  })

  it('does not wait for linger with aggregate: true when no more may wait', async () => {
    const options = { aggregate: true, maxBufferedBytes: 2_000, linger: '1h' } as const
    const run = await PutRun.start(sinkOf(options))
    let n = 0
    for (; run.writer.isReady; n++) run.write(`k:${n}`)
    await new Promise((resolve) => setImmediate(resolve))
    expect(run.writer.isReady).toBe(true)
    expect(run.wakes).toBe(1)
    expect(service.taken.flatMap(({ bytes }) => unpacked(bytes))).toHaveLength(n)
    await run.close()
  })
})
