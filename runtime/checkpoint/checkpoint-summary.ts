import type { CheckpointManifest } from './manifest.ts'

/** A checkpoint as events and results tell of it. */
export interface CheckpointSummary {
  readonly lineage: string
  readonly checkpointId: number
  readonly kind: CheckpointManifest['kind']
  readonly durationMs: number
  /** Bytes written for it, manifest included. */
  readonly bytes: number
  /** Where its manifest is, absolute. */
  readonly path: string
}

/** A savepoint as events and results tell of it. */
export interface SavepointSummary {
  /** Its folder, absolute. */
  readonly path: string
  /** The checkpoint that it is a copy of. */
  readonly lineage: string
  readonly checkpointId: number
  /** From the wish to the end of the copy. */
  readonly durationMs: number
  /** Bytes of its files of state. */
  readonly bytes: number
}
