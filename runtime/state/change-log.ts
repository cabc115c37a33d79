import { invariant } from '../errors.ts'
import { EntryRun } from './entry-run.ts'
import { RunMerge } from './run-merge.ts'
import type { StateEntry, StateSnapshot } from './state-backend.ts'

/** Changes encoded or merged between two looks at the clock, and in all where no time is left. */
const STEPS_PER_LOOK = 64
const STEPS_WITHOUT_TIME = 512
/** Runs of early entries of an interval are merged when there are this many, and twice as many as after the last time. */
const FOLD_RUNS = 32
/** So many snapshots in a row may end unfinished before what they encoded is merged at once. */
const MAX_UNMERGED = 8

/**
 * Anything that stands in a snapshot by itself: a value, an entry of a map, a timer.
 *
 * `stamp` says whether it waits to be encoded:
 *
 * ```
 *   0 ──changed──▶ current interval ──beginSnapshot──▶ interval of the running snapshot ──encoded──▶ 0
 *   │                    │ evicted: encoded at once ──▶ 0         │ changed: encoded first (R25) ──▶ current interval
 *   └─ not changed since the snapshot before, or encoded since    └─ aborted ──▶ current interval (R24)
 * ```
 */
export abstract class Change {
  stamp = 0
  /** Its place in the set of changes of the current interval, while it has that stamp. */
  place = 0
  /** Whether it existed when it was first changed in its interval: if not, its end leaves no trace. */
  existed = false

  /** Appends its entry as it is now; nothing if it does not exist and did not. */
  abstract encode(run: EntryRun): void
  /** It waits no more: what was kept only for the snapshot may go. `run` holds it as its last entry, if it was encoded. */
  abstract settle(run: EntryRun | undefined): void
}

/**
 * What has changed since the snapshots before: the part of a backend that knows about checkpoints (R24, R25).
 *
 * Changes belong to the interval between two barriers. At a barrier the set of the interval is handed over in one step;
 * it is encoded between records, and whatever is touched before its turn is encoded first. Changes of a snapshot that
 * is not the base of the next one are carried into that, in encoded form; what had not been encoded yet waits again.
 */
export class ChangeLog {
  /** The current interval; what has this stamp is in the set already. */
  interval = 1
  #changed: Change[] = []
  /** Entries of the interval that were encoded before its end: evicted ones, and `clear`s; oldest run first. */
  #early: EntryRun[] = []
  #openRun: EntryRun | undefined
  #fold: { readonly merge: RunMerge; readonly count: number } | undefined
  #foldedRuns = 0
  /** The snapshot begun last, and whether its changes still wait. */
  #snapshot: Delta | undefined

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
    change.encode(this.#writableRun())
    this.leave(change)
  }

  /** Logs that everything under a key has been removed at this moment; the caller writes the key. */
  logClear(writeKey: (run: EntryRun) => void): void {
    const run = this.#writableRun()
    run.beginEntry('clear')
    writeKey(run)
    run.beginValue()
  }

  /** Logs what has become at this moment of something that is not in memory: its value, or that it has none. */
  log(key: Uint8Array, value: Uint8Array | undefined): void {
    const run = this.#writableRun()
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

  #writableRun(): EntryRun {
    if (this.#openRun?.isFull === true) {
      this.#openRun.seal()
      this.#openRun = undefined
    }
    if (this.#openRun === undefined) {
      this.#openRun = new EntryRun()
      this.#early.push(this.#openRun)
    }
    return this.#openRun
  }

