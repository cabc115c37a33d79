import type { Cancel } from '../../runtime/clock.ts'
import { thrownText } from '../../runtime/errors.ts'
import type { PollResult, ReaderContext, ReaderOutput, SourceReader } from '../../runtime/source.ts'
import { rejectRecord } from '../reject-record.ts'
import { FinishedSplits } from '../finished-splits.ts'
import { BadMessageError, type MessageFormat, type MessageReader } from '../message-format.ts'
import { pollSplits, type SplitPolling } from '../poll-splits.ts'
import { SplitTurns } from '../split-turns.ts'
import {
  type BadKafkaRecord,
  badRecordError,
  badRecordText,
  type OnBadKafkaRecord,
} from './bad-message.ts'
import { decompress } from './compression.ts'
import type { CheckedConnection } from './connection.ts'
import { EARLIEST, type KafkaSourceClient, LATEST, type PartitionOffset } from './kafka-cluster.ts'
import { CurrentRecord, type KafkaRecord } from './kafka-record.ts'
import type { KafkaSplit } from './kafka-split.ts'
import { type FetchLimits, PartitionFetcher } from './partition-fetcher.ts'
import type { RecordSet } from './record-batch.ts'
import { corruptBatch, offsetGone, placeIn } from './source-errors.ts'
import { SplitFeed } from './split-feed.ts'

/** How long closing waits for commits for monitoring. */
const LAST_COMMIT_MS = 1_000

const TOMBSTONE = 'is null (a tombstone), which only the option record can read'

/** What a Kafka reader does, from `kafkaSource()`. */
export interface KafkaReaderOptions<T, K, V> {
  readonly connection: CheckedConnection
  readonly key: MessageFormat<K>
  readonly value: MessageFormat<V>
  /** Undefined: the values are the records. */
  readonly record: ((record: KafkaRecord<K, V>) => T) | undefined
  readonly onError: OnBadKafkaRecord
  readonly limits: FetchLimits
  readonly maxWaitingBytes: number
  /** Where to go on when the position is not in the partition. */
  readonly whenOffsetGone: 'fail' | 'earliest' | 'latest'
  /** Group under which positions are committed for monitoring; undefined for none. */
  readonly commitGroup: string | undefined
}

interface Decoding<K, V> {
  readonly value: MessageReader<V>
  readonly key: MessageReader<K>
}

/** A partition with how its records become values. */
class ReadPartition<T, K, V> extends SplitFeed<T> {
  decoding!: Decoding<K, V>
  current!: CurrentRecord<K, V>
}

/** Reads the partitions of one subtask, the one with the lowest watermark first. */
export class KafkaReader<T, K, V> implements SourceReader<T, KafkaSplit> {
  readonly #context: ReaderContext
  readonly #options: KafkaReaderOptions<T, K, V>
  readonly #client: KafkaSourceClient
  readonly #fetcher: PartitionFetcher
  readonly #turns = new SplitTurns<ReadPartition<T, K, V>>()
  readonly #finished = new FinishedSplits<KafkaSplit>()
  readonly #decodings: Map<string, Promise<Decoding<K, V>>> = new Map()
  readonly #polling: SplitPolling<ReadPartition<T, K, V>>
  #output: ReaderOutput<T> | undefined
  #current: ReadPartition<T, K, V> | undefined
  #isClosed = false
  /** Positions of snapshots whose checkpoints have not completed. */
  readonly #snapshots: Map<number, readonly PartitionOffset[]> = new Map()
  #committing: Promise<void> = Promise.resolve()
  #hasFailedToCommit = false

