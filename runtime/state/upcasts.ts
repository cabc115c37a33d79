import type { ErrorCode } from '../error-codes.ts'
import { StreamError, thrownText } from '../errors.ts'
import { isThenable } from '../synchronous.ts'
import { checkValue } from '../value-check.ts'

/** By schema version, what makes a value of it into one of the next. */
export type Upcasts = Readonly<Record<number, (old: never) => unknown>>

/** A state that values are upcast for. */
export interface UpcastState {
  readonly uid: string
  readonly name: string
  /** The version that values are to have. */
  readonly version: number
  readonly upcasts?: Upcasts | undefined
}

/** Which value it is, for messages; asked only when something fails. */
export interface UpcastPlace {
  /** Begins a message: `State "total" of operator "sums", key 'a'`. */
  readonly label: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** The lowest version whose values can be read: that of the state itself where it has no upcasts. */
export function lowestReadable({
  version,
  upcasts,
}: Pick<UpcastState, 'version' | 'upcasts'>): number {
  let lowest = version
  while (upcasts?.[lowest - 1] !== undefined) lowest--
  return lowest
}

/**
 * Makes a value of an older version into one of the state's version, step by step. What an upcast throws, and anything it
 * returns that cannot be stored (R18), is `MR_STATE_UPCAST_FAILED`: the same upcast of the same value would fail again.
 *
 * @param mayBeUndefined Whether undefined can be stored where the value stands.
 */
export function upcastValue(
  old: unknown,
  from: number,
  state: UpcastState,
  mayBeUndefined: boolean,
  place: () => UpcastPlace,
): unknown {
  let value = old
  for (let version = from; version < state.version; version++) {
    const step = new UpcastStep(state, version, place)
    value = step.run(value)
    step.check(value, mayBeUndefined)
  }
  return value
}

/** One upcast of one value. */
class UpcastStep {
  readonly #state: UpcastState
  readonly #from: number
  readonly #place: () => UpcastPlace

  constructor(state: UpcastState, from: number, place: () => UpcastPlace) {
    this.#state = state
    this.#from = from
    this.#place = place
  }

  run(old: unknown): unknown {
    const upcast = this.#state.upcasts?.[this.#from]
    if (upcast === undefined) throw this.#failed('is not there', 'declare it')
    try {
      return upcast(old as never)
    } catch (error) {
      throw this.#failed(`threw ${thrownText(error)}`, 'mend it for such values', error)
    }
  }

  check(value: unknown, mayBeUndefined: boolean): void {
    if (value === undefined && !mayBeUndefined) {
      throw this.#failed('returned undefined, which is no value', 'return one')
    }
    if (isThenable(value)) {
      Promise.resolve(value).catch(() => {})
      throw this.#failed('returned a promise', 'return the value itself')
    }
    try {
      checkValue(value, 'its result')
    } catch (error) {
      if (!(error instanceof StreamError)) throw error
      const [problem] = error.message.split('; ')
      throw this.#failed(`returned what cannot be stored: ${problem}`, 'return what can', error)
    }
  }

  #failed(what: string, wayOut: string, cause?: unknown): StreamError {
    const { label, fields } = this.#place()
    const { uid, name, version } = this.#state
    const from = this.#from
    return new StreamError(
      'MR_STATE_UPCAST_FAILED',
      `${label}: the upcast from version ${from} to ${from + 1} ${what}; the value was stored before version ${version}, and cannot be used; ${wayOut}, then run the same command again, as the checkpoint still has it as it was.`,
      { uid, state: name, from, to: from + 1, version, ...fields },
      cause,
    )
  }
}

/** What is wrong with the upcasts of a state, if anything; who writes JavaScript may give whatever. Pure. */
export function upcastsProblem(
  given: unknown,
  version: number,
  what: string,
): { readonly code: ErrorCode; readonly message: string } | undefined {
  if (given === undefined) return undefined
  const effect = 'values of older versions could not be read'
  const problem = (is: string, wayOut: string) =>
    ({ code: 'MR_OPTION_INVALID', message: `${what} ${is}; ${effect}; ${wayOut}.` }) as const
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    const found = Array.isArray(given) ? 'an array' : String(given)
    return problem(`has ${found} for upcasts`, 'give functions by the version that they take')
  }
  const versions = Object.keys(given)
  for (const from of versions) {
    const isBelow = /^[1-9]\d*$/.test(from) && Number(from) < version
    if (!isBelow) {
      const range = version > 1 ? `1 to ${version - 1}` : 'nothing, as it has version 1'
      return problem(`has an upcast from version ${from}`, `upcasts are from ${range}`)
    }
    if (typeof (given as Upcasts)[Number(from)] !== 'function') {
      return problem(`has an upcast from version ${from} that is no function`, 'give a function')
    }
  }
  const lowest = Math.min(version, ...versions.map(Number))
  for (let from = lowest; from < version; from++) {
    if ((given as Upcasts)[from] !== undefined) continue
    return problem(
      `has an upcast from version ${lowest}, but none from ${from}`,
      `add the one from ${from} to ${from + 1}`,
    )
  }
  return undefined
}
