import type { Clock } from '../clock.ts'
import { invariant } from '../errors.ts'
import type { Key } from '../key.ts'
import { BaseLevel } from './base-level.ts'
import { BaseLoader } from './base-loader.ts'
import { BackendKeyVisit } from './backend-key-visit.ts'
import { CellTtl } from './cell-ttl.ts'
import { HandleFactory, isTimed } from './handle-factory.ts'
import { ListStore } from './list-store.ts'
import { MapStore } from './map-store.ts'
import { EntryRestorer, type Registered } from './restore-entries.ts'
import type { RunFileSystem } from './run-file.ts'
import { RunStore } from './run-store.ts'
import { Spill, type SpillStore } from './spill.ts'
import type {
  BackendContext,
  KeyedStateBackend,
  KeyVisit,
  RestoredBase,
  StateEntry,
  StateSnapshot,
  TimerQueue,
} from './state-backend.ts'
import type { CellState } from './state-cell.ts'
import { stateClosed } from './state-errors.ts'
import { ROW_BYTES, StateTable } from './state-table.ts'
import { resolveTtl } from './state-ttl.ts'
import type { StateDescriptor, StateHandle } from './state.ts'
import { StrictCheck } from './strict-check.ts'
import { Sweep } from './sweep.ts'
import { TimerBudget } from './timer-budget.ts'
import { HeapTimerQueue } from './timer-queue.ts'
import { type EventTtlTime, ProcessingTtlTime } from './ttl-time.ts'

/** Shares of the budget: pending writes at most, the filter at most, cells at least. */
const PENDING_SHARE = 1 / 4
const FILTER_SHARE = 1 / 16
/** What is on its way to the store from the restored base at most, besides; with less it would not come forward. */
const BULK_SHARE = 1 / 16
const MIN_BULK_BYTES = 64 * 1_024
const LEAST_CACHE_SHARE = 1 / 8
/** What encoded changes take in memory before they are written to files. */
const CHANGES_SHARE = 1 / 8
const MIN_CHANGE_BYTES = 1_024 * 1_024
const MAX_CHANGE_BYTES = 16 * MIN_CHANGE_BYTES
/** How far the cache may exceed its share between two turns, as a share of the budget. */
const EXCESS_SHARE = 1 / 8
/** How much of its share the cache keeps when it makes room, so that the room lasts for a while. */
const KEPT_SHARE = 0.9
/** Cells evicted between two looks at the clock, in all where no time is left, and in the middle of a turn. */
const EVICTIONS_PER_LOOK = 64
const EVICTIONS_WITHOUT_TIME = 512
/** Entries restored between two looks at the clock, and the time until the event loop has its turn (N11). */
const RESTORES_PER_LOOK = 64
const RESTORE_SLICE_MS = 5

/**
 * Keyed state in memory, with or without a store under it: all that the two backends have in common.
 *
 * With a store, cells leave memory when they take more than their share of the budget; what is under way to the store counts as
 * well, and suspends the input above a limit (R22).
 */
export class KeyedBackend implements KeyedStateBackend {
  readonly #context: BackendContext
  readonly #clock: Clock
  readonly #table: StateTable
  readonly #maps: MapStore
  readonly #lists: ListStore
  readonly #handles: HandleFactory
  readonly #processingTime: ProcessingTtlTime
  readonly #spill: Spill | undefined
  readonly #registered: Map<number, Registered> = new Map()
  /** By their handles. */
  readonly #states: Map<unknown, CellState> = new Map()
  /** While not everything that was restored has been loaded. */
  #loading: { readonly base: RestoredBase; readonly loader: BaseLoader } | undefined
  readonly #timers: TimerBudget
  /** Too many timers are in memory; known from turn to turn. */
  #hasManyTimers = false
  /** Only where a state has a time to live. */
  #sweep: Sweep | undefined
  /** Bytes that cells may take; what else is in memory is taken off, so it is computed anew in each turn. */
  #cacheLimit = Infinity
  /** Bytes of cells above which no input is taken, and a turn makes room in between. */
  #suspendLimit = Infinity
  #deadline = 0
  #isStarted = false
  #isClosed = false

