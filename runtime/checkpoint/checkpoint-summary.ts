import type { CheckpointKind } from '../messages.ts'

/** A checkpoint as events and results tell of it. */
export interface CheckpointSummary {
  readonly lineage: string
  readonly checkpointId: number
  readonly kind: CheckpointKind
  readonly durationMs: number
  /** Bytes written for it, manifest included. */
  readonly bytes: number
  /** Where its manifest is, absolute. */
  readonly path: string
}
