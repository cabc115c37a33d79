import type { Clock } from '../../runtime/clock.ts'
import {
  awsError,
  awsFailure,
  awsUnavailable,
  mayPassAws,
  type SdkError,
} from '../../runtime/aws/aws-errors.ts'
import { isGone, type ShardPage, type StreamClient } from './kinesis-client.ts'
import type { ShardPosition } from './kinesis-split.ts'
import { pause } from './pause.ts'
import type { Resumption } from './position-gone.ts'
import type { ShardFeed } from './shard-feed.ts'

/** The longest wait that throttling comes to. */
const MAX_INTERVAL_MS = 5_000
/** A time in the future is asked for again so often. */
export const AHEAD_INTERVAL_MS = 1_000

/** Who fetches. */
export interface FetchOptions {
  readonly client: StreamClient
  readonly clock: Clock
  readonly stream: string
  readonly maxRecords: number
  /** The least time from one call for a shard to the next. */
  readonly intervalMs: number
  readonly retryTimeoutMs: number
  readonly count: (counter: string) => void
  readonly fail: (error: unknown) => void
  /** The position is not in the shard. Throws, or says where to go on. */
  readonly gone: (
    shardId: string,
    position: ShardPosition,
    tipAt: number,
    error: SdkError,
  ) => Promise<Resumption>
}

/**
 * Fetches one shard by GetRecords, a call at a time, while its feed wants more.
 *
 * Calls for a shard are `intervalMs` apart at least. Each that is throttled makes it longer by half, up to 5 s, and waits a random
 * time more; each that is not makes it shorter by a tenth. So consumers that share a shard come to share its rate.
 */
export class ShardPoller<T> {
  readonly #options: FetchOptions
  readonly #feed: ShardFeed<T>
  readonly #abort = new AbortController()
  #iterator: string | undefined
  #intervalMs: number
  #lastCall = -Infinity
  #failures = 0
  #failingSince: number | undefined
  /** The clock of the SDK was off at the last try. */
  #wasSkewed = false
  #wake: (() => void) | undefined
  #isClosed = false

  constructor(options: FetchOptions, feed: ShardFeed<T>) {
    this.#options = options
    this.#feed = feed
    this.#intervalMs = options.intervalMs
  }

  /** Fetches until the end of the shard, or `close`. */
  async run(): Promise<void> {
    try {
      while (!this.#isClosed && !this.#feed.hasEnd) {
        if (this.#feed.wantsMore) await this.#step()
        else await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    } catch (error) {
      if (!this.#isClosed) this.#options.fail(error)
    }
  }

  /** Its feed may want more now. Cheap. */
  wake(): void {
    this.#wake?.()
    this.#wake = undefined
  }

  close(): void {
    this.#isClosed = true
    this.#abort.abort()
    this.wake()
  }

  async #step(): Promise<void> {
    const { clock } = this.#options
    this.#iterator ??= await this.#newIterator()
    if (this.#iterator === undefined || this.#isClosed) return
    await this.#pause(this.#lastCall + this.#intervalMs - clock.elapsed())
    if (this.#isClosed) return
    this.#lastCall = clock.elapsed()
    const askedAt = clock.now()
    const { client, maxRecords } = this.#options
    const { signal } = this.#abort
    let page: ShardPage
    try {
      page = await client.getRecords(this.#iterator, maxRecords, signal)
    } catch (error) {
      if (!this.#isClosed) await this.#failed(error as SdkError)
      return
    }
    if (this.#isClosed) return
    this.#succeeded()
    this.#iterator = page.next
    this.#feed.received(page.records, page.millisBehind, askedAt)
    if (page.next === undefined && !this.#feed.hasEnd) this.#feed.ended(page.children)
  }

  async #newIterator(): Promise<string | undefined> {
    const { client, clock, gone } = this.#options
    const position = this.#feed.fetchPosition
    // A time that is still to come cannot be asked for.
    if (position.sequenceNumber === '') await this.#pause(position.from - clock.now())
    if (this.#isClosed) return undefined
    try {
      return await client.shardIterator(this.#feed.split.id, position, this.#abort.signal)
    } catch (error) {
      if (this.#isClosed) return undefined
      if (!isGone(error as SdkError)) throw error
      const { split, tipAt } = this.#feed
      const next = await gone(split.id, position, tipAt, error as SdkError)
      if (next === 'later') await this.#pause(AHEAD_INTERVAL_MS)
      else if (next === 'nowhere') this.#feed.ended([])
      else this.#feed.resumeAt(next)
      return undefined
    }
  }

  #succeeded(): void {
    this.#failures = 0
    this.#failingSince = undefined
    this.#wasSkewed = false
    this.#intervalMs = Math.max(this.#options.intervalMs, this.#intervalMs * 0.9)
  }

  async #failed(error: SdkError): Promise<void> {
    const { client, clock, stream, retryTimeoutMs, intervalMs, count } = this.#options
    if (error.name === 'ExpiredIteratorException') {
      this.#iterator = undefined
      return
    }
    const tried = client.attempt(`read ${this.#feed.split.id} of the stream "${stream}"`)
    // The SDK has learned from the answer how far its clock is off: once more.
    const hasLearned = awsFailure(error) === 'skewed' && !this.#wasSkewed
    this.#wasSkewed ||= hasLearned
    if (!hasLearned && !mayPassAws(error)) throw awsError(tried, error)
    this.#failingSince ??= clock.elapsed()
    const failing = clock.elapsed() - this.#failingSince
    if (failing >= retryTimeoutMs) throw awsUnavailable(tried, failing, error)
    if (awsFailure(error) === 'throttled') {
      count('fetchesThrottled')
      const longer = Math.max(this.#intervalMs, intervalMs, 1) * 1.5
      this.#intervalMs = Math.min(MAX_INTERVAL_MS, longer)
    }
    await this.#pause(client.delayBefore(++this.#failures))
  }

  #pause(delayMs: number): Promise<void> {
    return pause(this.#options.clock, delayMs, this.#abort.signal)
  }
}
