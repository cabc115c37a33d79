import { describe, expect, it } from 'vitest'
import { checkOptionNames, type OptionNames, optionProblem } from '../../runtime/option-names.ts'

interface Options {
  readonly offset?: number
  readonly stagger?: string
}

const NAMES: OptionNames<Options> = { offset: true, stagger: true }

function message(given: unknown): string | undefined {
  return optionProblem(given, Object.keys(NAMES), 'windows()')?.message
}

describe('the names of options', () => {
  it('pass where they are known, or set nothing', () => {
    const fine = [undefined, {}, { offset: 1 }, { offset: undefined }, { ofset: undefined }]
    for (const given of fine) expect(message(given)).toBeUndefined()
    expect(message(Object.create({ ofset: 1 }))).toBeUndefined()
  })

  it('are told with the nearest one that there is', () => {
    expect(message({ ofset: 1 })).toBe(
      'windows() has the option "ofset", which there is not; it would do nothing; write "offset".',
    )
    expect(message({ ofset: 1, stager: 'x', offset: 2 })).toBe(
      'windows() has the options "ofset", "stager", which there are not; it would do nothing; write "offset", "stagger".',
    )
    expect(message({ toString: 1 })).toContain(
      '"toString", which there is not; it would do nothing; there are offset, stagger.',
    )
    expect(message(JSON.parse('{ "__proto__": 1 }'))).toContain('"__proto__", which there is not')
    expect(optionProblem({ b: 1 }, ['rate'], 'it')?.message).toContain('there is rate.')
  })

  it.each([
    [null, 'null (object)'],
    ['1h', '"1h" (string)'],
    [5, '5 (number)'],
    [['1h'], 'an array'],
    [() => 'offset', 'a function'],
  ])('are none of %j', (given, shown) => {
    expect(message(given)).toBe(
      `windows() was given ${shown} where its options belong; it would do nothing; give an object with offset, stagger.`,
    )
  })

  it('fail with the code of what they were given to, and name the option', () => {
    expect(() => checkOptionNames({ ofset: 1 }, NAMES, 'csv()', 'MR_FORMAT_INVALID')).toThrow(
      expect.objectContaining({ code: 'MR_FORMAT_INVALID', fields: { option: 'ofset' } }),
    )
  })

  it('are all of those of a type', () => {
    // @ts-expect-error stagger is missing
    const missing: OptionNames<Options> = { offset: true }
    // @ts-expect-error there is no gap
    const surplus: OptionNames<Options> = { ...NAMES, gap: true }
    const either: OptionNames<{ readonly a: 1 } | { readonly b?: 2 }> = { a: true, b: true }
    expect([missing, surplus, either]).toHaveLength(3)
  })
})
