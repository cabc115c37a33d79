import type { DirectTarget } from '../channel/output-channel.ts'
import type { RemoteInput } from '../channel/remote-input.ts'
import type { Clock } from '../clock.ts'
import type { InputGate } from './input-gate.ts'

/** Who takes what remote inputs bring: the same calls as those of direct channels. */
export interface InputTaker extends DirectTarget {
  /** Whether a record, watermark, status or end may be taken now. */
  mayTakeInput(): boolean
  mayTakeBarrier(): boolean
}

export interface RemoteInputsOptions {
  readonly gate: InputGate
  readonly taker: InputTaker
  readonly clock: Clock
  /** Entries between two looks at the deadline. */
  readonly workPerLook: number
}

/** Gives the inputs of a subtask that come from other threads their turns. */
export class RemoteInputs {
  readonly #options: RemoteInputsOptions
  readonly #gate: InputGate
  readonly #taker: InputTaker
  #next = 0

  constructor(options: RemoteInputsOptions) {
    this.#options = options
    this.#gate = options.gate
    this.#taker = options.taker
  }

  /** Takes from the inputs in turn until all of them in a row have nothing to give; returns whether it took anything. */
  take(deadline: number, quantum: number): boolean {
    const { clock, workPerLook } = this.#options
    const { remotes } = this.#gate
    let left = quantum
    for (let vain = 0; vain < remotes.length && left > 0; vain++) {
      const remote = remotes[this.#next]!
      this.#next = (this.#next + 1) % remotes.length
      const taken = this.#consume(remote, Math.min(left, workPerLook))
      if (taken === 0) continue
      vain = -1
      left -= taken
      if (clock.elapsed() >= deadline) break
    }
    return left < quantum
  }

  /** Takes entries of one input until something holds it back; returns how many. */
  #consume(remote: RemoteInput, limit: number): number {
    const taker = this.#taker
    const { aligner } = this.#gate
    const { decoder, index } = remote
    let taken = 0
    while (taken < limit && !aligner.isBlocked(index)) {
      const entry = remote.peek()
      if (entry === 'none') break
      if (entry === 'records') {
        const records = this.#takeRecords(remote, limit - taken)
        if (records === 0) break
        taken += records
        continue
      }
      if (entry === 'barrier' ? !taker.mayTakeBarrier() : !taker.mayTakeInput()) break
      taken++
      remote.consumeControl()
      if (entry === 'watermark') taker.receiveWatermark(index, decoder.watermark)
      else if (entry === 'status') taker.receiveStatus(index, decoder.status)
      else if (entry === 'barrier') taker.receiveBarrier(index, decoder.barrier)
      else if (entry === 'end-of-read-first') taker.receiveEndOfReadFirst(index)
      else taker.receiveEndOfInput(index)
    }
    return taken
  }

  /** The same of the run of records at the cursor: only a barrier blocks an input, so that is not asked in between. */
  #takeRecords(remote: RemoteInput, limit: number): number {
    const taker = this.#taker
    const { index } = remote
    const { values, timestamps, count } = remote.decoder
    const start = remote.position
    const end = Math.min(count, start + limit)
    for (let at = start; at < end && taker.mayTakeInput(); at++) {
      remote.position = at + 1
      taker.receive(index, values[at], timestamps[at]!)
    }
    return remote.position - start
  }
}
