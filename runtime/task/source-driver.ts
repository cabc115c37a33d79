import type { Clock } from '../clock.ts'
import { MIN_TIMESTAMP, type WatermarkStatus } from '../element.ts'
import type { SourceState, SplitTimeState } from '../checkpoint/source-state.ts'
import type { EventTimeReason } from '../event-time.ts'
import { invariant } from '../errors.ts'
import type { Output } from '../operator.ts'
import { ownCode } from '../own-code.ts'
import type { PollResult, ReaderOutput, SourceReader, SplitOutput } from '../source.ts'
import { TimestampCheck } from '../timestamps.ts'
import {
  NO_WATERMARKS,
  type WatermarkAlignment,
  type WatermarkStrategy,
} from '../watermark-strategy.ts'
import { sourceHold } from './source-hold.ts'
import { SplitAlignment } from './split-alignment.ts'
import { SplitTime, SplitWatermarks } from './split-watermarks.ts'

/** So many splits are told of: messages are read by people. */
const MAX_POSITIONS = 3

export interface SourceDriverOptions {
  readonly strategy: WatermarkStrategy<unknown> | undefined
  readonly clock: Clock
  readonly output: Output
  /** Whether the subtask may emit one more record (R6, R7). */
  readonly mayEmit: () => boolean
  readonly restored: SourceState | undefined
  readonly restoredWatermark: number
  /** Whether splits that are not assigned yet belong to the input: they hold time back (R11). */
  readonly isBounded: boolean
  /** A record is about to be emitted by a source that was idle. */
  readonly onActive: () => void
  /** The record that has just been emitted carried the watermark on to this. */
  readonly onWatermark: (watermark: number) => void
  /** A line for the user. */
  readonly warn: (message: string) => void
  /** Names source and record in a failure of the timestamp function, and of an edge right behind the source (R39). */
  readonly describe: (error: unknown, value: unknown, recordTimestamp: number) => Error
}

/** Runs the reader of one subtask: assigns timestamps, tracks the watermark and idleness of each split (R11). */
export class SourceDriver implements ReaderOutput<unknown> {
  reader!: SourceReader<unknown, unknown>
  hasEnded = false
  /** Emits one record of a split; says whether the reader may go on. */
  declare readonly emit: Emit
  /** Watermark and status as of the last tick, or of the last record that carried a watermark. */
  watermark: number
  status: WatermarkStatus = 'active'
  readonly #options: SourceDriverOptions
  readonly #strategy: WatermarkStrategy<unknown>
  readonly #outputs: Map<string, TimedSplitOutput> = new Map()
  readonly #watermarks: SplitWatermarks
  readonly #restoredTimes: Map<string, SplitTimeState>
  readonly #timestamps: TimestampCheck
  #splitAlignment: SplitAlignment | undefined
  #noMoreSplits = false
  /** When it could no longer be polled; NaN while it can. */
  #heldSince = NaN
  /** Since when it has had no split; NaN while it has one, or until the first tick. */
  #withoutSplitsSince = NaN

