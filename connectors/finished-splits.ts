/**
 * Keeps finished splits in a reader's state until a checkpoint that recorded them as finished has completed (R31).
 *
 * Without that a failure before the checkpoint would lose the fact, and nobody would read the split again or know that it
 * is done.
 */
export class FinishedSplits<Split> {
  #splits: { readonly split: Split; recordedBy: number | undefined }[] = []

  add(split: Split): void {
    this.#splits.push({ split, recordedBy: undefined })
  }

  /** The splits for the snapshot of a checkpoint. */
  snapshot(checkpointId: number): readonly Split[] {
    for (const entry of this.#splits) entry.recordedBy ??= checkpointId
    return this.#splits.map((entry) => entry.split)
  }

  /** Drops the splits that this checkpoint, or an earlier one that is thereby outdated, has recorded, and returns them. */
  completed(checkpointId: number): readonly Split[] {
    const isRecorded = ({ recordedBy = Infinity }) => recordedBy <= checkpointId
    const dropped = this.#splits.filter(isRecorded).map(({ split }) => split)
    this.#splits = this.#splits.filter((entry) => !isRecorded(entry))
    return dropped
  }
}
