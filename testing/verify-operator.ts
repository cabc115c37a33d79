import { AssertionError } from 'node:assert'
import { isDeepStrictEqual } from 'node:util'
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
import type { OutputTag } from '../runtime/operator.ts'
import type { OptionNames } from '../runtime/option-names.ts'
import { checkKitOptions, checkTags } from './misuse.ts'
import { type BothKeyedBy, type KeyedBy, openHarness } from './operator-harness.ts'
import type {
  FunctionUnderTest,
  StreamUnderTest,
  TwoInputFunctionUnderTest,
  TwoStreamsUnderTest,
} from './stream-under-test.ts'
import {
  type AnyHarness,
  type AnyInput,
  checkInput,
  give,
  type HarnessInput,
  inBulk,
  type TwoHarnessInputs,
} from './verify-input.ts'

/**
 * How the input is given, and how often a snapshot is taken: never; after each element of the input; or after each, and fresh
 * operators go on from it, at the same parallelism or at another. Before they do, the old ones have seen the next element too,
 * as before a crash: what they do with it is lost.
 *
 * `in-bulk` hands over records in one go, `one-by-one` waits for the outputs of each, and with an `output-of-one` operators
 * have to wait after each record that they emit. `rescale-after-each` is for keyed operators whose output has no order.
 */
export type VerifyMode =
  | 'one-by-one'
  | 'in-bulk'
  | 'output-of-one'
  | 'snapshot-after-each'
  | 'restore-after-each'
  | 'rescale-after-each'

export const VERIFY_MODES: readonly VerifyMode[] = [
  'one-by-one',
  'in-bulk',
  'output-of-one',
  'snapshot-after-each',
  'restore-after-each',
  'rescale-after-each',
]

/** The number of subtasks after the first element, the second and so on, and again. */
const PARALLELISMS = [2, 3, 1]

export interface VerifyOptions<Input, R> {
  readonly input: readonly Input[]
  /** All output values, in order, after the end of input unless `endInput` is false. */
  readonly expected: readonly R[]
  /** Values of side outputs, in order, by tag. */
  readonly expectedSide?: readonly (readonly [
    tag: OutputTag<unknown>,
    values: readonly unknown[],
  ])[]
  /** Whether the input ends after its last element: the final watermark fires everything. Default true. */
  readonly endInput?: boolean
  /** Whether the order of the output counts. Default true; timers of different keys at one timestamp have none. */
  readonly ordered?: boolean
  /** Processing time at the start, in ms since the epoch. Default: a fixed day. */
  readonly processingTime?: number
  /** Default: all; `rescale-after-each` only where the operators are keyed and the order does not count. */
  readonly modes?: readonly VerifyMode[]
}

const VERIFY: OptionNames<VerifyOptions<unknown, unknown> & { readonly keyBy: unknown }> = {
  keyBy: true,
  input: true,
  expected: true,
  expectedSide: true,
  endInput: true,
  ordered: true,
  processingTime: true,
  modes: true,
}

/**
 * Runs the same input through the operators in every mode, and compares the output each time: with and without snapshots,
 * with fresh operators restored after every element.
 *
 * Takes what `operatorHarness` takes. Fails with an `AssertionError` that names the mode, or with what an operator failed with.
 *
 * @example
 * await verifyOperator((numbers: DataStream<number>) => numbers.map((n) => n + 1), {
 *   input: [{ value: 1 }, { watermark: 5 }, { value: 2 }],
 *   expected: [2, 3],
 * })
 */
export function verifyOperator<In, R>(
  build: StreamUnderTest<In, R>,
  options: VerifyOptions<HarnessInput<NoInfer<In>>, NoInfer<R>>,
): Promise<void>
export function verifyOperator<A, B, R>(
  build: TwoStreamsUnderTest<A, B, R>,
  options: VerifyOptions<TwoHarnessInputs<NoInfer<A>, NoInfer<B>>, NoInfer<R>>,
): Promise<void>
export function verifyOperator<A, B, R>(
  process: BroadcastProcessFunction<A, B, R>,
  options: VerifyOptions<TwoHarnessInputs<NoInfer<A>, NoInfer<B>>, NoInfer<R>>,
): Promise<void>
export function verifyOperator<A, B, R, K extends Key>(
  process: KeyedBroadcastProcessFunction<A, B, R, K>,
  options: VerifyOptions<TwoHarnessInputs<NoInfer<A>, NoInfer<B>>, NoInfer<R>> &
    KeyedBy<NoInfer<A>, NoInfer<K>>,
): Promise<void>
export function verifyOperator<In, R, K extends Key>(
  process: ProcessFunction<In, R, K>,
  options: VerifyOptions<HarnessInput<NoInfer<In>>, NoInfer<R>> & KeyedBy<NoInfer<In>, NoInfer<K>>,
): Promise<void>
export function verifyOperator<A, B, R, K extends Key>(
  process: CoProcessFunction<A, B, R, K>,
  options: VerifyOptions<TwoHarnessInputs<NoInfer<A>, NoInfer<B>>, NoInfer<R>> &
    BothKeyedBy<NoInfer<A>, NoInfer<B>, NoInfer<K>>,
): Promise<void>
export function verifyOperator<In, R, const O extends OperatorStateDeclarations>(
  object: StatefulElementFunction<In, R, O>,
  options: VerifyOptions<HarnessInput<NoInfer<In>>, NoInfer<R>>,
): Promise<void>
export function verifyOperator<A, B, R, const O extends OperatorStateDeclarations>(
  object: StatefulCoElementFunction<A, B, R, O>,
  options: VerifyOptions<TwoHarnessInputs<NoInfer<A>, NoInfer<B>>, NoInfer<R>>,
): Promise<void>
export function verifyOperator<In, R>(
  object: FunctionUnderTest<In, R>,
  options: VerifyOptions<HarnessInput<NoInfer<In>>, NoInfer<R>>,
): Promise<void>
export function verifyOperator<A, B, R>(
  object: TwoInputFunctionUnderTest<A, B, R>,
  options: VerifyOptions<TwoHarnessInputs<NoInfer<A>, NoInfer<B>>, NoInfer<R>>,
): Promise<void>
export async function verifyOperator(given: unknown, options: Case): Promise<void> {
  checkKitOptions(options, VERIFY, 'verifyOperator')
  checkTags(tagsOf(options.expectedSide ?? []), 'expectedSide of verifyOperator')
  const modes = options.modes ?? VERIFY_MODES
  for (const [index, mode] of modes.entries()) {
    await verifyIn({ mode, passed: modes.slice(0, index) }, given, options)
  }
}

