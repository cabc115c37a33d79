import {
  type InputRecord,
  type OperatorSnapshot,
  type RestoreOptions,
  StreamHarness,
} from './stream-harness.ts'

/**
 * Operators with two inputs under test; made by `operatorHarness`. Every verb fails with what an operator failed with.
 *
 * Verbs that end in 1 or 2 are for one input; without a number they are for both.
 */
export class TwoInputHarness<A, B, R> extends StreamHarness<R> {
  /** Hands a record to the first input; all that it causes has happened when this returns. */
  processElement1(value: A, timestamp?: number): void {
    this.giveElements('processElement1()', 0, [{ value, timestamp }])
  }

  processElement2(value: B, timestamp?: number): void {
    this.giveElements('processElement2()', 1, [{ value, timestamp }])
  }

  /** A record of the second input, where that one is broadcast: every subtask gets it. */
  processBroadcastElement(value: B, timestamp?: number): void {
    this.giveElements('processBroadcastElement()', 1, [{ value, timestamp }])
  }

  /** Hands over records in one go, so that one may be taken before the outputs of the one before it have been. */
  processElements1(records: readonly InputRecord<A>[]): void {
    this.giveElements('processElements1()', 0, records)
  }

  processElements2(records: readonly InputRecord<B>[]): void {
    this.giveElements('processElements2()', 1, records)
  }

  /** A watermark on both inputs. */
  processWatermark(timestamp: number): void {
    this.giveWatermark('processWatermark()', [0, 1], timestamp)
  }

  /** A watermark on the first input: time is that of the slower one. */
  processWatermark1(timestamp: number): void {
    this.giveWatermark('processWatermark1()', [0], timestamp)
  }

  processWatermark2(timestamp: number): void {
    this.giveWatermark('processWatermark2()', [1], timestamp)
  }

  /** Both inputs are idle, or active again. */
  processWatermarkStatus(status: 'active' | 'idle'): void {
    this.giveStatus('processWatermarkStatus()', [0, 1], status)
  }

  /** The first input is idle: time goes on without it. A record or watermark makes it active again. */
  processWatermarkStatus1(status: 'active' | 'idle'): void {
    this.giveStatus('processWatermarkStatus1()', [0], status)
  }

  processWatermarkStatus2(status: 'active' | 'idle'): void {
    this.giveStatus('processWatermarkStatus2()', [1], status)
  }

  /** The end of both inputs: the final watermark, all timers of both clocks, then `endInput` of each operator. */
  endInput(): void {
    this.giveEnd('endInput()', [0, 1])
  }

  /** The end of the first input; the other one goes on. */
  endInput1(): void {
    this.giveEnd('endInput1()', [0])
  }

  endInput2(): void {
    this.giveEnd('endInput2()', [1])
  }

  /**
   * Closes this harness and goes on from the snapshot with fresh operators, at another parallelism too; their output begins
   * empty. Processing time is that of the snapshot, unless the harness was given a clock.
   */
  async restore(
    snapshot: OperatorSnapshot,
    options: RestoreOptions = {},
  ): Promise<TwoInputHarness<A, B, R>> {
    const next = await this.replacedBy(snapshot, options)
    const harness = new TwoInputHarness<A, B, R>(this.underTest, next)
    await harness.open()
    return harness
  }
}
