import type { Cancel, Clock } from '../../runtime/clock.ts'
import { type LambdaAnswer, type LambdaCall, readLambdaAnswer } from './lambda-answer.ts'
import { AROUND_RECORD_BYTES, MAX_PAYLOAD_BYTES } from './lambda-options.ts'

export interface LambdaBatcherOptions {
  readonly clock: Clock
  readonly batchRecords: number
  readonly batchBytes: number
  readonly lingerMs: number
  readonly maxRequests: number
  /** Who calls, and from where, for the function to look at. */
  readonly caller: Pick<LambdaCall, 'deliveryStreamArn' | 'region'>
  /** Calls the function and resolves with the text that it answers with. */
  call(payload: string, records: number): Promise<string>
  /** Makes an error of an answer that is not by the contract. */
  broken(error: unknown): Error
}

/** A record that waits for its answer. */
interface Asked {
  readonly data: Buffer
  readonly timestamp: number
  resolve(answer: LambdaAnswer): void
  reject(error: unknown): void
}

/** Puts records together into calls of a function, and hands each the answer that is its own. */
export class LambdaBatcher {
  readonly #options: LambdaBatcherOptions
  /** Calls that wait for others to end; records are added to the last, which is open. */
  readonly #calls: Asked[][] = []
  #openRecords = 0
  #openBytes = 0
  #cancelLinger: Cancel | undefined
  #onTheirWay = 0
  #asked = 0
  #invocations = 0

  constructor(options: LambdaBatcherOptions) {
    this.#options = options
  }

  /** Resolves with what the function answers for a record. */
  ask(data: Buffer, timestamp: number): Promise<LambdaAnswer> {
    return new Promise((resolve, reject) => this.#add({ data, timestamp, resolve, reject }))
  }

  /** No call is made any more. */
  close(): void {
    this.#cancelLinger?.()
    this.#calls.length = 0
    this.#openRecords = 0
  }

  #add(record: Asked): void {
    const { batchRecords, batchBytes, lingerMs, clock } = this.#options
    const { length } = record.data
    if (this.#openRecords > 0 && !this.#hasRoom(length)) this.#closeCall()
    if (this.#openRecords === 0) this.#calls.push([])
    this.#calls.at(-1)!.push(record)
    this.#openRecords++
    this.#openBytes += length
    if (this.#openRecords >= batchRecords || this.#openBytes >= batchBytes) this.#closeCall()
    else this.#cancelLinger ??= clock.schedule(lingerMs, () => this.#closeCall())
  }

  #hasRoom(length: number): boolean {
    const { batchBytes } = this.#options
    const bytes = this.#openBytes + length
    const around = (this.#openRecords + 1) * AROUND_RECORD_BYTES
    return bytes <= batchBytes && (bytes * 4) / 3 + around < MAX_PAYLOAD_BYTES
  }

  /** Nothing is added to the last call any more. */
  #closeCall(): void {
    this.#cancelLinger?.()
    this.#cancelLinger = undefined
    this.#openRecords = 0
    this.#openBytes = 0
    this.#callAll()
  }

  #callAll(): void {
    while (this.#onTheirWay < this.#options.maxRequests) {
      // The last one may be open.
      if (this.#calls.length <= (this.#openRecords > 0 ? 1 : 0)) return
      this.#onTheirWay++
      void this.#call(this.#calls.shift()!).finally(() => {
        this.#onTheirWay--
        this.#callAll()
      })
    }
  }

  /** Never rejects: whoever has asked is told. */
  async #call(asked: readonly Asked[]): Promise<void> {
    const { clock, caller, call, broken } = this.#options
    const ids = asked.map(() => String(this.#asked++))
    const event: LambdaCall = {
      invocationId: String(this.#invocations++),
      ...caller,
      records: asked.map(({ data, timestamp }, i) => ({
        recordId: ids[i]!,
        approximateArrivalTimestamp: Number.isFinite(timestamp) ? timestamp : clock.now(),
        data: data.toString('base64'),
      })),
    }
    let answers: readonly LambdaAnswer[]
    try {
      const text = await call(JSON.stringify(event), asked.length)
      try {
        answers = readLambdaAnswer(text, ids)
      } catch (error) {
        throw broken(error)
      }
    } catch (error) {
      for (const { reject } of asked) reject(error)
      return
    }
    for (const [i, { resolve }] of asked.entries()) resolve(answers[i]!)
  }
}
