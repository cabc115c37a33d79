import type { PutLimits } from './put-limits.ts'
import { type PutRecord, RecordChain } from './put-record.ts'

/** Records that wait to be sent, and which of them may go together. Pure. */
export interface PutQueue {
  add(record: PutRecord): void
  /** All that waits by now goes out without waiting for others. */
  markDue(): void
  /** Whether something that is due may go now. */
  readonly isDue: boolean
  /** Whether what may go now fills a request. */
  readonly isFull: boolean
  /** Takes what goes into one request, at most so many records; none where nothing may go now. */
  take(maxRecords: number): PutRecord[]
  /** Tells that a record which was taken has been written. */
  release(record: PutRecord): void
}

/** Sends records in the order of writing, several requests at once; so what is sent again comes behind others. */
export class FifoQueue implements PutQueue {
  readonly #limits: PutLimits
  readonly #chain = new RecordChain()
  #count = 0
  #bytes = 0
  #last: PutRecord | undefined
  /** Records up to this one are due. */
  #dueUpTo = -1

  constructor(limits: PutLimits) {
    this.#limits = limits
  }

  add(record: PutRecord): void {
    this.#chain.push(record)
    this.#last = record
    this.#count++
    this.#bytes += record.bytes
  }

  markDue(): void {
    this.#dueUpTo = this.#last?.sequence ?? -1
  }

  get isDue(): boolean {
    const { first } = this.#chain
    return first !== undefined && first.sequence <= this.#dueUpTo
  }

  get isFull(): boolean {
    return this.#count >= this.#limits.records || this.#bytes >= this.#limits.requestBytes
  }

  take(maxRecords: number): PutRecord[] {
    const taken: PutRecord[] = []
    let bytes = 0
    for (;;) {
      const { first } = this.#chain
      if (first === undefined || taken.length >= maxRecords) break
      if (taken.length > 0 && bytes + first.bytes > this.#limits.requestBytes) break
      bytes += first.bytes
      taken.push(this.#chain.shift()!)
    }
    this.#count -= taken.length
    this.#bytes -= bytes
    return taken
  }

  release(): void {}
}