  /** Files for changes that are too many for memory come with a store that makes and removes the directory of the context. */
  constructor(context: BackendContext, store: SpillStore | undefined, fileSystem?: RunFileSystem) {
    this.#context = context
    this.#clock = context.clock
    this.#spill = store === undefined ? undefined : this.#spillTo(store)
    this.#table = new StateTable({
      spill: this.#spill,
      runStore: fileSystem === undefined ? undefined : this.#changesTo(fileSystem),
      strict: context.strict ? new StrictCheck() : undefined,
      makeRoom: () => this.#makeRoom(),
      maxParallelism: context.maxParallelism,
      range: context.range,
    })
    this.#timers = new TimerBudget(context.cacheBytes)
    this.#maps = new MapStore(this.#table, context.mapPageBytes)
    this.#lists = new ListStore(this.#table, context.listPieceBytes)
    this.#handles = new HandleFactory(this.#table, this.#maps, this.#lists)
    this.#processingTime = new ProcessingTtlTime(context.clock, () => this.#table.callback)
    if (this.#spill !== undefined) this.#setLimits()
  }

  #spillTo(store: SpillStore): Spill {
    const { cacheBytes, fail, wake } = this.#context
    return new Spill({
      store,
      maxPendingBytes: cacheBytes * PENDING_SHARE,
      maxFilterBytes: cacheBytes * FILTER_SHARE,
      landed: (cell) => this.#table.landed(cell),
      isInBase: (key) => this.#table.base?.mightHoldEntry(key) ?? false,
      wake,
      fail,
    })
  }

  #changesTo(fileSystem: RunFileSystem): RunStore {
    const { cacheBytes, changeBytes, directory, wake, fail } = this.#context
    const share = Math.min(Math.max(cacheBytes * CHANGES_SHARE, MIN_CHANGE_BYTES), MAX_CHANGE_BYTES)
    return new RunStore({ fileSystem, directory, shareBytes: changeBytes ?? share, wake, fail })
  }

  // --- Registration ---

  register<D extends StateDescriptor>(
    stateId: number,
    uid: string,
    descriptor: D,
    eventTime?: EventTtlTime,
  ): StateHandle<D> {
    const { kind, version, name, upcasts } = descriptor
    const state: CellState = {
      stateId,
      uid,
      name,
      kind,
      version,
      upcasts,
      slot: this.#newSlots(1),
      path: `${uid}/${name}`,
      host: this.#table,
      ttl: this.#ttlOf(descriptor, `${uid}/${name}`, eventTime),
      averageBytes: 0,
      elementBytes: 0,
      untilSample: 1,
      samples: 0,
      hasText: false,
    }
    this.#add(stateId, { kind: 'state', state })
    const handle = this.#handles.handle(descriptor, state) as StateHandle<D>
    this.#states.set(handle, state)
    if (isTimed(state)) this.#swept().add(state, this.#handles.sweeper(state))
    return handle
  }

  #swept(): Sweep {
    this.#sweep ??= new Sweep({
      table: this.#table,
      maps: this.#maps,
      lists: this.#lists,
      range: this.#context.range,
      clock: this.#clock,
      isSuspended: () => this.isSuspended,
    })
    return this.#sweep
  }

  #ttlOf(
    { ttl }: StateDescriptor,
    path: string,
    eventTime: EventTtlTime | undefined,
  ): CellTtl | undefined {
    if (ttl === undefined) return undefined
    const resolved = resolveTtl(ttl, `the ttl of state ${path}`)
    const time = resolved.timeDomain === 'event' ? eventTime : this.#processingTime
    invariant(time !== undefined, `state ${path} expires by event time, of which nothing is known`)
    return new CellTtl(resolved, time)
  }

  timers(uid: string, eventStateId: number, processingStateId: number): TimerQueue {
    const queue = new HeapTimerQueue({
      table: this.#table,
      uid,
      eventStateId,
      processingStateId,
      slot: this.#newSlots(2),
      range: this.#context.range,
      room: this.#timers,
    })
    this.#timers.add(queue)
    this.#add(eventStateId, { kind: 'timers', timers: { queue, domain: 'event' } })
    this.#add(processingStateId, { kind: 'timers', timers: { queue, domain: 'processing' } })
    return queue
  }

  #add(stateId: number, registered: Registered): void {
    invariant(!this.#registered.has(stateId), `state id ${stateId} is registered twice`)
    this.#registered.set(stateId, registered)
  }

  #newSlots(count: number): number {
    invariant(!this.#isStarted, 'a state is registered after restore')
    return this.#table.addSlots(count)
  }

  async restore(
    entries: AsyncIterable<StateEntry> | Iterable<StateEntry>,
    options: { readonly asChanges?: boolean } = {},
  ): Promise<void> {
    if (!this.#isStarted) {
      this.#isStarted = true
      await this.#spill?.prepare()
    }
    const restorer = new EntryRestorer({
      table: this.#table,
      maps: this.#maps,
      lists: this.#lists,
      registered: this.#registered,
      range: this.#context.range,
      asChanges: options.asChanges ?? false,
    })
    let count = 0
    let sliceEnd = this.#clock.elapsed() + RESTORE_SLICE_MS
    for await (const entry of entries) {
      restorer.restore(entry)
      if (++count % RESTORES_PER_LOOK !== 0) continue
      this.#tidy(-Infinity)
      while (this.isSuspended || this.#clock.elapsed() >= sliceEnd) {
        await new Promise<void>((resolve) => this.#clock.nextTurn(resolve))
        if (this.#isClosed) throw stateClosed()
        this.#spill?.throwIfFailed()
        sliceEnd = this.#clock.elapsed() + RESTORE_SLICE_MS
        this.#tidy(-Infinity)
      }
    }
  }

  get canAdopt(): boolean {
    return this.#spill !== undefined
  }

  adopt(base: RestoredBase): void {
    const spill = this.#spill
    invariant(this.#isStarted && spill !== undefined, 'a base is adopted that cannot be loaded')
    const { range, clock, cacheBytes, wake, fail } = this.#context
    const level = new BaseLevel(base, fail)
    this.#table.base = level
    const states = [...this.#states.values()].map((state) => [state.stateId, state] as const)
    const loader = new BaseLoader({
      base,
      level,
      spill,
      states: new Map(states),
      range,
      clock,
      maxBulkBytes: Math.max(cacheBytes * BULK_SHARE, MIN_BULK_BYTES),
      counted: () => this.#table.valueCount++,
      wake,
      fail,
    })
    this.#loading = { base, loader }
  }

  get loadedShare(): number | undefined {
    return this.#loading?.loader.share
  }

  /** Everything is where it belongs: the base is not needed any more. */
  #endLoading(): void {
    const { base, loader } = this.#loading!
    this.#loading = undefined
    this.#table.base = undefined
    loader
      .close()
      .then(() => base.close())
      .catch((error: unknown) => this.#context.fail(error))
    // Visits and sweeps have waited for it.
    this.#context.wake()
  }

  // --- The current key ---

  setCurrentKey(key: Key, keyGroup?: number): void {
    this.#table.setCurrentKey(key, keyGroup)
  }

  get currentKey(): Key {
    return this.#table.currentKey
  }

  setNamespace(namespace: Key | undefined): void {
    this.#table.setNamespace(namespace)
  }

  get currentNamespace(): Key | undefined {
    return this.#table.currentNamespace
  }

  clearCurrent(): void {
    this.#table.clearCurrent()
  }

  beginHeld(keyGroup: number | undefined): void {
    this.#table.beginHeld(keyGroup)
  }

  get currentKeyGroup(): number | undefined {
    return this.#table.currentKeyGroup
  }

  visitKeys(handle: unknown, visit: (key: Key) => void): KeyVisit {
    const state = this.#states.get(handle)
    invariant(state !== undefined, 'keys of a state are visited that is not registered')
    const { range, clock } = this.#context
    return new BackendKeyVisit({
      table: this.#table,
      maps: this.#maps,
      lists: this.#lists,
      state,
      range,
      clock,
      isSuspended: () => this.#loading !== undefined || this.isSuspended,
      visit,
    })
  }

  // --- Housekeeping ---

  get isSuspended(): boolean {
    const spill = this.#spill
    if (spill === undefined) return false
    const { cache, changes } = this.#table
    if (cache.bytes > this.#suspendLimit || changes.isExceeded) return true
    return spill.isFull || this.#hasManyTimers
  }

  work(deadline: number): boolean {
    const moreInBackground =
      this.#loading === undefined ? this.#sweep?.work(deadline) : this.#load()
    return this.#tidy(deadline) || moreInBackground === true
  }

  /** Until everything is loaded nothing is swept: a sweep would not meet what is still in the base. */
  #load(): boolean {
    const { loader } = this.#loading!
    const hasMore = loader.work()
    if (loader.isDone) this.#endLoading()
    return hasMore
  }

  /** Encodes, evicts and writes. */
  #tidy(deadline: number): boolean {
    this.#deadline = deadline
    // What a restore brings in comes without a callback.
    this.#table.cache.endCallback()
    const moreToEncode = this.#table.changes.work(this.#isOver)
    if (this.#spill === undefined) return moreToEncode
    this.#setLimits()
    const moreTimers = this.#timers.evict(this.#isFull, this.#isOver)
    this.#hasManyTimers = this.#timers.isExceeded
    const moreToEvict = this.#evict()
    this.#spill.flush()
    return moreToEncode || moreTimers || moreToEvict
  }

  readonly #isOver = (): boolean => this.#clock.elapsed() >= this.#deadline

  readonly #isFull = (): boolean => this.#spill!.isFull

  #setLimits(): void {
    const { cacheBytes } = this.#context
    const left = cacheBytes * (1 - PENDING_SHARE) - this.#fixedBytes()
    this.#cacheLimit = Math.max(left, cacheBytes * LEAST_CACHE_SHARE)
    this.#suspendLimit = this.#cacheLimit + cacheBytes * EXCESS_SHARE
  }

  /** Evicts until the cache has room again, pending writes are too many (false), or time is over (true). */
  #evict(): boolean {
    const { cache } = this.#table
    if (cache.bytes <= this.#cacheLimit) return false
    const goal = this.#cacheLimit * KEPT_SHARE
    for (let evicted = 0; cache.bytes > goal; evicted += EVICTIONS_PER_LOOK) {
      if (this.#spill!.isFull) return false
      if (evicted >= EVICTIONS_WITHOUT_TIME && this.#isOver()) return true
      this.#evictSome(goal)
    }
    return false
  }

  /** A turn brings in more than it may: some leave at once; where too much waits to be written, of what need not be. */
  #makeRoom(): void {
    if (this.#table.cache.bytes > this.#suspendLimit) this.#evictSome(this.#cacheLimit)
  }

  #evictSome(goal: number): void {
    const { cache } = this.#table
    for (let i = 0; i < EVICTIONS_PER_LOOK && cache.bytes > goal; i++) {
      const cell = cache.next()
      if (cell === undefined) return
      if (cell.isDirty && this.#spill!.isFull) cell.isReferenced = true
      else this.#table.evict(cell)
    }
  }

  // --- Checkpoints ---

  beginSnapshot(checkpointId: number, baseId: number): StateSnapshot {
    return this.#table.changes.begin(checkpointId, baseId)
  }

  checkpointCompleted(checkpointId: number): void {
    this.#table.changes.complete(checkpointId)
  }

  checkpointAborted(checkpointId: number): void {
    this.#table.changes.abort(checkpointId)
  }

  // --- Figures and the end ---

  get memoryBytes(): number {
    return this.#table.cache.bytes + this.#fixedBytes() + (this.#spill?.pendingBytes ?? 0)
  }

  /** What is in memory and cannot be evicted. */
  #fixedBytes(): number {
    const { rows, changes } = this.#table
    return (
      rows.kept * ROW_BYTES +
      this.#timers.bytes +
      changes.memoryBytes +
      (this.#spill?.filterBytes ?? 0) +
      (this.#table.base?.memoryBytes ?? 0)
    )
  }

  get entryCount(): number {
    // Less than what has been removed may have been loaded.
    return Math.max(0, this.#table.valueCount)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#table.close()
    if (this.#loading !== undefined) {
      const { base, loader } = this.#loading
      await loader.close()
      await base.close()
    }
    await this.#table.changes.close()
    await this.#spill?.close()
  }
}
