/** Below every timestamp: the watermark before any other, and the timestamp of a record that has none. */
export const MIN_TIMESTAMP: number = -Infinity

/** Above every timestamp: the watermark at the end of all input. */
export const MAX_TIMESTAMP: number = Infinity

/**
 * State of an input with regard to watermarks: ACTIVE ones are part of the minimum, IDLE ones are left out until they
 * speak again, FINISHED ones are left out for good.
 */
export type WatermarkStatus = 'active' | 'idle' | 'finished'

/** Separates the records of two checkpoints; flows in the channel, in order with the records. */
export interface CheckpointBarrier {
  readonly checkpointId: number
  /** The last completed checkpoint when this one was triggered (0 = none); changes since it are written (R24). */
  readonly baseId: number
  /** After a `stop` barrier no input is taken any more (R14). */
  readonly kind: 'checkpoint' | 'stop'
}
