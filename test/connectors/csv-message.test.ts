import fc from 'fast-check'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { csv } from '../../connectors/csv-format.ts'
import type { MessageFormat } from '../../connectors/message-format.ts'
import { decode } from './decode.ts'
import { problemOf, read, survives, write } from './messages.ts'

const columns = {
  text: 'string',
  n: 'number',
  yes: 'boolean',
  big: 'bigint',
  last: 'string',
} as const
const format = csv({ columns })

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.constantFrom('"', ',', ';', '\r', '\n', 'é', ' ', "'", ''))
    .map((parts) => parts.join('')),
)
/** Numbers that are read back: JSON's rule, which holds for CSV too. */
const number = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .map((n) => (Object.is(n, -0) || (Number.isInteger(n) && !Number.isSafeInteger(n)) ? 0 : n))
const record = fc.record(
  { text, n: number, yes: fc.boolean(), big: fc.bigInt(), last: text },
  { noNullPrototype: true },
)

describe('csv messages', () => {
  it('have the type of the columns, or of the names', () => {
    expectTypeOf(format._message).toEqualTypeOf<
      | {
          text: string
          n: number
          yes: boolean
          big: bigint
          last: string
        }
      | undefined
    >()
    const named = csv({ header: ['a', 'b'] })
    expectTypeOf(named).toExtend<MessageFormat<{ a: string; b: string }>>()
    expect(read(named, 'x,y')).toEqual({ a: 'x', b: 'y' })
  })

  it.each([
    {},
    { delimiter: ';', quote: "'" },
    { delimiter: '\t' },
    { delimiter: ']', quote: '^' },
  ])('are read as they were written, with %o', (dialect) => {
    const odd = csv({ columns, ...dialect })
    fc.assert(
      fc.property(record, (value) => {
        const message = write(odd, value)
        expect(read(odd, message)).toStrictEqual(value)
        expect(read(odd, Buffer.concat([message, Buffer.from('\r\n')]))).toStrictEqual(value)
      }),
      { numRuns: 300 },
    )
  })

  it('are files when they are put behind each other, with a header', () => {
    fc.assert(
      fc.property(fc.array(record), (records) => {
        const file = format.header! + records.map((one) => format.encode(one)).join('')
        expect(decode(format, file)).toMatchObject({ values: records, bad: [] })
      }),
    )
    expect(format.header).toBe('text,n,yes,big,last\n')
    expect(csv({ columns, header: false }).header).toBeUndefined()
    expect(csv({ columns: { 'a,"b"': 'string' } }).header).toBe('"a,""b"""\n')
  })

  it('may be one column, and empty', () => {
    const one = csv({ columns: { a: 'string' } })
    fc.assert(fc.property(text, (a) => void expect(read(one, write(one, { a }))).toEqual({ a })))
    expect(read(one, '')).toEqual({ a: '' })
    expect(write(one, { a: '' }).toString()).toBe('""')
  })

  it('have the columns in the order of the header, and of these the wanted ones', () => {
    const some = csv({ header: ['x', 'a', 'b'], columns: { b: 'number', a: 'string' } })
    expect(read(some, 'gone,one,2')).toEqual({ b: 2, a: 'one' })
  })

  it.each([
    ['a,1,true,2', 'has 4 fields where there are 5 columns'],
    ['', 'has 1 fields where there are 5 columns'],
    ['a,x,true,2,b', 'has the field "n" with the value "x", which is not a number'],
    ['a,1,yes,2,b', 'has the field "yes" with the value "yes", which is not a boolean'],
    ['a,9007199254740993,true,2,b', 'which is an integer beyond 2^53'],
    ['"a,1,true,2,b', 'has a quote that is not closed, or text behind a closing quote'],
    ['a,1,true,2,b\na,1,true,2,b', 'has 2 rows, where a message is one'],
    [Buffer.from('61ff2c312c312c322c62', 'hex'), 'which is not valid UTF-8'],
  ])('are bad when they are %j', (bytes, problem) => {
    expect(problemOf(format, bytes)).toContain(problem)
  })

  it('survive any bytes', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => survives(format, bytes)))
    fc.assert(fc.property(text, (bytes) => survives(format, Buffer.from(bytes))))
  })

  it.each([
    [{ n: '1' }, 'column "n" is "1", where a number belongs'],
    [{ n: Infinity }, 'column "n" is a value of type number, where CSV holds finite numbers only'],
    [{ text: undefined }, 'column "text" is a value of type undefined, where a string belongs'],
    [{ text: '\ud800' }, 'half of a surrogate pair'],
  ])('cannot hold %j', (change, problem) => {
    const value = { text: 'a', n: 1, yes: true, big: 1n, last: 'b', ...change }
    expect(() => write<unknown>(format as MessageFormat<unknown>, value)).toThrow(
      expect.objectContaining({
        code: 'MR_VALUE_UNSUPPORTED',
        message: expect.stringContaining(problem),
      }),
    )
  })

  it('cannot hold line ends and delimiters without quotes, nor anything but objects', () => {
    const bare = csv({ columns: { a: 'string' }, quote: false })
    expect(read(bare, write(bare, { a: '"b"' }))).toEqual({ a: '"b"' })
    for (const a of ['x,y', 'x\n', 'x\r']) expect(() => write(bare, { a })).toThrow('needs quotes')
    expect(() => write<unknown>(bare as MessageFormat<unknown>, null)).toThrow('the record is null')
  })

  it('need columns that are known', () => {
    for (const unknown of [csv(), csv({ columns: { 1: 'string' } })]) {
      for (const use of [
        () => read<unknown>(unknown, 'a'),
        () => write<unknown>(unknown as MessageFormat<unknown>, {}),
      ]) {
        expect(use).toThrow(expect.objectContaining({ code: 'MR_FORMAT_INVALID' }))
      }
    }
    expect('encode' in csv()).toBe(false)
  })
})
