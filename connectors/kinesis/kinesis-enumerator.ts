import type { Cancel } from '../../runtime/clock.ts'
import { thrownText } from '../../runtime/errors.ts'
import type { EnumeratorContext, SplitEnumerator } from '../../runtime/source.ts'
import type { FanOutClient } from './fan-out-client.ts'
import type { ListedShard, StreamClient } from './kinesis-client.ts'
import { type KinesisSplit, newSplit, type ShardEvent } from './kinesis-split.ts'
import { endTime, type KinesisEnd, type KinesisStart, startTime } from './kinesis-start.ts'
import { FROM_BEGINNING, ShardOrder, type ShardOrderState } from './shard-order.ts'

/** State of the enumerator. */
export interface KinesisEnumeratorState extends ShardOrderState {
  /** Before which records are read; -1 for no end. */
  readonly end: number
  /** All shards that have something to read are known. */
  readonly isComplete: boolean
}

/** What an enumerator does, from `kinesisSource()`. */
export interface KinesisEnumeratorOptions {
  readonly start: KinesisStart
  readonly end: KinesisEnd | undefined
  /** Between two looks for new shards; 0 for none but those that the end of a shard asks for. */
  readonly discoveryIntervalMs: number
}

/** A child of a shard that has ended is listed at once, or after so many looks so far apart; then it has expired. */
const LOOKS_FOR_CHILDREN = 10
const CHILDREN_INTERVAL_MS = 1_000
/** By so much the arrival of a record may be later than the end of its shard. */
const CLOSING_MARGIN_MS = 60_000
/** So many new shards are named in a line. */
const MAX_NAMED = 5

/**
 * Finds the shards and hands them out, children after their parents (see `ShardOrder`). Those of the first look begin where `start`
 * says, those found later at their first record.
 *
 * Readers tell when a shard has ended, with the children that the service names there; so these are looked for at once. They
 * are taken from a list of all shards only, in which their other parents are as well.
 */
export class KinesisEnumerator implements SplitEnumerator<KinesisEnumeratorState> {
  readonly #context: EnumeratorContext<KinesisSplit>
  readonly #client: StreamClient
  /** Takes the consumer away that the readers have registered; undefined where there is none, or it stays. */
  readonly #fanOut: FanOutClient | undefined
  readonly #options: KinesisEnumeratorOptions
  readonly #order: ShardOrder
  readonly #isFirstStart: boolean
  #end: number
  #isComplete: boolean
  /** Children that have not been listed yet. */
  #wanted: Set<string> = new Set()
  #looksForWanted = 0
  #looks = 0
  #isLooking = false
  #cancelLook: Cancel | undefined
  #nextLook = Infinity
  #isClosed = false
  #hasFailedToLook = false
  #hasSignalled = false

  constructor(
    context: EnumeratorContext<KinesisSplit>,
    client: StreamClient,
    fanOut: FanOutClient | undefined,
    options: KinesisEnumeratorOptions,
    restored: KinesisEnumeratorState | undefined,
  ) {
    this.#context = context
    this.#client = client
    this.#fanOut = fanOut
    this.#options = options
    this.#isFirstStart = restored === undefined
    this.#order = new ShardOrder(restored)
    this.#end = restored?.end ?? -1
    this.#isComplete = restored?.isComplete ?? false
  }

