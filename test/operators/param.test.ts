import { describe, expect, test } from 'vitest'
import { param, type ParamDeclarations } from '../../operators/param.ts'
import { JobParameters } from '../../operators/parameters.ts'
import { StreamError } from '../../runtime/errors.ts'

const DECLARED = {
  input: param.string('a.csv', 'Input file'),
  rate: param.number(0, 'Rows per second'),
  dry: param.boolean(false),
  within: param.duration('60m'),
  token: param.secret(),
} satisfies ParamDeclarations

const parameters = new JobParameters('orders', DECLARED)

function parse(given: Record<string, unknown>): Record<string, unknown> {
  return parameters.parse({ token: 'hush', ...given })
}

function problem(
  given: Record<string, unknown>,
  declared: ParamDeclarations = DECLARED,
): StreamError {
  try {
    new JobParameters('orders', declared).parse(given)
  } catch (error) {
    return error as StreamError
  }
  throw new Error('nothing was wrong')
}

describe('parameters', () => {
  test('fill in defaults; durations become milliseconds (N4)', () => {
    expect(parse({})).toEqual({
      input: 'a.csv',
      rate: 0,
      dry: false,
      within: 3_600_000,
      token: 'hush',
    })
  })

  test.each<[string, unknown, unknown]>([
    ['input', '', ''],
    ['rate', '2.5e3', 2_500],
    ['rate', 7, 7],
    ['rate', '-1', -1],
    ['dry', 'true', true],
    ['dry', true, true],
    ['dry', 'false', false],
    ['within', '300ms', 300],
    ['within', '1.5h', 5_400_000],
    ['within', 250, 250],
    ['within', '250', 250],
  ])('take %s = %j from text or as a value (N4)', (name, given, value) => {
    expect(parse({ [name]: given })[name]).toBe(value)
  })

  test('may be parsed again', () => {
    const once = parse({ rate: '5', within: '10s', dry: 'true' })
    expect(parameters.parse(once)).toEqual(once)
  })

  test.each<[string, unknown, string]>([
    ['input', 5, '"input" is 5 (number), not a string'],
    ['rate', 'fast', '"rate" is "fast" (string), not a number'],
    ['rate', '', '"rate" is "" (string), not a number'],
    ['rate', 'Infinity', '"rate" is "Infinity" (string), not a number'],
    ['rate', Number.NaN, '"rate" is NaN (number), not a number'],
    ['dry', 'yes', '"dry" is "yes" (string), not a boolean'],
    ['within', '5 minutes', '"within" is "5 minutes" (string), not a duration'],
    ['within', -1, '"within" is -1 (number), not a duration'],
    ['within', true, '"within" is true (boolean), not a duration'],
    ['token', 123_456, '"token" is of type number, not text'],
  ])('refuse %s = %j (N4)', (name, given, text) => {
    const error = problem({ token: 'hush', [name]: given })
    expect(error.code).toBe('MR_PARAMETER_INVALID')
    expect(error.message).toContain(text)
  })

  test('tell everything that is wrong and what there is, in one message (N4)', () => {
    expect(problem({ rat: '5', dry: 'no' }).message).toBe(
      'Parameters of job "orders": "rat" is unknown, "dry" is "no" (string), not a boolean, "token" is not given and has no default; ' +
        'the graph cannot be built from them; the job has: input (string, default "a.csv") Input file; rate (number, default "0") Rows per second; ' +
        'dry (boolean, default "false"); within (duration, default "60m"); token (secret).',
    )
    expect(problem({ a: 1 }, {}).message).toContain('the job has no parameters')
  })

  test('never show a secret, nor its default (N4)', () => {
    const declared = { token: param.secret('swordfish', 'Token'), rate: param.number() }
    const secretive = new JobParameters('orders', declared)
    const error = problem({ token: 987_654, rate: 'x' }, declared)
    expect(`${error.message}${JSON.stringify(error.fields)}`).not.toMatch(/swordfish|987654/)
    expect(JSON.stringify(secretive.list)).not.toContain('swordfish')
    expect(secretive.withoutSecrets(secretive.parse({ rate: 1, token: 'hush' }))).toEqual({
      rate: 1,
    })
  })

  test('are required without a default, also with a description only', () => {
    expect(problem({}, { path: param.string(undefined, 'Where') }).message).toContain(
      '"path" is not given and has no default; the graph cannot be built from them; the job has: path (string) Where',
    )
  })

  test('are listed as a user would write their defaults', () => {
    expect(parameters.list.map(({ name, type, defaultText }) => [name, type, defaultText])).toEqual(
      [
        ['input', 'string', 'a.csv'],
        ['rate', 'number', '0'],
        ['dry', 'boolean', 'false'],
        ['within', 'duration', '60m'],
        ['token', 'secret', undefined],
      ],
    )
    const [first] = new JobParameters('orders', { pause: param.duration(500) }).list
    expect(first?.defaultText).toBe('500ms')
  })

  test('do not take what lies on the prototype for given or declared (N26)', () => {
    expect(problem({ constructor: 'x' }).message).toContain('"constructor" is unknown')
    const given = JSON.parse('{"__proto__": {"rate": 5}, "token": "hush"}') as Record<
      string,
      unknown
    >
    expect(problem(given).message).toContain('"__proto__" is unknown')
    const inherited = Object.create({ rate: 5, token: 'hush' }) as Record<string, unknown>
    expect(problem(inherited).message).toContain('"token" is not given')
  })

  test.each(['', 'a b', 'a=b', '9', '-a', '__proto__'])('cannot be called %j', (name) => {
    const declared = Object.fromEntries([[name, param.string()]])
    expect(() => new JobParameters('orders', declared)).toThrow(
      expect.objectContaining({ code: 'MR_PARAMETER_INVALID' }),
    )
  })

  test.each([5, null, undefined, {}])('cannot be declared by %j', (declared) => {
    expect(() => new JobParameters('orders', { rate: declared as never })).toThrow(
      expect.objectContaining({ code: 'MR_PARAMETER_INVALID' }),
    )
  })
})
