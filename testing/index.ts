/** The published test kit, `millrace/testing`: an explicit list of names. */

// Operators
export { operatorHarness } from './operator-harness.ts'
export type {
  OperatorHarness,
  OperatorHarnessOptions,
  OperatorSnapshot,
  StreamRecord,
  StreamUnderTest,
} from './operator-harness.ts'
export { VERIFY_MODES, verifyOperator } from './verify-operator.ts'
export type { HarnessInput, VerifyMode, VerifyOptions } from './verify-operator.ts'
export { ManualClock } from './manual-clock.ts'

// Jobs
export { testJob, type TestJobOptions, type TestJobResult } from './test-job.ts'
export type { Crash, CrashPoint } from './crash-plan.ts'
export { SimulatedDisk } from './simulated-storage.ts'
export { FAILPOINTS, type Failpoint } from '../runtime/failpoint.ts'
// What may stand among the values of a collectionSource.
export { ABORT, at, pause } from '../connectors/collection-source.ts'
export type { CollectionMarker, Timestamped } from '../connectors/collection-source.ts'
