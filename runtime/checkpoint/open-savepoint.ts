import type { SnapshotTarget } from './checkpoint-storage.ts'
import type { CheckpointManifest } from './manifest.ts'

/** The place of a savepoint that is being written, which nobody else writes to. Whatever resolves is durable (R26). */
export interface OpenSavepoint extends SnapshotTarget {
  /** Absolute, or `s3://…`. */
  readonly path: string
  /** Makes the savepoint exist. */
  publish(manifest: CheckpointManifest): Promise<void>
  /** Removes what was written, as far as that is possible; what is left is no snapshot. */
  abandon(): Promise<void>
}
