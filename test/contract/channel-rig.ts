import { DirectChannel } from '../../runtime/channel/direct-channel.ts'
import type { DirectTarget, OutputChannel } from '../../runtime/channel/output-channel.ts'
import type { Port } from '../../runtime/channel/port.ts'
import { RemoteChannel } from '../../runtime/channel/remote-channel.ts'
import { RemoteInput } from '../../runtime/channel/remote-input.ts'
import type { CheckpointBarrier, WatermarkStatus } from '../../runtime/element.ts'
import type { Key } from '../../runtime/key.ts'
import type { LinkMessage } from '../../runtime/messages.ts'
import { ManualClock } from '../../testing/manual-clock.ts'
import { exactly } from '../harness/exactly.ts'

/** A channel with both its ends, and somebody at the receiving one who takes entries, or not. */
export interface ChannelRig {
  readonly channel: OutputChannel
  /** What the receiver has taken, as text. */
  readonly received: readonly string[]
  /** Whether the receiver takes anything. */
  setOpen(isOpen: boolean): void
  /** Whether the receiver, if it takes nothing else, takes a barrier (no watermark is being fired). */
  setTakesBarriers(takes: boolean): void
  /** Carries over what is between the threads, both ways, and lets the receiver take what it takes. */
  deliver(): void
}

const logs = {
  record: (value: unknown, timestamp: number) => `${exactly(value)} @ ${timestamp}`,
  watermark: (timestamp: number) => `watermark ${timestamp}`,
  status: (status: WatermarkStatus) => `status ${status}`,
  barrier: ({ kind, checkpointId, baseId }: CheckpointBarrier) =>
    `${kind} ${checkpointId} on ${baseId}`,
  endOfReadFirst: () => 'end of read first',
  end: () => 'end of input',
}

export { logs }

/** A direct channel to a target that notes what it is given. */
export function directRig(strict = false): ChannelRig {
  const received: string[] = []
  let isOpen = true
  let takesBarriers = true
  const onInput = (input: number, line: string): void => {
    received.push(input === 3 ? line : `wrong input ${input}`)
  }
  const target: DirectTarget = {
    receive: (input, value, timestamp) => onInput(input, logs.record(value, timestamp)),
    receiveKeyed: (input, value, timestamp, _key: Key, _keyGroup: number) =>
      onInput(input, logs.record(value, timestamp)),
    receiveWatermark: (input, timestamp) => onInput(input, logs.watermark(timestamp)),
    receiveStatus: (input, status) => onInput(input, logs.status(status)),
    receiveBarrier: (input, barrier) => onInput(input, logs.barrier(barrier)),
    receiveEndOfReadFirst: (input) => onInput(input, logs.endOfReadFirst()),
    receiveEndOfInput: (input) => onInput(input, logs.end()),
    mayReceive: () => isOpen,
    mayReceiveBarrier: () => isOpen || takesBarriers,
  }
  return {
    channel: new DirectChannel(target, 3, strict),
    received,
    setOpen: (open) => (isOpen = open),
    setTakesBarriers: (takes) => (takesBarriers = takes),
    deliver: () => {},
  }
}

/** One end of a connection: what is posted waits until it is carried over. */
class RigPort implements Port<LinkMessage, LinkMessage> {
  readonly waiting: { readonly message: LinkMessage; readonly transfer: readonly ArrayBuffer[] }[] =
    []
  #receive: (message: LinkMessage) => void = () => {}

  post(message: LinkMessage, transfer: readonly ArrayBuffer[] = []): void {
    this.waiting.push({ message, transfer })
  }

  onMessage(receive: (message: LinkMessage) => void): void {
    this.#receive = receive
  }

  /** Takes one message of the other end, as a message port would: buffers are detached over there. */
  take(other: RigPort): boolean {
    const next = other.waiting.shift()
    if (next === undefined) return false
    this.#receive(structuredClone(next.message, { transfer: [...next.transfer] }))
    return true
  }

  close(): void {
    this.waiting.length = 0
  }
}

/** A channel between threads, with the threads left out. */
export class RemoteRig implements ChannelRig {
  readonly clock: ManualClock = new ManualClock()
  readonly channel: RemoteChannel
  readonly input: RemoteInput
  readonly received: string[] = []
  /** Batches that have been carried over, by their length. */
  readonly batches: number[] = []
  /** Bytes that came back as credit. */
  returned = 0
  wakes = 0
  /** How often the sender was told that no credit is left. */
  filled = 0
  readonly #sender = new RigPort()
  readonly #receiver = new RigPort()
  #isOpen = true

  constructor(creditBytes = 4_096) {
    this.channel = new RemoteChannel({
      id: 7,
      port: this.#sender,
      clock: this.clock,
      creditBytes,
      wake: () => this.wakes++,
      filled: () => this.filled++,
    })
    this.input = new RemoteInput(0, 7, this.#receiver)
    this.#receiver.onMessage((message) => {
      if (message.type !== 'batch') throw new Error(`Unexpected ${message.type}`)
      this.batches.push(message.length)
      this.input.push(message.buffer, message.length)
    })
    this.#sender.onMessage((message) => {
      if (message.type !== 'credit') throw new Error(`Unexpected ${message.type}`)
      this.returned += message.bytes
      this.channel.restoreCredit(message.bytes, message.buffer)
    })
  }

  /** Batches that have been sent and not carried over. */
  get underWay(): number {
    return this.#sender.waiting.length
  }

  setOpen(isOpen: boolean): void {
    this.#isOpen = isOpen
  }

  setTakesBarriers(): void {
    // What the receiver takes is not seen by the sender: a barrier waits in the channel.
  }

  deliver(): void {
    while (this.#receiver.take(this.#sender));
    if (this.#isOpen) this.#consume()
    while (this.#sender.take(this.#receiver));
  }

  /** Takes at most that many entries, as a subtask does. */
  #consume(): void {
    const { decoder } = this.input
    for (;;) {
      const entry = this.input.peek()
      if (entry === 'none') return
      if (entry === 'records') {
        const position = this.input.position++
        this.received.push(logs.record(decoder.values[position], decoder.timestamps[position]!))
        continue
      }
      this.input.consumeControl()
      if (entry === 'watermark') this.received.push(logs.watermark(decoder.watermark))
      else if (entry === 'status') this.received.push(logs.status(decoder.status))
      else if (entry === 'barrier') this.received.push(logs.barrier(decoder.barrier))
      else if (entry === 'end-of-read-first') this.received.push(logs.endOfReadFirst())
      else this.received.push(logs.end())
    }
  }
}
