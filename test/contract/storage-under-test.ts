import type { CheckpointStorage } from '../../runtime/checkpoint/checkpoint-storage.ts'
import type { CallFaults } from '../harness/faults.ts'

/** What a storage keeps, as it lies there: to be damaged. */
export interface StoredObjects {
  /** All of it, sorted; what holds nothing but names is not among them. */
  readonly names: () => Promise<readonly string[]>
  readonly read: (name: string) => Promise<Uint8Array>
  readonly write: (name: string, bytes: Uint8Array) => Promise<void>
  readonly remove: (name: string) => Promise<void>
}

/** An empty storage. */
export interface StorageUnderTest {
  /** The place as a process that starts now sees it; called several times. */
  readonly open: () => CheckpointStorage
  /** The same, where the calls to what lies below it go wrong or are slow. */
  readonly openFaulty: (faults: CallFaults) => CheckpointStorage
  readonly objects: StoredObjects
  /** Removes it. */
  readonly remove?: () => Promise<void>
}
