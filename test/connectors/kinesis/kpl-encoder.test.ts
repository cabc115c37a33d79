import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  aggregatedRecordBytes,
  emptyAggregateBytes,
  encodeAggregate,
} from '../../../connectors/kinesis/kpl-encoder.ts'
import { Aggregator } from '../../../connectors/kinesis/kinesis-sink-aggregator.ts'
import { PutRecord } from '../../../connectors/aws/put-record.ts'
import { type PackedRecord, unpackAggregate } from './unpack-aggregate.ts'

const MAX_HASH = String(2n ** 128n - 1n)
/** Bytes as a text, which is compared faster. */
const textOf = (bytes: Buffer) => bytes.toString('latin1')
const texts = (...data: readonly string[]) => data.map((one) => Buffer.from(one))

describe('encodeAggregate', () => {
  it('makes the bytes that the Python library of AWS makes of the same records', () => {
    expect(
      encodeAggregate({ key: 'k', hashKey: undefined }, texts('a', 'bc', '')).toString('hex'),
    ).toBe(
      'f3899ac20a016b1a0508001a01611a0608001a0262631a0408001a00deefbb2ad2400c4c8ed05437d6dd4018',
    )
  })

  it('can be taken apart again, and is as long as was said', () => {
    const of = fc.record({
      key: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }),
      hashKey: fc.constantFrom(undefined, '0', MAX_HASH),
    })
    const sizes = fc.oneof(fc.nat(300), fc.constantFrom(127, 128, 16_383, 16_384, 70_000))
    fc.assert(
      fc.property(of, fc.array(sizes, { maxLength: 20 }), (key, lengths) => {
        const data = lengths.map((length, i) => Buffer.alloc(length, i))
        const bytes = encodeAggregate(key, data)
        const parts = unpackAggregate(bytes)!.map((one) => ({ ...one, data: textOf(one.data) }))
        expect(parts).toEqual(data.map((one) => ({ ...key, data: textOf(one) })))
        const size = lengths.reduce((sum, one) => sum + aggregatedRecordBytes(key, one), 0)
        expect(bytes.length).toBe(emptyAggregateBytes(key) + size)
      }),
    )
  })
})

/** A record to be written: its key, its hash key, how long it is, and whether all is handed on before it. */
const written = fc.tuple(
  fc.constantFrom('a', 'b', '1a', '1 a'),
  fc.constantFrom(undefined, '1'),
  fc.oneof(fc.nat(100), fc.nat(60_000)),
  fc.nat(4),
)

describe('Aggregator', () => {
  it('packs records of one key only, in order, none too large; one that is alone goes as it is', () => {
    fc.assert(
      fc.property(
        fc.array(written, { maxLength: 60, size: 'max' }),
        fc.constantFrom(800, 100_000),
        (input, max) => {
          const found = new Map<string, string[]>()
          const expected = new Map<string, string[]>()
          const note = (where: Map<string, string[]>, { key, hashKey, data }: PackedRecord) => {
            const name = JSON.stringify([key, hashKey])
            where.set(name, [...(where.get(name) ?? []), textOf(data)])
          }
          let held = 0
          const aggregator = new Aggregator((record) => {
            const { hashKey, bytes, count } = record
            const key = record.key!
            const data = Buffer.from(record.data)
            const packed = unpackAggregate(data)
            if (packed !== undefined) {
              expect(count).toBeGreaterThan(1)
              expect(bytes).toBeLessThanOrEqual(Math.min(max, 51_200))
            }
            const parts = packed ?? [{ key, hashKey, data }]
            expect(parts.length).toBe(count)
            for (const part of parts) {
              expect([part.key, part.hashKey]).toEqual([key, hashKey])
              note(found, part)
              held -= part.data.length + 100
            }
          }, max)
          for (const [i, [key, hashKey, length, flushes]] of input.entries()) {
            if (flushes === 0) aggregator.flush()
            const data = Buffer.alloc(Math.min(length, max - 10), i)
            note(expected, { key, hashKey, data })
            held += data.length + 100
            aggregator.add(new PutRecord(data, key, hashKey))
            expect(aggregator.heldBytes).toBe(held)
          }
          aggregator.flush()
          expect(aggregator.heldBytes).toBe(0)
          expect(found).toEqual(expected)
        },
      ),
    )
  })
})
