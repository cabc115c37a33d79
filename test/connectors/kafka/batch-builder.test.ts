import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BatchBuilder, type WrittenHeader } from '../../../connectors/kafka/batch-builder.ts'
import { compress, decompress } from '../../../connectors/kafka/compression.ts'
import { crc32c } from '../../../connectors/kafka/crc32c.ts'
import {
  decodeProduceResponse,
  encodeProduceRequest,
} from '../../../connectors/kafka/produce-request.ts'
import { RecordSet } from '../../../connectors/kafka/record-batch.ts'

const bytes = fc.option(fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)))
const written = fc.record({
  key: bytes,
  value: bytes,
  timestamp: fc.integer({ min: 0, max: 4_102_444_800_000 }),
  headers: fc.array(
    fc.tuple(fc.string(), fc.oneof(fc.constant(null), fc.string(), fc.uint8Array())),
    { maxLength: 3 },
  ) as fc.Arbitrary<WrittenHeader[]>,
})

/** Where the record set begins in a request for one partition of a topic with a name of one byte. */
const setAt = (transactionalId: string | undefined) => 2 + (transactionalId?.length ?? 0) + 25

describe('BatchBuilder', () => {
  it('writes what a reader of record sets reads', () => {
    fc.assert(
      fc.property(
        fc.array(written, { minLength: 1, maxLength: 20 }),
        fc.constantFrom('none', 'gzip', 'zstd'),
        fc.option(fc.constant('some-id'), { nil: undefined }),
        (records, compression, transactionalId) => {
          const builder = new BatchBuilder(3)
          for (const { key, value, timestamp, headers } of records)
            builder.append(key, value, timestamp, headers)
          const codec = { none: 0, gzip: 1, zstd: 4 }[compression]
          const chunk = builder.take(codec, (plain) => compress(compression, plain))
          expect(chunk.maxTimestamp).toBe(Math.max(...records.map(({ timestamp }) => timestamp)))
          const producer = { transactionalId, producerId: '7', epoch: 2 }
          const request = encodeProduceRequest(producer, 't', [{ ...chunk, sequence: 5 }], 1_000)
          const set = request.subarray(setAt(transactionalId))
          expect(set.readUInt32BE(17)).toBe(crc32c(set.subarray(21)))
          const reader = new RecordSet(set, 0, [], decompress)
          const found: unknown[] = []
          while (reader.next()) {
            const { timestamp } = reader
            const headers = reader.headers().map(({ key, value }) => [key, value?.toString('hex')])
            found.push({ key: reader.key(), value: reader.value(), timestamp, headers })
          }
          expect(found).toEqual(
            records.map((record) => ({
              ...record,
              headers: record.headers.map(([name, value]) => [
                name,
                value === null ? undefined : Buffer.from(value as string).toString('hex'),
              ]),
            })),
          )
        },
      ),
    )
  })

  it('begins anew after each chunk', () => {
    const builder = new BatchBuilder(0)
    const take = () => builder.take(0, (plain) => plain)
    builder.append(null, Buffer.from('one'), 1_000, [])
    const first = take()
    const kept = Buffer.from(first.records)
    builder.append(null, Buffer.from('two'), 2_000, [])
    const second = take()
    expect(Buffer.from(first.records)).toEqual(kept)
    expect(second).toMatchObject({ count: 1, baseTimestamp: 2_000, maxTimestamp: 2_000 })
    expect(builder).toMatchObject({ count: 0, bytes: 0 })
  })
})

describe('crc32c', () => {
  it('has the known answers', () => {
    // From RFC 3720, B.4, and the check value of the catalogue of CRCs.
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa)
    expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43)
  })

  it('goes on from what came before', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), fc.uint8Array({ maxLength: 50 }), (a, b) => {
        expect(crc32c(b, crc32c(a))).toBe(crc32c(Buffer.concat([a, b])))
      }),
    )
  })
})

describe('decodeProduceResponse', () => {
  it.each([3, 7])('reads the error of each partition, version %i', (version) => {
    const partition = (number: number, code: number) => {
      const entry = Buffer.alloc(version >= 5 ? 30 : 22)
      entry.writeInt32BE(number, 0)
      entry.writeInt16BE(code, 4)
      return entry
    }
    const head = Buffer.from([0, 0, 0, 1, 0, 1, 0x74, 0, 0, 0, 2])
    const body = Buffer.concat([head, partition(4, 0), partition(1, 10), Buffer.alloc(4)])
    expect(decodeProduceResponse(body, version)).toEqual([
      { partition: 4, errorCode: 0 },
      { partition: 1, errorCode: 10 },
    ])
  })
})
