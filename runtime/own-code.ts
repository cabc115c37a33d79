let isAllowed: boolean | undefined

/** Whether code may be generated; not under `--disallow-code-generation-from-strings` (N26). */
export function canGenerate(): boolean {
  isAllowed ??= tryGenerate()
  return isAllowed
}

function tryGenerate(): boolean {
  try {
    return new Function('return true')() as boolean
  } catch (error) {
    if (error instanceof EvalError) return false
    throw error
  }
}

/** What bundlers, test runners and coverage tools put into functions, and a copy could not reach. */
const FOREIGN = /\b(?:__name|__publicField|__vite_ssr_\w+|__vi_\w+|cov_\w+)\b/

/**
 * A function like `make`, whose result V8 compiles by itself.
 *
 * V8 learns what a call in a function calls for all instances of the function together: where each of them calls something
 * else it can neither inline nor predict the call. With code of its own each operator of a chain calls one thing, and the
 * compiler makes one function of the whole chain. To that end the property that holds the function is set once: declared with
 * `declare`, so that it is not set to undefined first. V8 takes what never changes for a constant.
 *
 * `make` is evaluated again from its text, so it may use nothing but its parameters. `url` is the module that it stands in, for
 * stack traces and profiles, in which lines count from `make`. Costs some 50 microseconds. Where code may not be generated, or
 * a tool has changed the text, the result is `make` itself, which does the same.
 */
export function ownCode<F extends (...args: never[]) => unknown>(make: F, url: string): F {
  const text = make.toString()
  if (!canGenerate() || FOREIGN.test(text)) return make
  return new Function(`'use strict'; return ${text}\n//# sourceURL=${url}`)() as F
}
