import fc from 'fast-check'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { csv } from '../../connectors/csv-format.ts'
import { decode } from './decode.ts'
import { nastyRows, nastyStyle, writeCsv } from './nasty-csv.ts'

const HEADER = ['a', 'b', 'é']

const toRecord = (row: readonly string[]) => Object.fromEntries(HEADER.map((n, i) => [n, row[i]]))

describe('csv', () => {
  it('infers the record from the columns (N3)', () => {
    const format = csv({
      columns: { seq: 'number', card: 'string', flag: 'boolean', big: 'bigint' },
    })
    expectTypeOf(format._type).toEqualTypeOf<
      { seq: number; card: string; flag: boolean; big: bigint } | undefined
    >()
    expectTypeOf(csv()._type).toEqualTypeOf<Record<string, string> | undefined>()
    // @ts-expect-error there is no such type of column
    expect(() => csv({ columns: { seq: 'int' } })).toThrow('columns.seq is "int"')
  })

  it('reads every file that a CSV writer can write, whatever the chunks (R32)', () => {
    fc.assert(
      fc.property(nastyRows, nastyStyle, fc.integer({ min: 1, max: 40 }), (rows, style, chunk) => {
        const { bytes, ends } = writeCsv([HEADER, ...rows], style)
        const found = decode(csv(), bytes, chunk)
        expect(found.bad).toEqual([])
        expect(found.values).toEqual(rows.map(toRecord))
        expect(found.positions.map((p) => p.offset)).toEqual(ends.slice(1))
        expect(found.starts).toEqual(ends.slice(0, -1))
      }),
      { numRuns: 300 },
    )
  })

  it('goes on behind every record from its offset, line and header (R32)', () => {
    fc.assert(
      fc.property(nastyRows, nastyStyle, fc.integer({ min: 1, max: 40 }), (rows, style, chunk) => {
        const { bytes } = writeCsv([HEADER, ...rows], style)
        const whole = decode(csv(), bytes)
        whole.positions.forEach((position, i) => {
          const rest = decode(csv(), bytes.subarray(position.offset), chunk, position)
          expect(rest.values).toEqual(whole.values.slice(i + 1))
          expect(rest.positions).toEqual(whole.positions.slice(i + 1))
        })
      }),
      { numRuns: 100 },
    )
  })

  it('converts the wanted columns and leaves out the others', () => {
    const format = csv({ columns: { n: 'number', card: 'string', ok: 'boolean', big: 'bigint' } })
    const text =
      'x,card,n,ok,big\n,4613314721966000001,-1.5e3,TRUE,-12345678901234567890\n,0,+.5,0,7\n'
    expect(decode(format, text).values).toEqual([
      { n: -1500, card: '4613314721966000001', ok: true, big: -12345678901234567890n },
      { n: 0.5, card: '0', ok: false, big: 7n },
    ])
  })

  it.each([
    '',
    ' ',
    'abc',
    'NaN',
    'Infinity',
    '-Infinity',
    '0x10',
    '0b1',
    '0o7',
    '1_000',
    '1,5',
    ' 1',
    '1e999',
    '9007199254740993',
    '٣',
  ])('does not take %j for a number', (text) => {
    const found = decode(csv({ columns: { n: 'number' } }), `n,m\n1,\n"${text}",\n2,\n`)
    expect(found.values).toEqual([{ n: 1 }, { n: 2 }])
    expect(found.bad).toMatchObject([{ column: 'n', value: text, line: 3, offset: 7 }])
  })

  it.each([
    '0',
    '-0',
    '007',
    '1.',
    '.5',
    '1e3',
    '1E-3',
    '9007199254740991',
    '0.12345678901234567890',
    '0e5',
  ])('takes %j for a number', (text) => {
    const [record] = decode(csv({ columns: { n: 'number' } }), `n\n${text}\n`).values
    expect(record?.n).toBe(Number(text))
  })

  it('reports rows with another number of fields, and goes on', () => {
    const found = decode(csv(), 'a,b\n1\n1,2\n1,2,3\n\n3,4')
    expect(found.values).toEqual([
      { a: '1', b: '2' },
      { a: '3', b: '4' },
    ])
    expect(found.bad.map(({ line, raw }) => [line, raw])).toEqual([
      [2, '1'],
      [4, '1,2,3'],
    ])
  })

  it('loses one line to a stray quote, not the rest of the file', () => {
    const found = decode(csv(), 'a,b\n1,2\n"x"y,3\n4,5\n"open,6\n7,"8"\n9,10\n')
    expect(found.values.map((r) => r['a'])).toEqual(['1', '4', '7', '9'])
    expect(found.bad.map(({ line, raw }) => [line, raw])).toEqual([
      [3, '"x"y,3'],
      [5, '"open,6'],
    ])
    expect(found.bad.every(({ problem }) => problem.includes('quote'))).toBe(true)
  })

  it('finds the same records with a stray quote wherever the chunks are cut', () => {
    const text = 'a,b\n"x"y,3\r\n4,"é\n"\r\n"open,6\n7,"8"\n"9,10\n1,2'
    const whole = decode(csv(), text)
    expect(whole.bad).toHaveLength(3)
    for (let chunk = 1; chunk < 20; chunk++) expect(decode(csv(), text, chunk)).toEqual(whole)
  })

  it('gives up an endless quoted field after 4 MiB, and reads on behind its first line', () => {
    const line = `${'x'.repeat(96)},3\n`
    const lines = `"open,1\n${line.repeat(48_000)}`
    const found = decode(csv({ columns: { b: 'number' } }), `a,b\n${lines}`, 65_536)
    expect(found.bad.map(({ line }) => line)).toEqual([2])
    expect(found.values).toHaveLength(48_000)
  })

  it('refuses a line that never ends', () => {
    expect(() => decode(csv(), `a,b\n${'x'.repeat(5_000_000)}`, 65_536)).toThrow(
      expect.objectContaining({ code: 'MR_BAD_RECORD' }),
    )
  })

  it('reports bytes that are not UTF-8', () => {
    const bytes = Buffer.concat([
      Buffer.from('a,b\n1,'),
      Buffer.from([0xff, 0x0a]),
      Buffer.from('é,2\n'),
    ])
    const found = decode(csv(), bytes)
    expect(found.bad).toMatchObject([{ column: 'b', problem: 'is not valid UTF-8', line: 2 }])
    expect(found.values).toEqual([{ a: 'é', b: '2' }])
  })

  it('reads files without a header by a list of names, or by all columns in order', () => {
    const columns = { b: 'number' } as const
    expect(decode(csv({ header: ['a', 'b'], columns }), '1,2\n').values).toEqual([{ b: 2 }])
    expect(
      decode(csv({ header: false, columns: { a: 'string', b: 'number' } }), '1,2').values,
    ).toEqual([{ a: '1', b: 2 }])
    expect(decode(csv({ header: false, columns }), '').values).toEqual([])
  })

  it('takes other delimiters and quotes, and none', () => {
    expect(decode(csv({ delimiter: '\t' }), 'a\tb\n1,5\t"2\t"\n').values).toEqual([
      { a: '1,5', b: '2\t' },
    ])
    expect(decode(csv({ quote: "'" }), `a,b\n'1,2','"'\n`).values).toEqual([{ a: '1,2', b: '"' }])
    expect(decode(csv({ quote: false }), 'a,b\n"1,2"\n').values).toEqual([{ a: '"1', b: '2"' }])
  })

  it('keeps hostile column names as they are (N26)', () => {
    const names = ['__proto__', 'constructor', "x'];throw 1//", 'a b', '\u2028', '0']
    const [record] = decode(csv(), `${names.map((n) => `"${n}"`).join(',')}\n1,2,3,4,5,6\n`).values
    expect(Object.keys(record ?? {}).sort()).toEqual(names.sort())
    expect(Object.getPrototypeOf(record)).toBe(Object.prototype)
  })

  it('names the missing column and the found ones in the header', () => {
    const format = csv({ columns: { amount: 'number' } })
    expect(() => decode(format, 'a,b\n1,2\n')).toThrow(
      /line 1.*"amount" is missing \(found: a, b\)/,
    )
    expect(() => decode(csv(), 'a,a\n1,2\n')).toThrow(/"a" occurs twice/)
  })

  it.each([
    { delimiter: ';;' },
    { delimiter: '"' },
    { delimiter: 'é' },
    { quote: ',' },
    { header: false },
    { header: ['a', 'a'] },
    { header: ['a'], columns: { b: 'string' } },
    { header: false, columns: { '1': 'string', a: 'string' } },
  ] as const)('refuses the options %j', (options) => {
    expect(() => csv(options as never)).toThrow(
      expect.objectContaining({ code: 'MR_FORMAT_INVALID' }),
    )
  })
})
