import type { Clock } from '../clock.ts'
import type { CheckpointBarrier, WatermarkStatus } from '../element.ts'
import type { LinkMessage } from '../messages.ts'
import { BatchEncoder } from './batch-encoder.ts'
import { CreditWindow } from './credit-window.ts'
import type { OutputChannel } from './output-channel.ts'
import type { Port } from './port.ts'

/** A batch is sent when it has reached this size, or a quarter of what may be under way if that is less. */
const BATCH_BYTES = 32 * 1_024

export interface RemoteChannelOptions {
  readonly id: number
  readonly port: Port<LinkMessage, LinkMessage>
  readonly clock: Clock
  /** Most bytes that may be under way and not yet consumed (R7). */
  readonly creditBytes: number
  /** Called when the channel has credit again. */
  readonly wake: () => void
  /** Called with each entry after which the channel has no credit left (R7). */
  readonly filled: () => void
}

/** A channel to another thread: records are encoded into batches, bounded by a credit in bytes (R7). */
export class RemoteChannel implements OutputChannel {
  readonly #options: RemoteChannelOptions
  readonly #encoder: BatchEncoder = new BatchEncoder()
  readonly #window: CreditWindow
  #batchBytes: number
  /** Bytes sent and not consumed. */
  #underWay = 0
  /** Size of the open batch from which on it is to be sent, or no credit is left: below it a record changes neither. */
  #quietBytes: number
  /** Buffers to be used again, and their size: with what is under way no more than the credit (N13). */
  readonly #returned: ArrayBuffer[] = []
  #returnedBytes = 0
  /** When the first entry of the open batch was put in; NaN while it is empty or its age is not known yet. */
  #openedAt = NaN

  constructor(options: RemoteChannelOptions) {
    this.#options = options
    this.#window = new CreditWindow(options.creditBytes)
    this.#batchBytes = batchBytesOf(this.#window)
    this.#quietBytes = this.#batchBytes
  }

  emit(value: unknown, timestamp: number): void {
    this.#encoder.append(value, timestamp)
    const { byteLength } = this.#encoder
    if (byteLength < this.#quietBytes) return
    if (byteLength >= this.#batchBytes) this.#send()
    this.#tellIfFull()
  }

  emitKeyed(value: unknown, timestamp: number): void {
    this.emit(value, timestamp)
  }

  watermark(timestamp: number): void {
    this.#encoder.appendWatermark(timestamp)
    this.#tellIfFull()
  }

  status(status: WatermarkStatus): void {
    this.#encoder.appendStatus(status)
    this.#tellIfFull()
  }

  barrier(barrier: CheckpointBarrier): void {
    this.#encoder.appendBarrier(barrier)
    this.#send()
    this.#tellIfFull()
  }

  endOfReadFirst(): void {
    this.#encoder.appendEndOfReadFirst()
    this.#tellIfFull()
  }

  endOfInput(): void {
    this.#encoder.appendEndOfInput()
    this.#send()
  }

  isReady(): boolean {
    return this.#underWay + this.#encoder.byteLength < this.#window.bytes
  }

  isReadyForBarrier(): boolean {
    return true
  }

  flush(before: number, since: number): void {
    if (this.#encoder.isEmpty) return
    if (Number.isNaN(this.#openedAt)) this.#openedAt = since
    if (this.#openedAt > before) return
    this.#send()
    this.#tellIfFull()
  }

  /** The other side has consumed that many bytes, and may hand the buffer back (N13). */
  restoreCredit(bytes: number, buffer: ArrayBuffer | undefined): void {
    const wasReady = this.isReady()
    this.#underWay -= bytes
    this.#window.consumed(bytes, this.#underWay, this.#options.clock.elapsed())
    this.#batchBytes = batchBytesOf(this.#window)
    this.#noteQuiet()
    if (buffer !== undefined) this.#keep(buffer)
    this.#tellIfFull()
    if (!wasReady && this.isReady()) this.#options.wake()
  }

  /** Nothing else tells the sender: it does not ask before each record (R6, R7). */
  #tellIfFull(): void {
    if (!this.isReady()) this.#options.filled()
  }

  #noteQuiet(): void {
    this.#quietBytes = Math.min(this.#batchBytes, this.#window.bytes - this.#underWay)
  }

  /** A receiver that consumes several batches in a turn hands several buffers back at once. */
  #keep(buffer: ArrayBuffer): void {
    const bytes = this.#returnedBytes + buffer.byteLength
    if (bytes + this.#underWay > this.#options.creditBytes) return
    this.#returned.push(buffer)
    this.#returnedBytes = bytes
  }

  #send(): void {
    const reuse = this.#returned.pop()
    if (reuse !== undefined) this.#returnedBytes -= reuse.byteLength
    const bytes = this.#encoder.finish(reuse)
    this.#openedAt = NaN
    if (this.#underWay === 0) this.#window.begin(this.#options.clock.elapsed())
    this.#underWay += bytes.byteLength
    this.#noteQuiet()
    const buffer = bytes.buffer as ArrayBuffer
    const message: LinkMessage = {
      type: 'batch',
      channel: this.#options.id,
      buffer,
      length: bytes.byteLength,
    }
    this.#options.port.post(message, [buffer])
  }
}

function batchBytesOf(window: CreditWindow): number {
  return Math.min(BATCH_BYTES, window.bytes / 4)
}
