import type { CheckpointManifest } from './manifest.ts'

/** Begins a message about a snapshot: `Savepoint 7 of lineage 1f3a`, or `Checkpoint …`. */
export function snapshotLabel({
  kind,
  checkpointId,
  lineage,
}: Pick<CheckpointManifest, 'kind' | 'checkpointId' | 'lineage'>): string {
  const what = kind === 'savepoint' ? 'Savepoint' : 'Checkpoint'
  return `${what} ${checkpointId} of lineage ${lineage}`
}
