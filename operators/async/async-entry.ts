import type { AsyncCall, SideRecord } from './async-call.ts'
import type { HeldRecord } from './async-state.ts'
import { type EntryEvent, type EntryState, nextEntryState } from './entry-state.ts'

/** A record of which an asynchronous function is asked: where it stands, and what has come of it. */
export class AsyncEntry implements HeldRecord {
  readonly value: unknown
  readonly timestamp: number
  readonly keyGroup: number | undefined
  /** Where it was read, for failures; undefined where that is not known (R39). */
  readonly position: string | undefined
  /** When it times out, in ms of `clock.elapsed()`. */
  readonly deadline: number
  /** The last call; undefined before the first one. */
  call: AsyncCall | undefined
  /** What is to be emitted, once it is settled. */
  results: readonly unknown[] = []
  /** What is to be emitted to side outputs with them. */
  sides: readonly SideRecord[] = []
  #state: EntryState = 'waiting'

  constructor({ value, timestamp, keyGroup, position }: HeldRecord, deadline: number) {
    this.value = value
    this.timestamp = timestamp
    this.keyGroup = keyGroup
    this.position = position
    this.deadline = deadline
  }

  get isSettled(): boolean {
    return this.#state === 'settled'
  }

  get isCalling(): boolean {
    return this.#state === 'calling'
  }

  /** Something has happened to it; false if that came too late and is to be ignored. */
  follow(event: EntryEvent): boolean {
    const next = nextEntryState(this.#state, event)
    if (next === undefined) return false
    this.#state = next
    return true
  }
}
