import { StreamError } from './errors.ts'

/** How deep values may be nested in each other; what is deeper is refused, as it may well be endless. */
export const MAX_VALUE_DEPTH = 100

const TABLE =
  'undefined, null, boolean, number, bigint, string, Date, bytes (Uint8Array), arrays, Map, Set and plain objects'

/** What was found where; found on the way out, the path is put together from the inside. */
interface Problem {
  /** Begins with a verb: `is a function`. */
  readonly is: string
  path: string
}

/**
 * Checks that a value is within the type table: undefined, null, boolean, number, bigint, string, Date, bytes, arrays,
 * Map, Set and plain objects of these (R18).
 *
 * A plain object has the prototype `Object.prototype` or none. Class instances (subclasses of Map, Date and so on too),
 * functions, symbols, errors, other typed arrays, arrays with holes, references to an enclosing value, accessors, and
 * properties that would be lost (named by a symbol, not enumerable, put on an array or Map) are `MR_VALUE_UNSUPPORTED`,
 * naming the place, such as `record.items[3].when`; it begins with `path`.
 */
export function checkValue(value: unknown, path: string): void {
  if (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol') return
  const problem = findProblem(value, [])
  if (problem !== undefined) throw unsupported(problem, path)
}

/** The error for a value that an encoder could not encode: where and what. */
export function refuseValue(value: unknown, what: string): StreamError {
  const problem = findProblem(value, [])
  return unsupported(problem ?? { is: 'changed while it was encoded', path: '' }, what)
}

function unsupported(problem: Problem, what: string): StreamError {
  const path = `${what}${problem.path}`
  return new StreamError(
    'MR_VALUE_UNSUPPORTED',
    `${path} ${problem.is}; only ${TABLE} can be stored or sent to another thread; convert it to one of these.`,
    { path },
  )
}

/** `ancestors`: the objects around this one, outermost first. */
function findProblem(value: unknown, ancestors: object[]): Problem | undefined {
  if (typeof value === 'function') return { is: `is a function${named(value.name)}`, path: '' }
  if (typeof value === 'symbol') return { is: 'is a symbol', path: '' }
  if (typeof value !== 'object' || value === null) return undefined
  if (ancestors.includes(value)) return { is: 'refers to a value that it is part of', path: '' }
  if (ancestors.length >= MAX_VALUE_DEPTH) {
    return { is: `is nested more than ${MAX_VALUE_DEPTH} levels deep`, path: '' }
  }
  ancestors.push(value)
  const problem = findInObject(value, ancestors)
  ancestors.pop()
  return problem
}

function findInObject(value: object, ancestors: object[]): Problem | undefined {
  const prototype: unknown = Object.getPrototypeOf(value)
  switch (prototype) {
    case Object.prototype:
    case null:
      return findInFields(value, ancestors)
    case Array.prototype:
      return findInArray(value as unknown[], ancestors)
    case Map.prototype:
      return findExtra(value) ?? findInMap(value as Map<unknown, unknown>, ancestors)
    case Set.prototype:
      return findExtra(value) ?? findInSet(value as Set<unknown>, ancestors)
    case Date.prototype:
      return findExtra(value)
    case Uint8Array.prototype:
    case Buffer.prototype:
      return undefined
    default:
      return { is: `is ${describeInstance(value)}`, path: '' }
  }
}

function findInFields(value: object, ancestors: object[]): Problem | undefined {
  for (const name of Reflect.ownKeys(value)) {
    const problem = findInProperty(value, name, ancestors)
    if (problem !== undefined) return problem
  }
  return undefined
}

function findInProperty(
  value: object,
  name: string | symbol,
  ancestors: object[],
): Problem | undefined {
  if (typeof name === 'symbol')
    return { is: 'is a field named by a symbol', path: `[${String(name)}]` }
  const property = Object.getOwnPropertyDescriptor(value, name)!
  if (!('value' in property)) return { is: 'is an accessor (get or set)', path: inPath(name) }
  if (!property.enumerable) return { is: 'is a field that is not enumerable', path: inPath(name) }
  const problem = findProblem(property.value, ancestors)
  return problem === undefined ? undefined : within(problem, inPath(name))
}

function findInArray(value: readonly unknown[], ancestors: object[]): Problem | undefined {
  for (let i = 0; i < value.length; i++) {
    const element = value[i]
    if (element === undefined && !(i in value)) {
      return { is: 'is a hole in an array', path: `[${i}]` }
    }
    const problem = findProblem(element, ancestors)
    if (problem !== undefined) return within(problem, `[${i}]`)
  }
  // An array has its elements and `length`; a match of a regular expression, say, has more.
  if (Reflect.ownKeys(value).length === value.length + 1) return undefined
  const extra = Reflect.ownKeys(value)[value.length + 1]!
  return { is: 'is a field of an array', path: inPath(extra) }
}

function findInMap(value: ReadonlyMap<unknown, unknown>, ancestors: object[]): Problem | undefined {
  let index = 0
  for (const [key, element] of value) {
    const ofKey = findProblem(key, ancestors)
    if (ofKey !== undefined) return within(ofKey, `.keys()[${index}]`)
    const problem = findProblem(element, ancestors)
    if (problem !== undefined) return within(problem, inMap(key, index))
    index++
  }
  return undefined
}

function findInSet(value: ReadonlySet<unknown>, ancestors: object[]): Problem | undefined {
  let index = 0
  for (const element of value) {
    const problem = findProblem(element, ancestors)
    if (problem !== undefined) return within(problem, `.values()[${index}]`)
    index++
  }
  return undefined
}

/** A field put on something whose own fields are not kept. */
function findExtra(value: object): Problem | undefined {
  const names = Reflect.ownKeys(value)
  if (names.length === 0) return undefined
  return { is: `is a field of ${describeInstance(value)}`, path: inPath(names[0]!) }
}

function within(problem: Problem, step: string): Problem {
  problem.path = step + problem.path
  return problem
}

function inPath(name: string | symbol): string {
  if (typeof name === 'symbol') return `[${String(name)}]`
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)
    ? `.${name}`
    : `[${JSON.stringify(name)}]`
}

function inMap(key: unknown, index: number): string {
  if (typeof key === 'string') return `.get(${JSON.stringify(key)})`
  return typeof key === 'number' ? `.get(${key})` : `.values()[${index}]`
}

/** `a Map`, `an Error`, `an instance of Point`. */
function describeInstance(value: object): string {
  const name = constructorName(value)
  if (name === undefined) return 'an object with another prototype'
  if (ArrayBuffer.isView(value) || value instanceof Error || isNative(value)) return article(name)
  return `an instance of ${name}`
}

function constructorName(value: object): string | undefined {
  try {
    const { name } = (value as { constructor: { name: unknown } }).constructor
    return typeof name === 'string' && name !== '' ? name : undefined
  } catch {
    return undefined // No constructor, or a getter that throws: there is no name to tell.
  }
}

function isNative(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return (
    prototype === Map.prototype ||
    prototype === Set.prototype ||
    prototype === Date.prototype ||
    prototype === RegExp.prototype ||
    prototype === Promise.prototype
  )
}

function article(name: string): string {
  return /^[AEIOU](?!int)/.test(name) ? `an ${name}` : `a ${name}`
}

function named(name: string): string {
  return name === '' ? '' : ` (${name})`
}
