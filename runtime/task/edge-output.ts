import type { CheckpointBarrier, WatermarkStatus } from '../element.ts'
import { RestartableError, StreamError, thrownText } from '../errors.ts'
import { keyGroupOf, subtaskOfKeyGroup } from '../key-group.ts'
import { keyProblem } from '../key-encoding.ts'
import type { Key } from '../key.ts'
import { ownCode } from '../own-code.ts'
import type { OutputChannel } from '../channel/output-channel.ts'

/** Where one subtask sends the records of one edge: picks the channel of each record, and knows all of them. */
export interface EdgeOutput {
  readonly channels: readonly OutputChannel[]
  accept(value: unknown, timestamp: number): void
}

/**
 * Reads the key of records by a selector. Fails with `MR_KEY_INVALID` for what is no key, and with `MR_FUNCTION_FAILED` where
 * the selector throws; whoever emits the record adds it to the message.
 */
export function keyReader(
  selector: (value: never) => unknown,
  consumer: string,
): (value: unknown) => Key {
  const make = ownCode(readKey, import.meta.url)
  return make(selector, consumer, checkKey, selectorFailed)
}

function readKey(
  selector: (value: never) => unknown,
  consumer: string,
  check: typeof checkKey,
  failed: typeof selectorFailed,
): (value: unknown) => Key {
  return function keyOf(value) {
    let key: unknown
    try {
      key = selector(value as never)
    } catch (error) {
      throw failed(error, consumer)
    }
    if (typeof key !== 'string') check(key, consumer)
    return key as Key
  }
}

function checkKey(key: unknown, consumer: string): void {
  const problem = keyProblem(key)
  if (problem === undefined) return
  throw new StreamError(
    'MR_KEY_INVALID',
    `the key selector before operator "${consumer}" returned ${problem}; a record without a valid key cannot be assigned to a subtask; return a string, number, bigint, bytes or a tuple of these.`,
    { consumer },
  )
}

function selectorFailed(thrown: unknown, consumer: string): StreamError {
  if (thrown instanceof StreamError) return thrown
  return new RestartableError(
    'MR_FUNCTION_FAILED',
    `the key selector before operator "${consumer}" threw ${thrownText(thrown)}; a record without a key cannot be assigned to a subtask; mend the function.`,
    { consumer },
    thrown,
  )
}

/** One target only: forward edges, and any edge into a vertex of parallelism 1. */
export class SingleOutput implements EdgeOutput {
  readonly channels: readonly OutputChannel[]
  readonly #channel: OutputChannel

  constructor(channel: OutputChannel) {
    this.channels = [channel]
    this.#channel = channel
  }

  accept(value: unknown, timestamp: number): void {
    this.#channel.emit(value, timestamp)
  }
}

/** Round robin over all targets, starting at the sender's own index so that senders do not march in step. */
export class RebalanceOutput implements EdgeOutput {
  readonly channels: readonly OutputChannel[]
  #next: number

  constructor(channels: readonly OutputChannel[], start: number) {
    this.channels = channels
    this.#next = start % channels.length
  }

  accept(value: unknown, timestamp: number): void {
    const channel = this.channels[this.#next]!
    this.#next = this.#next + 1 === this.channels.length ? 0 : this.#next + 1
    channel.emit(value, timestamp)
  }
}

/** By key: key → key group → subtask (R19); all records of a key take one channel, in order (R10). */
export class HashOutput implements EdgeOutput {
  readonly channels: readonly OutputChannel[]
  declare readonly accept: EdgeOutput['accept']

  constructor(options: {
    readonly channels: readonly OutputChannel[]
    readonly selector: (value: never) => Key
    readonly consumer: string
    readonly maxParallelism: number
  }) {
    const { channels, selector, consumer, maxParallelism } = options
    this.channels = channels
    const subtaskOf = Uint16Array.from({ length: maxParallelism }, (_, keyGroup) =>
      subtaskOfKeyGroup(keyGroup, maxParallelism, channels.length),
    )
    const read = keyReader(selector, consumer)
    const make = ownCode(acceptKeyed, import.meta.url)
    this.accept = make(channels, subtaskOf, read, maxParallelism, keyGroupOf)
  }
}

function acceptKeyed(
  channels: readonly OutputChannel[],
  subtaskOf: Uint16Array,
  read: (value: unknown) => Key,
  maxParallelism: number,
  groupOf: typeof keyGroupOf,
): EdgeOutput['accept'] {
  return function accept(value, timestamp) {
    const key = read(value)
    const keyGroup = groupOf(key, maxParallelism)
    channels[subtaskOf[keyGroup]!]!.emitKeyed(value, timestamp, key, keyGroup)
  }
}

/** Sends a watermark to every channel, so that all subtasks behind an edge hold the same one (R8). */
export function broadcastWatermark(outputs: readonly EdgeOutput[], timestamp: number): void {
  for (const output of outputs) for (const channel of output.channels) channel.watermark(timestamp)
}

export function broadcastStatus(outputs: readonly EdgeOutput[], status: WatermarkStatus): void {
  for (const output of outputs) for (const channel of output.channels) channel.status(status)
}

/** What comes of sources with `readFirst` has gone out through these edges. */
export function broadcastEndOfReadFirst(outputs: readonly EdgeOutput[]): void {
  for (const output of outputs) for (const channel of output.channels) channel.endOfReadFirst()
}

export function broadcastBarrier(outputs: readonly EdgeOutput[], barrier: CheckpointBarrier): void {
  for (const output of outputs) for (const channel of output.channels) channel.barrier(barrier)
}
