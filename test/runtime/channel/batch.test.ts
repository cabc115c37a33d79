import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BatchDecoder } from '../../../runtime/channel/batch-decoder.ts'
import { BatchEncoder } from '../../../runtime/channel/batch-encoder.ts'
import { StreamError } from '../../../runtime/errors.ts'
import { HOSTILE_NAMES, anyRecord, anyValue, objectOf } from '../../harness/arbitrary-values.ts'
import { exactly } from '../../harness/exactly.ts'
import { type Entry, append, records, roundTrip, takeApart } from './batch-run.ts'

const timestamp = fc.oneof(fc.integer(), fc.constantFrom(-Infinity, Infinity, 1_717_000_000_000))

const plain = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record<T>(model, { noNullPrototype: true })

const control: fc.Arbitrary<Entry> = fc.oneof(
  timestamp.map((watermark) => ({ watermark })),
  fc.constantFrom<Entry>(
    { status: 'active' },
    { status: 'idle' },
    { status: 'finished' },
    { end: true },
  ),
  plain({
    checkpointId: fc.nat(),
    baseId: fc.nat(),
    kind: fc.constantFrom('checkpoint' as const, 'stop' as const),
  }).map((barrier) => ({ barrier })),
)

const position = plain({ n: fc.bigInt(), deep: plain({ s: fc.string({ unit: 'binary' }) }) })

/** Records of a few shapes that come back often, so that code is generated for them, with exceptions in between. */
const warmRecord: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 8, arbitrary: plain({ a: fc.double(), b: fc.string(), c: fc.boolean() }) },
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.integer(), fc.date({ noInvalidDate: false }), position)
      .map(([n, at, pos]) =>
        objectOf([
          ['__proto__', n],
          ['at', at],
          ['pos', pos],
        ]),
      ),
  },
  { weight: 2, arbitrary: plain({ a: anyValue, b: anyValue, c: anyValue }) },
  {
    weight: 1,
    arbitrary: fc.tuple(anyValue, anyValue).map(([n, deep]) =>
      objectOf([
        ['__proto__', n],
        ['at', new Date(5)],
        ['pos', { n, deep }],
      ]),
    ),
  },
  { weight: 1, arbitrary: anyRecord },
  { weight: 1, arbitrary: anyValue },
)

const entryOf = (record: fc.Arbitrary<unknown>): fc.Arbitrary<Entry> =>
  fc.oneof(
    { weight: 9, arbitrary: plain({ record, timestamp }) },
    { weight: 1, arbitrary: control },
  )

/** As many entries as `maxLength` says and fewer; fast-check would keep to ten by itself. */
const batchesOf = (record: fc.Arbitrary<unknown>, maxLength: number): fc.Arbitrary<Entry[][]> =>
  fc.array(fc.array(entryOf(record), { maxLength, size: 'max' }), { maxLength: 4 })

const texts = (batches: readonly (readonly Entry[])[]): string[][] =>
  batches.map((entries) => entries.map((entry) => exactly(entry)))

