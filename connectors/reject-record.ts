import type { StreamError } from '../runtime/errors.ts'
import { MIN_TIMESTAMP } from '../runtime/element.ts'
import type { OutputTag } from '../runtime/operator.ts'
import type { ReaderContext } from '../runtime/source.ts'

/** What a connector knows of a record that cannot be read. */
export interface BadRecord<B> {
  /** As it goes to a side output. */
  describe(): B
  /** With which it fails the job. */
  failure(bad: B): StreamError
  /** Its time in ms since the epoch; below zero where it has none. */
  readonly timestamp: number
}

/**
 * Deals with a record that cannot be read as `onError` says: fails, counts it as `recordsSkipped`, or emits it to a side output,
 * counted as `recordsToSideOutput`. False where that used credit, which `emitSide` does not tell about (R7).
 */
export function rejectRecord<B>(
  context: Pick<ReaderContext, 'count' | 'emitSide'>,
  onError: 'fail' | 'skip' | OutputTag<B>,
  record: BadRecord<B>,
): boolean {
  if (onError === 'skip') {
    context.count('recordsSkipped')
    return true
  }
  const bad = record.describe()
  if (onError === 'fail') throw record.failure(bad)
  const { timestamp } = record
  context.count('recordsToSideOutput')
  context.emitSide(onError.name, bad, timestamp < 0 ? MIN_TIMESTAMP : timestamp)
  return false
}

/** The beginning of a value that cannot be read, for messages. */
export function shortValue(text: string): string {
  return JSON.stringify(text.length <= 200 ? text : `${text.slice(0, 200)}…`)
}
