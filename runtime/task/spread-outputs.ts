import { RestartableError, StreamError, thrownText } from '../errors.ts'
import type { OutputChannel } from '../channel/output-channel.ts'
import type { Random } from '../clock.ts'
import type { EdgeOutput } from './edge-output.ts'

/** Every record to every channel. A record without credit overdraws each of them by itself (R7). */
export class BroadcastOutput implements EdgeOutput {
  readonly channels: readonly OutputChannel[]

  constructor(channels: readonly OutputChannel[]) {
    this.channels = channels
  }

  accept(value: unknown, timestamp: number): void {
    const { channels } = this
    for (let i = 0; i < channels.length; i++) channels[i]!.emit(value, timestamp)
  }
}

/** Every record to the first channel; time goes to all (R8). */
export class GlobalOutput implements EdgeOutput {
  readonly channels: readonly OutputChannel[]

  constructor(channels: readonly OutputChannel[]) {
    this.channels = channels
  }

  accept(value: unknown, timestamp: number): void {
    this.channels[0]!.emit(value, timestamp)
  }
}

/** Each record to any channel, all equally likely. */
export class ShuffleOutput implements EdgeOutput {
  readonly channels: readonly OutputChannel[]
  readonly #random: Random

  constructor(channels: readonly OutputChannel[], random: Random) {
    this.channels = channels
    this.#random = random
  }

  accept(value: unknown, timestamp: number): void {
    const { channels } = this
    channels[Math.floor(this.#random.next() * channels.length)]!.emit(value, timestamp)
  }
}

/** Each record to the channel that a function of the user picks. */
export class CustomOutput implements EdgeOutput {
  readonly channels: readonly OutputChannel[]
  readonly #partition: (value: never, partitions: number) => number
  readonly #consumer: string

  /** `consumer` is the operator behind it, for messages. */
  constructor(
    channels: readonly OutputChannel[],
    partition: (value: never, partitions: number) => number,
    consumer: string,
  ) {
    this.channels = channels
    this.#partition = partition
    this.#consumer = consumer
  }

  accept(value: unknown, timestamp: number): void {
    const index = this.#indexOf(value)
    const channel = typeof index === 'number' ? this.channels[index] : undefined
    if (channel === undefined) throw this.#noPartition(index)
    channel.emit(value, timestamp)
  }

  /** What the function returns; who writes JavaScript may return anything. */
  #indexOf(value: unknown): unknown {
    try {
      return this.#partition(value as never, this.channels.length)
    } catch (error) {
      if (error instanceof StreamError) throw error
      throw new RestartableError(
        'MR_FUNCTION_FAILED',
        `the partitioner before operator "${this.#consumer}" threw ${thrownText(error)}; the record cannot be assigned to a subtask; mend the function.`,
        { consumer: this.#consumer },
        error,
      )
    }
  }

  #noPartition(index: unknown): StreamError {
    return new StreamError(
      'MR_PARTITION_INVALID',
      `the partitioner before operator "${this.#consumer}" returned ${String(index)} (${typeof index}); there is no such subtask, so the record would be lost; return a whole number from 0 to ${this.channels.length - 1}, which is the number of partitions it is given, less one.`,
      { consumer: this.#consumer },
    )
  }
}
