import { keepCompiled } from '../keep-compiled.ts'
import { invariant } from '../errors.ts'
import type { Change } from './change.ts'
import { ChangeRuns } from './change-runs.ts'
import type { EntryCursor, StateSnapshot } from './state-backend.ts'
import type { EntriesOwner } from './merged-entries.ts'
import type { EntryRun } from './entry-run.ts'
import { type RunSize, RunSpares } from './run-spares.ts'
import type { RunStore } from './run-store.ts'

/** Changes encoded or merged between two looks at the clock, and in all where no time is left. */
const STEPS_PER_LOOK = 64
const STEPS_WITHOUT_TIME = 512
/** Changes that a snapshot puts into one run, by their key groups: so few that one run has room for those of them. */
const CHANGES_IN_RUN = 1_536
/** Room in a run for more than its share, and for entries whose size is not known yet. */
const RUN_ROOM = 1.125
const FIRST_ENTRY_BYTES = 32

export interface ChangeLogOptions {
  /** Where changes go that are too many for memory; default: nowhere. */
  readonly store?: RunStore | undefined
  /** How many key groups they are of. */
  readonly keyGroups: number
  /** For tests. */
  readonly changesInRun?: number
}

/**
 * What has changed since the snapshots before: the part of a backend that knows about checkpoints (R24, R25).
 *
 * Changes belong to the interval between two barriers. At a barrier the set of the interval is handed over in one step;
 * it is encoded between records, and whatever is touched before its turn is encoded first. Changes of a snapshot that
 * is not the base of the next one are carried into that, in encoded form; what had not been encoded yet waits again.
 *
 * With a store, what was encoded before the end of its interval goes to files when it takes too much memory.
 */
export class ChangeLog {
  /** The current interval; what has this stamp is in the set already. */
  interval = 1
  #changed: Change[] = []
  readonly #store: RunStore | undefined
  readonly #keyGroups: number
  readonly #changesInRun: number
  readonly #spares: RunSpares = new RunSpares()
  readonly #seen: SeenEntries = { bytesOfEntry: FIRST_ENTRY_BYTES }
  /** Entries of the interval that were encoded before its end: evicted ones, `clear`s, and what is carried into it. */
  #early: ChangeRuns
  /** The snapshot begun last, until it is known what became of its checkpoint. */
  #snapshot: Delta | undefined

  constructor({ store, keyGroups, changesInRun = CHANGES_IN_RUN }: ChangeLogOptions) {
    this.#store = store
    this.#keyGroups = keyGroups
    this.#changesInRun = changesInRun
    this.#early = new ChangeRuns(store, this.#spares)
  }

  /** To be called before something changes whose stamp is not the current interval. */
  touch(change: Change, exists: boolean): void {
    if (change.stamp !== 0) this.encodeFirst(change)
    change.stamp = this.interval
    change.existed = exists
    change.place = this.#changed.length
    this.#changed.push(change)
  }

  /** Encodes something for the running snapshot, whose stamp it has: it is about to be seen or changed (R25). */
  encodeFirst(change: Change): void {
    const snapshot = this.#snapshot
    invariant(snapshot?.interval === change.stamp, 'a change belongs to no snapshot')
    snapshot.encode(change)
    change.stamp = 0
  }

