import { AssertionError } from 'node:assert'
import { isDeepStrictEqual } from 'node:util'
import type { OutputTag } from '../runtime/operator.ts'
import {
  type OperatorHarness,
  operatorHarness,
  type StreamRecord,
  type StreamUnderTest,
} from './operator-harness.ts'

/** What goes into operators under test: a record, a watermark, or processing time moved on to a moment. */
export type HarnessInput<In> =
  | { readonly value: In; readonly timestamp?: number }
  | { readonly watermark: number }
  | { readonly processingTime: number }

/**
 * How often a snapshot is taken: never; after each element of the input; or after each, and fresh operators go on from it.
 * `in-bulk` hands over records in one go, `one-by-one` waits for the outputs of each, and with an `output-of-one` operators
 * have to wait after each record that they emit.
 */
export type VerifyMode =
  'one-by-one' | 'in-bulk' | 'output-of-one' | 'snapshot-after-each' | 'restore-after-each'

export const VERIFY_MODES: readonly VerifyMode[] = [
  'one-by-one',
  'in-bulk',
  'output-of-one',
  'snapshot-after-each',
  'restore-after-each',
]

export interface VerifyOptions<In, R> {
  readonly input: readonly HarnessInput<In>[]
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
  /** Default: all. */
  readonly modes?: readonly VerifyMode[]
}

/**
 * Runs the same input through the operators in every mode, and compares the output each time: with and without snapshots,
 * with fresh operators restored after every element.
 *
 * Fails with an `AssertionError` that names the mode, or with what an operator failed with.
 *
 * @example
 * await verifyOperator((numbers: DataStream<number>) => numbers.map((n) => n + 1), {
 *   input: [{ value: 1 }, { watermark: 5 }, { value: 2 }],
 *   expected: [2, 3],
 * })
 */
export async function verifyOperator<In, R>(
  build: StreamUnderTest<In, R>,
  options: VerifyOptions<In, R>,
): Promise<void> {
  for (const mode of options.modes ?? VERIFY_MODES) await verifyIn(mode, build, options)
}

async function verifyIn<In, R>(
  mode: VerifyMode,
  build: StreamUnderTest<In, R>,
  options: VerifyOptions<In, R>,
): Promise<void> {
  const { expected, expectedSide = [], endInput = true, ordered = true } = options
  const collected: R[] = []
  const side = expectedSide.map((): unknown[] => [])
  const isLimited = mode === 'output-of-one'
  let harness = await operatorHarness(build, isLimited ? { outputCapacity: 1 } : {})
  const collect = (): void => {
    collected.push(...harness.getOutput())
    for (const [index, [tag]] of expectedSide.entries()) {
      side[index]!.push(...harness.getSideOutput(tag))
    }
  }
  try {
    for (const step of stepsOf(options.input, mode)) {
      give(harness, step)
      if (mode !== 'snapshot-after-each' && mode !== 'restore-after-each') continue
      const snapshot = await harness.snapshot()
      if (mode === 'snapshot-after-each') continue
      collect()
      harness = await harness.restore(snapshot)
    }
    if (endInput) harness.endInput()
    collect()
  } finally {
    await harness.close()
  }
  compare(`mode ${mode}`, collected, expected, ordered)
  for (const [index, [tag, values]] of expectedSide.entries()) {
    compare(`mode ${mode}, side output "${tag.name}"`, side[index]!, values, ordered)
  }
}

type Step<In> = HarnessInput<In> | readonly StreamRecord<In>[]

/** In bulk, records that follow each other are one step. */
function stepsOf<In>(input: readonly HarnessInput<In>[], mode: VerifyMode): Step<In>[] {
  if (mode !== 'in-bulk' && mode !== 'output-of-one') return [...input]
  const steps: (HarnessInput<In> | StreamRecord<In>[])[] = []
  for (const one of input) {
    if (!('value' in one)) {
      steps.push(one)
      continue
    }
    const record = { value: one.value, timestamp: one.timestamp ?? -Infinity }
    const last = steps.at(-1)
    if (Array.isArray(last)) last.push(record)
    else steps.push([record])
  }
  return steps
}

function give<In, R>(harness: OperatorHarness<In, R>, step: Step<In>): void {
  if ('value' in step) harness.processElement(step.value, step.timestamp)
  else if ('watermark' in step) harness.processWatermark(step.watermark)
  else if ('processingTime' in step) harness.setProcessingTime(step.processingTime)
  else harness.processElements(step)
}

function compare(
  where: string,
  actual: readonly unknown[],
  expected: readonly unknown[],
  ordered: boolean,
): void {
  if (ordered ? isDeepStrictEqual(actual, expected) : isPermutation(actual, expected)) return
  throw new AssertionError({
    message: `The output in ${where} is not the expected one${ordered ? '' : ', in whatever order'}.`,
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
