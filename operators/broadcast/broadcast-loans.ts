import { StreamError } from '../../runtime/errors.ts'
import { showKey } from '../../runtime/state/state-errors.ts'
import { encodeValue } from '../../runtime/value-codec.ts'
import type { BroadcastEntry } from './broadcast-map.ts'

interface Loan {
  readonly entry: BroadcastEntry
  readonly value: object
  readonly bytes: Uint8Array
  readonly state: string
}

/**
 * Finds values of broadcast state that a callback has changed in place without putting them again (R16), in strict mode: what
 * cannot be frozen (the bytes, Map, Set or Date in a value), and copies that the writing side was given.
 */
export class BroadcastLoans {
  readonly #operator: string
  #loans: Loan[] = []

  constructor(operator: string) {
    this.#operator = operator
  }

  /** A value is handed out. */
  lend(state: string, entry: BroadcastEntry, value: object): void {
    this.#loans.push({ state, entry, value, bytes: encodeValue(value, state) })
  }

  /** An entry has been put: what was handed out of it before may have been changed. */
  stored(entry: BroadcastEntry): void {
    this.#loans = this.#loans.filter((loan) => loan.entry !== entry)
  }

  /** The callback has ended. */
  end(): void {
    const loans = this.#loans
    this.#loans = []
    for (const { state, entry, value, bytes } of loans) {
      if (Buffer.compare(encodeValue(value, state), bytes) === 0) continue
      throw new StreamError(
        'MR_STATE_MUTATED',
        `Broadcast state "${state}" of operator "${this.#operator}", key ${showKey(entry.key)}: the value was changed in place and not put again in the same callback; the change would be lost, or be in this subtask only; change it in processBroadcastElement only, and call put() with it after the change.`,
        { uid: this.#operator, state, key: showKey(entry.key) },
      )
    }
  }
}
