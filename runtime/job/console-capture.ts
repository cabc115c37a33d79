import type { Clock } from '../clock.ts'
import { BoundedLog } from '../task/slot-log.ts'

/** Longest unfinished line that is kept; beyond it the line is cut there. */
const MAX_UNFINISHED = 10_000

/**
 * Sends what this thread writes to standard output and error to `emit`, line by line, bounded, drops counted (N16).
 *
 * For worker threads only: Node passes their output to the main thread without a bound, and loses it when they are
 * terminated. `console` writes through the same streams.
 */
export function captureOutput(clock: Clock, emit: (line: string) => void): void {
  const log = new BoundedLog(() => clock.elapsed(), emit)
  for (const stream of [process.stdout, process.stderr]) {
    const lines = new LineSplitter((line) => log.log([line]))
    stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
      lines.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'))
      const written = rest.at(-1)
      if (typeof written === 'function') queueMicrotask(() => written())
      return true
    }
  }
}

/** Cuts text that comes in pieces into whole lines. */
export class LineSplitter {
  readonly #emit: (line: string) => void
  #unfinished = ''

  constructor(emit: (line: string) => void) {
    this.#emit = emit
  }

  push(text: string): void {
    const lines = (this.#unfinished + text).split('\n')
    this.#unfinished = lines.pop()!
    for (const line of lines) this.#emit(line)
    if (this.#unfinished.length > MAX_UNFINISHED) {
      this.#emit(this.#unfinished)
      this.#unfinished = ''
    }
  }
}
