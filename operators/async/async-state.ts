import { HeldWatermark } from './async-queue.ts'

/** A record as it stands in a checkpoint. */
export interface StoredRecord {
  readonly value: unknown
  readonly timestamp: number
}

/** What was held at the barrier: inputs, whether or not they had been answered, so that all are asked again. */
export interface AsyncState {
  /** The last watermark that had left: those behind know only their own minimum. */
  readonly forwarded: number
  /** In the order in which they came; a number is a watermark. */
  readonly held: readonly (StoredRecord | number)[]
}

/** The state at a barrier; undefined if nothing is held, so that the operator may go from the job. */
export function storeHeld(
  forwarded: number,
  items: Iterable<StoredRecord | HeldWatermark>,
): AsyncState | undefined {
  const held: (StoredRecord | number)[] = []
  for (const item of items) {
    if (item instanceof HeldWatermark) held.push(item.timestamp)
    else held.push({ value: item.value, timestamp: item.timestamp })
  }
  return held.length === 0 ? undefined : { forwarded, held }
}

/** What is to be asked again after a restore, in order. */
export function restoreHeld(state: AsyncState | undefined): (StoredRecord | HeldWatermark)[] {
  return (state?.held ?? []).map((item) =>
    typeof item === 'number' ? new HeldWatermark(item) : item,
  )
}
