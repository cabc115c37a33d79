import { type Duration, parseDuration } from '../duration.ts'
import type { ErrorCode } from '../error-codes.ts'
import { StreamError } from '../errors.ts'
import { optionProblem } from '../option-names.ts'

/** Which clock ages state: that of the machine, or the operator's watermark (R30). */
export type TtlTimeDomain = 'processing' | 'event'

/**
 * When state expires that nobody has used for a while (semantics 2.17).
 *
 * A value, each element of a list, and each entry of a map by itself has a time of last access, and has expired once that
 * time plus `duration` is at or before now. It is stored with it, so it survives checkpoints. Another duration from a restart
 * on counts for what is stored as well.
 */
export interface TtlOptions {
  /** How long it stays; at least a millisecond. */
  readonly duration: Duration
  /**
   * `'processing'` (the default, as in Flink): last access and now are the clock's. `'event'`: last access is the timestamp
   * of the record or timer, now is the operator's watermark; the final watermark of bounded input does not count.
   */
  readonly timeDomain?: TtlTimeDomain
  /** What counts as access. Default `'onCreateAndWrite'`; with `'onReadAndWrite'` every read is a write too. */
  readonly update?: 'onCreateAndWrite' | 'onReadAndWrite'
  /**
   * Whether what has expired can be read until it is removed. Default `'neverReturnExpired'`; with the other it is returned
   * once more, by the read that removes it.
   */
  readonly visibility?: 'neverReturnExpired' | 'returnExpiredIfNotCleanedUp'
}

/** A time to live with nothing left open. */
export interface Ttl {
  readonly durationMs: number
  readonly timeDomain: TtlTimeDomain
  readonly update: NonNullable<TtlOptions['update']>
  readonly visibility: NonNullable<TtlOptions['visibility']>
}

const CHOICES = {
  timeDomain: ['processing', 'event'],
  update: ['onCreateAndWrite', 'onReadAndWrite'],
  visibility: ['neverReturnExpired', 'returnExpiredIfNotCleanedUp'],
} as const satisfies { readonly [Name in keyof Ttl]?: readonly Ttl[Name][] }

/** Fills in what was left out; fails with what `ttlProblem` finds, named `what`. */
export function resolveTtl(given: Duration | TtlOptions, what: string): Ttl {
  const problem = ttlProblem(given, what)
  if (problem !== undefined) throw new StreamError(problem.code, problem.message)
  const options: TtlOptions = typeof given === 'object' ? given : { duration: given }
  return {
    durationMs: parseDuration(options.duration, what),
    timeDomain: options.timeDomain ?? 'processing',
    update: options.update ?? 'onCreateAndWrite',
    visibility: options.visibility ?? 'neverReturnExpired',
  }
}

/** What is wrong with a time to live, if anything; who writes JavaScript may give whatever. Pure. */
export function ttlProblem(
  given: unknown,
  what: string,
): { readonly code: ErrorCode; readonly message: string } | undefined {
  const isObject = typeof given === 'object' && given !== null
  const options = (isObject ? given : { duration: given }) as Readonly<Record<string, unknown>>
  const unknown = optionProblem(options, ['duration', ...Object.keys(CHOICES)], what)
  if (unknown !== undefined) return { code: 'MR_OPTION_INVALID', message: unknown.message }
  try {
    if (parseDuration(options['duration'] as Duration, what) < 1) {
      return invalid(
        `${what} is ${String(options['duration'])}`,
        'nothing would ever be there',
        'give at least 1 ms',
      )
    }
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    return { code: error.code, message: error.message }
  }
  for (const [name, value] of Object.entries(options)) {
    if (name === 'duration' || value === undefined) continue
    const choices: readonly unknown[] = CHOICES[name as keyof typeof CHOICES]
    if (!choices.includes(value)) {
      return invalid(
        `${what} has ${name} ${String(value)} (${typeof value})`,
        'it would not be known when state expires',
        `use ${choices.map((choice) => `'${String(choice)}'`).join(' or ')}`,
      )
    }
  }
  return undefined
}

function invalid(is: string, effect: string, wayOut: string) {
  return { code: 'MR_OPTION_INVALID', message: `${is}; ${effect}; ${wayOut}.` } as const
}
