import type { HeldRecord as RecordInHand } from '../../runtime/operator.ts'
import { HeldWatermark } from './async-queue.ts'

/** A record as it is held. */
export interface HeldRecord extends RecordInHand {
  /** Of the key that it came of; undefined where none is known. */
  readonly keyGroup: number | undefined
}

/** A record as it stands in a checkpoint. */
export interface StoredRecord {
  readonly value: unknown
  readonly timestamp: number
  /** The last watermark in front of it, so that what is late stays late in whatever company it is restored (R12). */
  readonly behind: number
  /** Where it goes at another parallelism. */
  readonly keyGroup?: number
}

/** The inputs that were held at the barrier, whether or not they had been answered, so that all are asked again; in order. */
export interface AsyncState {
  readonly held: readonly StoredRecord[]
}

/**
 * The state at a barrier; undefined if no record is held, so that the operator may go from the job. Watermarks behind the last
 * one are those of the operator.
 */
export function storeHeld(
  forwarded: number,
  items: Iterable<HeldRecord | HeldWatermark>,
): AsyncState | undefined {
  const held: StoredRecord[] = []
  let behind = forwarded
  for (const item of items) {
    if (item instanceof HeldWatermark) behind = item.timestamp
    else held.push(stored(item, behind))
  }
  return held.length === 0 ? undefined : { held }
}

function stored({ value, timestamp, keyGroup }: HeldRecord, behind: number): StoredRecord {
  return { value, timestamp, behind, ...(keyGroup === undefined ? {} : { keyGroup }) }
}

/** What an operator goes on with after a restore. */
export interface RestoredHeld {
  /** The last watermark that had left: those behind know only their own minimum. */
  readonly forwarded: number
  /** What is to be asked again, in order. */
  readonly items: readonly (HeldRecord | HeldWatermark)[]
}

/**
 * What is to be asked again after a restore, in order: records of several subtasks too, each behind the watermark that was in
 * front of it, but none behind a higher one than `watermark`, which the operator has come to (R12).
 */
export function restoreHeld(state: AsyncState | undefined, watermark: number): RestoredHeld {
  const records = (state?.held ?? []).map((record) => ({
    record,
    behind: Math.min(record.behind, watermark),
  }))
  records.sort((a, b) => (a.behind < b.behind ? -1 : a.behind > b.behind ? 1 : 0))
  const forwarded = records[0]?.behind ?? watermark
  const items: (HeldRecord | HeldWatermark)[] = []
  let last = forwarded
  const moveTo = (timestamp: number): void => {
    if (timestamp <= last) return
    items.push(new HeldWatermark(timestamp))
    last = timestamp
  }
  for (const { record, behind } of records) {
    const { value, timestamp, keyGroup } = record
    moveTo(behind)
    items.push({ value, timestamp, keyGroup })
  }
  moveTo(watermark)
  return { forwarded, items }
}
