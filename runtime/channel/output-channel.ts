import type { CheckpointBarrier, WatermarkStatus } from '../element.ts'
import type { Key } from '../key.ts'

/**
 * The sending end of a channel, direct or between threads (R6, R7).
 *
 * Records and control elements keep their order. Control elements need no credit; records may overdraw it by the
 * outputs of one record or one timer, and the caller asks `isReady` before it takes its next input.
 */
export interface OutputChannel {
  emit(value: unknown, timestamp: number): void
  /** As `emit`, with the key already known; a channel to another thread drops it. */
  emitKeyed(value: unknown, timestamp: number, key: Key, keyGroup: number): void
  watermark(timestamp: number): void
  status(status: WatermarkStatus): void
  barrier(barrier: CheckpointBarrier): void
  /** Nothing that comes of a source with `readFirst` follows; at most once, unless the input ends before. */
  endOfReadFirst(): void
  endOfInput(): void
  /**
   * False while the caller may take no input of any kind. It becomes false only by an entry, by `flush`, or between two runs of
   * the caller; a channel to another thread tells it then, so that it need not be asked before each record.
   */
  isReady(): boolean
  /** Whether a barrier may be sent now: it needs no credit, but may not overtake a watermark being fired (R13). */
  isReadyForBarrier(): boolean
  /**
   * Sends what has been waiting since `before` or longer (in `clock.elapsed()` ms). What no flush has seen yet is taken to have been
   * waiting since `since`, the beginning of the turn: nobody looks at the clock for each record.
   */
  flush(before: number, since: number): void
}

/** The receiving end of direct channels: what a subtask offers to subtasks of its own slot. */
export interface DirectTarget {
  receive(input: number, value: unknown, timestamp: number): void
  receiveKeyed(input: number, value: unknown, timestamp: number, key: Key, keyGroup: number): void
  receiveWatermark(input: number, timestamp: number): void
  receiveStatus(input: number, status: WatermarkStatus): void
  receiveBarrier(input: number, barrier: CheckpointBarrier): void
  receiveEndOfReadFirst(input: number): void
  receiveEndOfInput(input: number): void
  mayReceive(input: number): boolean
  mayReceiveBarrier(input: number): boolean
}
