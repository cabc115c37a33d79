import type { RecordChunk } from './batch-builder.ts'
import type { PendingTransaction } from './commit-plan.ts'

/** What a cut of a subtask has for its transaction, as it stands in the checkpoint; plain data. */
export interface KafkaCommittable extends PendingTransaction {
  /** The id under which it is to be committed, by whoever does it. Also where there are no records: a restart fences all these ids. */
  readonly transactionalId: string
  readonly checkpointId: number
  readonly chunks: readonly RecordChunk[]
}
