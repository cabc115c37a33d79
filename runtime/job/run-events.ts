import { asError } from '../errors.ts'
import type { JobEvent, RunJobOptions } from './job-events.ts'

/**
 * Hands events to the callbacks of whoever runs the job.
 *
 * A callback that throws, or whose promise rejects, ends the run with that error: it is called once for `onFailure`, and
 * nothing is handed over any more. Without callbacks printed lines go to standard output.
 */
export class RunEvents {
  readonly #options: Pick<RunJobOptions, 'onEvent' | 'print'>
  readonly #onFailure: (error: Error) => void
  #failure: Error | undefined

  constructor(
    options: Pick<RunJobOptions, 'onEvent' | 'print'>,
    onFailure: (error: Error) => void,
  ) {
    this.#options = options
    this.#onFailure = onFailure
  }

  /** What a callback threw. */
  get failure(): Error | undefined {
    return this.#failure
  }

  emit(event: JobEvent): void {
    this.#call(() => this.#options.onEvent?.(event))
  }

  /** Resolves, or returns undefined, when more lines may come (N16). */
  print(uid: string, lines: string): Promise<void> | undefined {
    const { print, onEvent } = this.#options
    if (print !== undefined) return this.#call(() => print(uid, lines))
    if (onEvent === undefined) return writeOut(lines)
    this.emit({ type: 'print', uid, lines })
    return undefined
  }

  #call(callback: () => void | Promise<void> | undefined): Promise<void> | undefined {
    if (this.#failure !== undefined) return undefined
    try {
      const result: unknown = callback()
      if (!(result instanceof Promise)) return undefined
      return (result as Promise<void>).catch((error: unknown) => this.#fail(error))
    } catch (error) {
      this.#fail(error)
      return undefined
    }
  }

  #fail(thrown: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure = asError(thrown)
    this.#onFailure(this.#failure)
  }
}

function writeOut(lines: string): Promise<void> | undefined {
  if (process.stdout.write(lines)) return undefined
  return new Promise((resolve) => process.stdout.once('drain', resolve))
}
