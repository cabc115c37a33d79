import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type CsvField,
  parseBigint,
  parseBoolean,
  parseNumber,
  rowConverter,
} from '../../connectors/csv-convert.ts'

/** Texts as they stand in files: one character a byte. */
const text = fc.oneof(
  fc.string(),
  fc.double().map(String),
  fc.bigInt().map(String),
  fc.constantFrom(
    '',
    'true',
    'FALSE',
    '1',
    '0',
    '-',
    '+1',
    '1e5',
    '0x10',
    ' 1',
    '1 ',
    '\u00c3\u00a9',
    '\u00ff',
  ),
)
const names = fc.uniqueArray(
  fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'constructor', '`${x}`')),
  { minLength: 1, maxLength: 5 },
)
const type = fc.constantFrom<CsvField['type']>('string', 'number', 'boolean', 'bigint')

describe('rowConverter', () => {
  it('gives the same records with generated code and without, whatever the names (N26)', () => {
    fc.assert(
      fc.property(
        names,
        fc.array(type, { minLength: 5, maxLength: 5 }),
        fc.array(text, { minLength: 5, maxLength: 5 }),
        fc.boolean(),
        (all, types, row, isAscii) => {
          const fields = all.map((name, index) => ({
            name,
            index,
            type: types[index] as CsvField['type'],
          }))
          const convert = (generate: boolean) => {
            let failed = -1
            const fail = (field: number) => {
              failed = field
              return undefined
            }
            const record = rowConverter(fields, isAscii, fail, generate)(row)
            return { record, failed }
          }
          const generated = convert(true)
          const looped = convert(false)
          expect(generated.record).toStrictEqual(looped.record)
          expect(generated.failed === -1).toBe(looped.failed === -1)
          if (generated.record === undefined) return
          expect(Object.keys(generated.record as object).sort()).toEqual([...all].sort())
          expect(Object.getPrototypeOf(generated.record)).toBe(Object.prototype)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('decodes characters of several bytes, and refuses what is none', () => {
    const fields = [{ name: 'a', index: 0, type: 'string' } as const]
    const convert = rowConverter(fields, false, () => undefined)
    expect(convert(['\u00c3\u00a9'])).toEqual({ a: 'é' })
    expect(convert(['\u00ff'])).toBe(undefined)
  })
})

describe('conversions', () => {
  it('takes every number that JavaScript writes, but integers that may have lost digits', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = String(value)
        const isLossy = text.length > 15 && Number.isInteger(value) && !Number.isSafeInteger(value)
        expect(parseNumber(text)).toBe(isLossy ? Number.NaN : Number(text))
      }),
    )
  })

  it('takes integers of any length as bigints', () => {
    fc.assert(
      fc.property(fc.bigInt(), (value) => {
        expect(parseBigint(String(value))).toBe(value)
      }),
    )
    for (const bad of ['', '-', '1.0', '1e3', ' 1', '0x1', '+1'])
      expect(parseBigint(bad)).toBe(undefined)
  })

  it('takes true, false, 1 and 0 as booleans', () => {
    expect(['true', 'True', '1'].map(parseBoolean)).toEqual([true, true, true])
    expect(['false', 'FALSE', '0'].map(parseBoolean)).toEqual([false, false, false])
    expect(['', 'yes', 't', '2', ' true'].map(parseBoolean)).toEqual(Array(5).fill(undefined))
  })
})