  /** Encodes something now, for whichever snapshot it belongs to: it is about to leave memory. */
  encodeEarly(change: Change): void {
    if (change.stamp !== this.interval) {
      this.encodeFirst(change)
      return
    }
    change.encode(this.#early.writable())
    this.leave(change)
  }

  /** Logs that everything under a key has been removed at this moment; the caller writes the key. */
  logClear(writeKey: (run: EntryRun) => void): void {
    const run = this.#early.writable()
    run.beginEntry('clear')
    writeKey(run)
    run.beginValue()
  }

  /** Logs what has become at this moment of something that is not in memory: its value, or that it has none. */
  log(key: Uint8Array, value: Uint8Array | undefined): void {
    const run = this.#early.writable()
    run.beginEntry(value === undefined ? 'delete' : 'put')
    run.writer.append(key)
    run.beginValue()
    if (value !== undefined) run.writer.append(value)
  }

  /** Something leaves the set of the current interval: it came and went, or a `clear` covers it, or it has been encoded. */
  leave(change: Change): void {
    invariant(change.stamp === this.interval, 'a change leaves a set that it is not in')
    change.stamp = 0
    const last = this.#changed.pop()!
    if (last === change) return
    this.#changed[change.place] = last
    last.place = change.place
  }

  /** Hands the changes since `baseId` over. O(1), or O(changed) where an unfinished snapshot has to be carried on. */
  begin(checkpointId: number, baseId: number): StateSnapshot {
    const before = this.#snapshot
    if (before !== undefined && before.checkpointId <= baseId) before.forget()
    else if (before !== undefined) this.#takeBack(before)
    this.#spares.trim()
    const snapshot = new Delta({
      checkpointId,
      interval: this.interval,
      changed: this.#changed,
      runs: this.#early,
      plan: this.#planRuns(this.#changed.length),
      seen: this.#seen,
    })
    this.#snapshot = snapshot
    this.#changed = []
    this.#early = new ChangeRuns(this.#store, this.#spares)
    this.interval++
    return snapshot
  }

  /**
   * Runs are made of neighbouring key groups, a power of two of them, that have about as many changes as go into one. How
   * large these become is taken from the snapshot before.
   */
  #planRuns(changes: number): RunPlan {
    const groupsInRun = (this.#keyGroups * this.#changesInRun) / Math.max(1, changes)
    const shift = Math.max(0, Math.min(16, Math.floor(Math.log2(groupsInRun))))
    const share = Math.min(1, 2 ** shift / this.#keyGroups)
    const entries = Math.ceil(changes * share * RUN_ROOM)
    return { shift, size: { entries, bytes: Math.ceil(entries * this.#seen.bytesOfEntry) } }
  }

  /** The checkpoint is there: the next one is based on it, or on a later one, and what it has encoded need not be kept. */
  complete(checkpointId: number): void {
    if (this.#snapshot?.checkpointId !== checkpointId) return
    this.#snapshot.forget()
    this.#snapshot = undefined
  }

  /** The checkpoint will not be the base of the next one: nothing of it needs to keep its value any more (R24). */
  abort(checkpointId: number): void {
    if (this.#snapshot?.checkpointId !== checkpointId) return
    this.#takeBack(this.#snapshot)
    this.#snapshot = undefined
  }

  /** What a snapshot has encoded, and what it has not encoded yet, counts as changed in the current interval. */
  #takeBack(snapshot: Delta): void {
    for (const change of snapshot.abandon()) {
      change.stamp = this.interval
      change.place = this.#changed.length
      this.#changed.push(change)
    }
    this.#early.prepend(snapshot.runs)
  }

  /** So many changes wait in memory to be written to files that no input may be taken (R22). */
  get isExceeded(): boolean {
    return this.#early.isExceeded
  }

  /** Encodes or merges until `isOver`, asked between steps, but at least a little; true if more is left. */
  work(isOver: () => boolean): boolean {
    const snapshot = this.#snapshot
    const isRunning = snapshot?.isRunning === true
    const isMoreEarly = isRunning && this.#store === undefined ? false : this.#early.work()
    if (!isRunning) return isMoreEarly
    let steps = 0
    do {
      steps += snapshot.step(STEPS_PER_LOOK)
    } while (snapshot.isRunning && (steps < STEPS_WITHOUT_TIME || !isOver()))
    return snapshot.isRunning
  }

  /** Bytes that changes and snapshots hold besides what they are changes of. */
  get memoryBytes(): number {
    const snapshotBytes = this.#snapshot?.memoryBytes ?? 0
    const spareBytes = this.#spares.memoryBytes
    return this.#changed.length * 8 + this.#early.memoryBytes + snapshotBytes + spareBytes
  }

  /** Nothing is written or read any more when this resolves. */
  async close(): Promise<void> {
    await this.#store?.close()
  }
}

interface DeltaParts {
  readonly checkpointId: number
  readonly interval: number
  readonly changed: readonly Change[]
  readonly runs: ChangeRuns
  readonly plan: RunPlan
  readonly seen: SeenEntries
}

/** How changes are spread over runs. */
interface RunPlan {
  /** How many bits less than a key group the number of its run has. */
  readonly shift: number
  /** What to expect of one. */
  readonly size: RunSize
}

/** What a log has learnt from its snapshots. */
interface SeenEntries {
  bytesOfEntry: number
}

/**
 * The change set of one checkpoint.
 *
 * ```
 *   encoding ──all encoded──▶ encoded (merged while it is read)
 *      └──────────────────────────┴─ abandoned ──▶ over (its runs may be carried into the next)
 * ```
 */
class Delta implements StateSnapshot, EntriesOwner {
  readonly checkpointId: number
  readonly interval: number
  readonly runs: ChangeRuns
  #phase: 'encoding' | 'encoded' | 'over' = 'encoding'
  #changed: readonly Change[]
  #next = 0
  readonly #plan: RunPlan
  readonly #seen: SeenEntries
  #callbacks: (() => void)[] = []

  constructor({ checkpointId, interval, changed, runs, plan, seen }: DeltaParts) {
    this.checkpointId = checkpointId
    this.interval = interval
    this.#changed = changed
    this.#plan = plan
    this.#seen = seen
    this.runs = runs
  }

  get isEncoded(): boolean {
    return this.#phase === 'encoded'
  }

  get isRunning(): boolean {
    return this.#phase === 'encoding'
  }

  onEncoded(callback: () => void): void {
    if (this.isEncoded) callback()
    else if (this.isRunning) this.#callbacks.push(callback)
  }

  entries(): EntryCursor {
    this.checkReadable()
    return this.runs.entries(this)
  }

  checkReadable(): void {
    if (this.#phase === 'encoded') return
    invariant(
      false,
      `snapshot ${this.checkpointId} is read before it is encoded or after it is over`,
    )
  }

  encode(change: Change): void {
    invariant(this.#phase === 'encoding', 'a change is left behind by its snapshot')
    change.encode(this.runs.writable())
  }

  /** Encodes up to so many changes; when there are none left sorts a run. Returns how many it has encoded or sorted. */
  step(count: number): number {
    const changed = this.#changed
    const end = Math.min(changed.length, this.#next + count)
    if (this.#next === end) return this.#sortOne()
    const { shift, size } = this.#plan
    while (this.#next < end) {
      const change = changed[this.#next++]!
      if (change.stamp !== this.interval) continue
      const run = this.runs.writableOf(change.keyGroup >>> shift, size)
      change.encode(run)
      change.stamp = 0
      change.settle(run)
    }
    return count
  }

  #sortOne(): number {
    const run = this.runs.sealOne()
    if (run === undefined) {
      this.#finish()
      return 0
    }
    if (run.length > 0) this.#seen.bytesOfEntry = run.writer.length / run.length
    return run.length
  }

  #finish(): void {
    this.#phase = 'encoded'
    this.#changed = []
    const callbacks = this.#callbacks
    this.#callbacks = []
    for (const callback of callbacks) callback()
  }

  /** It is over; returns what still waits to be encoded. Nobody is told any more. */
  abandon(): readonly Change[] {
    const waiting = this.#changed.slice(this.#next)
    this.#phase = 'over'
    this.#callbacks = []
    this.#changed = []
    return waiting.filter((change) => change.stamp === this.interval)
  }

  /** The base covers it: nothing of it waits any more. */
  forget(): void {
    for (const change of this.abandon()) {
      change.stamp = 0
      change.settle(undefined)
    }
    this.runs.drop()
  }

  get memoryBytes(): number {
    return this.#changed.length * 8 + this.runs.memoryBytes
  }
}

keepCompiled(new ChangeLog({ keyGroups: 1 }).begin(0, 0))
