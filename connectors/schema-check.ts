import { StreamError } from '../runtime/errors.ts'
import type { BadRow } from './read-format.ts'
import type { SchemaResult, StandardSchema } from './standard-schema.ts'

/** A value that fits a schema, as that has converted it, or why it does not fit. */
export type Checked<T> =
  | { readonly value: T; readonly bad?: undefined }
  | { readonly value?: undefined; readonly bad: BadRow }

/** Checks and converts a value with a Standard Schema; one that answers with a promise fails with `MR_FORMAT_INVALID`. */
export function checkWithSchema<T>(schema: StandardSchema<T>, value: unknown): Checked<T> {
  let result: SchemaResult<T> | Promise<SchemaResult<T>>
  try {
    result = schema['~standard'].validate(value)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { bad: { problem: `does not fit the schema, which threw: ${reason}` } }
  }
  if ('then' in result) {
    throw new StreamError(
      'MR_FORMAT_INVALID',
      `json(): the schema of "validate" answers with a promise, which a synchronous reader cannot wait for; ` +
        `use a schema without asynchronous checks.`,
    )
  }
  if (result.issues === undefined) return { value: result.value }
  const issue = result.issues[0]
  const path = (issue?.path ?? []).map((part) => (typeof part === 'object' ? part.key : part))
  const problem = `does not fit the schema: ${issue?.message ?? 'no reason given'}`
  return { bad: path.length === 0 ? { problem } : { problem, column: path.map(String).join('.') } }
}
