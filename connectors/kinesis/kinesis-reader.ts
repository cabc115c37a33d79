import type { PollResult, ReaderContext, ReaderOutput, SourceReader } from '../../runtime/source.ts'
import { rejectRecord } from '../reject-record.ts'
import { FinishedSplits } from '../finished-splits.ts'
import { BadMessageError, type MessageFormat, type MessageReader } from '../message-format.ts'
import { pollSplits, type SplitPolling } from '../poll-splits.ts'
import { SplitTurns } from '../split-turns.ts'
import {
  badRecordError,
  badRecordOf,
  type BadKinesisRecord,
  type OnBadKinesisRecord,
} from './bad-kinesis-record.ts'
import type { FanOutClient } from './fan-out-client.ts'
import type { StreamClient } from './kinesis-client.ts'
import { placeIn } from './kinesis-errors.ts'
import { CurrentRecord, type KinesisRecord } from './kinesis-record.ts'
import type { KinesisSplit, ShardEvent } from './kinesis-split.ts'
import { resumptionOf, type WhenPositionGone } from './position-gone.ts'
import { ShardFeed } from './shard-feed.ts'
import { type FetchOptions, ShardPoller } from './shard-poller.ts'
import { ShardSubscriber } from './shard-subscriber.ts'
import { streamName } from './stream-name.ts'

/** What a Kinesis reader does, from `kinesisSource()`. */
export interface KinesisReaderOptions<T, V> {
  /** Name or ARN of the stream. */
  readonly stream: string
  readonly value: MessageFormat<V>
  /** Undefined: the values are the records. */
  readonly record: ((record: KinesisRecord<V>) => T) | undefined
  readonly onError: OnBadKinesisRecord
  readonly whenPositionGone: WhenPositionGone
  readonly pollIntervalMs: number
  readonly maxRecords: number
  readonly maxWaitingBytes: number
  readonly retryTimeoutMs: number
}

/** A shard with how its records become values. */
class ReadShard<T, V> extends ShardFeed<T> {
  current!: CurrentRecord<V>
  fetcher!: ShardPoller<T> | ShardSubscriber<T>
}

/** Reads the shards of one subtask, the one with the lowest watermark first. */
export class KinesisReader<T, V> implements SourceReader<T, KinesisSplit> {
  readonly #context: ReaderContext
  readonly #options: KinesisReaderOptions<T, V>
  readonly #client: StreamClient
  /** Undefined: shards are polled. */
  readonly #fanOut: FanOutClient | undefined
  readonly #reader: MessageReader<V>
  readonly #turns = new SplitTurns<ReadShard<T, V>>()
  readonly #finished = new FinishedSplits<KinesisSplit>()
  readonly #polling: SplitPolling<ReadShard<T, V>>
  #output: ReaderOutput<T> | undefined
  #current: ReadShard<T, V> | undefined
  #toldLag = 0

