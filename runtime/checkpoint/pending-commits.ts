/** What one checkpoint has pending in a sink. */
export interface PendingCommit {
  readonly checkpointId: number
  readonly committables: readonly unknown[]
}

/**
 * Spreads what the subtasks of a sink have pending over another number of them: old subtask i goes to new subtask i mod their
 * number, so that all of one writer is committed by one committer, in the order of checkpoints, once (R33). Pure.
 */
export function spreadCommits(
  writers: readonly (readonly PendingCommit[])[],
  parallelism: number,
): PendingCommit[][] {
  return Array.from({ length: parallelism }, (_, subtask) =>
    writers.filter((_, old) => old % parallelism === subtask).flat(),
  )
}
