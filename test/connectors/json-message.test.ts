import fc from 'fast-check'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { json } from '../../connectors/json-format.ts'
import type { MessageFormat } from '../../connectors/message-format.ts'
import type { StandardSchema } from '../../connectors/standard-schema.ts'
import { problemOf, read, survives, write } from './messages.ts'

const positive: StandardSchema<{ amount: number }> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const { amount } = value as { amount: number }
      if (amount > 0) return { value: { amount: amount * 2 } }
      return { issues: [{ message: 'is not positive', path: ['amount'] }] }
    },
  },
}

/** Values without integers beyond 2^53 and without -0, which JSON does not keep. */
const plain = fc
  .jsonValue({ maxDepth: 3 })
  .map((value): unknown =>
    JSON.parse(JSON.stringify(value), (_, part: unknown) =>
      Number.isInteger(part) && !Number.isSafeInteger(part) ? 0 : part,
    ),
  )

describe('json messages', () => {
  it('infer the type of the value from the argument, the schema, or what is expected', () => {
    expectTypeOf(json<{ a: number }>()).toExtend<MessageFormat<{ a: number }>>()
    expectTypeOf(json({ validate: positive })._message).toEqualTypeOf<
      { amount: number } | undefined
    >()
    const source = <T>(given: { value: MessageFormat<T> }): T => given as T
    expectTypeOf(source({ value: json<{ a: number }>() })).toEqualTypeOf<{ a: number }>()
    const sink =
      <T>(given: { value: MessageFormat<T> }): ((value: T) => void) =>
      () =>
        void given
    const write: (value: { a: number }) => void = sink({ value: json() })
    expect(write).toBeTypeOf('function')
  })

  it('are read as they were written', () => {
    fc.assert(
      fc.property(plain, (value) => {
        expect(read(json(), write(json(), value))).toEqual(value)
        expect(write(json(), value).toString()).toBe(JSON.stringify(value))
      }),
    )
  })

  it('hold bigints exactly where asked to, and round nothing in silence', () => {
    fc.assert(
      fc.property(fc.bigInt(), (n) => {
        const value = Number.isSafeInteger(Number(n)) ? Number(n) : n
        const format = json({ bigints: true })
        expect(read(format, write<unknown>(format, { n }))).toEqual({ n: value })
      }),
    )
    expect(problemOf(json(), '{"card":9007199254740993}')).toBe(
      'has the field "card" with the value "9007199254740993", which is an integer beyond 2^53, which a number ' +
        'cannot hold exactly (use bigints: true)',
    )
    expect(problemOf(json(), '1e400')).toBe('is "1e400", which is beyond the range of numbers')
  })

  it('are checked and converted with a schema', () => {
    const format = json({ validate: positive })
    expect(read(format, '{"amount":2}')).toEqual({ amount: 4 })
    expect(problemOf(format, '{"amount":-2}')).toBe(
      'has the field "amount", which does not fit the schema: is not positive',
    )
    expect(problemOf(format, 'null')).toMatch(/^does not fit the schema, which threw: /)
  })

  it('are refused with a schema that answers with a promise', () => {
    const validate = {
      '~standard': { ...positive['~standard'], validate: async () => ({ value: { amount: 1 } }) },
    }
    expect(() => read(json({ validate }), '{}')).toThrow(
      expect.objectContaining({ code: 'MR_FORMAT_INVALID' }),
    )
  })

  it.each([
    ['', 'is not JSON: '],
    ['{"a":1', 'is not JSON: '],
    ['{} {}', 'is not JSON: '],
    ['undefined', 'is not JSON: '],
    [Buffer.from([0x22, 0xff, 0x22]), 'is not valid UTF-8'],
    ['['.repeat(1_000_000), 'is n'],
  ])('are bad when they are %o', (bytes, problem) => {
    expect(problemOf(json(), bytes)).toContain(problem)
  })

  it('may hold the replacement character', () => {
    expect(read(json(), '"\ufffd"')).toBe('\ufffd')
  })

  it('survive any bytes', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => survives(json(), bytes)))
  })

  it('cannot hold what JSON would change', () => {
    expect(() => write<unknown>(json(), { a: new Map() })).toThrow(
      expect.objectContaining({
        code: 'MR_VALUE_UNSUPPORTED',
        fields: expect.objectContaining({ path: 'a' }),
      }),
    )
  })
})
