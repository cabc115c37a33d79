import fc from 'fast-check'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { json } from '../../connectors/json-format.ts'
import type { StandardSchema } from '../../connectors/standard-schema.ts'
import { decode } from './decode.ts'

/** Objects without integers beyond 2^53, which are not read back as numbers (N3). */
const record = fc
  .dictionary(
    fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'é', 'first name')),
    fc.jsonValue({ maxDepth: 2 }),
  )
  .map((object): unknown =>
    JSON.parse(JSON.stringify(object), (_, value: unknown) =>
      Number.isInteger(value) && !Number.isSafeInteger(value) ? 0 : value,
    ),
  )

/** Lines as different programs write them. */
const style = fc.record({
  crlf: fc.boolean(),
  byteOrderMark: fc.boolean(),
  lastLineEnd: fc.boolean(),
  blankLines: fc.boolean(),
})

function writeLines(
  texts: readonly string[],
  { crlf, byteOrderMark, lastLineEnd, blankLines }: ReturnType<typeof style.generate>['value'],
): { readonly bytes: Buffer; readonly ends: readonly number[] } {
  const lineEnd = crlf ? '\r\n' : '\n'
  let all = byteOrderMark ? '\ufeff' : ''
  const ends: number[] = []
  texts.forEach((text, i) => {
    all += text
    if (i < texts.length - 1 || lastLineEnd) all += lineEnd
    ends.push(Buffer.byteLength(all))
    if (blankLines && (i < texts.length - 1 || lastLineEnd)) all += ` \t${lineEnd}`
  })
  return { bytes: Buffer.from(all), ends }
}

const positive: StandardSchema<{ amount: number }> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const { amount } = value as { amount: number }
      if (amount > 0) return { value: { amount: amount * 2 } }
      return { issues: [{ message: 'is not positive', path: [{ key: 'amount' }] }] }
    },
  },
}

describe('json', () => {
  it('infers the record type from its argument or its schema', () => {
    expectTypeOf(json<{ a: number }>()._type).toEqualTypeOf<{ a: number } | undefined>()
    expectTypeOf(json({ validate: positive })._type).toEqualTypeOf<{ amount: number } | undefined>()
  })

  it('reads what it writes', () => {
    fc.assert(
      fc.property(fc.array(record), (records) => {
        const format = json()
        const text = records.map((one) => format.encode(one)).join('')
        const expected = records.map((one) => JSON.parse(JSON.stringify(one)) as unknown)
        expect(decode(format, text)).toMatchObject({ values: expected, bad: [] })
      }),
    )
  })

  it('resumes behind every record, whatever the chunks (R32)', () => {
    fc.assert(
      fc.property(
        fc.array(record, { maxLength: 6 }),
        style,
        fc.integer({ min: 1, max: 40 }),
        (records, how, chunk) => {
          const texts = records.map((one) => JSON.stringify(one))
          const { bytes, ends } = writeLines(texts, how)
          const whole = decode(json(), bytes, chunk)
          expect(whole.bad).toEqual([])
          expect(whole.values.map((value) => JSON.stringify(value))).toEqual(
            texts.map((text) => JSON.stringify(JSON.parse(text))),
          )
          expect(whole.positions.map((position) => position.offset)).toEqual(ends)
          whole.positions.forEach((position, i) => {
            const rest = decode(json(), bytes.subarray(position.offset), chunk, position)
            expect(rest.values).toEqual(whole.values.slice(i + 1))
            expect(rest.positions).toEqual(whole.positions.slice(i + 1))
          })
        },
      ),
      { numRuns: 100 },
    )
  })

  it.each([
    ['{"a":', 'is not JSON'],
    ['{} {}', 'is not JSON'],
    ['undefined', 'is not JSON'],
  ])('reports %s, and reads on', (line, problem) => {
    const found = decode(json(), `1\n${line}\n2`)
    expect(found.values).toEqual([1, 2])
    expect(found.bad).toMatchObject([
      { line: 2, offset: 2, raw: line, problem: expect.stringContaining(problem) },
    ])
  })

  it('reports bytes that are not UTF-8', () => {
    const bytes = Buffer.concat([Buffer.from('"é"\n"'), Buffer.from([0xff]), Buffer.from('"\n"ü"')])
    const found = decode(json(), bytes)
    expect(found.values).toEqual(['é', 'ü'])
    expect(found.bad).toMatchObject([{ line: 2, problem: 'is not valid UTF-8' }])
  })

  it.each([
    ['{"card":9007199254740993}', 'card', '9007199254740993', 'bigints: true'],
    ['{"a":[-123456789012345678901]}', '0', '-123456789012345678901', 'bigints: true'],
    ['1e400', undefined, '1e400', 'beyond the range'],
    ['{"x":-1e999}', 'x', '-1e999', 'beyond the range'],
  ])('does not round %s in silence (N3)', (line, column, value, problem) => {
    const found = decode(json(), `${line}\n`)
    expect(found.values).toEqual([])
    expect(found.bad).toMatchObject([{ value, problem: expect.stringContaining(problem) }])
    expect(found.bad[0]?.column).toBe(column)
  })

  it.each(['9007199254740991', '1e3', '0.12345678901234567890', '1e308', '"9007199254740993"'])(
    'takes %s as it is',
    (line) => expect(decode(json(), line).values).toEqual([JSON.parse(line)]),
  )

  it('reads integers of any length as bigints where asked to, and writes them (N3)', () => {
    const format = json({ bigints: true })
    fc.assert(
      fc.property(fc.bigInt(), (n) => {
        const value = Number.isSafeInteger(Number(n)) ? Number(n) : n
        expect(decode(format, format.encode({ n })).values).toEqual([{ n: value }])
      }),
    )
  })

  it('checks and converts with a schema', () => {
    const found = decode(json({ validate: positive }), '{"amount":2}\n{"amount":-1}\n{"amount":3}')
    expect(found.values).toEqual([{ amount: 4 }, { amount: 6 }])
    expect(found.bad).toMatchObject([
      { column: 'amount', problem: 'does not fit the schema: is not positive', line: 2 },
    ])
  })

  it('refuses a schema that answers with a promise', () => {
    const validate = {
      '~standard': { ...positive['~standard'], validate: async () => ({ value: { amount: 1 } }) },
    }
    expect(() => decode(json({ validate }), '{}')).toThrow(
      expect.objectContaining({ code: 'MR_FORMAT_INVALID' }),
    )
  })

  it('reports what a schema throws', () => {
    const found = decode(json({ validate: positive }), 'null\n{"amount":1}')
    expect(found.values).toEqual([{ amount: 2 }])
    expect(found.bad).toMatchObject([
      { problem: expect.stringContaining('does not fit the schema') },
    ])
  })
})
