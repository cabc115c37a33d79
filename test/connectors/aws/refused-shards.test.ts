import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PutRecord } from '../../../connectors/aws/put-record.ts'
import { kinesisSinkOn } from '../../../connectors/kinesis/kinesis-sink.ts'
import { string } from '../../../connectors/string-format.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'
import { FakePutService } from './fake-put-service.ts'
import { PutRun } from './put-run.ts'

const SHARDS = 4
const KEYS = 40
const TICK_RECORDS = 200
const REQUEST = 500
const MAX_REQUESTS = 4

/** As Kinesis does: the shard is the quarter of the hashes in which that of the key lies. */
const shardOf = (key: string) =>
  Math.floor(createHash('md5').update(key).digest()[0]! / (256 / SHARDS))
const keyOf = (text: string) => text.split(':')[0]!
const turns = async (n = 20) => {
  for (let i = 0; i < n; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** A stream of which one shard takes nothing while it is told so. */
class ShardedService extends FakePutService {
  dead: number | undefined
  /** Records that were sent to the dead shard, and requests that had others. */
  sentToDead = 0
  requestsWithOthers = 0
  readonly code: string

  constructor(code: string) {
    super()
    this.code = code
    this.plan = (records) => this.#answer(records)
  }

  #answer(records: readonly PutRecord[]): readonly (string | undefined)[] {
    const isDead = records.map(({ key }) => shardOf(key!) === this.dead)
    this.sentToDead += isDead.filter(Boolean).length
    if (isDead.includes(false)) this.requestsWithOthers++
    return isDead.map((is) => (is ? this.code : undefined))
  }

  takenOf(key: string): readonly string[] {
    return this.texts.filter((text) => keyOf(text) === key)
  }
}

/** The records of each key of a shard in the two ticks in which it is written first, and so many more. */
function firstOnes(written: readonly string[], shard: number, more: number): number {
  const tickOf = (n: number) => Math.floor(n / TICK_RECORDS)
  const first = new Map<string, number>()
  let sum = 0
  for (const [n, text] of written.entries()) {
    const key = keyOf(text)
    if (shardOf(key) !== shard) continue
    if (!first.has(key)) {
      first.set(key, tickOf(n))
      sum += more
    }
    if (tickOf(n) <= first.get(key)! + 1) sum++
  }
  return sum
}

const start = (service: FakePutService, clock: ManualClock, ordered: boolean) =>
  PutRun.start(
    kinesisSinkOn<string>(() => service, {
      stream: 'out',
      value: string(),
      partitionKey: keyOf,
      ordered,
      maxRequests: MAX_REQUESTS,
      retryTimeout: '1h',
    }),
    clock,
  )

describe('a shard that takes nothing for long', () => {
  it.each([
    { code: 'InternalFailure', ordered: false },
    { code: 'Throttled', ordered: false },
    { code: 'InternalFailure', ordered: true },
    { code: 'Throttled', ordered: true },
  ])(
    'holds up no other key, loses nothing and keeps the order ($code, ordered: $ordered)',
    async ({ code, ordered }) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.nat(KEYS - 1), { minLength: 1_000, maxLength: 2_500, size: 'max' }),
          fc.nat(SHARDS - 1),
          fc.nat(300),
          async (numbers, dead, before) => {
            const service = new ShardedService(code)
            const clock = new ManualClock()
            const run = await start(service, clock, ordered)
            const written = numbers.map((key, n) => `k${key}:${n}`)
            const [first, later] = [written.slice(0, before), written.slice(before)]
            run.write(...first)
            await run.cut()
            service.dead = dead
            const others = later.filter((text) => shardOf(keyOf(text)) !== dead)
            let isCut = false
            let next = 0
            const begin = service.requestsWithOthers
            // All others are there while nothing of the dead shard is.
            const taken = () => service.texts.filter((text) => shardOf(keyOf(text)) !== dead).length
            const all = first.filter((text) => shardOf(keyOf(text)) !== dead).length + others.length
            let ticks = 0
            for (; taken() < all; ticks++) {
              expect(ticks).toBeLessThan(400)
              for (let n = 0; n < TICK_RECORDS && next < later.length && run.writer.isReady; n++) {
                run.write(later[next++]!)
              }
              await turns()
              clock.advance(100)
            }
            expect(next).toBe(later.length)
            // What was sent before the first was refused, and then one of each range of keys after 100, 300, 600 ms and so on.
            const tries = Math.ceil(Math.sqrt(2 * ticks)) + 1
            expect(service.sentToDead).toBeLessThanOrEqual(firstOnes(later, dead, tries))
            const cut = run.cut().then(() => (isCut = true))
            for (let n = 0; n < 50; n++) {
              clock.advance(1_000)
              await turns(2)
            }
            const isWaiting = later.length > others.length
            expect(isCut).toBe(!isWaiting)
            if (!ordered) {
              // As many requests as without it, but for those that a full one and a flush cut short.
              const least = Math.ceil(others.length / REQUEST)
              expect(service.requestsWithOthers - begin).toBeLessThanOrEqual(2 * least + ticks)
            }
            service.dead = undefined
            for (let n = 0; n < 400 && !isCut; n++) {
              clock.advance(10_000)
              await turns(4)
            }
            await cut
            expect([...service.texts].toSorted()).toEqual(written.toSorted())
            if (ordered) {
              for (const key of new Set(written.map(keyOf))) {
                expect(service.takenOf(key)).toEqual(written.filter((text) => keyOf(text) === key))
              }
            }
            expect(service.mostInFlight).toBeLessThanOrEqual(MAX_REQUESTS)
            expect(run.failure).toBe(undefined)
            await run.close()
            expect(clock.nextDelay).toBe(undefined)
          },
        ),
        { numRuns: 3 },
      )
    },
  )
})
