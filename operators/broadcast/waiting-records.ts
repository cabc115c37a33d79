import type { Key } from '../../runtime/key.ts'

/** A record that came while its operator was busy; `key` is undefined for a broadcast one. */
export interface WaitingRecord {
  readonly value: unknown
  readonly timestamp: number
  readonly key: Key | undefined
}

/** Records of both inputs in the order in which they came; no more than what is before the operator emits in one go. */
export class WaitingRecords {
  #records: WaitingRecord[] = []
  #taken = 0

  get isEmpty(): boolean {
    return this.#records.length === 0
  }

  addKeyed(value: unknown, timestamp: number, key: Key): void {
    this.#records.push({ value, timestamp, key })
  }

  addBroadcast(value: unknown, timestamp: number): void {
    this.#records.push({ value, timestamp, key: undefined })
  }

  /** The first one, which leaves; there must be one. */
  take(): WaitingRecord {
    const record = this.#records[this.#taken++]!
    if (this.#taken === this.#records.length) {
      this.#records = []
      this.#taken = 0
    }
    return record
  }
}
