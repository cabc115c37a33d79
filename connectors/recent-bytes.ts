/**
 * The last bytes before a moving position, kept as the chunks they came in.
 *
 * Holds at most `keep` bytes before the position that was given last, what lies behind it, and one chunk more.
 */
export class RecentBytes {
  readonly #keep: number
  readonly #chunks: Uint8Array[] = []
  #start: number

  constructor(start: number, keep: number) {
    this.#start = start
    this.#keep = keep
  }

  /** Adds the chunk that follows; chunks that lie more than `keep` bytes before `position` are dropped. */
  add(chunk: Uint8Array, position: number): void {
    this.#chunks.push(chunk)
    let first = this.#chunks[0]
    while (first !== undefined && this.#start + first.length <= position - this.#keep) {
      this.#start += first.length
      this.#chunks.shift()
      first = this.#chunks[0]
    }
  }

  /** Up to `keep` bytes before a position, which is not before the one given last. Copies them. */
  before(position: number): Uint8Array {
    const from = Math.max(this.#start, position - this.#keep)
    return Buffer.concat(this.#chunks).subarray(from - this.#start, position - this.#start)
  }
}