describe('batches', () => {
  it('give back every value and control element exactly, in order (R8, R10, R18)', () => {
    fc.assert(
      fc.property(batchesOf(fc.oneof(anyRecord, anyValue), 12), fc.boolean(), (batches, reuse) => {
        expect(roundTrip(batches, { reuse })).toEqual(texts(batches))
      }),
      { numRuns: 200 },
    )
  })

  it('do so with generated code at one end, both or none (R18, N26)', () => {
    fc.assert(
      fc.property(
        batchesOf(warmRecord, 120),
        fc.boolean(),
        fc.boolean(),
        (batches, encoder, decoder) => {
          expect(roundTrip(batches, { encoder, decoder })).toEqual(texts(batches))
        },
      ),
      { numRuns: 100 },
    )
  })

  it('take hostile names of fields as names, in generated code too (N26)', () => {
    const flat = (n: number): object =>
      objectOf(HOSTILE_NAMES.map((name, index) => [name, index + n]))
    const values = Array.from({ length: 100 }, (_, n) =>
      n % 2 === 0
        ? flat(n)
        : objectOf(HOSTILE_NAMES.map((name) => [name, flat(n)]).slice(0, 3) as []),
    )
    const batches = [records(values.slice(0, 50)), records(values.slice(50))]
    expect(roundTrip(batches)).toEqual(texts(batches))
    const each = HOSTILE_NAMES.flatMap((name) =>
      Array.from({ length: 40 }, (_, n) => objectOf([[name, `${n}`]])),
    )
    expect(roundTrip([records(each)])).toEqual(texts([records(each)]))
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  it('keep the order of records whose types differ', () => {
    const values = Array.from(
      { length: 300 },
      (_, i) => [{ type: 'a', i }, { type: 'b', i, s: 'x' }, { i }, i][(i * 7) % 4],
    )
    expect(roundTrip([records(values)])).toEqual(texts([records(values)]))
  })

  it('tell a missing field from an undefined one, and fields in another order', () => {
    const values = [
      { a: 1, b: undefined },
      { a: 1 },
      { b: undefined, a: 1 },
      { a: undefined, b: 2 },
      { a: null, b: 3 },
    ]
    const many = Array.from({ length: 60 }, () => values).flat()
    expect(roundTrip([records(many)])).toEqual(texts([records(many)]))
  })

  it('learn what a field holds that was null at first', () => {
    const encoder = new BatchEncoder()
    append(
      encoder,
      records([
        { a: null, s: null },
        { a: null, s: 'text' },
        { a: 2, s: null },
      ]),
    )
    encoder.finish(undefined)
    append(encoder, records(Array.from({ length: 100 }, (_, i) => ({ a: i + 0.5, s: 'text' }))))
    // 8 bytes a number, 8 the timestamp, 8 tags and length, 4 the text: nothing goes through the value codec.
    expect(encoder.byteLength).toBeLessThan(100 * 28 + 64)
  })

  it('go on without shapes once a channel has had 64 of them (N26)', () => {
    const values = Array.from({ length: 500 }, (_, i) => ({ [`k${i % 200}`]: i, same: 'x' }))
    const batches = [records(values), records(values)]
    expect(roundTrip(batches)).toEqual(texts(batches))
    const encoder = new BatchEncoder()
    append(encoder, records(values))
    encoder.finish(undefined)
    append(encoder, records([{ k0: 1, same: 'x' }]))
    const known = encoder.finish(undefined).length
    append(
      encoder,
      records([
        { k199: 1, same: 'x' },
        { k199: 1, same: 'x' },
      ]),
    )
    expect(takeApart(new BatchDecoder(), encoder.finish(undefined))).toHaveLength(2)
    append(encoder, records([{ k0: 1, same: 'x' }]))
    expect(encoder.finish(undefined).length).toBe(known)
  })

  it('take wide, deep and long records', () => {
    const wide = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`f${i}`, i]))
    const fields = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [`f${i}`, i % 2 ? i : `s${i}`]),
    )
    const deep = { a: { b: { c: { d: { e: { f: { g: 1 } } } } } } }
    const values = [
      wide,
      deep,
      { one: fields, two: fields, three: fields },
      { s: 'x'.repeat(1_000_000) },
      { s: '日'.repeat(70_000) },
    ]
    const many = Array.from({ length: 40 }, () => values.slice(0, 3)).flat()
    expect(roundTrip([records(values), records(many)])).toEqual(
      texts([records(values), records(many)]),
    )
  })
})

