/** Reading and writing snapshots, `millrace/state`: an explicit list of names. */

export { fromJson, type Json, toJson } from '../runtime/inspect/json-values.ts'
export {
  type MeasuredState,
  openSnapshot,
  type OperatorWatermarks,
  type Snapshot,
  type SnapshotChange,
  type SnapshotEntry,
  type SnapshotState,
  type SourcePosition,
  type StateAddress,
} from '../runtime/inspect/snapshot.ts'
export type { SnapshotStateKind } from '../runtime/inspect/snapshot-states.ts'
export { type VerifiedSnapshot, verifySnapshots } from '../runtime/inspect/verify-snapshots.ts'
export type { StateEdits } from '../runtime/rewrite/edit-plan.ts'
export {
  bootstrapBroadcast,
  bootstrapOperatorState,
  bootstrapState,
  bootstrapTimers,
  changeState,
  dropState,
  type Entries,
  type NewEntry,
  type NewEntryOwner,
  type NewTimer,
  putEntries,
  renameState,
  type StateEdit,
} from '../runtime/rewrite/state-edit.ts'
export {
  writeSavepoint,
  type WriteSavepointOptions,
  type WrittenSavepoint,
} from '../runtime/rewrite/write-savepoint.ts'
