import type { Duration } from '../duration.ts'
import type { OptionNames } from '../option-names.ts'
import type { TtlOptions } from './state-ttl.ts'
import type { Upcasts } from './upcasts.ts'

/** Up to which version the compiler checks what the last upcast returns; no state has come that far. */
type LastChecked = 32

/**
 * Options of a state declaration. `T` is what is stored: a value, an element of a list, a value of a map, an accumulator.
 *
 * Where values have a new shape, the state gets the next `version`, and `upcasts` that make values of each older version
 * into those of the next; the last of them must return a `T`. Annotate what they take.
 *
 * @example
 * const total = valueState<{ cents: number; currency: string }>({
 *   version: 3,
 *   upcasts: {
 *     1: (euros: number) => euros * 100,
 *     2: (cents: number) => ({ cents, currency: 'EUR' }),
 *   },
 * })
 */
export type StateOptions<T = never> = AnyVersion | Versions<T>

interface CommonOptions {
  /**
   * Values expire that nobody has used for so long, by processing time unless `{ duration, timeDomain: 'event' }` says
   * otherwise. Default: they stay until they are cleared.
   */
  readonly ttl?: Duration | TtlOptions
}

/** Values of other versions cannot be read. */
interface AnyVersion extends CommonOptions {
  /** Schema version of the values, from 1. Default 1. */
  readonly version?: number
  readonly upcasts?: undefined
}

/** Values of older versions are made into those of this one when they are first used. */
interface WithUpcasts<
  T,
  Version,
  Last extends number,
  Earlier extends number,
> extends CommonOptions {
  /** Schema version of the values. */
  readonly version: Version
  /**
   * By version, what makes a value of it into one of the next; none between the lowest and `version` may be missing. They
   * must return the same for the same value, at any time, and no promise.
   */
  readonly upcasts: { readonly [From in Earlier]?: (old: never) => unknown } & {
    readonly [From in Last]: (old: never) => T
  }
}

/** The options for each version from 2 on; `Count['length']` is the one before. */
type Versions<
  T,
  Count extends readonly 0[] = [0],
  Earlier extends number = never,
  All = never,
> = Count['length'] extends LastChecked
  ? All
  : Versions<
      T,
      [...Count, 0],
      Earlier | Count['length'],
      All | WithUpcasts<T, [...Count, 0]['length'], Count['length'], Earlier>
    >

/** What `checkOptionNames` knows them by. */
export const STATE_OPTIONS: OptionNames<StateOptions> = { version: true, ttl: true, upcasts: true }

/** The options as all kinds of state take them: what is given for a version no longer matters. */
export interface PlainStateOptions extends CommonOptions {
  readonly version?: number
  readonly upcasts?: Upcasts | undefined
}
