import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decompress } from '../../../connectors/kafka/compression.ts'
import {
  type AbortedTransaction,
  endOfRecordSet,
  RecordSet,
} from '../../../connectors/kafka/record-batch.ts'
import { encodeBatch, type TestBatch, type TestRecord } from './record-batches.ts'

const GZIP = 1
const NONE: readonly AbortedTransaction[] = []

const bytes = fc.option(
  fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
  { nil: null },
)

interface Plan {
  readonly gap: number
  readonly producer: number
  readonly step: 'plain' | 'transactional' | 'commit' | 'abort'
  readonly isCompressed: boolean
  readonly records: readonly {
    readonly key: Buffer | null
    readonly value: Buffer | null
    readonly timestamp: number
    readonly gap: number
    readonly headers: Readonly<Record<string, Buffer>>
  }[]
}

const plan: fc.Arbitrary<Plan> = fc.record({
  gap: fc.constantFrom(0, 0, 0, 3),
  producer: fc.integer({ min: 1, max: 3 }),
  step: fc.constantFrom('plain', 'transactional', 'transactional', 'commit', 'abort'),
  isCompressed: fc.boolean(),
  records: fc.array(
    fc.record({
      key: bytes,
      value: bytes,
      timestamp: fc.integer({ min: 0, max: 2 ** 45 }),
      gap: fc.constantFrom(0, 0, 0, 1, 70),
      headers: fc.dictionary(
        fc.string({ minLength: 1, maxLength: 5 }).filter((name) => name !== '__proto__'),
        fc.uint8Array({ maxLength: 9 }).map((array) => Buffer.from(array)),
        { maxKeys: 2 },
      ),
    }),
    { maxLength: 6 },
  ),
})

/** The batches of a partition, and the offset behind them; the records of a batch may have been compacted away. */
function batchesOf(plans: readonly Plan[], base: number): { batches: TestBatch[]; end: number } {
  const batches: TestBatch[] = []
  let offset = base
  for (const { gap, producer, step, isCompressed, records } of plans) {
    offset += gap
    const firstOffset = offset
    const isMarker = step === 'commit' || step === 'abort'
    const made: TestRecord[] = []
    if (!isMarker) {
      for (const record of records) {
        const { gap: behind, ...rest } = record
        made.push({ ...rest, offset })
        offset += 1 + behind
      }
    }
    if (offset === firstOffset) offset++
    batches.push({
      firstOffset,
      lastOffset: offset - 1,
      producerId: BigInt(producer),
      isTransactional: step !== 'plain',
      ...(isMarker ? { marker: step } : {}),
      compression: isCompressed && made.length > 0 ? GZIP : 0,
      records: made,
    })
  }
  return { batches, end: offset }
}

/** Reference: which offsets belong to aborted transactions, and what a broker lists of them for a fetch from an offset. */
function abortedOf(batches: readonly TestBatch[], from: number) {
  const open = new Map<bigint, { first: number; offsets: number[] }>()
  const dropped = new Set<number>()
  const aborted: AbortedTransaction[] = []
  for (const { producerId, isTransactional, marker, records, firstOffset, lastOffset } of batches) {
    if (!isTransactional) continue
    if (marker === undefined) {
      const known = open.get(producerId) ?? { first: firstOffset, offsets: [] }
      known.offsets.push(...records.map(({ offset }) => offset))
      open.set(producerId, known)
      continue
    }
    const known = open.get(producerId)
    open.delete(producerId)
    if (marker === 'commit' || known === undefined) continue
    for (const offset of known.offsets) dropped.add(offset)
    if (lastOffset >= from) aborted.push({ producerId, firstOffset: known.first })
  }
  // What is still open lies behind the last stable offset: a broker sends none of it.
  const stable = Math.min(Infinity, ...[...open.values()].map(({ first }) => first))
  return { dropped, aborted, stable }
}

