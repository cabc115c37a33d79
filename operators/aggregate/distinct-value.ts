import { StreamError } from '../../runtime/errors.ts'
import { keyProblem } from '../../runtime/key-encoding.ts'
import type { Key } from '../../runtime/key.ts'
import { refusePromise } from '../synchronous.ts'

/** Fails with `MR_AGGREGATE_INVALID` unless a value can be counted: only those that can be keys have an equality. */
export function checkDistinct(value: unknown, name: string): Key {
  const problem = keyProblem(value)
  if (problem === undefined) return value as Key
  refusePromise(value, `of of ${name}`)
  throw new StreamError(
    'MR_AGGREGATE_INVALID',
    `the value of the record (of ${name}) is ${problem}; whether it equals another one cannot be told; return a string, a number but NaN, a bigint, bytes or a tuple of these.`,
    { problem },
  )
}
