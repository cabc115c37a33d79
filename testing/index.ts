/** The published test kit, `millrace/testing`: an explicit list of names. */

// Operators
export { operatorHarness } from './operator-harness.ts'
export type { BothKeyedBy, KeyedBy, OperatorHarness } from './operator-harness.ts'
export type { StreamHarness, OperatorHarnessOptions } from './stream-harness.ts'
export type { InputRecord, OperatorSnapshot, RestoreOptions } from './stream-harness.ts'
export type { TwoInputHarness } from './two-input-harness.ts'
export type { OutputElement, StreamRecord } from './hand-output.ts'
export type { FunctionUnderTest, StreamUnderTest } from './stream-under-test.ts'
export type { TwoInputFunctionUnderTest, TwoStreamsUnderTest } from './stream-under-test.ts'
export { VERIFY_MODES, verifyOperator } from './verify-operator.ts'
export type { VerifyMode, VerifyOptions } from './verify-operator.ts'
export type { HarnessInput, HarnessTime, TwoHarnessInputs } from './verify-input.ts'
export { ManualClock } from './manual-clock.ts'

// Jobs
export { testJob } from './test-job.ts'
export type { TestJobOptions, TestJobResult } from './test-job-options.ts'
export { forSeeds, randomCrashes } from './seeds.ts'
export type { Crash, CrashPoint } from './crash-plan.ts'
export { SimulatedDisk } from './simulated-storage.ts'
export { FAILPOINTS, type Failpoint } from '../runtime/failpoint.ts'
// What may stand among the values of a collectionSource.
export { ABORT, at, pause } from '../connectors/collection-source.ts'
export type { CollectionMarker, Timestamped } from '../connectors/collection-source.ts'
