import type { Clock } from '../../../runtime/clock.ts'
import type {
  ListedShard,
  RawRecord,
  ShardPage,
  StreamClient,
} from '../../../connectors/kinesis/kinesis-client.ts'
import type { ShardPosition } from '../../../connectors/kinesis/kinesis-split.ts'
import type { FanOutClient, ShardEventPage } from '../../../connectors/kinesis/fan-out-client.ts'
import type { StreamClients } from '../../../connectors/kinesis/kinesis-source.ts'
import { hashOf } from '../../../connectors/kinesis/kpl-aggregate.ts'
import { FROM_BEGINNING } from '../../../connectors/kinesis/shard-order.ts'

const HASH_KEYS = 1n << 128n

interface FakeShard {
  readonly id: string
  readonly parents: readonly string[]
  readonly first: bigint
  readonly last: bigint
  readonly records: RawRecord[]
  readonly firstSequenceNumber: string
  isClosed: boolean
  closedAt: number
  /** So many records at its beginning have expired. */
  trimmed: number
}

export type FakeOperation = 'ListShards' | 'GetShardIterator' | 'GetRecords' | 'SubscribeToShard'

/** What happens to the stream, and when. */
export interface FakeAction {
  readonly at: number
  readonly act: (stream: FakeStream) => void
}

/** A stream in memory, which changes by itself as time goes on; outlives what reads it. */
export class FakeStream {
  readonly shards: FakeShard[] = []
  /** In the order of time. */
  actions: FakeAction[] = []
  /** How many records a fetch brings at most. */
  pageSize = Infinity
  /** So many fetches bring nothing, away from the tip. */
  emptyPages = 0
  /** Thrown in place of an answer. */
  fault: ((operation: FakeOperation) => Error | undefined) | undefined
  readonly counts: Map<string, number> = new Map()
  /** When each shard was fetched, by the clock of who did. */
  readonly fetchTimes: Map<string, number[]> = new Map()
  /** How many events a subscription has before it ends by itself. */
  subscriptionEvents = 20
  readonly consumers: Set<string> = new Set()
  /** When each shard was subscribed to. */
  readonly subscriptions: Map<string, number[]> = new Map()
  #now = 0
  #sequence: bigint

  /** `sequence`: the first number; of a stream that is made anew it is higher. */
  constructor(shards: number, sequence = 1n) {
    this.#sequence = sequence
    const width = HASH_KEYS / BigInt(shards)
    for (let i = 0n; i < BigInt(shards); i++) {
      const last = i === BigInt(shards) - 1n ? HASH_KEYS - 1n : (i + 1n) * width - 1n
      this.#open([], i * width, last)
    }
  }

  get clients(): StreamClients {
    return {
      stream: ({ clock }) => new FakeClient(this, clock),
      fanOut: ({ clock }, consumer) =>
        new FakeFanOut(this, new FakeClient(this, clock), clock, consumer),
    }
  }

  get open(): readonly FakeShard[] {
    return this.shards
      .filter(({ isClosed }) => !isClosed)
      .toSorted((a, b) => (a.first < b.first ? -1 : 1))
  }

  /** Writes a record; the hash of its key says to which shard. */
  put(key: string, data: Uint8Array | string, hash: bigint = hashOf(key)): void {
    const shard = this.open.find(({ first, last }) => hash >= first && hash <= last)!
    shard.records.push({
      SequenceNumber: String(this.#sequence++),
      PartitionKey: key,
      Data: Buffer.from(data),
      ApproximateArrivalTimestamp: new Date(this.#now),
    })
  }

  split(id: string): void {
    const shard = this.#close(id)
    const middle = (shard.first + shard.last) / 2n
    if (middle === shard.first) throw new Error('too small')
    this.#open([id], shard.first, middle)
    this.#open([id], middle + 1n, shard.last)
  }

  /** Merges a shard with the one behind it. */
  merge(id: string): void {
    const { last } = this.shard(id)
    const next = this.open.find(({ first }) => first === last + 1n)
    if (next === undefined) return
    this.#close(id)
    this.#close(next.id)
    this.#open([id, next.id], this.shard(id).first, next.last)
  }

  shard(id: string): FakeShard {
    const shard = this.shards.find((one) => one.id === id)
    if (shard === undefined) {
      throw named('ResourceNotFoundException', `Shard ${id} in stream does not exist`)
    }
    return shard
  }

  /** What had been written by now. */
  advance(now: number): void {
    while (this.actions.length > 0 && this.actions[0]!.at <= now) {
      const { at, act } = this.actions.shift()!
      this.#now = at
      act(this)
    }
    this.#now = Math.max(now, this.#now)
  }

  #close(id: string): FakeShard {
    const shard = this.shard(id)
    shard.isClosed = true
    shard.closedAt = this.#now
    return shard
  }

  #open(parents: readonly string[], first: bigint, last: bigint): void {
    const id = `shardId-${String(this.shards.length).padStart(12, '0')}`
    this.shards.push({
      id,
      parents,
      first,
      last,
      records: [],
      firstSequenceNumber: String(this.#sequence),
      isClosed: false,
      closedAt: Infinity,
      trimmed: 0,
    })
  }
}

export class FakeClient implements StreamClient {
  readonly #stream: FakeStream
  readonly #clock: Clock

