import type { CheckpointBarrier, WatermarkStatus } from '../element.ts'
import type { Key } from '../key.ts'
import { checkValue } from '../value-codec.ts'
import type { DirectTarget, OutputChannel } from './output-channel.ts'

/** Records that are checked against the type table at first; after that one of `SAMPLE_EVERY` (R18). */
const CHECKED_AT_FIRST = 1_000
const SAMPLE_EVERY = 1_024

/**
 * A channel inside a slot: a synchronous call without encoding, a channel in every other respect (R6).
 *
 * The first 1,000 records and a sample after that are checked against the type table, all of them in strict mode, so
 * that a job that runs at parallelism 1 runs at 2 (R18).
 */
export class DirectChannel implements OutputChannel {
  readonly #target: DirectTarget
  readonly #input: number
  readonly #checkAll: boolean
  #untilCheck = 0
  #checked = 0

  constructor(target: DirectTarget, input: number, strict: boolean) {
    this.#target = target
    this.#input = input
    this.#checkAll = strict
  }

  emit(value: unknown, timestamp: number): void {
    if (this.#untilCheck-- === 0) this.#check(value)
    this.#target.receive(this.#input, value, timestamp)
  }

  emitKeyed(value: unknown, timestamp: number, key: Key, keyGroup: number): void {
    if (this.#untilCheck-- === 0) this.#check(value)
    this.#target.receiveKeyed(this.#input, value, timestamp, key, keyGroup)
  }

  #check(value: unknown): void {
    this.#checked++
    this.#untilCheck = this.#checkAll || this.#checked < CHECKED_AT_FIRST ? 0 : SAMPLE_EVERY - 1
    checkValue(value, 'record')
  }

  watermark(timestamp: number): void {
    this.#target.receiveWatermark(this.#input, timestamp)
  }

  status(status: WatermarkStatus): void {
    this.#target.receiveStatus(this.#input, status)
  }

  barrier(barrier: CheckpointBarrier): void {
    this.#target.receiveBarrier(this.#input, barrier)
  }

  endOfReadFirst(): void {
    this.#target.receiveEndOfReadFirst(this.#input)
  }

  endOfInput(): void {
    this.#target.receiveEndOfInput(this.#input)
  }

  isReady(): boolean {
    return this.#target.mayReceive(this.#input)
  }

  isReadyForBarrier(): boolean {
    return this.#target.mayReceiveBarrier(this.#input)
  }

  flush(): void {
    // Nothing waits in a direct channel.
  }
}
