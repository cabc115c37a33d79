import { StreamError } from '../runtime/errors.ts'
import { nameProblem } from '../runtime/names.ts'
import type { OutputTag } from '../runtime/operator.ts'

/**
 * Names a side output: an extra, typed output of an operator.
 *
 * The same tag is used to write (`ctx.output(tag, value)`, `onError: tag`) and to read (`stream.getSideOutput(tag)`). Records
 * of a tag that nobody reads are dropped. Fails with `MR_NAME_INVALID` if the name cannot be used.
 *
 * @example
 * const late = outputTag<Order>('late')
 */
export function outputTag<T>(name: string): OutputTag<T> {
  const problem = nameProblem(name)
  if (problem !== undefined) {
    throw new StreamError(
      'MR_NAME_INVALID',
      `The name of an output tag is "${String(name)}", ${problem}; the output could not be told from others; use 1 to 100 letters, digits, ".", "_" and "-".`,
      { name },
    )
  }
  return { name }
}
