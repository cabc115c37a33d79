interface HeldCut {
  readonly checkpointId: number
  /** Its checkpoint has completed: it is being written out. */
  isDue: boolean
}

/**
 * Says when a sink that writes only after completion must withhold credit (R35); pure.
 *
 * Such a sink may hold the records of one checkpoint that waits and of one that is being written out. So it takes no more
 * input when a cut is made while an earlier one is still being written. What aborted checkpoints left counts as part of the
 * checkpoint that waits, since it goes out with it.
 */
export class HeldCuts {
  #cuts: HeldCut[] = []

  /** Tells of a cut; `baseId` is the last completed checkpoint by then. */
  cut(checkpointId: number, baseId: number, hasRecords: boolean): void {
    for (const held of this.#cuts) if (held.checkpointId <= baseId) held.isDue = true
    if (hasRecords) this.#cuts.push({ checkpointId, isDue: false })
  }

  /** Tells that the records of this cut have been written out. */
  committed(checkpointId: number): void {
    this.#cuts = this.#cuts.filter((held) => held.checkpointId !== checkpointId)
  }

  get isReady(): boolean {
    return !this.#cuts.some((held) => held.isDue) || this.#cuts.every((held) => held.isDue)
  }
}
