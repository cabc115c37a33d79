import { showValue } from '../runtime/show-value.ts'
import { checkKitOptions, misuse } from './misuse.ts'
import type { OperatorHarness } from './operator-harness.ts'
import type { InputRecord } from './stream-harness.ts'
import { TwoInputHarness } from './two-input-harness.ts'

/** What any harness can be told between records. */
export type HarnessTime =
  | { readonly watermark: number }
  | { readonly watermarkStatus: 'active' | 'idle' }
  | { readonly processingTime: number }

/** What goes into operators with one input: a record, or what time has come to. */
export type HarnessInput<In> = InputRecord<In> | HarnessTime

/** What goes into operators with two inputs; without a number it is for both. */
export type TwoHarnessInputs<A, B> =
  | { readonly value1: A; readonly timestamp?: number | undefined }
  | { readonly value2: B; readonly timestamp?: number | undefined }
  | { readonly watermark1: number }
  | { readonly watermark2: number }
  | { readonly watermarkStatus1: 'active' | 'idle' }
  | { readonly watermarkStatus2: 'active' | 'idle' }
  | HarnessTime

/** Either harness, where it does not matter which. */
export type AnyHarness<R> = OperatorHarness<unknown, R> | TwoInputHarness<unknown, unknown, R>

export type AnyInput = HarnessInput<unknown> | TwoHarnessInputs<unknown, unknown>

const TIMES = ['watermark', 'watermarkStatus', 'processingTime']
const ONE_INPUT = ['value', ...TIMES]
const TWO_INPUTS = [
  ...['value1', 'value2', 'watermark1', 'watermark2', 'watermarkStatus1', 'watermarkStatus2'],
  ...TIMES,
]

/** Fails with `MR_TEST_INVALID` for what the harness has no verb for: left out, the case would be another one. */
export function checkInput<R>(harness: AnyHarness<R>, input: readonly AnyInput[]): void {
  if (!Array.isArray(input)) {
    throw misuse(
      'verifyOperator',
      `input is something of type ${typeof input}; there is nothing to give to the operators; give an array, such as [{ value: 1, timestamp: 5 }, { watermark: 5 }].`,
    )
  }
  const known = harness instanceof TwoInputHarness ? TWO_INPUTS : ONE_INPUT
  for (const [index, one] of (input as unknown[]).entries()) {
    const isObject = typeof one === 'object' && one !== null
    const verbs = isObject ? known.filter((name) => name in one) : []
    const where = `verifyOperator: element ${index} of input`
    if (verbs.length === 1) {
      const names = verbs[0]!.startsWith('value') ? [...verbs, 'timestamp'] : verbs
      checkKitOptions(one, Object.fromEntries(names.map((name) => [name, true])), where)
    } else {
      const what =
        verbs.length === 0
          ? `there is no verb for it${sideHint(harness, one)}`
          : `only one of ${verbs.join(' and ')} would happen`
      throw misuse(
        'verifyOperator',
        `element ${index} of input is ${showValue(one)}; ${what}; give an object with one of ${known.join(', ')}.`,
      )
    }
  }
}

/** What the other kind of harness takes. */
function sideHint<R>(harness: AnyHarness<R>, one: unknown): string {
  const { value, value1, value2 } = (one ?? {}) as Readonly<Record<string, unknown>>
  const isTwo = harness instanceof TwoInputHarness
  if (isTwo && value !== undefined) return ', as it does not say which of the two inputs it is for'
  if (!isTwo && (value1 ?? value2) !== undefined) return ', as there is one input only'
  return ''
}

/** Records of one input that are handed over in one go. */
export interface Bulk {
  readonly input: 'value' | 'value1' | 'value2'
  readonly records: readonly InputRecord<unknown>[]
}

/** The same input, where records of one input that follow each other are one step. */
export function inBulk(input: readonly AnyInput[]): (AnyInput | Bulk)[] {
  const steps: (AnyInput | { input: Bulk['input']; records: InputRecord<unknown>[] })[] = []
  for (const one of input) {
    const bulk = bulkOf(one)
    const last = steps.at(-1)
    if (bulk === undefined) steps.push(one)
    else if (last !== undefined && 'records' in last && last.input === bulk.input) {
      last.records.push(...bulk.records)
    } else steps.push({ input: bulk.input, records: [...bulk.records] })
  }
  return steps
}

function bulkOf(one: AnyInput): Bulk | undefined {
  if ('value' in one) return { input: 'value', records: [one] }
  if ('value1' in one) {
    return { input: 'value1', records: [{ value: one.value1, timestamp: one.timestamp }] }
  }
  if ('value2' in one) {
    return { input: 'value2', records: [{ value: one.value2, timestamp: one.timestamp }] }
  }
  return undefined
}

/** Gives one step to a harness, by the verb for it. */
export function give<R>(harness: AnyHarness<R>, step: AnyInput | Bulk): void {
  if ('watermark' in step) harness.processWatermark(step.watermark)
  else if ('watermarkStatus' in step) harness.processWatermarkStatus(step.watermarkStatus)
  else if ('processingTime' in step) harness.setProcessingTime(step.processingTime)
  else if (harness instanceof TwoInputHarness) giveTwo(harness, step)
  else {
    const bulk = 'records' in step ? step : bulkOf(step)
    harness.processElements(bulk?.records ?? [])
  }
}

function giveTwo<R>(
  harness: TwoInputHarness<unknown, unknown, R>,
  step: Exclude<AnyInput | Bulk, HarnessTime>,
): void {
  if ('watermark1' in step) harness.processWatermark1(step.watermark1)
  else if ('watermark2' in step) harness.processWatermark2(step.watermark2)
  else if ('watermarkStatus1' in step) harness.processWatermarkStatus1(step.watermarkStatus1)
  else if ('watermarkStatus2' in step) harness.processWatermarkStatus2(step.watermarkStatus2)
  else {
    const bulk = 'records' in step ? step : bulkOf(step)!
    if (bulk.input === 'value2') harness.processElements2(bulk.records)
    else harness.processElements1(bulk.records)
  }
}
