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
export class FifoQueue extends ReadyQueue<PutRecord> implements PutQueue {
  constructor(limits: PutLimits) {
    super(limits, (record) => record)
  }

  add(record: PutRecord): void {
    this.written(record)
    this.addItem(record)
  }

  protected takeRecord(record: PutRecord): PutRecord {
    return record
  }

  release(): void {}

  hold(record: PutRecord): void {
    this.holdItem(record)
  }
}