  constructor(options: SourceDriverOptions) {
    this.#options = options
    this.#strategy = options.strategy ?? NO_WATERMARKS
    this.watermark = options.restoredWatermark
    this.#watermarks = new SplitWatermarks(options.restoredWatermark)
    this.#timestamps = new TimestampCheck(options.warn)
    this.#restoredTimes = new Map(options.restored?.times.map((time) => [time.splitId, time]))
    const { output, mayEmit, describe } = options
    const { timestampOf, emission } = this.#strategy
    const follow = emission === 'per-record' ? this.#follow : undefined
    const make = ownCode(emitBy, import.meta.url)
    this.emit = make(this, timestampOf, this.#timestamps, output, follow, mayEmit, describe)
  }

  /** Opens the reader and hands it the splits of the checkpoint, if any. */
  async open(reader: SourceReader<unknown, unknown>): Promise<void> {
    this.reader = reader
    const { alignment } = this.#strategy
    if (alignment !== undefined) {
      this.#splitAlignment = new SplitAlignment({
        alignment,
        watermarks: this.#watermarks,
        pauseSplits: reader.pauseSplits?.bind(reader),
      })
    }
    await reader.open(this)
    const restored = this.#options.restored
    if (restored === undefined) return
    if (restored.splits.length > 0) reader.addSplits(restored.splits)
    if (restored.noMoreSplits) this.noMoreSplits()
  }

  noMoreSplits(): void {
    this.#noMoreSplits = true
    this.reader.noMoreSplits()
  }

  split(splitId: string): SplitOutput<unknown> {
    let output = this.#outputs.get(splitId)
    if (output === undefined) {
      const time = new SplitTime(splitId, this.#strategy.createGenerator())
      const restored = this.#restoredTimes.get(splitId)
      if (restored !== undefined) {
        time.status = restored.status
        time.generator.restoreState(restored.generator)
      }
      this.#watermarks.add(time)
      output = new TimedSplitOutput(this, time)
      this.#outputs.set(splitId, output)
    }
    return output
  }

  /** Highest timestamp emitted, for the lag; O(splits). */
  get maxTimestamp(): number {
    return this.#watermarks.maxTimestamp
  }

  /** What its watermark waits for, for the explainer; O(splits). */
  get holdReason(): EventTimeReason {
    return sourceHold({
      strategy: this.#strategy,
      splits: this.#watermarks.splits,
      isIdle: this.status === 'idle',
      isWaitingForSplits: this.#isWaitingForSplits,
      isBackPressured: !Number.isNaN(this.#heldSince),
      withoutSplitsSince: this.#withoutSplitsSince,
      // While it is held back the clock of idleness stands still (R11).
      now: Number.isNaN(this.#heldSince) ? this.#options.clock.elapsed() : this.#heldSince,
    })
  }

  get alignment(): WatermarkAlignment | undefined {
    return this.#strategy.alignment
  }

  /** Whether alignment holds back all that there is to read: it must not be polled. */
  get isPaused(): boolean {
    return this.#splitAlignment !== undefined && this.#splitAlignment.isPaused
  }

  /** The lowest watermark of the group it keeps together with; takes effect with the next look. */
  align(minimum: number): void {
    this.#splitAlignment?.follow(minimum)
  }

  poll(maxRecords: number): PollResult {
    invariant(!this.hasEnded, 'a reader is polled after its end')
    const result = this.reader.poll(maxRecords)
    if (result === 'end') this.hasEnded = true
    return result
  }

  /** A record comes where nothing did. Without splits the source is idle as well, and a new one begins active. */
  activate(time: SplitTime): void {
    time.status = 'active'
    this.status = 'active'
    this.#options.onActive()
  }

  /** Sends the watermark that a record may have carried right behind it; false where that got too far ahead of the group. */
  readonly #follow = (time: SplitTime): boolean => {
    if (this.#isWaitingForSplits) return true
    const watermark = this.#watermarks.advance(time)
    if (watermark > this.watermark) {
      this.watermark = watermark
      this.#options.onWatermark(watermark)
    }
    if (this.#splitAlignment?.isAhead(time, watermark) !== true) return true
    this.#updateAlignment()
    return !time.isPaused
  }

  #updateAlignment(): void {
    const { clock } = this.#options
    this.#splitAlignment?.update(clock.elapsed(), this.watermark, this.#isWaitingForSplits)
  }

  /** What is still to be assigned may begin anywhere (R11). */
  get #isWaitingForSplits(): boolean {
    return this.#options.isBounded && !this.#noMoreSplits
  }

  fetchedEmpty(time: SplitTime): void {
    if (Number.isNaN(time.emptySince)) time.emptySince = this.#options.clock.elapsed()
  }

  finish(splitId: string): void {
    this.#watermarks.finish(splitId)
    this.#outputs.delete(splitId)
  }

  /**
   * Whether the subtask can take nothing now, so that the source is not polled: idleness does not count that time (R11).
   */
  hold(isHeld: boolean): void {
    if (isHeld === !Number.isNaN(this.#heldSince)) return
    const now = this.#options.clock.elapsed()
    if (isHeld) {
      this.#heldSince = now
      return
    }
    const held = now - this.#heldSince
    this.#heldSince = NaN
    this.#withoutSplitsSince += held
    this.#watermarks.shiftIdleness(held)
  }

  /** Brings watermark and status up to date, for the periodic emission. */
  tick(): void {
    const status = this.#isWaitingForSplits
      ? 'active'
      : this.#statusAt(this.#options.clock.elapsed())
    const staysIdle = status === 'idle' && this.status === 'idle'
    // Who is idle says nothing until it is active again (semantics 2.6).
    if (!staysIdle && !this.#isWaitingForSplits) this.watermark = this.#watermarks.combine()
    this.status = status
    this.#updateAlignment()
  }

  #statusAt(now: number): WatermarkStatus {
    const { idleTimeoutMs } = this.#strategy
    this.#watermarks.checkIdle(now, idleTimeoutMs)
    if (this.#watermarks.count > 0) {
      this.#withoutSplitsSince = NaN
      return this.#watermarks.status
    }
    if (this.#noMoreSplits) return 'idle'
    // Its first splits may be on their way: without them it is idle like a split whose fetches are empty.
    if (Number.isNaN(this.#withoutSplitsSince)) this.#withoutSplitsSince = now
    return now - this.#withoutSplitsSince > idleTimeoutMs ? 'idle' : 'active'
  }

  snapshotState(checkpointId: number): SourceState {
    const splits = this.reader.snapshotState(checkpointId)
    const positions = this.#positionsOf(splits)
    return {
      splits,
      times: this.#watermarks.snapshotState(),
      noMoreSplits: this.#noMoreSplits,
      ...(positions === undefined ? {} : { positions }),
    }
  }

  #positionsOf(splits: readonly unknown[]): string[] | undefined {
    const { reader } = this
    if (reader.describeSplit === undefined) return undefined
    const positions: string[] = []
    for (const split of splits) {
      const position = reader.describeSplit(split)
      if (position === undefined) continue
      if (positions.length === MAX_POSITIONS) {
        positions.push('…')
        break
      }
      positions.push(position)
    }
    return positions
  }
}

class TimedSplitOutput implements SplitOutput<unknown> {
  readonly #driver: SourceDriver
  readonly #time: SplitTime

  constructor(driver: SourceDriver, time: SplitTime) {
    this.#driver = driver
    this.#time = time
  }

  emit(value: unknown, timestamp: number = MIN_TIMESTAMP): boolean {
    return this.#driver.emit(this.#time, value, timestamp)
  }

  fetchedEmpty(): void {
    this.#driver.fetchedEmpty(this.#time)
  }

  finish(): void {
    this.#driver.finish(this.#time.splitId)
  }

  get watermark(): number {
    return this.#time.look()
  }
}

type Emit = (time: SplitTime, value: unknown, recordTimestamp: number) => boolean

/** `follow`, where records carry watermarks, is called behind each of them; false from it if the split is paused by that. */
function emitBy(
  driver: SourceDriver,
  timestampOf: WatermarkStrategy<unknown>['timestampOf'],
  timestamps: TimestampCheck,
  output: Output,
  follow: ((time: SplitTime) => boolean) | undefined,
  mayEmit: () => boolean,
  describe: SourceDriverOptions['describe'],
): Emit {
  return function emit(time, value, recordTimestamp) {
    let timestamp = recordTimestamp
    let mayGoOn = true
    try {
      if (timestampOf !== undefined) timestamp = timestampOf(value as never, recordTimestamp)
      timestamps.check(timestamp)
    } catch (error) {
      throw describe(error, value, recordTimestamp)
    }
    if (timestamp > time.maxTimestamp) time.maxTimestamp = timestamp
    if (time.status === 'idle' || driver.status === 'idle') driver.activate(time)
    time.emptySince = NaN
    try {
      output.emit(value, timestamp)
      time.generator.onEvent(value, timestamp)
      if (follow !== undefined) mayGoOn = follow(time)
    } catch (error) {
      throw describe(error, value, timestamp)
    }
    return mayGoOn && mayEmit()
  }
}
