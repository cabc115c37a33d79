import type { LinkMessage } from '../messages.ts'
import { BatchDecoder } from './batch-decoder.ts'
import type { Port } from './port.ts'

interface Batch {
  readonly buffer: ArrayBuffer
  readonly length: number
}

/** What is next in a remote input; `none` until another batch arrives. */
export type NextEntry =
  'records' | 'watermark' | 'status' | 'barrier' | 'end-of-read-first' | 'end-of-input' | 'none'

/**
 * The receiving end of a channel between threads: a queue of batches and a cursor into the first one.
 *
 * A batch's bytes go back as credit when its last entry has been consumed, its buffer with them (R7, N13).
 */
export class RemoteInput {
  readonly index: number
  readonly decoder: BatchDecoder = new BatchDecoder()
  /** Next record of the current run, an index into `decoder.values`. */
  position = 0
  readonly #channel: number
  readonly #port: Port<LinkMessage, LinkMessage>
  readonly #queue: Batch[] = []
  #current: Batch | undefined
  #entry: NextEntry = 'none'

  constructor(index: number, channel: number, port: Port<LinkMessage, LinkMessage>) {
    this.index = index
    this.#channel = channel
    this.#port = port
  }

  push(buffer: ArrayBuffer, length: number): void {
    this.#queue.push({ buffer, length })
  }

  /** The entry at the cursor; decodes on. A run of records ends when `position` has reached `decoder.count`. */
  peek(): NextEntry {
    if (this.#entry === 'records' && this.position >= this.decoder.count) this.#entry = 'none'
    while (this.#entry === 'none') {
      if (this.#current === undefined) {
        const batch = this.#queue.shift()
        if (batch === undefined) return 'none'
        this.#current = batch
        this.decoder.load(new Uint8Array(batch.buffer, 0, batch.length))
      }
      const next = this.decoder.next()
      this.position = 0
      if (next === 'done') this.#release()
      else this.#entry = next
    }
    return this.#entry
  }

  /** The control entry at the cursor has been dealt with. */
  consumeControl(): void {
    this.#entry = 'none'
  }

  #release(): void {
    const batch = this.#current!
    this.#current = undefined
    const message: LinkMessage = {
      type: 'credit',
      channel: this.#channel,
      bytes: batch.length,
      buffer: batch.buffer,
    }
    this.#port.post(message, [batch.buffer])
  }
}
