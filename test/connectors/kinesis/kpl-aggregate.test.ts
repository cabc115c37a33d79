import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { newSplit } from '../../../connectors/kinesis/kinesis-split.ts'
import { Aggregate, hashOf } from '../../../connectors/kinesis/kpl-aggregate.ts'
import { FROM_BEGINNING } from '../../../connectors/kinesis/shard-order.ts'
import { ShardRecords } from '../../../connectors/kinesis/shard-records.ts'
import { aggregate, type UserRecord } from './kpl-encoder.ts'

const LAST_HASH = (1n << 128n) - 1n
const HALF = 1n << 127n

const userRecord: fc.Arbitrary<UserRecord> = fc.record({
  key: fc.string({ minLength: 1, maxLength: 5, unit: 'grapheme' }),
  hashKey: fc.option(fc.bigInt({ min: 0n, max: LAST_HASH }).map(String), { nil: undefined }),
  data: fc.uint8Array({ maxLength: 300 }),
})

const whole = { id: 's', parents: [], firstHash: '0', lastHash: String(LAST_HASH) }
const upperHalf = { ...whole, firstHash: String(HALF) }

/** Takes what waits apart, up to `limit` records. */
function read(
  records: ShardRecords,
  limit = Infinity,
): (readonly [string, string, number, string])[] {
  const out: (readonly [string, string, number, string])[] = []
  while (out.length < limit && records.next()) {
    const { partitionKey, sequenceNumber, subSequenceNumber, data } = records
    out.push([partitionKey, sequenceNumber, subSequenceNumber, data.toString('hex')])
    records.handed()
  }
  return out
}

describe('aggregates of the Kinesis Producer Library', () => {
  it('are taken apart into what was put in', () => {
    fc.assert(
      fc.property(fc.array(userRecord, { minLength: 1, maxLength: 30 }), (records) => {
        const found = Aggregate.of(aggregate(records))!
        expect(found.count).toBe(records.length)
        for (const { key, hashKey, data } of records) {
          expect(found.next()).toBe(true)
          expect([found.partitionKey, found.explicitHashKey]).toEqual([key, hashKey])
          expect(found.data.equals(data)).toBe(true)
        }
        expect(found.next()).toBe(false)
      }),
    )
  })

  it('are none where a bit has changed, or the end is missing', () => {
    const some = fc.array(userRecord, { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(some, fc.nat(), fc.nat(7), (records, at, bit) => {
        const bytes = aggregate(records)
        const cut = bytes.subarray(0, at % bytes.length)
        expect(Aggregate.of(cut)).toBeUndefined()
        bytes[at % bytes.length]! ^= 1 << bit
        expect(Aggregate.of(bytes)).toBeUndefined()
      }),
    )
  })

  it('are none where the message makes no sense, whatever its digest says', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (message) => {
        const found = Aggregate.of(withDigest(message))
        while (found?.next() === true) expect(typeof found.partitionKey).toBe('string')
      }),
    )
    const noKey = withDigest(Buffer.from('1a04080312000a', 'hex'))
    expect(Aggregate.of(noKey)).toBeUndefined()
  })

  it('have the hash keys that the service computes', () => {
    // From its documentation of hash keys: MD5 as a number.
    expect(hashOf('')).toBe(0xd41d8cd98f00b204e9800998ecf8427en)
  })

  it('are read on inside, at every record, and what belongs to other shards is left out', () => {
    const raw = fc.oneof(fc.array(userRecord, { minLength: 1, maxLength: 6 }), userRecord)
    const split = fc.constantFrom(whole, upperHalf)
    fc.assert(
      fc.property(fc.array(raw, { maxLength: 6 }), split, fc.nat(40), (all, shard, taken) => {
        const pages = all.map((one, i) => {
          const isAggregate = Array.isArray(one)
          const first = isAggregate ? (one as UserRecord[])[0]! : (one as UserRecord)
          return {
            SequenceNumber: String(98 + i),
            PartitionKey: first.key,
            Data: isAggregate ? aggregate(one as UserRecord[]) : (one as UserRecord).data,
          }
        })
        const expected = all.flatMap((one, i) => {
          const those = [one].flat() as UserRecord[]
          return those.flatMap(({ key, hashKey, data }, sub) => {
            const hash = hashKey === undefined ? hashOf(key) : BigInt(hashKey)
            const isOthers = Array.isArray(one) && hash < BigInt(shard.firstHash)
            const shown = [key, String(98 + i), sub, Buffer.from(data).toString('hex')] as const
            return isOthers ? [] : [shown]
          })
        })
        const first = new ShardRecords(newSplit({ ...shard, from: FROM_BEGINNING }, -1))
        first.add(pages)
        const before = read(first, taken)
        const { position } = first
        const second = new ShardRecords({
          ...newSplit({ ...shard, from: FROM_BEGINNING }, -1),
          ...position,
        })
        // The service begins at or behind the position; where it is asked for more, that is left out as well.
        second.add(pages)
        expect([...before, ...read(second)]).toEqual(expected)
      }),
      { numRuns: 300 },
    )
  })
})

/** A record that says of itself that it is an aggregate. */
function withDigest(message: Uint8Array): Buffer {
  const digest = createHash('md5').update(message).digest()
  return Buffer.concat([Buffer.from('f3899ac2', 'hex'), message, digest])
}
