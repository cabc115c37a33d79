/** One of the two standard streams, as far as the command line needs it. */
export interface TextStream {
  readonly isTerminal: boolean
  /** Width of the terminal; undefined if it is none. */
  readonly columns: number | undefined
  /** Writes at once or buffers; never throws. False when the buffer is full: wait for `drained`. */
  write(text: string): boolean
  /** Resolves when the buffer has room again, or when the reader has gone and nothing will ever be read. */
  drained(): Promise<void>
}

/**
 * Standard output and standard error as one screen: lines scroll, and below them stands at most one live line that is
 * rewritten in place.
 *
 * The live line goes to stderr. It needs no escape codes: it is overwritten with blanks before a line goes above it.
 */
export class Screen {
  readonly #out: TextStream
  readonly #err: TextStream
  /** Whether there is a live line at all. */
  readonly isLive: boolean
  #status = ''
  #isShown = false
  #isMidLine = false

  constructor(out: TextStream, err: TextStream, isLive: boolean) {
    this.#out = out
    this.#err = err
    this.isLive = isLive && err.isTerminal
  }

  /** Columns of the live line, one less than the terminal has: in the last one the cursor would wrap. */
  get columns(): number {
    // A terminal that was never told its size says 0.
    return Math.max(1, (this.#err.columns || 80) - 1)
  }

  /** Writes whole lines to stderr, above the live line. */
  log(text: string): void {
    this.#hide()
    this.#err.write(`${text}\n`)
    this.#show()
  }

  /** Writes data to stdout, as it is; resolves when more may come, undefined if at once (N16). */
  print(text: string): Promise<void> | undefined {
    const isShared = this.#out.isTerminal
    if (isShared) this.#hide()
    const hasRoom = this.#out.write(text)
    if (isShared) {
      this.#isMidLine = !text.endsWith('\n')
      this.#show()
    }
    return hasRoom ? undefined : this.#out.drained()
  }

  /** Replaces the live line; what is wider than the terminal must have been shortened before. */
  setStatus(line: string): void {
    if (!this.isLive || line === this.#status) return
    this.#hide()
    this.#status = line
    this.#show()
  }

  /** Takes the live line away; the cursor is at the start of an empty line. */
  clearStatus(): void {
    this.#hide()
    this.#status = ''
  }

  #hide(): void {
    if (!this.#isShown) return
    // The whole width: the terminal itself may have written ^C behind the line.
    this.#err.write(`\r${' '.repeat(this.columns)}\r`)
    this.#isShown = false
  }

  #show(): void {
    // A live line in the middle of printed text would erase it.
    if (this.#status === '' || this.#isMidLine) return
    this.#err.write(this.#status)
    this.#isShown = true
  }
}
