/** Names with commas between them, each one of those that are known. */
export function listOf<T extends string>(option: string, text: string, known: readonly T[]): T[] {
  return text.split(',').map((name) => {
    check(known.includes(name as T), option, name, known.join(', '))
    return name as T
  })
}

/** The ms of a checkpoint interval; 0 is none but the final one. */
export function durationMs(text: string): number {
  const match = /^(\d+)(ms|s)?$/.exec(text)
  const isRight = match !== null && (match[2] !== undefined || match[1] === '0')
  check(isRight, '--checkpoint-interval', text, '0, or such as 500ms or 1s')
  return Number(match![1]) * (match![2] === 's' ? 1_000 : 1)
}

/** A whole number, above zero unless told otherwise. */
export function whole(option: string, text: string, least = 1): number {
  const value = Number(text)
  const isRight = Number.isSafeInteger(value) && value >= least
  check(isRight, option, text, `a whole number of at least ${least}`)
  return value
}

/** Whether `--peer flink` is given. */
export function isPeerWanted(peer: string | undefined): boolean {
  check(peer === undefined || peer === 'flink', '--peer', peer, 'flink, there is no other')
  return peer !== undefined
}

/** Says of an option what it is and what it should be, unless that is right. */
export function check(isRight: boolean, option: string, found: unknown, wanted: string): void {
  if (!isRight) throw new UsageError(`${option} is ${String(found)}; give ${wanted}.`)
}

/** A mistake in the options of a benchmark. */
export class UsageError extends Error {}

/** Whether an error is about options, of `check` or of Node's `parseArgs`, and so no defect. */
export function isAboutOptions(error: unknown): error is Error {
  if (error instanceof UsageError) return true
  return (
    error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_')
  )
}
