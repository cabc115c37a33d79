import fc from 'fast-check'
import type { Key } from '../../runtime/key.ts'

/** Names that break encoders which treat them as anything but text (N26). */
export const HOSTILE_NAMES: readonly string[] = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '',
  '0',
  '10',
  'first name',
  '"',
  "'",
  '`${process.exit(1)}`',
  '\\',
  '\u2028',
  '\0',
  '\ud800',
  ']};throw 1;//',
  'größe',
  '日本語',
]

const text: fc.Arbitrary<string> = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ minLength: 13, maxLength: 60 }),
  fc.constantFrom('', '\0', '\ud800', '\udc00x', 'a\ud800b', 'ÿ', 'é'.repeat(40), '日本語', '😀'),
)

const number: fc.Arbitrary<number> = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.maxSafeInteger(),
  fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 2 ** 31, -(2 ** 31), 2 ** 53, Number.MIN_VALUE),
)

const bigint: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt(),
  fc.bigInt({ min: -(2n ** 300n), max: 2n ** 300n }),
  fc.constantFrom(0n, -1n, 2n ** 63n, 2n ** 63n - 1n, -(2n ** 63n), -(2n ** 63n) - 1n, 2n ** 64n),
)

const bytes: fc.Arbitrary<Uint8Array> = fc
  .uint8Array({ maxLength: 80 })
  .map((array) => new Uint8Array(array))

const name: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', 'b', 'seq', 'amt') },
  { weight: 1, arbitrary: fc.constantFrom(...HOSTILE_NAMES) },
)

/** A plain object with these fields in this order; `__proto__` is a field like any other. */
export function objectOf(entries: readonly (readonly [string, unknown])[]): object {
  const object = {}
  for (const [field, value] of entries) defineField(object, field, value)
  return object
}

/** As `objectOf`, without a prototype. */
export function bareObjectOf(entries: readonly (readonly [string, unknown])[]): object {
  const object = Object.create(null) as object
  for (const [field, value] of entries) defineField(object, field, value)
  return object
}

function defineField(object: object, field: string, value: unknown): void {
  Object.defineProperty(object, field, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  })
}

/** Any value of the type table (R18). */
export const anyValue: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown; leaf: unknown }>(
  (tie) => ({
    leaf: fc.oneof(
      number,
      text,
      fc.boolean(),
      fc.constantFrom(null, undefined),
      bigint,
      fc.date({ noInvalidDate: false }),
      bytes,
    ),
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      tie('leaf'),
      fc.array(tie('value'), { maxLength: 5 }),
      fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 3 }).map((all) => new Map(all)),
      fc.array(tie('value'), { maxLength: 3 }).map((all) => new Set(all)),
      fc.array(fc.tuple(name, tie('value')), { maxLength: 5 }).map(objectOf),
      fc.array(fc.tuple(name, tie('value')), { maxLength: 3 }).map(bareObjectOf),
    ),
  }),
).value

/** Plain objects of any values, as most records are. */
export const anyRecord: fc.Arbitrary<object> = fc
  .array(fc.tuple(name, anyValue), { maxLength: 6 })
  .map(objectOf)

/** Any key (R19). */
export const anyKey: fc.Arbitrary<Key> = fc.letrec<{ key: Key }>((tie) => ({
  key: fc.oneof(
    { depthSize: 'small' },
    number.filter((n) => !Number.isNaN(n)),
    text,
    bigint,
    bytes,
    fc.array(tie('key'), { maxLength: 4 }),
  ),
})).key