  constructor(
    context: ReaderContext,
    client: KafkaSourceClient,
    options: KafkaReaderOptions<T, K, V>,
  ) {
    this.#context = context
    this.#options = options
    this.#client = client
    const { connection, limits } = options
    this.#fetcher = new PartitionFetcher({
      client,
      clock: context.clock,
      connection,
      operator: context.uid,
      limits,
      fail: (error) => context.fail(error),
    })
    this.#polling = {
      emit: (partition, limit) => this.#read(partition, limit),
      finish: (partition) => this.#finish(partition),
      fetchMore: () => this.#fetcher.wake(),
      isComplete: false,
    }
  }

  open(output: ReaderOutput<T>): void {
    this.#output = output
  }

  addSplits(splits: readonly KafkaSplit[]): void {
    const added: ReadPartition<T, K, V>[] = []
    for (const split of splits) {
      const output = (this.#output as ReaderOutput<T>).split(split.id)
      if (split.isFinished) {
        this.#finished.add(split)
        output.finish()
        continue
      }
      const partition = new ReadPartition<T, K, V>(
        split,
        output,
        this.#options.maxWaitingBytes,
        decompress,
        {
          changed: () => this.#context.wake(),
          lagChanged: (by) => this.#context.count('lag', by),
          outOfRange: (gone, offset) => this.#offsetGone(gone, offset),
        },
      )
      this.#turns.add(partition)
      added.push(partition)
    }
    void this.#begin(added)
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
    for (const partition of this.#turns.all) partition.isPaused = splitIds.has(partition.split.id)
  }

  snapshotState(checkpointId: number): readonly KafkaSplit[] {
    const open = this.#turns.all.map((partition) => partition.snapshot())
    if (this.#options.commitGroup !== undefined) {
      const positions = open.map(({ topic, partition, offset }) => ({ topic, partition, offset }))
      this.#snapshots.set(checkpointId, positions)
    }
    return [...this.#finished.snapshot(checkpointId), ...open]
  }

  checkpointCompleted(checkpointId: number): void {
    this.#finished.completed(checkpointId)
    const positions = this.#snapshots.get(checkpointId)
    for (const id of this.#snapshots.keys()) if (id <= checkpointId) this.#snapshots.delete(id)
    if (positions !== undefined && positions.length > 0) this.#commit(positions)
  }

  describePosition(): string {
    const current = this.#current
    if (current === undefined) return 'before the first record'
    const offset = current.current?.records?.offset ?? current.position
    return placeIn(current.split, offset)
  }

  describeSplit(split: KafkaSplit): string | undefined {
    return split.isFinished ? undefined : placeIn(split, split.offset)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#fetcher.close()
    await this.#committedSoon()
    await this.#client.close()
  }

  /** What is being committed for monitoring gets a moment; brokers that are gone do not hold up the end. */
  async #committedSoon(): Promise<void> {
    let cancel: Cancel | undefined
    const over = new Promise<void>((resolve) => {
      cancel = this.#context.clock.schedule(LAST_COMMIT_MS, resolve)
    })
    await Promise.race([this.#committing, over])
    cancel?.()
  }

  /** Starts fetching once the formats can read. */
  async #begin(partitions: readonly ReadPartition<T, K, V>[]): Promise<void> {
    try {
      for (const partition of partitions) {
        partition.decoding = await this.#decodingOf(partition.topic)
        const { key, value } = partition.decoding
        partition.current = new CurrentRecord(partition.topic, partition.partition, key, value)
        partition.isOpen = true
      }
      if (!this.#isClosed) this.#fetcher.add(partitions)
    } catch (error) {
      this.#context.fail(error)
    }
  }

  #decodingOf(topic: string): Promise<Decoding<K, V>> {
    const known = this.#decodings.get(topic)
    if (known !== undefined) return known
    const open = async (): Promise<Decoding<K, V>> => {
      const { key, value } = this.#options
      const decoding = {
        key: key.createMessageReader({ topic, part: 'key' }),
        value: value.createMessageReader({ topic, part: 'value' }),
      }
      await decoding.key.open?.()
      await decoding.value.open?.()
      return decoding
    }
    const opening = open()
    this.#decodings.set(topic, opening)
    return opening
  }

  /** Emits up to `limit` records of a partition; how many it read, below zero when the output wants a pause. */
  #read(from: ReadPartition<T, K, V>, limit: number): number {
    const { record } = this.#options
    const { value, key } = from.decoding
    const prepares = value.prepare !== undefined || key.prepare !== undefined
    this.#current = from
    for (let read = 0; read < limit; read++) {
      const records = this.#next(from)
      if (records === undefined || (prepares && this.#mustPrepare(from, records))) return read
      from.current.records = records
      let goesOn: boolean
      let emitted: T
      try {
        emitted = record === undefined ? this.#valueOf(value, records) : record(from.current)
      } catch (error) {
        if (!(error instanceof BadMessageError)) throw error
        goesOn = this.#reject(from, records, error.problem)
        from.handed(records)
        if (!goesOn) return -(read + 1)
        continue
      }
      const { timestamp } = records
      // The position is behind the record before it goes out: what it causes may take a snapshot.
      from.handed(records)
      goesOn = from.output.emit(emitted, timestamp < 0 ? undefined : timestamp)
      if (!goesOn) return -(read + 1)
    }
    return limit
  }

  #next(from: ReadPartition<T, K, V>): RecordSet | undefined {
    try {
      return from.next()
    } catch (error) {
      throw corruptBatch(this.#context.uid, from.split, from.position, error)
    }
  }

  #valueOf(reader: MessageReader<V>, records: RecordSet): T {
    const bytes = records.value()
    if (bytes === null) throw new BadMessageError({ problem: TOMBSTONE })
    return reader.read(bytes) as unknown as T
  }

  /** True while something has to be fetched before the current record can be read. */
  #mustPrepare(from: ReadPartition<T, K, V>, records: RecordSet): boolean {
    const { decoding } = from
    const value = records.value()
    const key = records.key()
    const preparing =
      (value === null ? undefined : decoding.value.prepare?.(value)) ??
      (key === null ? undefined : decoding.key.prepare?.(key))
    if (preparing === undefined) return false
    from.isWaiting = true
    preparing.then(
      () => {
        from.isWaiting = false
        this.#context.wake()
      },
      (error: unknown) => this.#context.fail(error),
    )
    return true
  }

  /** Deals with a bad record; false where it used credit. */
  #reject(from: ReadPartition<T, K, V>, records: RecordSet, problem: string): boolean {
    const { topic, partition } = from
    const { offset, timestamp } = records
    return rejectRecord<BadKafkaRecord>(this.#context, this.#options.onError, {
      describe: () => ({
        error: badRecordText(topic, partition, offset, `the value ${problem}`),
        topic,
        partition,
        offset,
        timestamp,
        key: copyOf(records.key()),
        value: copyOf(records.value()),
      }),
      failure: badRecordError,
      timestamp,
    })
  }

  #finish(done: ReadPartition<T, K, V>): void {
    this.#finished.add(done.snapshot())
    this.#turns.remove(done)
    this.#fetcher.remove(done)
    done.output.finish()
  }

  async #offsetGone(split: KafkaSplit, offset: number): Promise<number> {
    const { whenOffsetGone } = this.#options
    const { topic, partition } = split
    const [first, last] = await Promise.all(
      [EARLIEST, LATEST].map(async (when) => {
        const [found] = await this.#client.offsetsAt([{ topic, partition }], when)
        return found?.offset ?? -1
      }),
    )
    if (whenOffsetGone === 'fail') throw offsetGone(this.#context.uid, split, offset, first!, last!)
    const next = (whenOffsetGone === 'earliest' ? first : last)!
    this.#context.log(
      `${split.id} has no offset ${offset} (it has ${first} to ${last}); going on at ${next}, as whenOffsetGone says.`,
    )
    this.#context.count('offsetsReset')
    return next
  }

  /** Commits one after another; a failure is told once and harms nothing: positions come from our checkpoints. */
  #commit(positions: readonly PartitionOffset[]): void {
    const group = this.#options.commitGroup!
    this.#committing = this.#committing
      .then(() => this.#client.commitOffsets(group, positions))
      .catch((error: unknown) => {
        this.#context.count('offsetCommitsFailed')
        if (this.#hasFailedToCommit || this.#isClosed) return
        this.#hasFailedToCommit = true
        this.#context.log(`Offsets for monitoring were not committed: ${thrownText(error)}`)
      })
  }
}

function copyOf(bytes: Buffer | null): Uint8Array | null {
  return bytes === null ? null : new Uint8Array(bytes)
}