  /** Hands the changes since `baseId` over. O(1), or O(changed) where an unfinished snapshot has to be carried on. */
  begin(checkpointId: number, baseId: number): StateSnapshot {
    const before = this.#snapshot
    let carried: Carried = { runs: [], unmerged: 0 }
    if (before !== undefined) {
      if (before.checkpointId > baseId) {
        this.#reclaim(before)
        carried = before.carry()
      } else before.forget()
    }
    const snapshot = new Delta({
      checkpointId,
      interval: this.interval,
      changed: this.#changed,
      runs: [...carried.runs, ...this.#early],
      unmerged: carried.unmerged,
    })
    this.#snapshot = snapshot
    this.#changed = []
    this.#early = []
    this.#openRun = undefined
    this.#fold = undefined
    this.#foldedRuns = 0
    this.interval++
    return snapshot
  }

  /** The checkpoint will not be the base of the next one: nothing of it needs to keep its value any more (R24). */
  abort(checkpointId: number): void {
    if (this.#snapshot?.checkpointId === checkpointId) this.#reclaim(this.#snapshot)
  }

  /** What a snapshot has not encoded yet counts as changed in the current interval. */
  #reclaim(snapshot: Delta): void {
    for (const change of snapshot.abandon()) {
      change.stamp = this.interval
      change.place = this.#changed.length
      this.#changed.push(change)
    }
  }

  /** Encodes or merges until `isOver`, asked between steps, but at least a little; true if more is left. */
  work(isOver: () => boolean): boolean {
    const snapshot = this.#snapshot
    if (snapshot === undefined || !snapshot.isRunning) return this.#foldEarly()
    let steps = 0
    do {
      snapshot.step(STEPS_PER_LOOK)
      steps += STEPS_PER_LOOK
    } while (snapshot.isRunning && (steps < STEPS_WITHOUT_TIME || !isOver()))
    return snapshot.isRunning
  }

  /** Entries that keep being evicted and changed again would otherwise pile up until the next barrier. */
  #foldEarly(): boolean {
    if (this.#fold === undefined) {
      if (this.#early.length <= Math.max(FOLD_RUNS, this.#foldedRuns * 2)) return false
      const sealed = this.#early.filter((run) => run !== this.#openRun)
      this.#fold = { merge: new RunMerge(sealed), count: sealed.length }
    }
    const { merge, count } = this.#fold
    if (!merge.step(STEPS_WITHOUT_TIME)) return true
    this.#early.splice(0, count, ...merge.result)
    this.#foldedRuns = merge.result.length
    this.#fold = undefined
    return false
  }

  /** Bytes that changes and snapshots hold besides what they are changes of. */
  get memoryBytes(): number {
    let bytes = this.#changed.length * 8 + (this.#snapshot?.memoryBytes ?? 0)
    for (const run of this.#early) bytes += run.memoryBytes
    return bytes
  }
}

/** What an earlier snapshot encoded, oldest run first, and how many of them in a row were never merged. */
interface Carried {
  readonly runs: readonly EntryRun[]
  readonly unmerged: number
}

interface DeltaParts extends Carried {
  readonly checkpointId: number
  readonly interval: number
  readonly changed: readonly Change[]
}

/**
 * The change set of one checkpoint.
 *
 * ```
 *   encoding ──all encoded──▶ merging ──each key once──▶ encoded
 *      └──────────┴─ abandoned ──▶ over (its runs may be carried into the next)
 * ```
 */
class Delta implements StateSnapshot {
  readonly checkpointId: number
  readonly interval: number
  #phase: 'encoding' | 'merging' | 'encoded' | 'over' = 'encoding'
  #changed: readonly Change[]
  #next = 0
  /** Oldest first; once encoded, ascending and disjoint. */
  #runs: EntryRun[]
  #openRun: EntryRun | undefined
  #merge: RunMerge | undefined
  #unmerged: number
  #callbacks: (() => void)[] = []

  constructor(parts: DeltaParts) {
    this.checkpointId = parts.checkpointId
    this.interval = parts.interval
    this.#changed = parts.changed
    this.#runs = [...parts.runs]
    this.#unmerged = parts.unmerged
  }

  get isEncoded(): boolean {
    return this.#phase === 'encoded'
  }

  get isRunning(): boolean {
    return this.#phase === 'encoding' || this.#phase === 'merging'
  }

  onEncoded(callback: () => void): void {
    if (this.isEncoded) callback()
    else if (this.isRunning) this.#callbacks.push(callback)
  }

  *entries(): Iterable<StateEntry> {
    invariant(
      this.isEncoded,
      `snapshot ${this.checkpointId} is read before it is encoded or after the next has begun`,
    )
    for (const run of this.#runs) {
      for (let position = 0; position < run.length; position++) yield run.at(position)
    }
  }

  get byteLength(): number {
    return this.isEncoded ? this.#runs.reduce((sum, run) => sum + run.byteLength, 0) : 0
  }

  encode(change: Change): void {
    invariant(this.#phase === 'encoding', 'a change is left behind by its snapshot')
    if (this.#openRun === undefined || this.#openRun.isFull) {
      this.#openRun?.seal()
      this.#openRun = new EntryRun()
      this.#runs.push(this.#openRun)
    }
    change.encode(this.#openRun)
  }

  step(count: number): void {
    if (this.#phase === 'encoding') this.#encodeSome(count)
    else if (this.#merge!.step(count)) this.#finish(this.#merge!.result)
  }

  #encodeSome(count: number): void {
    const changed = this.#changed
    const end = Math.min(changed.length, this.#next + count)
    while (this.#next < end) {
      const change = changed[this.#next++]!
      if (change.stamp !== this.interval) continue
      this.encode(change)
      change.stamp = 0
      change.settle(this.#openRun)
    }
    if (end < changed.length) return
    this.#changed = []
    this.#phase = 'merging'
    this.#sealAll()
    if (this.#runs.length === 1) this.#finish(this.#runs)
    else this.#merge = new RunMerge(this.#runs)
  }

  #sealAll(): void {
    this.#openRun = undefined
    for (const run of this.#runs) run.seal()
  }

  #finish(runs: EntryRun[]): void {
    this.#phase = 'encoded'
    this.#runs = runs
    this.#merge = undefined
    const callbacks = this.#callbacks
    this.#callbacks = []
    for (const callback of callbacks) callback()
  }

  /** Stops encoding; returns what still waits. Nobody is told any more. */
  abandon(): readonly Change[] {
    if (!this.isRunning) return []
    this.#phase = 'over'
    this.#callbacks = []
    this.#merge = undefined
    this.#sealAll()
    const waiting = this.#changed.slice(this.#next)
    this.#changed = []
    return waiting.filter((change) => change.stamp === this.interval)
  }

  /** The base covers it: nothing of it waits any more. */
  forget(): void {
    for (const change of this.abandon()) {
      change.stamp = 0
      change.settle(undefined)
    }
    this.#phase = 'over'
    this.#runs = []
  }

  /** Gives up what it has encoded, after `abandon`. */
  carry(): Carried {
    const wasEncoded = this.isEncoded
    const runs = this.#runs
    this.#phase = 'over'
    this.#runs = []
    if (wasEncoded || runs.length === 0) return { runs, unmerged: 0 }
    if (this.#unmerged < MAX_UNMERGED) return { runs, unmerged: this.#unmerged + 1 }
    const merge = new RunMerge(runs)
    merge.step(Infinity)
    return { runs: merge.result, unmerged: 0 }
  }

  get memoryBytes(): number {
    let bytes = this.#changed.length * 8
    for (const run of this.#runs) bytes += run.memoryBytes
    return bytes
  }
}
