import type { Cancel } from '../../runtime/clock.ts'
import { thrownText } from '../../runtime/errors.ts'
import type { EnumeratorContext, SplitEnumerator } from '../../runtime/source.ts'
import { EARLIEST, type KafkaSourceClient, type TopicPartition } from './kafka-cluster.ts'
import { topicMissing } from './kafka-errors.ts'
import { type KafkaSplit, newSplit, splitId } from './kafka-split.ts'
import { ownerOf } from './split-owner.ts'
import { endOffsets, type KafkaEnd, type KafkaStart, startOffsets } from './start-offsets.ts'

/** State of the enumerator: which partitions have been handed out, by topic. */
export interface KafkaEnumeratorState {
  readonly assigned: readonly (readonly [topic: string, partitions: readonly number[]])[]
  /** True once the partitions of the first look have been handed out: those found later begin at their first record. */
  readonly hasStarted: boolean
}

/** What an enumerator does, from `kafkaSource()`. */
export interface EnumeratorOptions {
  /** Names, or a pattern for them. */
  readonly topics: readonly string[] | RegExp
  readonly start: KafkaStart
  /** Undefined where the source does not end. */
  readonly end: KafkaEnd | undefined
  /** Between two looks for new partitions; 0 for none. */
  readonly discoveryIntervalMs: number
  readonly brokers: readonly string[]
}

/**
 * Finds the partitions and deals them out as Flink does (semantics 2.13): those that are there at the first start begin where
 * `start` says, those found later at their first record, so that nothing written to them is missed.
 */
export class KafkaEnumerator implements SplitEnumerator<KafkaEnumeratorState> {
  readonly #context: EnumeratorContext<KafkaSplit>
  readonly #client: KafkaSourceClient
  readonly #options: EnumeratorOptions
  /** Ids of all splits that have been handed out. */
  readonly #assigned: Map<string, TopicPartition> = new Map()
  #hasStarted: boolean
  #cancelDiscovery: Cancel | undefined
  #isClosed = false
  #hasFailedToLook = false

  constructor(
    context: EnumeratorContext<KafkaSplit>,
    client: KafkaSourceClient,
    options: EnumeratorOptions,
    restored: KafkaEnumeratorState | undefined,
  ) {
    this.#context = context
    this.#client = client
    this.#options = options
    this.#hasStarted = restored?.hasStarted ?? false
    for (const [topic, partitions] of restored?.assigned ?? []) {
      for (const partition of partitions) this.#note({ topic, partition })
    }
  }

  async start(): Promise<void> {
    const { end, discoveryIntervalMs, start } = this.#options
    // A bounded source has all its partitions from the first look.
    if (end === undefined || !this.#hasStarted) await this.#discover(start)
    if (end === undefined && discoveryIntervalMs > 0) {
      this.#scheduleDiscovery()
      return
    }
    for (let subtask = 0; subtask < this.#context.parallelism; subtask++) {
      this.#context.signalNoMoreSplits(subtask)
    }
    await this.#client.close()
  }

  snapshotState(): KafkaEnumeratorState {
    const byTopic = Map.groupBy(this.#assigned.values(), ({ topic }) => topic)
    const assigned = [...byTopic].map(
      ([topic, those]) => [topic, those.map(({ partition }) => partition)] as const,
    )
    return { assigned, hasStarted: this.#hasStarted }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelDiscovery?.()
    await this.#client.close()
  }

  /** Looks for partitions that are not handed out yet, and deals them out. */
  async #discover(start: KafkaStart): Promise<void> {
    const { end } = this.#options
    const all = await this.#client.partitionsOf(await this.#topics())
    const found = all.filter(
      ({ topic, partition }) => !this.#assigned.has(splitId(topic, partition)),
    )
    if (found.length > 0) {
      const begin = this.#hasStarted
        ? await this.#client.offsetsAt(found, EARLIEST)
        : await startOffsets(this.#client, start, found, this.#context.uid)
      const ends = new Map<string, number>()
      if (end !== undefined) {
        for (const { topic, partition, offset } of await endOffsets(this.#client, end, found)) {
          ends.set(splitId(topic, partition), offset)
        }
      }
      if (this.#isClosed) return
      this.#assign(
        begin.map(({ topic, partition, offset }) =>
          newSplit(topic, partition, offset, ends.get(splitId(topic, partition))),
        ),
      )
    }
    this.#hasStarted = true
  }

  async #topics(): Promise<readonly string[]> {
    const { topics, brokers } = this.#options
    if (!(topics instanceof RegExp)) return topics
    const names = (await this.#client.topicNames()).filter((name) => {
      topics.lastIndex = 0
      return topics.test(name)
    })
    if (names.length === 0 && !this.#hasStarted && this.#options.end !== undefined) {
      throw topicMissing(this.#context.uid, String(topics), brokers)
    }
    return names
  }

  #assign(splits: readonly KafkaSplit[]): void {
    const { parallelism } = this.#context
    const ordered = splits.toSorted((a, b) => a.partition - b.partition)
    const bySubtask = Map.groupBy(ordered, ({ topic, partition }) =>
      ownerOf(topic, partition, parallelism),
    )
    for (const [subtask, those] of bySubtask) {
      for (const split of those) this.#note(split)
      this.#context.assignSplits(subtask, those)
    }
    if (this.#hasStarted) {
      const ids = splits.map(({ id }) => id).join(', ')
      this.#context.log(`New partitions, read from their first record on: ${ids}.`)
    }
  }

  #note({ topic, partition }: TopicPartition): void {
    this.#assigned.set(splitId(topic, partition), { topic, partition })
  }

  #scheduleDiscovery(): void {
    if (this.#isClosed) return
    const { clock } = this.#context
    this.#cancelDiscovery = clock.schedule(
      this.#options.discoveryIntervalMs,
      () => void this.#look(),
    )
  }

  /** A look that fails is told once and made again: what is being read goes on. */
  async #look(): Promise<void> {
    try {
      await this.#discover('earliest')
      this.#hasFailedToLook = false
    } catch (error) {
      if (!this.#hasFailedToLook && !this.#isClosed) {
        this.#context.log(
          `Could not look for new partitions: ${thrownText(error)} The next look is in ${this.#options.discoveryIntervalMs / 1000} s.`,
        )
      }
      this.#hasFailedToLook = true
    }
    this.#scheduleDiscovery()
  }
}
