import type { PutLimits } from './put-limits.ts'
import type { PutRecord } from './put-record.ts'
import { ReadyQueue } from './ready-queue.ts'

/** Records that wait to be sent, and which of them may go together. Pure. */
export interface PutQueue {
  add(record: PutRecord): void
  /** All that waits by now goes out without waiting for others. */
  markDue(): void
  /** Whether something that is due may go now. */
  readonly isDue: boolean
  /** Whether what may go now fills a request; what is held and has not been come across counts too. */
  readonly isFull: boolean
  /** Takes what goes into one request, at most so many records; none where nothing may go now. */
  take(maxRecords: number): PutRecord[]
  /** Tells that a record which was taken has been written. */
  release(record: PutRecord): void
  /** Takes back a record that was taken and refused, before others; nothing of its range goes any more. The last one first. */
  hold(record: PutRecord): void
  /** Lets one record of a range go, and returns it. */
  probe(range: number): PutRecord | undefined
  /** Lets all records of a range go again. */
  open(range: number): void
}

/** Sends records in the order of writing, several requests at once; so what is sent again comes behind others. */
export class FifoQueue implements PutQueue {
  readonly #ready: ReadyQueue<PutRecord>

  constructor(limits: PutLimits) {
    this.#ready = new ReadyQueue(limits, (record) => record)
  }

  add(record: PutRecord): void {
    this.#ready.written(record)
    this.#ready.add(record)
  }

  markDue(): void {
    this.#ready.markDue()
  }

  get isDue(): boolean {
    return this.#ready.isDue
  }

  get isFull(): boolean {
    return this.#ready.isFull
  }

  take(maxRecords: number): PutRecord[] {
    const taken: PutRecord[] = []
    let bytes = 0
    while (taken.length < maxRecords) {
      const record = this.#ready.next(bytes)
      if (record === undefined) break
      bytes += record.bytes
      taken.push(record)
    }
    return taken
  }

  release(): void {}

  hold(record: PutRecord): void {
    this.#ready.hold(record)
  }

  probe(range: number): PutRecord | undefined {
    return this.#ready.probe(range)
  }

  open(range: number): void {
    this.#ready.open(range)
  }
}
