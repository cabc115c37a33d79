import { ByteWriter, readLatin1 } from '../bytes.ts'
import type { ChangeLog } from './change-log.ts'
import {
  type EntryOwner,
  keyBound,
  TIMER_VALUE,
  readTimerKey,
  timerBound,
  writeTimerKey,
} from './snapshot-format.ts'
import type { Spill, StoredEntry } from './spill.ts'
import type { KeyGroupRange } from './state-backend.ts'
import { TimerHorizon } from './timer-horizon.ts'

/** Where timers come back to. */
export interface TimerRoom {
  /** How many timers may come back, of all key groups. */
  readonly room: number
}

/** Timers of one key group that are read at a time, at most, and key groups. */
const MAX_PAGE = 1_024
const MAX_READINGS = 16

/** A page of a key group that is on its way. */
interface Reading {
  /** What has been written meanwhile, by key: the page may or may not have it. Undefined: deleted. */
  readonly written: Map<string, Uint8Array | undefined>
  /** Timers before the page have left memory meanwhile. */
  isStale: boolean
}

/**
 * The timers of one operator and time domain that are not in memory, and how they come back: those behind the horizon of their
 * key group, in the store in the order in which they are due.
 *
 * Registered and deleted blindly: neither is looked for whether the timer is there, since putting twice is putting once, and a
 * tombstone too many does no harm. What memory and store have together is what there is: a timer from the store stays in it
 * while it is in memory too, and is deleted there with its end.
 */
export class FarTimers {
  readonly #stateId: number
  readonly #spill: Spill
  readonly #changes: ChangeLog
  readonly #load: (owner: EntryOwner, timestamp: number) => boolean
  readonly #horizon: TimerHorizon
  readonly #readings: Map<number, Reading> = new Map()
  readonly #scratch: ByteWriter = new ByteWriter()
  #lastWrite = 0
  /** Of the timer in hand. */
  #owner: EntryOwner | undefined
  #timestamp = 0
  /** Timers that are in the store only, about. */
  count = 0

  constructor(options: {
    readonly stateId: number
    readonly range: KeyGroupRange
    readonly spill: Spill
    readonly changes: ChangeLog
    /** Takes a timer into memory that is in the store; false if it is there already. */
    readonly load: (owner: EntryOwner, timestamp: number) => boolean
  }) {
    this.#stateId = options.stateId
    this.#spill = options.spill
    this.#changes = options.changes
    this.#load = options.load
    this.#horizon = new TimerHorizon(options.range)
  }

  /** Not more than the timestamp of any timer that is not in memory; Infinity if there is none. */
  get earliest(): number {
    return this.#horizon.earliest
  }

  /** All timers are in memory. */
  get isEmpty(): boolean {
    return this.#horizon.isOpen
  }

  /** Something is being read. */
  get isReading(): boolean {
    return this.#readings.size > 0
  }

  /** Whether a timer that is not in memory may be in the store: where not, it does not exist. */
  isFar(owner: EntryOwner, timestamp: number): boolean {
    this.#owner = owner
    this.#timestamp = timestamp
    return this.#horizon.isBehind(owner.keyGroup, timestamp, this.#keyInHand)
  }

  readonly #keyInHand = (): Uint8Array => this.#keyOf(this.#owner!, this.#timestamp)

  /** Registers a far timer; `asChange`: the next snapshot is to have it. */
  put(owner: EntryOwner, timestamp: number, asChange: boolean): void {
    const key = this.#keyOf(owner, timestamp)
    if (asChange) this.#changes.log(key, TIMER_VALUE)
    this.#write(owner.keyGroup, key, TIMER_VALUE)
    this.count++
  }

  /** Deletes a far timer, be it there or not. */
  delete(owner: EntryOwner, timestamp: number): void {
    const key = this.#keyOf(owner, timestamp)
    this.#changes.log(key, undefined)
    this.#write(owner.keyGroup, key, undefined)
    if (this.count > 0) this.count--
  }

  /** A timer leaves memory; `isStored`: the store has it already. What a snapshot has to know of it is known. */
  evict(owner: EntryOwner, timestamp: number, isStored: boolean): void {
    const { keyGroup } = owner
    if (!this.isFar(owner, timestamp)) {
      this.#horizon.lower(keyGroup, timestamp)
      const reading = this.#readings.get(keyGroup)
      if (reading !== undefined) reading.isStale = true
    }
    if (!isStored) this.#write(keyGroup, this.#keyOf(owner, timestamp), TIMER_VALUE)
    this.count++
  }

  /** A timer has ended that was in memory and in the store. */
  drop(owner: EntryOwner, timestamp: number): void {
    this.#write(owner.keyGroup, this.#keyOf(owner, timestamp), undefined)
  }

  #keyOf(owner: EntryOwner, timestamp: number): Uint8Array {
    const scratch = this.#scratch
    scratch.length = 0
    writeTimerKey(scratch, owner, this.#stateId, timestamp)
    return scratch.copy()
  }

  #write(keyGroup: number, key: Uint8Array, value: Uint8Array | undefined): void {
    this.#lastWrite = this.#spill.queueBlind(key, value)
    const reading = this.#readings.get(keyGroup)
    if (reading === undefined) return
    reading.written.set(readLatin1(key, 0, key.length), value === undefined ? undefined : key)
  }

  /**
   * Reads, in the background, the next timers of the key groups whose horizon is the nearest, of those up to `upTo`: of each as
   * many as there is room for if all others need as many.
   */
  refill(upTo: number, room: number): void {
    const share = Math.floor(room / this.#horizon.groupsBehind)
    const page = Math.max(1, Math.min(MAX_PAGE, share))
    const readings = Math.max(1, Math.min(MAX_READINGS, Math.floor(room / page)))
    while (this.#readings.size < readings) {
      const keyGroup = this.#horizon.nearest(upTo, this.#readings)
      if (keyGroup === undefined) return
      this.#read(keyGroup, page)
    }
  }

  #read(keyGroup: number, page: number): void {
    const { timestamp, after } = this.#horizon.startOf(keyGroup)!
    const reading: Reading = { written: new Map(), isStale: false }
    this.#readings.set(keyGroup, reading)
    const range = {
      after: after ?? timerBound(keyGroup, this.#stateId, timestamp),
      before: keyBound(keyGroup, this.#stateId + 1),
    }
    // What has been written before is in the page, what is written from now on is in `written`.
    this.#spill.readLanded(this.#lastWrite, range, page, (entries) => {
      this.#readings.delete(keyGroup)
      if (!reading.isStale) this.#take(keyGroup, entries, reading.written)
    })
  }

  #take(keyGroup: number, entries: readonly StoredEntry[], written: Reading['written']): void {
    for (const [key] of entries) {
      const isNewer = written.size > 0 && written.has(readLatin1(key, 0, key.length))
      if (!isNewer) this.#loadFrom(key)
    }
    const last = entries.at(-1)?.[0]
    for (const key of written.values()) {
      if (key === undefined) continue
      if (last === undefined || Buffer.compare(key, last) <= 0) this.#loadFrom(key)
    }
    if (last !== undefined) {
      this.#horizon.raise(keyGroup, readTimerKey(last).timestamp, last)
      return
    }
    this.#horizon.clear(keyGroup)
    if (this.isEmpty) this.count = 0
  }

  #loadFrom(key: Uint8Array): void {
    const { timestamp, ...owner } = readTimerKey(key)
    if (this.#load(owner, timestamp) && this.count > 0) this.count--
  }
}
