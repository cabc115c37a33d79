import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32, zstdDecompressSync } from 'node:zlib'
import avsc from 'avsc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { uncompressSync } from 'snappy'
import { avroType } from '../../../connectors/formats/avro-codec.ts'
import { avroFile } from '../../../connectors/formats/avro-file.ts'
import { AVRO_CODECS, type AvroCompression } from '../../../connectors/formats/avro-file-codecs.ts'
import { temporaryFolders } from '../temporary-folder.ts'

const newFolder = temporaryFolders()

const order = {
  type: 'record',
  name: 'shop.Order',
  doc: 'What was ordered',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'note', type: ['null', 'string'], default: null },
    { name: 'tags', type: { type: 'array', items: 'string' } },
  ],
}

type Decompress = (bytes: Buffer, done: (error: Error | null, plain?: Buffer) => void) => void

/** As avsc takes those that it does not bring with it. */
const codecs: Readonly<Record<string, Decompress>> = {
  ...avsc.streams.BlockDecoder.defaultCodecs(),
  snappy(bytes, done) {
    const plain = uncompressSync(bytes.subarray(0, -4)) as Buffer
    const isGood = crc32(plain) === bytes.readUInt32BE(bytes.length - 4)
    done(isGood ? null : new Error('checksum'), plain)
  },
  zstandard: (bytes, done) => done(null, zstdDecompressSync(bytes)),
}

/** What avsc finds in a file; `parseHook` makes the type of the schema in it. */
async function decode(
  file: Uint8Array,
  parseHook?: (schema: unknown) => unknown,
): Promise<unknown[]> {
  const path = join(await newFolder(), 'rows.avro')
  await writeFile(path, file)
  const values: unknown[] = []
  const options = { codecs, ...(parseHook === undefined ? {} : { parseHook }) }
  for await (const value of avsc.createFileDecoder(path, options as never)) values.push(value)
  return values
}

const rows = fc.record(
  {
    id: fc.maxSafeInteger(),
    at: fc.nat(),
    note: fc.option(fc.string({ unit: 'binary' })),
    tags: fc.array(fc.string({ maxLength: 5 }), { maxLength: 3 }),
  },
  { noNullPrototype: true },
)
const step = fc.oneof(
  { weight: 6, arbitrary: rows },
  { weight: 1, arbitrary: fc.constant('cut' as const) },
  { weight: 1, arbitrary: fc.constantFrom(10_000, 200_000) },
)

describe('avroFile', () => {
  it.each(Object.keys(AVRO_CODECS) as AvroCompression[])(
    'has all records so far at each cut, compressed by %s',
    async (compression) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
          const encoder = avroFile({ schema: order, compression }).createEncoder()
          const blocks: Uint8Array[] = []
          const given: unknown[] = []
          const expectRecords = async (end: Uint8Array) => {
            const type = (schema: unknown) => avroType(schema as object, 'number')
            expect(await decode(Buffer.concat([...blocks, end]), type)).toStrictEqual(given)
          }
          for (const one of steps) {
            if (one === 'cut') {
              const { bytes, closing } = encoder.cut(0)
              blocks.push(bytes)
              await expectRecords(closing)
              continue
            }
            const record =
              typeof one === 'number' ? { id: 1, at: 2, note: 'x'.repeat(one), tags: [] } : one
            encoder.add(record)
            given.push(record)
            if (encoder.isFull) blocks.push(encoder.take())
          }
          await expectRecords(encoder.end())
        }),
        { numRuns: 20 },
      )
    },
    60_000,
  )

  it('is a file for avsc alone, with its schema, its codec, and a marker of its own', async () => {
    const format = avroFile<unknown>({ schema: JSON.stringify(order) })
    const files = [format.createEncoder(), format.createEncoder()].map((encoder) => {
      encoder.add({ id: 5, at: 6, note: 'é', tags: ['a'] })
      return Buffer.from(encoder.end())
    })
    const [found] = await decode(files[0]!)
    expect({ ...(found as object) }).toEqual({ id: 5, at: 6, note: 'é', tags: ['a'] })
    const header = files[0]!.toString('latin1')
    expect(header.startsWith('Obj\x01')).toBe(true)
    expect(header).toContain(JSON.stringify(order))
    expect(header).toContain('avro.codec')
    const [first, second] = files.map((file) => file.subarray(-16).toString('hex'))
    expect(first).not.toBe(second)
    expect(format.suffix).toBe('.avro')
  })

  it('has all 64 bits of longs as bigints', async () => {
    const encoder = avroFile({ schema: 'long', longs: 'bigint' }).createEncoder()
    const given = [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)]
    for (const value of given) encoder.add(value)
    const type = (schema: unknown) => avroType(schema as string, 'bigint')
    expect(await decode(encoder.end(), type)).toEqual(given)
  })

  it('makes blocks of 128 KiB, whatever the records are', () => {
    const encoder = avroFile({ schema: 'string', compression: 'none' }).createEncoder()
    const header = encoder.heldBytes
    let records = 0
    for (; !encoder.isFull; records++) encoder.add('x'.repeat(1_000))
    expect(records).toBe(Math.ceil((128 * 1024) / 1_002))
    expect(encoder.heldBytes).toBe(header + records * 1_002)
    expect(encoder.take().byteLength).toBe(header + records * 1_002 + 2 + 3 + 16)
    expect([encoder.heldBytes, encoder.take().byteLength]).toEqual([0, 0])
  })

  it.each([
    [{ id: 1.5, at: 1, note: null, tags: [] }, 'field id is 1.5 (number)'],
    [{ id: 1, at: 1, note: 5, tags: [] }, 'field note is 5 (number)'],
    [{ id: 1, at: 1, note: null, tags: ['a', null] }, 'field tags.1 is null'],
    [{ id: 1, at: 1, note: null }, 'field tags is undefined'],
    [5, 'the value is 5'],
  ])('refuses %j, names its place, and has nothing of the record', async (record, place) => {
    const encoder = avroFile({ schema: order }).createEncoder()
    const good = { id: 1, at: 1, note: 'first', tags: [] }
    encoder.add(good)
    const before = encoder.heldBytes
    expect(() => encoder.add(record)).toThrow(
      expect.objectContaining({
        name: 'StreamError',
        code: 'MR_VALUE_UNSUPPORTED',
        message: expect.stringMatching(/^avroFile\(\): .*the record cannot be written/) as string,
      }),
    )
    expect(() => encoder.add(record)).toThrow(place)
    expect(encoder.heldBytes).toBe(before)
    encoder.add({ ...good, id: 2 })
    const found = await decode(encoder.end())
    expect(found.map((one) => (one as { id: number }).id)).toEqual([1, 2])
  })

  it.each([
    ['schema is missing', {}],
    ['schema is no Avro schema', { schema: { type: 'no' } }],
    ['compression is "gzip"', { schema: 'int', compression: 'gzip' }],
    ['longs is "text"', { schema: 'int', longs: 'text' }],
    ['registry', { schema: 'int', registry: {} }],
  ])('refuses options: %s', (problem, options) => {
    expect(() => avroFile(options as never)).toThrow(
      expect.objectContaining({
        code: 'MR_FORMAT_INVALID',
        message: expect.stringContaining(problem) as string,
      }),
    )
  })
})
