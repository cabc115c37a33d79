import {
  awsError,
  awsFailure,
  awsUnavailable,
  mayPassAws,
  type SdkError,
} from '../../runtime/aws/aws-errors.ts'
import type { FanOutClient, ShardEventPage } from './fan-out-client.ts'
import { isGone } from './kinesis-client.ts'
import type { ShardPosition } from './kinesis-split.ts'
import { pause } from './pause.ts'
import type { ShardFeed } from './shard-feed.ts'
import { AHEAD_INTERVAL_MS, type FetchOptions, ShardPoller } from './shard-poller.ts'

/** The least time from one subscription of a shard to the next; the service takes one a second. */
const INTERVAL_MS = 1_100

/**
 * Takes one shard by enhanced fan-out: the service sends what comes, for up to five minutes, then it is asked anew.
 *
 * While its feed wants no more, nothing is taken from the connection, and the service waits. Where reading is to end at a time, the
 * last records are polled: an event does not say when it was made, so it cannot tell that all before that time has come.
 */
export class ShardSubscriber<T> {
  readonly #options: FetchOptions
  readonly #fanOut: FanOutClient
  readonly #feed: ShardFeed<T>
  readonly #abort = new AbortController()
  /** Ends the polling at the end. */
  #poller: ShardPoller<T> | undefined
  /** Where to go on, as the last event said. */
  #position: ShardPosition | undefined
  #lastCall = -Infinity
  #failures = 0
  #failingSince: number | undefined
  /** The clock of the SDK was off at the last try. */
  #wasSkewed = false
  #wake: (() => void) | undefined
  #isClosed = false

  constructor(options: FetchOptions, fanOut: FanOutClient, feed: ShardFeed<T>) {
    this.#options = options
    this.#fanOut = fanOut
    this.#feed = feed
  }

  /** Takes what comes until the end of the shard, or `close`. */
  async run(): Promise<void> {
    try {
      while (!this.#isClosed && !this.#feed.hasEnd && this.#poller === undefined) {
        await this.#whenWanted()
        if (!this.#isClosed) await this.#subscribe()
      }
    } catch (error) {
      if (!this.#isClosed) this.#options.fail(error)
      return
    }
    await this.#poller?.run()
  }

  /** Its feed may want more now. Cheap. */
  wake(): void {
    this.#poller?.wake()
    this.#wake?.()
    this.#wake = undefined
  }

  close(): void {
    this.#isClosed = true
    this.#abort.abort()
    this.#poller?.close()
    this.wake()
  }

  async #whenWanted(): Promise<void> {
    while (!this.#isClosed && !this.#feed.hasEnd && !this.#feed.wantsMore) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** One subscription, from its beginning to its end. */
  async #subscribe(): Promise<void> {
    const { clock } = this.#options
    await this.#pause(this.#lastCall + INTERVAL_MS - clock.elapsed())
    if (this.#isClosed) return
    const position = this.#position ?? this.#feed.fetchPosition
    // A time that is still to come cannot be asked for.
    if (position.sequenceNumber === '') await this.#pause(position.from - clock.now())
    if (this.#isClosed) return
    const own = new AbortController()
    const signal = AbortSignal.any([this.#abort.signal, own.signal])
    try {
      const consumer = await this.#fanOut.consumer(signal)
      this.#lastCall = clock.elapsed()
      const pages = await this.#fanOut.subscribe(consumer, this.#feed.split.id, position, signal)
      for await (const page of pages) {
        if (this.#isClosed) return
        this.#take(page)
        await this.#whenWanted()
        if (this.#feed.hasEnd || this.#poller !== undefined) return
      }
    } catch (error) {
      if (!this.#isClosed) await this.#failed(position, error as SdkError)
    } finally {
      own.abort()
    }
  }

  #take({ records, millisBehind, continuation, children }: ShardEventPage): void {
    this.#failures = 0
    this.#failingSince = undefined
    this.#wasSkewed = false
    this.#feed.received(records, millisBehind, this.#options.clock.now(), -Infinity)
    if (continuation === undefined) {
      if (!this.#feed.hasEnd) this.#feed.ended(children)
      return
    }
    this.#position = { from: 0, sequenceNumber: continuation, subSequenceNumber: -1 }
    const { end } = this.#feed.split
    if (end >= 0 && millisBehind === 0 && this.#options.clock.now() >= end) {
      this.#poller = new ShardPoller(this.#options, this.#feed)
    }
  }

  async #failed(position: ShardPosition, error: SdkError): Promise<void> {
    const { client, clock, stream, retryTimeoutMs, count, gone } = this.#options
    const tried = client.attempt(`subscribe to ${this.#feed.split.id} of the stream "${stream}"`)
    // The last subscription is still open for a few seconds where its connection broke.
    const isInUse = error.name === 'ResourceInUseException'
    if (isGone(error)) {
      const next = await gone(this.#feed.split.id, position, this.#feed.tipAt, error)
      if (next === 'later') await this.#pause(AHEAD_INTERVAL_MS)
      else if (next === 'nowhere') this.#feed.ended([])
      else this.#feed.resumeAt(next)
      this.#position = undefined
      return
    }
    // The SDK has learned from the answer how far its clock is off: once more.
    const hasLearned = awsFailure(error) === 'skewed' && !this.#wasSkewed
    this.#wasSkewed ||= hasLearned
    if (!isInUse && !hasLearned && !mayPassAws(error)) throw awsError(tried, error)
    this.#failingSince ??= clock.elapsed()
    const failing = clock.elapsed() - this.#failingSince
    if (failing >= retryTimeoutMs) throw awsUnavailable(tried, failing, error)
    count('subscriptionsFailed')
    await this.#pause(client.delayBefore(++this.#failures))
  }

  #pause(delayMs: number): Promise<void> {
    return pause(this.#options.clock, delayMs, this.#abort.signal)
  }
}
