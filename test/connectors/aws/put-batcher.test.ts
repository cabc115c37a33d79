import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KeyedQueue } from '../../../connectors/aws/keyed-queue.ts'
import { PutBatcher } from '../../../connectors/aws/put-batcher.ts'
import type { PutLimits } from '../../../connectors/aws/put-limits.ts'
import { FifoQueue } from '../../../connectors/aws/put-queue.ts'
import { PutRecord } from '../../../connectors/aws/put-record.ts'
import { RecordWindow } from '../../../connectors/aws/record-window.ts'

const LIMITS: PutLimits = { records: 5, requestBytes: 50, recordBytes: 40 }
const MAX_REQUESTS = 3

function batcherOf(kind: 'fifo' | 'keyed', window = new RecordWindow(MAX_REQUESTS * 5)) {
  const queue = kind === 'fifo' ? new FifoQueue(LIMITS) : new KeyedQueue(LIMITS)
  return new PutBatcher({ queue, limits: LIMITS, window, maxRequests: MAX_REQUESTS })
}

const record = (size = 5, key = 'k') => new PutRecord(new Uint8Array(size - key.length), key)

/** A step: what is done, and two numbers that say to what. */
const step = fc.tuple(
  fc.constantFrom(
    'write',
    'write',
    'write',
    'flush',
    'cut',
    'take',
    'settle',
    'settle',
    'throttle',
  ),
  fc.nat(1_000),
  fc.nat(1_000),
)

describe.each(['fifo', 'keyed'] as const)('PutBatcher over a %s queue', (kind) => {
  it('sends each record once, within all limits, and ends a cut when all before it is taken', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const window = new RecordWindow(MAX_REQUESTS * 5)
        const batcher = batcherOf(kind, window)
        const written: PutRecord[] = []
        const taken: PutRecord[] = []
        const onTheirWay: { readonly left: PutRecord[] }[] = []
        const cuts: { readonly end: number; isDone: boolean }[] = []
        const settled = new Set<PutRecord>()
        let requests = 0

        const take = (): void => {
          const free = window.limit - (taken.length - settled.size)
          const records = batcher.take()
          if (records === undefined) return
          expect(records.length).toBeGreaterThan(0)
          expect(records.length).toBeLessThanOrEqual(Math.min(LIMITS.records, free))
          const bytes = records.reduce((sum, one) => sum + one.bytes, 0)
          expect(bytes).toBeLessThanOrEqual(LIMITS.requestBytes)
          taken.push(...records)
          requests++
          expect(requests).toBeLessThanOrEqual(MAX_REQUESTS)
          onTheirWay.push({ left: [...records] })
          if (kind === 'fifo') expect(taken.every((one, i) => one === written[i])).toBe(true)
          if (kind === 'keyed') {
            const keys = onTheirWay.flatMap(({ left }) => left.map(({ key }) => key))
            expect(keys.length).toBe(new Set(keys).size)
          }
        }
        const settle = (a: number, b: number): void => {
          const request = onTheirWay[a % onTheirWay.length]
          if (request === undefined) return
          const [one] = request.left.splice(b % request.left.length, 1)
          settled.add(one!)
          batcher.settle(one!)
          if (request.left.length > 0) return
          onTheirWay.splice(onTheirWay.indexOf(request), 1)
          requests--
          batcher.finish()
        }
        const check = (): void => {
          for (const { end, isDone } of cuts) {
            const isTaken = written.slice(0, end).every((one) => settled.has(one))
            if (isDone !== isTaken) expect(isDone).toBe(isTaken)
          }
          expect(batcher.unsettled).toBe(written.length - settled.size)
          expect(batcher.bytes > 0).toBe(batcher.unsettled > 0)
        }

        for (const [what, a, b] of steps) {
          if (what === 'write') {
            const one = record(2 + (a % 39), `k${b % 7}`.slice(0, 2))
            written.push(one)
            batcher.add(one)
          } else if (what === 'flush') batcher.flush()
          else if (what === 'cut') {
            const cut = { end: written.length, isDone: false }
            cuts.push(cut)
            batcher.cut(() => (cut.isDone = true))
          } else if (what === 'take') take()
          else if (what === 'settle') settle(a, b)
          else if (a % 2 === 0) window.throttled(window.sent())
          else window.taken()
          check()
        }
        // A cut sends all that is there, however small the window is.
        const last = { end: written.length, isDone: false }
        cuts.push(last)
        batcher.cut(() => (last.isDone = true))
        for (let n = 0; n <= 2 * written.length && !last.isDone; n++) {
          take()
          if (onTheirWay.length > 0) settle(0, 0)
        }
        expect(last.isDone).toBe(true)
        expect(new Set(taken).size).toBe(written.length)
        for (const [key, records] of Map.groupBy(taken, (one) => one.key)) {
          const ofKey = written.filter((one) => one.key === key)
          expect(records.map(({ sequence }) => sequence)).toEqual(
            ofKey.map(({ sequence }) => sequence),
          )
        }
        check()
      }),
      { numRuns: 100 },
    )
  })

  it('lets nothing go before it is full or due', () => {
    const batcher = batcherOf(kind)
    for (const key of 'abcd') batcher.add(record(5, key))
    expect(batcher.take()).toBe(undefined)
    batcher.add(record(5, 'e'))
    expect(batcher.take()).toHaveLength(5)
    batcher.add(record(30, 'f'))
    expect(batcher.take()).toBe(undefined)
    batcher.add(record(30, 'g'))
    expect(batcher.take()).toHaveLength(1)
    expect(batcher.take()).toBe(undefined)
    batcher.flush()
    batcher.add(record(5, 'h'))
    // Who is due takes others along.
    expect(batcher.take()).toHaveLength(2)
  })

  it('does not take what comes later for due', () => {
    const batcher = batcherOf(kind)
    batcher.add(record(5, 'a'))
    batcher.flush()
    batcher.take()
    batcher.add(record(5, 'b'))
    expect(batcher.take()).toBe(undefined)
  })
})

describe('KeyedQueue', () => {
  it('sends what was due behind a record of its key at once when that is taken', () => {
    const batcher = batcherOf('keyed')
    const records = [record(5, 'a'), record(5, 'a'), record(5, 'b')]
    for (const one of records) batcher.add(one)
    batcher.flush()
    expect(batcher.take()).toEqual([records[0], records[2]])
    batcher.add(record(5, 'c'))
    expect(batcher.take()).toBe(undefined)
    batcher.settle(records[0]!)
    expect(batcher.take()![0]).toBe(records[1])
  })
})
