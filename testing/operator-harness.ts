import type { BroadcastProcessFunction } from '../operators/broadcast/broadcast-process.ts'
import type { KeyedBroadcastProcessFunction } from '../operators/broadcast/keyed-broadcast-process.ts'
import type { CoProcessFunction } from '../operators/co-process.ts'
import type {
  StatefulCoElementFunction,
  StatefulElementFunction,
} from '../operators/element-function.ts'
import type { OperatorStateDeclarations } from '../operators/operator-state/operator-state.ts'
import type { ProcessFunction } from '../operators/process.ts'
import type { Key } from '../runtime/key.ts'
import type { OptionNames } from '../runtime/option-names.ts'
import { checkKitOptions } from './misuse.ts'
import {
  type InputRecord,
  type OperatorHarnessOptions,
  type OperatorSnapshot,
  type RestoreOptions,
  StreamHarness,
} from './stream-harness.ts'
import {
  type FunctionUnderTest,
  type StreamUnderTest,
  type TwoInputFunctionUnderTest,
  type TwoStreamsUnderTest,
  underTest,
} from './stream-under-test.ts'
import { TwoInputHarness } from './two-input-harness.ts'

const HARNESS: OptionNames<OperatorHarnessOptions & { readonly keyBy: unknown }> = {
  keyBy: true,
  parallelism: true,
  maxParallelism: true,
  snapshot: true,
  processingTime: true,
  clock: true,
  outputCapacity: true,
  open: true,
}

/** The key selector of a process function that is tested by itself. */
export interface KeyedBy<In, K extends Key> {
  readonly keyBy: (value: In) => K
}

/** The key selectors of a function over two keyed inputs that is tested by itself. */
export interface BothKeyedBy<A, B, K extends Key> {
  readonly keyBy: readonly [(first: A) => K, (second: B) => K]
}

/**
 * Runs operators by hand, synchronously and with time standing still: give them records, watermarks and processing time, and
 * look at what comes out.
 *
 * Takes a process function with the key of its records, an object with a method such as `map`, or a function that builds a
 * stream out of one or two streams, with the same calls as in a job: any operator or chain of them, with `keyBy` and all.
 * Records are frozen, and values from state that are changed in place without being stored are found (R16). Everything but
 * `open`, `snapshot`, `restore` and `close` is synchronous. Rejects with what the graph or an `open` fails with, and with
 * `MR_TEST_INVALID` for what cannot be tested.
 *
 * @example
 * const harness = await operatorHarness(totals(), { keyBy: (order) => order.customer })
 * harness.processElement({ customer: 'a', cents: 5 }, 1_000)
 * harness.processWatermark(2_000)
 * expect(harness.output()).toEqual([{ value: 5, timestamp: 1_000 }, { watermark: 2_000 }])
 */
export function operatorHarness<In, R>(
  build: StreamUnderTest<In, R>,
  options?: OperatorHarnessOptions,
): Promise<OperatorHarness<In, R>>
export function operatorHarness<A, B, R>(
  build: TwoStreamsUnderTest<A, B, R>,
  options?: OperatorHarnessOptions,
): Promise<TwoInputHarness<A, B, R>>
export function operatorHarness<A, B, R>(
  process: BroadcastProcessFunction<A, B, R>,
  options?: OperatorHarnessOptions,
): Promise<TwoInputHarness<A, B, R>>
export function operatorHarness<A, B, R, K extends Key>(
  process: KeyedBroadcastProcessFunction<A, B, R, K>,
  options: OperatorHarnessOptions & KeyedBy<NoInfer<A>, NoInfer<K>>,
): Promise<TwoInputHarness<A, B, R>>
export function operatorHarness<In, R, K extends Key>(
  process: ProcessFunction<In, R, K>,
  options: OperatorHarnessOptions & KeyedBy<NoInfer<In>, NoInfer<K>>,
): Promise<OperatorHarness<In, R>>
export function operatorHarness<A, B, R, K extends Key>(
  process: CoProcessFunction<A, B, R, K>,
  options: OperatorHarnessOptions & BothKeyedBy<NoInfer<A>, NoInfer<B>, NoInfer<K>>,
): Promise<TwoInputHarness<A, B, R>>
export function operatorHarness<In, R, const O extends OperatorStateDeclarations>(
  object: StatefulElementFunction<In, R, O>,
  options?: OperatorHarnessOptions,
): Promise<OperatorHarness<In, R>>
export function operatorHarness<A, B, R, const O extends OperatorStateDeclarations>(
  object: StatefulCoElementFunction<A, B, R, O>,
  options?: OperatorHarnessOptions,
): Promise<TwoInputHarness<A, B, R>>
export function operatorHarness<In, R>(
  object: FunctionUnderTest<In, R>,
  options?: OperatorHarnessOptions,
): Promise<OperatorHarness<In, R>>
export function operatorHarness<A, B, R>(
  object: TwoInputFunctionUnderTest<A, B, R>,
  options?: OperatorHarnessOptions,
): Promise<TwoInputHarness<A, B, R>>
export function operatorHarness(
  given: unknown,
  options: OperatorHarnessOptions & { readonly keyBy?: unknown } = {},
): Promise<OperatorHarness<unknown, unknown> | TwoInputHarness<unknown, unknown, unknown>> {
  return openHarness(given, options)
}

/** The same without types, for `verifyOperator`. */
export async function openHarness(
  given: unknown,
  options: OperatorHarnessOptions & { readonly keyBy?: unknown },
): Promise<OperatorHarness<unknown, unknown> | TwoInputHarness<unknown, unknown, unknown>> {
  checkKitOptions(options, HARNESS, 'operatorHarness')
  const { keyBy, ...rest } = options
  const test = underTest(given, keyBy)
  const harness =
    test.inputs === 1 ? new OperatorHarness(test, rest) : new TwoInputHarness(test, rest)
  if (rest.open !== false) await harness.open()
  return harness
}

/** Operators with one input under test; made by `operatorHarness`. Every verb fails with what an operator failed with. */
export class OperatorHarness<In, R> extends StreamHarness<R> {
  /** Hands a record to the operators; all that it causes has happened when this returns. */
  processElement(value: In, timestamp?: number): void {
    this.giveElements('processElement()', 0, [{ value, timestamp }])
  }

  /** Hands over records in one go, so that one may be taken before the outputs of the one before it have been. */
  processElements(records: readonly InputRecord<In>[]): void {
    this.giveElements('processElements()', 0, records)
  }

  /** No record at or below this timestamp follows; one that is not above the last watermark changes nothing. */
  processWatermark(timestamp: number): void {
    this.giveWatermark('processWatermark()', [0], timestamp)
  }

  /** The input is idle: time goes on without it. A record or watermark makes it active again. */
  processWatermarkStatus(status: 'active' | 'idle'): void {
    this.giveStatus('processWatermarkStatus()', [0], status)
  }

  /** The end of bounded input: the final watermark, all timers of both clocks, then `endInput` of each operator. */
  endInput(): void {
    this.giveEnd('endInput()', [0])
  }

  /**
   * Closes this harness and goes on from the snapshot with fresh operators, at another parallelism too; their output begins
   * empty. Processing time is that of the snapshot, unless the harness was given a clock.
   */
  async restore(
    snapshot: OperatorSnapshot,
    options: RestoreOptions = {},
  ): Promise<OperatorHarness<In, R>> {
    const next = await this.replacedBy(snapshot, options)
    const harness = new OperatorHarness<In, R>(this.underTest, next)
    await harness.open()
    return harness
  }
}