  constructor(
    context: ReaderContext,
    client: StreamClient,
    fanOut: FanOutClient | undefined,
    options: KinesisReaderOptions<T, V>,
  ) {
    this.#fanOut = fanOut
    this.#context = context
    this.#options = options
    this.#client = client
    const { stream, value } = options
    this.#reader = value.createMessageReader({ topic: streamName(stream), part: 'value' })
    this.#polling = {
      emit: (shard, limit) => this.#emit(shard, limit),
      finish: (shard) => this.#finish(shard),
      fetchMore: ({ fetcher }) => fetcher.wake(),
      isComplete: false,
    }
  }

  async open(output: ReaderOutput<T>): Promise<void> {
    this.#output = output
    await this.#reader.open?.()
  }

  addSplits(splits: readonly KinesisSplit[]): void {
    for (const split of splits) {
      const output = (this.#output as ReaderOutput<T>).split(split.id)
      if (split.isFinished) {
        this.#finished.add(split)
        output.finish()
        this.#tellFinished(split)
        this.#tell({ type: 'settled', shardIds: [split.id] })
        continue
      }
      this.#read(split)
    }
    this.#context.wake()
  }

  noMoreSplits(): void {
    this.#polling.isComplete = true
    this.#context.wake()
  }

  poll(maxRecords: number): PollResult {
    return pollSplits(this.#turns, maxRecords, this.#polling)
  }

  pauseSplits(splitIds: ReadonlySet<string>): void {
    for (const shard of this.#turns.all) shard.isPaused = splitIds.has(shard.split.id)
  }

  snapshotState(checkpointId: number): readonly KinesisSplit[] {
    const open = this.#turns.all.map((shard) => shard.snapshot())
    return [...this.#finished.snapshot(checkpointId), ...open]
  }

  checkpointCompleted(checkpointId: number): void {
    const settled = this.#finished.completed(checkpointId)
    if (settled.length > 0) this.#tell({ type: 'settled', shardIds: settled.map(({ id }) => id) })
  }

  describePosition(): string {
    const current = this.#current
    if (current === undefined) return 'before the first record'
    return this.#placeIn(current.split, current)
  }

  describeSplit(split: KinesisSplit): string | undefined {
    return split.isFinished ? undefined : placeIn(this.#options.stream, split.id, split)
  }

  close(): void {
    for (const { fetcher } of this.#turns.all) fetcher.close()
    this.#client.close()
    this.#fanOut?.close()
  }

  #read(split: KinesisSplit): void {
    const { stream, maxRecords, maxWaitingBytes, pollIntervalMs, retryTimeoutMs } = this.#options
    const { uid, clock, count, log } = this.#context
    const client = this.#client
    const output = this.#output!.split(split.id)
    const shard = new ReadShard<T, V>(split, output, maxWaitingBytes, {
      changed: () => this.#context.wake(),
      lagChanged: () => this.#countLag(),
    })
    shard.current = new CurrentRecord(split.id, shard, this.#reader)
    const fetching: FetchOptions = {
      client,
      clock,
      stream,
      maxRecords,
      intervalMs: pollIntervalMs,
      retryTimeoutMs,
      count,
      fail: (error) => this.#context.fail(error),
      gone: (shardId, position, tipAt, error) => {
        const { whenPositionGone } = this.#options
        const about = { operator: uid, stream, client, clock, retryTimeoutMs, count, log }
        return resumptionOf({ ...about, whenPositionGone }, { shardId, position, tipAt, error })
      },
    }
    shard.fetcher =
      this.#fanOut === undefined
        ? new ShardPoller(fetching, shard)
        : new ShardSubscriber(fetching, this.#fanOut, shard)
    this.#turns.add(shard)
    void shard.fetcher.run()
  }

  /** Emits up to `limit` records of a shard; how many it read, below zero when the output wants a pause. */
  #emit(from: ReadShard<T, V>, limit: number): number {
    const { record } = this.#options
    const reader = this.#reader
    this.#current = from
    for (let read = 0; read < limit; read++) {
      if (!from.next()) {
        from.isWaiting = !from.isAtEnd
        return read
      }
      if (reader.prepare !== undefined && this.#mustPrepare(from)) return read
      let emitted: T
      try {
        emitted =
          record === undefined ? (reader.read(from.data) as unknown as T) : record(from.current)
      } catch (error) {
        if (!(error instanceof BadMessageError)) throw error
        const goesOn = this.#reject(from, error.problem)
        from.handed()
        if (!goesOn) return -(read + 1)
        continue
      }
      const { arrival } = from
      // The position is behind the record before it goes out: what it causes may take a snapshot.
      from.handed()
      if (!from.output.emit(emitted, arrival < 0 ? undefined : arrival)) return -(read + 1)
    }
    return limit
  }

  /** True while something has to be fetched before the current record can be read. */
  #mustPrepare(from: ReadShard<T, V>): boolean {
    const preparing = this.#reader.prepare!(from.data)
    if (preparing === undefined) return false
    from.isWaiting = true
    from.isPreparing = true
    preparing.then(
      () => {
        from.isPreparing = false
        from.isWaiting = false
        this.#context.wake()
      },
      (error: unknown) => this.#context.fail(error),
    )
    return true
  }

  /** Deals with a bad record; false where it used credit. */
  #reject(records: ReadShard<T, V>, problem: string): boolean {
    const { onError, stream } = this.#options
    const { split, arrival } = records
    return rejectRecord<BadKinesisRecord>(this.#context, onError, {
      describe: () => badRecordOf({ stream, shardId: split.id, records, problem }),
      failure: badRecordError,
      timestamp: arrival,
    })
  }

  #placeIn(split: KinesisSplit, current: ShardFeed<T>): string {
    return placeIn(this.#options.stream, split.id, current.currentPlace)
  }

  #finish(done: ReadShard<T, V>): void {
    const split = done.snapshot()
    this.#finished.add(split)
    this.#turns.remove(done)
    done.fetcher.close()
    done.output.finish()
    if (done.leftOut > 0) this.#context.count('recordsOfOtherShards', done.leftOut)
    this.#countLag()
    this.#tellFinished(split)
  }

  #tellFinished({ id, children }: KinesisSplit): void {
    this.#tell({ type: 'finished', shardId: id, children })
  }

  #tell(event: ShardEvent): void {
    this.#context.tellEnumerator(event)
  }

  /** The counter is what the shard that is furthest behind is behind. */
  #countLag(): void {
    const lag = Math.max(0, ...this.#turns.all.map(({ lagMs }) => lagMs))
    if (lag !== this.#toldLag) this.#context.count('lagMs', lag - this.#toldLag)
    this.#toldLag = lag
  }
}
