import type { Host } from './host.ts'

/** Text is written in pieces of about this size. */
const PIECE = 64 * 1_024

/** Many lines to stdout, at the pace of whoever reads them; nothing more once that reader has gone. */
export class LineOutput {
  readonly #host: Host
  #text = ''
  #isClosed = false

  constructor(host: Host) {
    this.#host = host
    host.onOutputClosed(() => {
      this.#isClosed = true
    })
  }

  /** Whether the reader has gone (`| head`), so that nothing need be written any more. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Takes a line; where this returns a promise, the caller awaits it before the next one. */
  line(text: string): Promise<void> | undefined {
    this.#text += `${text}\n`
    return this.#text.length < PIECE ? undefined : this.flush()
  }

  async flush(): Promise<void> {
    const text = this.#text
    this.#text = ''
    if (text !== '' && !this.#host.stdout.write(text)) await this.#host.stdout.drained()
  }
}
