import type { Source } from 'millrace'
import { type Assigned, onePartitionEach } from '../partitions.ts'
import type { NexmarkEvent } from './model.ts'
import { eventsOf, type ReplayOptions, type NexmarkSplit, Replay } from './replay.ts'

/** Options of `nexmarkSource()`. */
export interface NexmarkSourceOptions extends ReplayOptions {
  /** Told by each subtask right before its first record. */
  readonly onFirst?: (log: (line: string) => void) => void
}

type NexmarkReaders = Source<NexmarkEvent, NexmarkSplit, Assigned>
type Context = Parameters<NexmarkReaders['createReader']>[0]
type Reader = ReturnType<NexmarkReaders['createReader']>
type Output = Parameters<Reader['open']>[0]

/**
 * The Nexmark stream from memory, as fast as it is taken: bounded, and replayable from any event. Subtask i reads the events with
 * `index % parallelism == i`, in order, round by round, with the event time of each as its timestamp.
 *
 * Each subtask makes its share when it is opened, about 1 µs and 250 bytes an event: the job begins to read when all are ready.
 * Events of the first round are handed out as they lie in memory, those of later ones are copies.
 *
 * @example
 * env.fromSource(nexmarkSource({ events: 1_000_000 }), { uid: 'events', watermarks: boundedOutOfOrderness(0) })
 */
export function nexmarkSource(options: NexmarkSourceOptions): Source<NexmarkEvent> {
  const source: NexmarkReaders = {
    kind: 'nexmark',
    boundedness: 'bounded',
    createEnumerator: onePartitionEach('nexmark', () => (of) => ({ ...of, next: 0 })),
    createReader: (context) => new NexmarkReader(context, options),
  }
  return source
}

class NexmarkReader implements Reader {
  readonly #context: Context
  readonly #options: NexmarkSourceOptions
  /** The events of its own partition, until the split comes that wants them. */
  #ready: readonly NexmarkEvent[] | undefined
  #output: Output | undefined
  #replays: Replay[] = []
  #isComplete = false
  #hasBegun = false

  constructor(context: Context, options: NexmarkSourceOptions) {
    this.#context = context
    this.#options = options
  }

  open(output: Output): void {
    const { subtaskIndex, parallelism } = this.#context
    this.#output = output
    this.#ready = eventsOf(this.#options, subtaskIndex, parallelism)
  }

  addSplits(splits: readonly NexmarkSplit[]): void {
    const { subtaskIndex, parallelism } = this.#context
    for (const split of splits) {
      const { partition, partitions } = split
      // After a restore at another parallelism it may have any.
      const isOwn = partition === subtaskIndex && partitions === parallelism
      const events = isOwn ? this.#ready! : eventsOf(this.#options, partition, partitions)
      const output = this.#output!.split(split.id)
      this.#replays.push(new Replay(split, events, this.#options, output))
    }
    this.#context.wake()
  }

  noMoreSplits(): void {
    this.#isComplete = true
    this.#context.wake()
  }

  poll(maxRecords: number): 'more' | 'wait' | 'end' {
    const replay = this.#earliest()
    if (replay === undefined) return this.#isComplete ? 'end' : 'wait'
    if (!this.#hasBegun) {
      this.#hasBegun = true
      this.#options.onFirst?.((line) => this.#context.log(line))
    }
    replay.emit(maxRecords)
    return 'more'
  }

  snapshotState(): readonly NexmarkSplit[] {
    return this.#replays.map((replay) => replay.split)
  }

  /** The one that is behind all others. */
  #earliest(): Replay | undefined {
    let earliest: Replay | undefined
    for (const replay of this.#replays) {
      if (!replay.isFinished && (earliest === undefined || replay.next < earliest.next)) {
        earliest = replay
      }
    }
    return earliest
  }
}