  constructor(stream: FakeStream, clock: Clock) {
    this.#stream = stream
    this.#clock = clock
  }

  async listShards(closedSince = -Infinity): Promise<readonly ListedShard[]> {
    await this.begin('ListShards')
    const listed = this.#stream.shards.filter(({ closedAt }) => closedAt >= closedSince)
    return listed.map(({ id, parents, first, last, isClosed, firstSequenceNumber }) => ({
      id,
      parents,
      firstHash: String(first),
      lastHash: String(last),
      isClosed,
      firstSequenceNumber,
    }))
  }

  async shardIterator(id: string, position: ShardPosition): Promise<string> {
    await this.begin('GetShardIterator')
    const shard = this.#stream.shard(id)
    const { sequenceNumber, from, subSequenceNumber } = position
    let index = shard.trimmed
    if (sequenceNumber !== '' && sequenceNumber !== '0') {
      const at = shard.records.findIndex((record) => record.SequenceNumber === sequenceNumber)
      if (at < shard.trimmed) throw named('InvalidArgumentException', 'not there')
      index = subSequenceNumber < 0 ? at + 1 : at
    } else if (from !== FROM_BEGINNING) {
      const at = shard.records.findIndex(
        (record) => record.ApproximateArrivalTimestamp!.getTime() >= from,
      )
      index = Math.max(shard.trimmed, at < 0 ? shard.records.length : at)
    }
    return `${id}:${index}`
  }

  async getRecords(iterator: string, limit: number): Promise<ShardPage> {
    const [id = '', index = ''] = iterator.split(':')
    const times = this.#stream.fetchTimes.get(id) ?? []
    times.push(this.#clock.elapsed())
    this.#stream.fetchTimes.set(id, times)
    await this.begin('GetRecords')
    const shard = this.#stream.shard(id)
    if (this.#stream.emptyPages > 0) {
      this.#stream.emptyPages--
      return { records: [], millisBehind: 1_000, next: iterator, children: [] }
    }
    const from = Number(index)
    const to = Math.min(shard.records.length, from + Math.min(limit, this.#stream.pageSize))
    const isOver = to === shard.records.length
    const timeOf = (record: RawRecord | undefined) =>
      record?.ApproximateArrivalTimestamp!.getTime() ?? 0
    // Between records that arrived at once it cannot tell, as the stand-in.
    const millisBehind = timeOf(shard.records.at(-1)) - timeOf(shard.records[to - 1])
    return {
      records: shard.records.slice(from, to),
      millisBehind,
      next: isOver && shard.isClosed ? undefined : `${id}:${to}`,
      children: this.#stream.shards
        .filter(({ parents }) => parents.includes(id))
        .map((child) => child.id),
    }
  }

  async retentionMs(): Promise<number> {
    return 24 * 3_600_000
  }

  delayBefore(): number {
    return 50
  }

  attempt(what: string) {
    return { operator: 'source', service: 'Kinesis', what, where: 'here' }
  }

  close(): void {}

  async begin(operation: FakeOperation): Promise<void> {
    const { counts } = this.#stream
    counts.set(operation, (counts.get(operation) ?? 0) + 1)
    this.#stream.advance(this.#clock.now())
    const fault = this.#stream.fault?.(operation)
    if (fault !== undefined) throw fault
  }
}

/** Sends what comes, and an empty event each second in which nothing does. */
class FakeFanOut implements FanOutClient {
  readonly #stream: FakeStream
  readonly #client: FakeClient
  readonly #clock: Clock
  readonly #consumer: string

  constructor(stream: FakeStream, client: FakeClient, clock: Clock, consumer: string) {
    this.#stream = stream
    this.#client = client
    this.#clock = clock
    this.#consumer = consumer
  }

  async consumer(): Promise<string> {
    this.#stream.consumers.add(this.#consumer)
    return this.#consumer
  }

  async subscribe(
    _consumer: string,
    shardId: string,
    position: ShardPosition,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ShardEventPage>> {
    const times = this.#stream.subscriptions.get(shardId) ?? []
    times.push(this.#clock.elapsed())
    this.#stream.subscriptions.set(shardId, times)
    await this.#client.begin('SubscribeToShard')
    return this.#events(await this.#client.shardIterator(shardId, position), position, signal)
  }

  async *#events(
    begin: string,
    { sequenceNumber }: ShardPosition,
    signal: AbortSignal,
  ): AsyncGenerator<ShardEventPage> {
    let iterator = begin
    let continuation = sequenceNumber === '' ? '0' : sequenceNumber
    for (let i = 0; i < this.#stream.subscriptionEvents; i++) {
      signal.throwIfAborted()
      const page = await this.#client.getRecords(iterator, Infinity)
      continuation = page.records.at(-1)?.SequenceNumber ?? continuation
      const { records, millisBehind, children, next } = page
      yield {
        records,
        millisBehind,
        children,
        continuation: next === undefined ? undefined : continuation,
      }
      if (next === undefined) return
      iterator = next
      if (records.length > 0) continue
      await new Promise<void>((resolve) => void this.#clock.schedule(1_000, resolve))
    }
  }

  async deregister(): Promise<void> {
    this.#stream.consumers.delete(this.#consumer)
  }

  close(): void {}
}

/** An error as the SDK throws it. */
export function named(name: string, message: string = name): Error {
  return Object.assign(new Error(message), { name })
}