  async start(): Promise<void> {
    const { start, end } = this.#options
    const now = this.#context.clock.now()
    if (this.#isFirstStart) {
      this.#end = endTime(end, now)
      await this.#look(startTime(start, now))
    } else if (!this.#isComplete) await this.#look(FROM_BEGINNING)
    this.#handOut()
    this.#lookAgain()
  }

  handleReaderEvent(subtask: number, event: unknown): void {
    const told = event as ShardEvent
    if (told.type === 'settled') for (const id of told.shardIds) this.#order.settled(id)
    else {
      this.#order.finished(told.shardId, subtask, this.#context.clock.now())
      const children = told.children.filter((id) => !this.#order.isKnown(id))
      if (children.length > 0 && !this.#isComplete) {
        for (const id of children) this.#wanted.add(id)
        this.#looksForWanted = 0
        this.#lookIn(0)
      }
    }
    this.#handOut()
  }

  snapshotState(): KinesisEnumeratorState {
    return { ...this.#order.state, end: this.#end, isComplete: this.#isComplete }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelLook?.()
    this.#client.close()
    try {
      await this.#fanOut?.deregister()
    } catch (error) {
      this.#context.log(`The consumer stays registered: ${thrownText(error)}`)
    } finally {
      this.#fanOut?.close()
    }
  }

  /** Takes up all shards that are not known; they begin at `from`. */
  async #look(from: number): Promise<void> {
    const { clock } = this.#context
    const begin = clock.now()
    const isFirst = this.#isFirstStart && this.#looks === 0
    const listed = await this.#client.listShards()
    if (this.#isClosed) return
    const found = listed.filter(({ id }) => !this.#order.isKnown(id))
    const over = isFirst ? await this.#overBefore(from, listed) : new Set<string>()
    if (this.#isClosed) return
    for (const { id, parents, firstHash, lastHash } of found) {
      if (over.has(id)) this.#order.skip(id, begin)
      else this.#order.add({ id, parents, firstHash, lastHash, from })
      this.#wanted.delete(id)
    }
    // What readers still tell of restored shards is told before the second look.
    if (this.#looks > 0) this.#order.forget(new Set(listed.map(({ id }) => id)), begin)
    this.#looks++
    // Shards that are made from now on have nothing that arrived before the end.
    this.#isComplete = this.#end >= 0 && begin >= this.#end - 1
    if (!isFirst && found.length > 0) this.#tell(found.map(({ id }) => id))
  }

  /** Which of these shards were closed before the time at which reading begins, and so have nothing to read. */
  async #overBefore(from: number, listed: readonly ListedShard[]): Promise<ReadonlySet<string>> {
    const closed = new Set(listed.filter(({ isClosed }) => isClosed).map(({ id }) => id))
    // What is in a closed shard came before now.
    if (this.#options.start === 'latest') return closed
    const since = from - CLOSING_MARGIN_MS
    if (closed.size === 0 || since <= 0 || from > this.#context.clock.now()) return new Set()
    try {
      for (const { id } of await this.#client.listShards(since)) closed.delete(id)
      return closed
    } catch {
      // It only saves looking into each of them.
      return new Set()
    }
  }

  #tell(found: readonly string[]): void {
    const named = found.slice(0, MAX_NAMED).join(', ')
    const more = found.length > MAX_NAMED ? ` and ${found.length - MAX_NAMED} more` : ''
    this.#context.log(`New shards, read from their first record on: ${named}${more}.`)
  }

  #handOut(): void {
    const { parallelism } = this.#context
    const ready = this.#order.takeReady(parallelism)
    const bySubtask = Map.groupBy(ready, ({ subtask }) => subtask)
    for (const [subtask, those] of bySubtask) {
      this.#context.assignSplits(
        subtask,
        those.map(({ shard }) => newSplit(shard, this.#end)),
      )
    }
    if (!this.#isComplete || this.#order.hasWaiting || this.#hasSignalled) return
    this.#hasSignalled = true
    for (let i = 0; i < parallelism; i++) this.#context.signalNoMoreSplits(i)
  }

  #lookAgain(): void {
    const { discoveryIntervalMs } = this.#options
    if (this.#wanted.size > 0 && this.#looksForWanted < LOOKS_FOR_CHILDREN) {
      this.#looksForWanted++
      this.#lookIn(CHILDREN_INTERVAL_MS)
    } else if (!this.#isComplete && discoveryIntervalMs > 0) {
      const untilEnd = this.#end < 0 ? Infinity : this.#end - this.#context.clock.now()
      this.#lookIn(Math.min(discoveryIntervalMs, Math.max(0, untilEnd)))
    }
  }

  #lookIn(delayMs: number): void {
    const { clock } = this.#context
    const at = clock.elapsed() + delayMs
    if (this.#isClosed || this.#isLooking || this.#nextLook <= at) return
    this.#cancelLook?.()
    this.#nextLook = at
    this.#cancelLook = clock.schedule(delayMs, () => {
      this.#nextLook = Infinity
      void this.#lookLater()
    })
  }

  /** A look that fails is told once and made again: what is being read goes on. */
  async #lookLater(): Promise<void> {
    this.#isLooking = true
    try {
      await this.#look(FROM_BEGINNING)
      if (!this.#isClosed) this.#handOut()
      this.#hasFailedToLook = false
    } catch (error) {
      if (!this.#hasFailedToLook && !this.#isClosed) {
        this.#context.log(`Could not look for new shards: ${thrownText(error)}`)
      }
      this.#hasFailedToLook = true
      this.#looksForWanted = 0
    } finally {
      this.#isLooking = false
    }
    this.#lookAgain()
  }
}
