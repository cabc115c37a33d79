import { checkMethods, functionObject, type FunctionLifecycle } from '../function.ts'
import type { AsyncInvocation } from './async-calls.ts'
import { noArray } from './async-errors.ts'
import type { AsyncContext, AsyncFunction, AsyncMapFunction } from './async-function.ts'

/** How `orderedWait` and `unorderedWait` call a function: its answers are arrays of records. */
export function waitInvocation<T, R>(given: AsyncFunction<T, R>, method: string): AsyncInvocation {
  return invocationOf(given, 'asyncInvoke', method, (answer, what) => {
    if (!Array.isArray(answer)) throw noArray(what, answer)
    // They wait to be emitted; the function may use its array again meanwhile.
    return answer.slice()
  })
}

/** How `asyncMap` calls a function: its answer is one record, whatever it is. */
export function mapInvocation<T, R>(given: AsyncMapFunction<T, R>): AsyncInvocation {
  return invocationOf(given, 'asyncMap', 'asyncMap', (answer) => [answer])
}

type Callback = (value: unknown, ctx: AsyncContext) => unknown

/** An asynchronous function in its form of an object. */
type AsyncObject = FunctionLifecycle & { readonly timeout?: Callback } & Readonly<
    Record<'asyncInvoke' | 'asyncMap', Callback>
  >

function invocationOf(
  given: unknown,
  name: 'asyncInvoke' | 'asyncMap',
  method: string,
  toRecords: AsyncInvocation['toRecords'],
): AsyncInvocation {
  if (typeof given !== 'function') checkMethods(given, [name], method)
  const object = functionObject<AsyncObject>(given, name)
  const hasTimeout = object.timeout !== undefined
  if (hasTimeout) checkMethods(object, ['timeout'], method)
  return {
    lifecycle: object,
    invoke: (value, ctx) => object[name](value, ctx),
    timeout: hasTimeout ? (value, ctx) => object.timeout!(value, ctx) : undefined,
    toRecords,
  }
}