describe('batch encoder', () => {
  it('refuses what is outside the type table, naming the path, and leaves nothing in the batch (R18)', () => {
    for (const warm of [0, 50, 2_000]) {
      for (const generates of [true, false]) {
        const encoder = new BatchEncoder({ generates })
        const good = records(
          Array.from({ length: warm }, (_, i) => ({
            id: i,
            s: 'first',
            tags: ['a'],
            pos: { x: i },
          })),
        )
        append(encoder, good)
        const bad: [unknown, string][] = [
          [
            { id: 1, s: 'bad', tags: ['a', () => 1], pos: { x: 1 } },
            'record.tags[1] is a function',
          ],
          [{ id: Symbol('s'), s: 'bad', tags: ['a'], pos: { x: 1 } }, 'record.id is a symbol'],
          [{ id: 1, s: 'bad', tags: [], pos: { x: /x/ } }, 'record.pos.x is a RegExp'],
          [
            {
              id: 1,
              tags: [],
              pos: new (class Point {
                x = 1
              })(),
            },
            'record.pos is an instance of Point',
          ],
          [
            new (class Row {
              id = 1
              tags = []
              pos = { x: 1 }
            })(),
            'record is an instance of Row',
          ],
          [
            { other: new Map([[1, new WeakMap()]]) },
            'record.other.get(1) is an instance of WeakMap',
          ],
          [() => 1, 'record is a function'],
        ]
        for (const [value, message] of bad) {
          expect(() => encoder.append(value, 0)).toThrow(
            new RegExp(`^${message.replace(/[.[\]()]/g, '\\$&')}`),
          )
        }
        const after = records([{ id: 1, s: 'last', tags: ['b'], pos: { x: -0 } }])
        append(encoder, after)
        const decoded = takeApart(new BatchDecoder(), encoder.finish(undefined))
        expect(exactly(decoded)).toBe(exactly([...good, ...after]))
      }
    }
  })

  it('finds accessors and hidden fields in the first 1,000 records and in one of 1,024 after that (R18)', () => {
    const encoder = new BatchEncoder()
    const hidden = () => Object.defineProperty({ id: 1 }, 'secret', { value: 2 })
    expect(() =>
      encoder.append(
        {
          get id() {
            return 1
          },
        },
        0,
      ),
    ).toThrow('record.id is an accessor')
    for (let i = 0; i < 998; i++) encoder.append({ id: i }, i)
    expect(() => encoder.append(hidden(), 0)).toThrow('record.secret')
    let refused = 0
    for (let i = 0; i < 1_024 * 3; i++) {
      try {
        encoder.append(hidden(), i)
      } catch {
        refused++
      }
    }
    expect(refused).toBeGreaterThanOrEqual(3)
  })

  it('knows when it is empty, and grows with every entry', () => {
    const encoder = new BatchEncoder()
    expect(encoder.isEmpty).toBe(true)
    let last = encoder.byteLength
    const entries: Entry[] = [
      ...records([{ a: 1 }, { a: 2 }, { s: 'xyz' }, 5, null]),
      { watermark: 3 },
      { end: true },
    ]
    for (const entry of entries) {
      append(encoder, [entry])
      expect(encoder.isEmpty).toBe(false)
      expect(encoder.byteLength).toBeGreaterThan(last)
      last = encoder.byteLength
    }
    expect(encoder.finish(undefined).byteLength).toBe(last)
    expect(encoder.isEmpty).toBe(true)
  })

  it('uses a buffer that came back, but not one that a huge record made (N13)', () => {
    const encoder = new BatchEncoder()
    append(encoder, records([{ a: 1 }]))
    const { buffer } = encoder.finish(undefined)
    append(encoder, records([{ a: 2 }]))
    encoder.finish(buffer)
    append(encoder, records([{ a: 3 }]))
    expect(encoder.finish(undefined).buffer).toBe(buffer)
    append(encoder, records([{ s: 'x'.repeat(2_000_000) }]))
    const huge = encoder.finish(undefined)
    append(encoder, records([{ a: 4 }]))
    encoder.finish(huge.buffer)
    append(encoder, records([{ a: 5 }]))
    expect(encoder.finish(undefined).buffer.byteLength).toBeLessThan(300_000)
  })

  it('works where code may not be generated (N26)', () => {
    const script = fileURLToPath(new URL('./batch-without-generation.ts', import.meta.url))
    const output = execFileSync(
      process.execPath,
      ['--disallow-code-generation-from-strings', script],
      { encoding: 'utf8' },
    )
    expect(output.trim()).toBe('refuses to generate; 200 records the same')
  })
})

describe('batch decoder', () => {
  it('keeps no batch alive through a string that somebody keeps', () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const encoder = new BatchEncoder()
    const decoder = new BatchDecoder()
    const kept: unknown[] = []
    const values = Array.from({ length: 400 }, (_, i) => ({
      card: `400000000000000${i}`,
      text: 'y'.repeat(80),
    }))
    collect()
    const before = process.memoryUsage().heapUsed
    for (let batch = 0; batch < 1_000; batch++) {
      append(encoder, records(values))
      decoder.load(encoder.finish(undefined))
      decoder.next()
      kept.push((decoder.values[batch % 400] as { card: string }).card)
      decoder.next()
    }
    collect()
    // A thousand texts of batches would be 38 MB.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(8_000_000)
    expect(kept).toHaveLength(1_000)
  })

  it('lets go of the records of the last run', () => {
    const encoder = new BatchEncoder()
    const decoder = new BatchDecoder()
    append(encoder, records([{ a: 1 }, [2], 'three']))
    takeApart(decoder, encoder.finish(undefined))
    expect(decoder.values.every((value) => value === undefined)).toBe(true)
  })

  it('ends in entries or in a coded error, whatever was flipped (N25)', () => {
    fc.assert(
      fc.property(
        fc.array(entryOf(warmRecord), { minLength: 1, maxLength: 90, size: 'max' }),
        fc.nat(),
        fc.nat(),
        (entries, at, mask) => {
          const encoder = new BatchEncoder()
          append(encoder, entries)
          const bytes = encoder.finish(undefined)
          bytes[at % bytes.length]! ^= (mask % 255) + 1
          try {
            takeApart(new BatchDecoder(), bytes)
          } catch (error) {
            expect(error).toBeInstanceOf(StreamError)
            expect((error as StreamError).code).toBe('MR_CHECKPOINT_CORRUPT')
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})
