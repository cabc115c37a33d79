/**
 * Which checkpoints of a lineage count, where a manifest that is there does not say so by itself: an object store has nothing that
 * keeps a run away which another one has taken over from, so that each change is a decision between the two.
 */
export interface PublishedCheckpoints {
  /**
   * Ids that count, ascending. What it says stays true until this run changes it: a change whose answer was lost has happened by
   * then, or never will.
   */
  list(): Promise<readonly number[]>
  /** Fails where what `list` said last holds no more, as another run has taken over. */
  check(): Promise<void>
  /** Makes one count whose manifest is there. Fails with `MR_JOB_FENCED` where another run has taken over. */
  add(checkpointId: number): Promise<void>
  /**
   * From now on, of those up to the highest of `kept`, only `kept` count: the others may be removed. Fails as `add`, and nothing may
   * be removed then.
   */
  keep(kept: readonly number[]): Promise<void>
}
