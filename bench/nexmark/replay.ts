import type { Partition } from '../partitions.ts'
import { eventOf, idAt } from './generator.ts'
import type { NexmarkEvent } from './model.ts'
import { type Shift, shifted, shiftOf } from './rounds.ts'

/** What is replayed. */
export interface ReplayOptions {
  /** Events that are made before the first one is read, and held in memory. */
  readonly events: number
  /** How often they are replayed, later ones with times and ids shifted. Default 1. */
  readonly rounds?: number
  /** Groups of so many events are shuffled. Default 1: the stream is in order. */
  readonly group?: number
}

/** Every `partitions`-th event from `partition` on; plain data, part of the checkpoint. */
export interface NexmarkSplit extends Partition {
  /** How many of them have been read, over all rounds. */
  readonly next: number
}

/** Where a split emits its events; false means that no more are wanted now. */
interface ReplayOutput {
  emit(event: NexmarkEvent, timestamp: number): boolean
  finish(): void
}

/** One split being read. */
export class Replay {
  readonly #split: NexmarkSplit
  readonly #events: readonly NexmarkEvent[]
  readonly #options: ReplayOptions
  readonly #output: ReplayOutput
  readonly #total: number
  #shift: Shift | undefined
  #round = -1
  next: number
  isFinished = false

  constructor(
    split: NexmarkSplit,
    events: readonly NexmarkEvent[],
    options: ReplayOptions,
    output: ReplayOutput,
  ) {
    this.#split = split
    this.#events = events
    this.#options = options
    this.#output = output
    this.#total = events.length * (options.rounds ?? 1)
    this.next = split.next
    this.#finishAtEnd()
  }

  get split(): NexmarkSplit {
    return { ...this.#split, next: this.next }
  }

  emit(maxRecords: number): void {
    const events = this.#events
    const output = this.#output
    const round = Math.floor(this.next / events.length)
    if (round !== this.#round) {
      this.#round = round
      this.#shift = round === 0 ? undefined : shiftOf(round, this.#options.events)
    }
    const shift = this.#shift
    const roundStart = round * events.length
    const end = Math.min(this.next + maxRecords, roundStart + events.length)
    while (this.next < end) {
      const made = events[this.next++ - roundStart]!
      const event = shift === undefined ? made : shifted(made, shift)
      if (!output.emit(event, event.ts)) break
    }
    this.#finishAtEnd()
  }

  #finishAtEnd(): void {
    if (this.next < this.#total) return
    this.isFinished = true
    this.#output.finish()
  }
}

/** The events of one partition, in the order of the stream. */
export function eventsOf(
  { events, group = 1 }: ReplayOptions,
  partition: number,
  partitions: number,
): readonly NexmarkEvent[] {
  const share: NexmarkEvent[] = []
  for (let index = partition; index < events; index += partitions) {
    share.push(eventOf(idAt(index, group)))
  }
  return share
}