describe('RecordSet', () => {
  it('gives out what was committed, from any offset on, as a reader by hand does', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(plan, { maxLength: 12 }),
        fc.constantFrom(0, 17, 2 ** 40),
        fc.nat(),
        async (plans, base, seed) => {
          const { batches, end } = batchesOf(plans, base)
          const from = base + (end === base ? 0 : seed % (end - base + 1))
          const { dropped, aborted, stable } = abortedOf(batches, from)
          const sent = batches.filter(
            ({ firstOffset, lastOffset }) => lastOffset >= from && firstOffset < stable,
          )
          const set = Buffer.concat(await Promise.all(sent.map(encodeBatch)))
          // Brokers list them by their ends, so in any order of beginnings.
          const records = new RecordSet(set, from, aborted.toReversed(), decompress)
          const found: TestRecord[] = []
          let behind = from
          while (records.next()) {
            found.push({
              offset: records.offset,
              timestamp: records.timestamp,
              key: records.key() && Buffer.from(records.key()!),
              value: records.value() && Buffer.from(records.value()!),
              headers: Object.fromEntries(records.headers().map(({ key, value }) => [key, value!])),
            })
            expect(records.nextOffset).toBeGreaterThan(records.offset)
            expect(records.nextOffset).toBeGreaterThan(behind - 1)
            behind = records.nextOffset
          }
          const wanted = sent
            .flatMap((batch) => batch.records)
            .filter(({ offset }) => offset >= from && !dropped.has(offset))
          expect(found).toEqual(wanted)
          const last = sent.at(-1)
          expect(records.nextOffset).toBe(last === undefined ? from : last.lastOffset + 1)
          expect(endOfRecordSet(set, from)).toBe(records.nextOffset)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('leaves a batch that was cut off for the next fetch', async () => {
    const record = { offset: 5, timestamp: 1, key: null, value: Buffer.from('x'), headers: {} }
    const whole = { firstOffset: 5, lastOffset: 5, producerId: -1n, isTransactional: false }
    const first = await encodeBatch({ ...whole, records: [record] })
    const second = await encodeBatch({
      ...whole,
      firstOffset: 6,
      lastOffset: 6,
      records: [{ ...record, offset: 6 }],
    })
    for (let cut = 0; cut < second.length; cut++) {
      const set = Buffer.concat([first, second.subarray(0, cut)])
      const records = new RecordSet(set, 5, NONE, decompress)
      expect([records.next(), records.next(), records.nextOffset]).toEqual([true, false, 6])
      expect(endOfRecordSet(set, 5)).toBe(6)
    }
  })

  it('refuses what is no batch of records, and does not hang on any bytes', async () => {
    const old = Buffer.alloc(100)
    old.writeInt32BE(88, 8)
    old[16] = 1
    expect(() => new RecordSet(old, 0, NONE, decompress).next()).toThrow(/record format 1/)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (array) => {
        const set = Buffer.from(array)
        if (set.length > 61) {
          set.writeInt32BE(set.length - 12, 8)
          set[16] = 2
          set.writeInt32BE(set.length % 7, 57)
        }
        const records = new RecordSet(set, 0, NONE, decompress)
        try {
          let count = 0
          while (records.next()) expect(++count).toBeLessThan(1_000)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }),
    )
  })

  it('drops what two producers aborted before the fetch began (a defect of kafkajs)', async () => {
    const value = Buffer.from('aborted')
    const records = (offset: number) => [{ offset, timestamp: 0, key: null, value, headers: {} }]
    const batch = (offset: number, producerId: bigint, marker?: 'abort' | 'commit') => ({
      firstOffset: offset,
      lastOffset: offset,
      producerId,
      isTransactional: true,
      ...(marker === undefined ? { records: records(offset) } : { marker, records: [] }),
    })
    const batches = [batch(10, 1n), batch(11, 2n), batch(12, 3n), batch(13, 1n, 'abort')]
    batches.push(batch(14, 2n, 'abort'), batch(15, 3n, 'abort'), batch(16, 4n))
    const set = Buffer.concat(await Promise.all(batches.slice(2).map(encodeBatch)))
    const aborted = [1n, 2n, 3n].map((producerId, i) => ({ producerId, firstOffset: 10 + i }))
    const read = new RecordSet(set, 12, aborted, decompress)
    expect([read.next(), read.offset, read.next()]).toEqual([true, 16, false])
  })
})