/** Whatever stands where the tags belong. */
function tagsOf(expectedSide: unknown): unknown {
  if (!Array.isArray(expectedSide)) return expectedSide
  return expectedSide.map((pair: unknown) => (Array.isArray(pair) ? pair[0] : undefined))
}

/** The mode of a run, and those that have found what was expected. */
interface Turn {
  readonly mode: VerifyMode
  readonly passed: readonly VerifyMode[]
}

type Case = VerifyOptions<AnyInput, unknown> & { readonly keyBy?: unknown }

async function verifyIn(turn: Turn, given: unknown, options: Case): Promise<void> {
  const { mode } = turn
  const { expected, expectedSide = [], endInput = true, ordered = true } = options
  const collected: unknown[] = []
  const side = expectedSide.map((): unknown[] => [])
  let harness = await open(mode, given, options)
  const collect = (): void => {
    collected.push(...harness.outputValues())
    for (const [index, [tag]] of expectedSide.entries()) {
      side[index]!.push(...harness.sideOutputValues(tag))
    }
  }
  try {
    if (mode === 'rescale-after-each' && options.modes === undefined) {
      if (ordered || !harness.isKeyed) return
    }
    checkInput(harness, options.input)
    const isBulk = mode === 'in-bulk' || mode === 'output-of-one'
    const steps = isBulk ? inBulk(options.input) : options.input
    for (const [index, step] of steps.entries()) {
      give(harness, step)
      if (!mode.endsWith('after-each')) continue
      await harness.settle()
      const snapshot = await harness.snapshot()
      if (mode === 'snapshot-after-each') continue
      collect()
      // What comes after a checkpoint is done and lost in a crash, and done again: it must leave no trace.
      if (index + 1 < steps.length) give(harness, steps[index + 1]!)
      else if (endInput) harness.endInput()
      const parallelism = PARALLELISMS[index % PARALLELISMS.length]!
      harness = await harness.restore(
        snapshot,
        mode === 'rescale-after-each' ? { parallelism } : {},
      )
    }
    if (endInput) harness.endInput()
    await harness.settle()
    collect()
  } finally {
    await harness.close()
  }
  compare(turn, '', { actual: collected, expected, ordered })
  for (const [index, [tag, values]] of expectedSide.entries()) {
    const actual = side[index]!
    compare(turn, ` of side output "${tag.name}"`, { actual, expected: values, ordered })
  }
}

function open(mode: VerifyMode, given: unknown, options: Case): Promise<AnyHarness<unknown>> {
  const { keyBy, processingTime } = options
  return openHarness(given, {
    keyBy,
    ...(mode === 'output-of-one' ? { outputCapacity: 1 } : {}),
    ...(processingTime === undefined ? {} : { processingTime }),
  })
}

function compare(
  { mode, passed }: Turn,
  ofWhat: string,
  output: {
    readonly actual: readonly unknown[]
    readonly expected: readonly unknown[]
    readonly ordered: boolean
  },
): void {
  const { actual, expected, ordered } = output
  if (ordered ? isDeepStrictEqual(actual, expected) : isPermutation(actual, expected)) return
  const inPassed =
    passed.length === 0
      ? ''
      : ` It is in ${passed.join(', ')}: so it depends on what is kept elsewhere than in declared state, or on how often something is done.`
  throw new AssertionError({
    message: `The output${ofWhat} in mode ${mode} is not the expected one${ordered ? '' : ', in whatever order'}.${inPassed}`,
    actual,
    expected,
    operator: 'deepStrictEqual',
  })
}

function isPermutation(actual: readonly unknown[], expected: readonly unknown[]): boolean {
  const left = [...expected]
  for (const value of actual) {
    const at = left.findIndex((other) => isDeepStrictEqual(other, value))
    if (at === -1) return false
    left.splice(at, 1)
  }
  return left.length === 0
}
