import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KeyedQueue } from '../../../connectors/aws/keyed-queue.ts'
import { PutBatcher, type RefusedRange } from '../../../connectors/aws/put-batcher.ts'
import type { PutLimits } from '../../../connectors/aws/put-limits.ts'
import { FifoQueue } from '../../../connectors/aws/put-queue.ts'
import { PutRecord } from '../../../connectors/aws/put-record.ts'
import { RecordWindow } from '../../../connectors/aws/record-window.ts'

const LIMITS: PutLimits = { records: 5, requestBytes: 50, recordBytes: 40 }
const MAX_REQUESTS = 3
const REFUSAL = { name: 'Refused', message: 'by the test' }

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
    'answer',
    'answer',
    'refuse',
    'refuse',
    'probe',
    'throttle',
  ),
  fc.nat(1_000),
  fc.nat(1_000),
)

describe.each(['fifo', 'keyed'] as const)('PutBatcher over a %s queue', (kind) => {
  it('sends each record until it is taken, within all limits, and ends a cut when all before it is', () => {
    let sawProbe = false
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const window = new RecordWindow(MAX_REQUESTS * 5)
        const batcher = batcherOf(kind, window)
        const written: PutRecord[] = []
        const taken: PutRecord[] = []
        const onTheirWay: (readonly PutRecord[])[] = []
        const resting: RefusedRange[] = []
        const cuts: { readonly end: number; isDone: boolean }[] = []
        const settled = new Set<PutRecord>()
        let now = 0
        let hasRefused = false
        let hasProbed = false

        const take = (): void => {
          const free = window.limit - onTheirWay.flat().length
          const records = batcher.take()
          if (records === undefined) return
          expect(records.length).toBeGreaterThan(0)
          expect(records.length).toBeLessThanOrEqual(Math.min(LIMITS.records, free))
          const bytes = records.reduce((sum, one) => sum + one.bytes, 0)
          expect(bytes).toBeLessThanOrEqual(LIMITS.requestBytes)
          for (const one of records) expect(settled.has(one)).toBe(false)
          taken.push(...records)
          onTheirWay.push(records)
          expect(onTheirWay.length).toBeLessThanOrEqual(MAX_REQUESTS)
          const all = onTheirWay.flat()
          expect(new Set(all).size).toBe(all.length)
          if (kind === 'fifo' && !hasRefused) {
            expect(taken.every((one, i) => one === written[i])).toBe(true)
          }
          if (kind === 'keyed') {
            const keys = all.map(({ key }) => key)
            expect(keys.length).toBe(new Set(keys).size)
          }
        }
        const answer = (a: number, refuses: (one: PutRecord, i: number) => boolean): void => {
          const [request] = onTheirWay.splice(a % onTheirWay.length, 1)
          if (request === undefined) return
          const answers = request.map((one, i) => (refuses(one, i) ? REFUSAL : undefined))
          const own = request.filter(({ isProbe }) => !isProbe)
          for (const [i, one] of request.entries()) if (answers[i] === undefined) settled.add(one)
          if (answers.some((one) => one !== undefined)) hasRefused = true
          const rests = batcher.answer(request, answers, ++now)
          // Who waits for a try has one coming, and only one.
          for (const one of rests) expect(resting).not.toContain(one)
          resting.push(...rests)
          if (own.length === 0 && request.length > 0) hasProbed = true
        }
        const probe = (a: number): void => {
          if (resting.length > 0) batcher.probe(resting.splice(a % resting.length, 1))
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
          else if (what === 'answer') answer(a, () => false)
          else if (what === 'refuse') answer(a, (_, i) => ((b >> i) & 1) === 1)
          else if (what === 'probe') probe(a)
          else window.answered(window.sent(), a % 2)
          check()
        }
        // A cut sends all that is there, however small the window is.
        const last = { end: written.length, isDone: false }
        cuts.push(last)
        batcher.cut(() => (last.isDone = true))
        for (let n = 0; n <= 4 * written.length && !last.isDone; n++) {
          take()
          if (onTheirWay.length > 0) answer(0, () => false)
          probe(0)
        }
        expect(last.isDone).toBe(true)
        expect(settled).toEqual(new Set(written))
        if (!hasRefused) expect(taken).toHaveLength(written.length)
        if (kind === 'keyed') {
          for (const [key, records] of Map.groupBy(taken, (one) => one.key)) {
            const once = records.filter((one, i) => one !== records[i - 1])
            expect(once).toEqual(written.filter((one) => one.key === key))
          }
        }
        sawProbe ||= hasProbed
        check()
      }),
      { numRuns: 100 },
    )
    expect(sawProbe).toBe(true)
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
    batcher.answer([records[0]!, records[2]!], [undefined, undefined], 0)
    expect(batcher.take()![0]).toBe(records[1])
  })
})
